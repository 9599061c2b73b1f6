"""The bytes of files, and what kind of file they are."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

__all__ = ["contents", "open_regular", "parsed"]


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
    ValueError
        There are none.
    """
    with open_regular(path) as file:
        data = file.read()
    if not data:
        raise ValueError(f"{path} is empty: nothing was written to it.")
    return data


# What parsers and constructors raise when they are given bytes or settings that nobody wrote.
DAMAGE = (ArithmeticError, AttributeError, EOFError, LookupError, RecursionError, TypeError, ValueError)


@contextmanager
def parsed(name: str, *more: type[Exception]) -> Iterator[None]:
    """A ``with`` statement for what turns the content of a file into objects: an error there is the file's.

    It stands around foreign bytes and settings alone: checks come first, and whatever they let through that a parser or
    constructor then fails at becomes a ValueError that names the file, with the error itself as its cause.

    Parameters
    ----------
    name : str
        What the file is called in errors.
    *more : class of exceptions
        What this parser raises too.

    Raises
    ------
    ValueError
        In the place of these errors.
    OSError
        In the place of a MemoryError.
    """
    kinds: tuple[type[Exception], ...] = (*DAMAGE, *more)
    try:
        yield
    except MemoryError as error:
        raise OSError(errno.ENOMEM, "what the file describes does not fit into memory", name) from error
    except kinds as error:
        if type(error) is ValueError and name in str(error):
            raise
        said = str(error) if isinstance(error, (TypeError, ValueError)) and str(error) else repr(error)
        raise ValueError(f"{name}: {said}") from error
