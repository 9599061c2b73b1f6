"""Targets as the classes of points."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checks import numeric

__all__ = ["class_labels", "table"]


def table(X: Any) -> np.ndarray:
    """X as (rows, features)."""
    array = numeric(X, "X")
    if array.ndim != 2 or not array.size:
        raise ValueError(f"X must have shape (rows, features), with at least one row; its shape is {array.shape}.")
    wrong = np.argwhere(~np.isfinite(array))
    if len(wrong):
        row, column = wrong[0]
        raise ValueError(f"X must be finite; X[{row}, {column}] is {array[row, column]}.")
    return array


def class_labels(y: Any, rows: int) -> np.ndarray:
    """A label for each row, (rows,), of y: (rows,), (rows, 1), or one-hot (rows, classes)."""
    labels = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] > 1:
        labels = labels.argmax(1)
    labels = labels.reshape(-1) if labels.shape[1:] == (1,) else labels
    if labels.shape != (rows,):
        raise ValueError(f"y must have a label for each of {rows} rows of X; its shape is {np.shape(y)}.")
    if labels.dtype.kind == "f" and (labels == np.floor(labels)).all():
        return labels.astype(np.int64)
    return labels
