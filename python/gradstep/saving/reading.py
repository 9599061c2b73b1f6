"""The bytes of files, and what kind of file they are."""

from __future__ import annotations

import errno
import os
import stat

from . import archive

__all__ = ["contents", "kind_of"]


def contents(path: str) -> bytes:
    """The bytes of a file.

    Raises
    ------
    OSError
        There is no such file, it may not be read, or it is a folder or a device.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as file:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise IsADirectoryError(errno.EISDIR, "a file must be read, and this is a folder", path)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "a file must be read, and this is none", path)
        return file.read()


def kind_of(data: bytes) -> str:
    """What wrote a file: "gradstep" a whole model, "keras" one, "hdf5" weights, or else, it seems, "safetensors"."""
    if archive.is_ours(data):
        return "gradstep"
    if data[:4] == b"PK\3\4":
        return "keras"
    return "hdf5" if data[:8] == b"\x89HDF\r\n\x1a\n" else "safetensors"
