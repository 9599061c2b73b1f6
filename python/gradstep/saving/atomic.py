"""Files that are replaced whole, or stay as they are."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

from ..checks import check_bool, check_folder, describe
from ..console import is_terminal

__all__ = ["check_target", "path_of", "replacing", "wanted"]

# A name has at most 255 bytes; a temporary one is longer than the file's by this many and a few.
RANDOM = 16
LONGEST = 200


def path_of(path: Any, name: str = "filepath") -> str:
    """A path as a str."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"{name} must be a str or a path; got {describe(path)}.")
    found = os.fspath(path)
    if not isinstance(found, str) or not found or "\0" in found:
        raise ValueError(f"{name} must be the name of a file; got {found!r}.")
    return os.path.expanduser(found)


def wanted(path: str, overwrite: bool) -> bool:
    """Whether to write a file: one that is there is replaced only if `overwrite` or somebody at the terminal says so.

    Raises
    ------
    FileExistsError
        The file is there, `overwrite` is False, and there is nobody to ask.
    """
    if check_bool("overwrite", overwrite) or not os.path.lexists(path):
        return True
    import sys

    refusal = FileExistsError(errno.EEXIST, "the file is there, and overwrite=False", path)
    if not is_terminal(sys.stdin):
        raise refusal
    try:
        answer = input(f"{path} is there already. Replace it? [y/n] ")
    except (RuntimeError, ValueError):  # there is no standard output, or it is closed
        raise refusal from None
    return answer.strip().lower() in ("y", "yes")


@contextmanager
def replacing(path: str) -> Iterator[BinaryIO]:
    """A new file to write, which takes the place of `path` at the end of the ``with`` block.

    Until then, and after any error, `path` is as it was: its bytes go to a temporary file in the same folder, which is
    on the disk before it is renamed, and so is the new entry of the folder before this returns. What a killed process
    left of earlier writing to `path` is removed.

    The new file has the permissions of the old one, and its owner where the process may set it. A symbolic link stays,
    and the file it points to is replaced. Other hard links keep the old file. A pipe or a character device, such as
    ``/dev/null`` or ``/dev/stdout``, is written to and never replaced; it gets the bytes when all of them are known.

    Raises
    ------
    OSError
        The folder does not exist or may not be written to, the disk is full, or `path` is a folder, a read-only file, a
        socket, a disk, or a pipe that nobody reads.
    """
    old = _status(path)
    if old is not None and not stat.S_ISREG(old.st_mode):
        with _passing_on(path) as file:
            yield file
        return
    target = os.path.realpath(path)
    folder, name = os.path.split(target)
    if not os.path.isdir(folder):
        raise FileNotFoundError(errno.ENOENT, "the folder to write to does not exist", folder)
    prefix = _prefix(name)
    _remove_leftovers(folder, prefix)
    temporary, file = _create(folder, prefix, old)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.replace(temporary, target)  # while it is locked: nobody takes it for a leftover
    except BaseException:
        _remove(temporary)
        raise
    _sync_folder(folder)


def check_target(path: str) -> None:
    """Refuse what `replacing` would refuse, but for a folder that is not there yet and can be made; nothing is made."""
    _status(path)
    check_folder(os.path.dirname(os.path.realpath(path)))


def _status(path: str) -> os.stat_result | None:
    """The file at a path that can be overwritten, after links; None if there is none."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        found = None
    if path.endswith(os.sep) or (found is not None and stat.S_ISDIR(found.st_mode)):
        raise IsADirectoryError(errno.EISDIR, "a file must be written, and this is a folder", path)
    if found is None:
        return None
    if not any(kind(found.st_mode) for kind in (stat.S_ISREG, stat.S_ISFIFO, stat.S_ISCHR)):
        kind = "a socket" if stat.S_ISSOCK(found.st_mode) else "a disk"
        raise OSError(errno.EINVAL, f"a file must be written, and this is {kind}", path)
    if stat.S_ISREG(found.st_mode) and not os.access(
        path, os.W_OK, effective_ids=os.access in os.supports_effective_ids
    ):
        raise PermissionError(errno.EACCES, "the file to write is read-only", path)
    return found


@contextmanager
def _passing_on(path: str) -> Iterator[BinaryIO]:
    """A temporary file whose bytes are written to a pipe or character device at the end of the ``with`` block."""
    import shutil
    import tempfile

    with tempfile.TemporaryFile() as file:
        # A pipe that nobody reads is an error, and not a wait without end.
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0) | os.O_NOCTTY)
        with os.fdopen(descriptor, "wb") as device:
            os.set_blocking(descriptor, True)
            yield file
            file.seek(0)
            shutil.copyfileobj(file, device)


def _prefix(name: str) -> str:
    if len(os.fsencode(name)) > LONGEST:
        import hashlib

        name = hashlib.sha256(os.fsencode(name)).hexdigest()
    return f".{name}.writing-"


def _create(folder: str, prefix: str, old: os.stat_result | None) -> tuple[str, BinaryIO]:
    """A new file of a random name, locked for as long as it is open; with owner and permissions of the old file."""
    mode = 0o666 if old is None else stat.S_IMODE(old.st_mode) & 0o666  # never more readable than the old one
    while True:
        path = os.path.join(folder, prefix + os.urandom(RANDOM // 2).hex())
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), mode)
        file = os.fdopen(descriptor, "w+b")
        # Another writer may have taken it for a leftover before it was locked, and removed it.
        if _lock(descriptor) and os.fstat(descriptor).st_nlink:
            break
        file.close()
    if old is not None:
        for owner, group in ((old.st_uid, -1), (-1, old.st_gid)):
            with suppress(OSError):  # only root may give files away, others to groups that they are in
                os.fchown(descriptor, owner, group)
        with suppress(OSError):  # file systems without permissions
            os.fchmod(descriptor, stat.S_IMODE(old.st_mode))
    return path, file


def _lock(descriptor: int) -> bool:
    """Lock a file until it is closed or its process ends; False if another has it."""
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        # A file system without locks: a writer's file cannot be told from a leftover, and is left alone.
    return True


def _remove_leftovers(folder: str, prefix: str) -> None:
    for name in os.listdir(folder):
        rest = name[len(prefix) :]
        if name.startswith(prefix) and len(rest) == RANDOM and not set(rest) - set("0123456789abcdef"):
            _remove_if_left(os.path.join(folder, name))


def _remove_if_left(path: str) -> None:
    import fcntl

    try:
        descriptor = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0))
    except OSError:  # gone, or not ours
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove(path)
    except OSError:  # its writer is alive
        pass
    finally:
        os.close(descriptor)


def _remove(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)


def _sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # file systems that cannot sync a folder
            raise
    finally:
        os.close(descriptor)
