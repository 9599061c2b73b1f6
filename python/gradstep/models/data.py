"""Data as the engine takes it: rows of numbers in C order, and targets that fit the loss; or an error that says why."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import choose, class_numbers, numeric, rows_of, whole
from ..losses.native import NativeLoss

if TYPE_CHECKING:
    from ..losses.base import Loss

__all__ = ["batch_rows", "equal_rows", "inputs", "row_weights", "split_off", "targets", "verbosity"]

VERBOSITY = {"auto": 1}
READABLE = ("float32", "float64", "uint8")


def inputs(x: np.ndarray, name: str, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """x (rows, *shape), or (rows,) where a row is one number -> (rows, numbers a row).

    Not copied if it is float32, float64 or uint8 in C order: the engine reads such rows where they lie.
    """
    if x.ndim == 1 and shape == (1,):
        x = x[:, None]
    if x.ndim == 0 or x.shape[1:] != shape:
        wanted = ", ".join(map(str, ("rows", *shape)))
        raise ValueError(f"{name} has shape {x.shape}; the model takes ({wanted}).")
    return rows_of(x, x.dtype.name if x.dtype.name in READABLE else dtype).reshape(len(x), math.prod(shape))


def targets(y: Any, name: str, loss: Loss, outputs: int, dtype: str) -> np.ndarray:
    """y -> (rows, outputs), or int64 class numbers (rows,) for a sparse loss; any rows for a loss of the user's."""
    if loss.labels:
        labels = class_numbers(y, name)
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = labels[:, 0]
        if labels.ndim != 1:
            raise ValueError(
                f"{name} has shape {labels.shape}; {loss.name} takes class numbers of shape (rows,). "
                "For one-hot rows use categorical_crossentropy."
            )
        return rows_of(labels, "int64")
    values = numeric(y, name)
    if values.ndim == 1 and outputs == 1:
        values = values[:, None]
    if not isinstance(loss, NativeLoss) and values.ndim and values.shape[1:] != (outputs,):
        return np.ascontiguousarray(values)
    if values.shape[1:] != (outputs,) or values.ndim == 0:
        assert isinstance(loss, NativeLoss)
        message = f"{name} has shape {values.shape}; the model's outputs have shape (rows, {outputs})."
        if loss.kind == "categorical_crossentropy" and values.shape[1:] in ((), (1,)):
            message += " For class numbers use sparse_categorical_crossentropy, or gradstep.utils.to_categorical(y)."
        raise ValueError(message)
    return rows_of(values, dtype)


def row_weights(given: Any, name: str, rows: int) -> np.ndarray | None:
    """What rows count for: None, or (rows,) or (rows, 1) of finite numbers -> float64 (rows,)."""
    if given is None:
        return None
    weights = numeric(given, name)
    if weights.ndim == 2 and weights.shape[1] == 1:
        weights = weights[:, 0]
    if weights.shape != (rows,):
        raise ValueError(f"{name} must have a number for each of {rows} rows; its shape is {weights.shape}.")
    if not np.isfinite(weights).all():
        at = int(np.argmin(np.isfinite(weights)))
        raise ValueError(f"{name} must be finite; {name}[{at}] is {weights[at]}.")
    return rows_of(weights, "float64")


def equal_rows(x: np.ndarray, y: np.ndarray, names: tuple[str, str]) -> None:
    """Refuse data and targets of different lengths, and none at all."""
    rows = [array.shape[0] if array.ndim else 0 for array in (x, y)]
    if rows[0] != rows[1]:
        raise ValueError(f"{names[0]} and {names[1]} must have as many rows; got {rows[0]} and {rows[1]}.")
    if rows[0] == 0:
        raise ValueError(f"{names[0]} must have at least one row; its shape is {x.shape}.")


def batch_rows(batch_size: Any, rows: int) -> int:
    """Rows of a batch; "full" is all of them."""
    if isinstance(batch_size, str):
        return choose("batch_size", batch_size, {"full": max(rows, 1)})
    return 32 if batch_size is None else whole("batch_size", batch_size, 1)


def split_off(x: np.ndarray, y: np.ndarray, share: float) -> tuple[np.ndarray, ...]:
    """The first rows of x and y, and the last: that share of them, as Keras rounds it."""
    border = math.floor(len(x) * (1 - share))
    if border in (0, len(x)):
        raise ValueError(
            f"validation_split must leave rows on both sides; {share} of {len(x)} rows gives {border} and "
            f"{len(x) - border}."
        )
    return x[:border], y[:border], x[border:], y[border:]


def verbosity(verbose: Any) -> int:
    """0 for silence, 1 for a bar, 2 for lines."""
    if isinstance(verbose, str):
        return choose("verbose", verbose, VERBOSITY)
    level = int(verbose) if isinstance(verbose, bool) else whole("verbose", verbose, 0)
    if level > 2:
        raise ValueError(f"verbose must be 'auto', 0, 1 or 2; got {verbose!r}.")
    return level
