"""Rows of data of which a process has only its own."""

from __future__ import annotations

import numpy as np

__all__ = ["Part", "borders", "files_of", "read_rows"]


def borders(rows: int, parts: int) -> list[int]:
    """Where each of these parts of rows begins, and the end: parts differ by one row at most."""
    return [rows * i // parts for i in range(parts + 1)]


class Part:
    """The rows of a process, of an array that no process has in whole; what `DataParallel.parts` gives.

    Attributes
    ----------
    array : ndarray, shape (its rows, ...)
    first : int
        The number of its first row in the whole.
    rows : int
        Rows of the whole.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> part = gs.distribution.Part(np.zeros((2, 3)), first=4, rows=8)
    >>> len(part), part
    (8, Part(rows 4 to 6 of 8, each (3,), float64))
    """

    def __init__(self, array: np.ndarray, first: int, rows: int) -> None:
        self.array, self.first, self.rows = array, first, rows

    def __len__(self) -> int:
        return self.rows

    def __repr__(self) -> str:
        end = self.first + len(self.array)
        return f"Part(rows {self.first} to {end} of {self.rows}, each {self.array.shape[1:]}, {self.array.dtype})"


def read_rows(files: list[str], lengths: list[int], first: int, last: int) -> np.ndarray:
    """Rows [first, last) of the arrays of files, one after another; where they lie if one file has them all."""
    found: list[np.ndarray] = []
    begin = 0
    for name, length in zip(files, lengths, strict=True):
        low, high = max(first - begin, 0), min(last - begin, length)
        if low < high:
            found.append(np.load(name, mmap_mode="r")[low:high])
        begin += length
    if not found:
        found.append(np.load(files[0], mmap_mode="r")[:0])
    return found[0] if len(found) == 1 else np.concatenate(found)


def files_of(pattern: str) -> tuple[list[str], list[int]]:
    """The files of a pattern, in the order of their names, and how many rows each has.

    Raises
    ------
    FileNotFoundError
        There is none.
    ValueError
        Their rows differ in shape or dtype.
    """
    from glob import glob

    files = sorted(glob(pattern))
    if not files:
        raise FileNotFoundError(f"no file matches {pattern!r}.")
    arrays = [np.load(name, mmap_mode="r") for name in files]
    for name, array in zip(files, arrays, strict=True):
        if array.ndim == 0 or (array.shape[1:], array.dtype) != (arrays[0].shape[1:], arrays[0].dtype):
            raise ValueError(
                f"the files of {pattern!r} must have rows of one shape and dtype; {files[0]} has shape "
                f"{arrays[0].shape} and {arrays[0].dtype}, {name} {array.shape} and {array.dtype}."
            )
    return files, [len(array) for array in arrays]
