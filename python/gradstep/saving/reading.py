"""The bytes of files, and what kind of file they are."""

from __future__ import annotations

import errno
import os
import stat
from typing import BinaryIO

from . import archive

__all__ = ["contents", "kind_of", "open_regular"]


def open_regular(path: str) -> BinaryIO:
    """A file, opened to be read in binary.

    Raises
    ------
    OSError
        There is no such file, it may not be read, or it is a folder, a pipe or a device.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0))
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, "a file must be read, and this is a folder", path)
        raise OSError(errno.EINVAL, "a file must be read, and this is none", path)
    return os.fdopen(descriptor, "rb")


def contents(path: str) -> bytes:
    """The bytes of a file.

    Raises
    ------
    OSError
        As `open_regular` does.
    """
    with open_regular(path) as file:
        return file.read()


def kind_of(data: bytes) -> str:
    """What wrote a file: "gradstep" a whole model, "keras" one, "hdf5" weights, or else, it seems, "safetensors"."""
    if archive.is_ours(data):
        return "gradstep"
    if data[:4] == b"PK\3\4":
        return "keras"
    return "hdf5" if data[:8] == b"\x89HDF\r\n\x1a\n" else "safetensors"
