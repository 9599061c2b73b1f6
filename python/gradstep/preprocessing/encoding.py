"""Numbers of categories as rows of 0 and 1, or of counts."""

from __future__ import annotations

import numpy as np

from ..config import floatx

__all__ = ["ENCODINGS", "encoded"]

ENCODINGS = {mode: mode for mode in ("int", "one_hot", "multi_hot", "count")}


def encoded(numbers: np.ndarray, depth: int, mode: str, weights: np.ndarray | None = None) -> np.ndarray:
    """Numbers below a depth as rows of so many numbers, of `config.floatx()`; one below 0 does not count.

    A row for each number ("one_hot"), or for all of the last axis: 1 where one comes ("multi_hot"), or how often
    ("count"), each as much as its weight.
    """
    if mode == "one_hot":
        each = numbers[..., 0] if numbers.ndim > 1 and numbers.shape[-1] == 1 else numbers
        return np.asarray(each[..., None] == np.arange(depth), floatx())
    rows = numbers.reshape(-1, numbers.shape[-1] if numbers.ndim else 1)
    counts = np.zeros((len(rows), depth), floatx())
    row, place = np.nonzero(rows >= 0)
    np.add.at(counts, (row, rows[row, place]), 1 if weights is None else weights.reshape(rows.shape)[row, place])
    made = np.minimum(counts, 1) if mode == "multi_hot" else counts
    return made.reshape(*numbers.shape[:-1], depth)
