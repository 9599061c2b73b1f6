"""Parts of data: the rows that train, and those that are held out."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checks import describe

__all__ = ["Fold", "check_fold"]

Fold = tuple[np.ndarray, np.ndarray]


def check_fold(fold: Any, name: str, rows: int) -> Fold:
    """The row numbers of both parts; of row numbers or, of all rows, bool."""
    if not isinstance(fold, (tuple, list)) or len(fold) != 2:
        raise TypeError(f"{name} must be a pair of row numbers, (train, test); got {describe(fold)}.")
    parts = [np.asarray(part) for part in fold]
    for which, part in zip(("train", "test"), parts, strict=True):
        if part.ndim != 1 or part.dtype.kind not in "biu" or not len(part):
            raise ValueError(f"{name}: {which} must be row numbers, one or more; its shape is {part.shape}.")
    parts = [np.flatnonzero(part) if part.dtype.kind == "b" else part for part in parts]
    for which, part in zip(("train", "test"), parts, strict=True):
        if part.min(initial=0) < 0 or part.max(initial=-1) >= rows:
            raise ValueError(f"{name}: {which} must be row numbers from 0 to {rows - 1}; it has others.")
    return parts[0], parts[1]
