"""What every loss can do; the values and slopes themselves are C++ (csrc/losses)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from ..checks import class_numbers, flag, numeric, rows_of, snake_case
from ..config import floatx
from ..described import Described

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Loss"]


class Loss(Described):
    """Base of the losses: a number for each row of predictions against its targets, and their mean.

    Not used itself. A subclass is named as its loss is in the engine, in Keras's capitals.

    Parameters
    ----------
    from_logits : bool
        Whether predictions are inputs of the last sigmoid or softmax, not its outputs.

    Notes
    -----
    Predictions have shape (rows, n), or (n,) for one row, or more dimensions in front. float32 and float64 predictions
    keep their dtype, in which the loss of a row is summed; others are taken as `config.floatx()`.
    """

    # Whether targets are class numbers, one a row, instead of rows of numbers.
    labels = False

    def __init__(self, from_logits: bool = False) -> None:
        self.name = snake_case(type(self).__name__)
        self.from_logits = flag("from_logits", from_logits)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'from_logits=True' if self.from_logits else ''})"

    def __call__(self, y_true: ArrayLike, y_pred: ArrayLike) -> float:
        """The mean loss of all rows.

        Parameters
        ----------
        y_true : array_like
            Targets, of the shape of `y_pred`; class numbers, one a row, for sparse losses.
        y_pred : array_like, shape (..., n)
            Predictions.

        Raises
        ------
        TypeError
            An array is not of numbers, or class numbers are not whole.
        ValueError
            The shapes differ, there is no row, or a class number is outside [0, n).
        """
        return float(np.mean(self.rows(y_true, y_pred)))

    def rows(self, y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
        """The loss of each row: shape of `y_pred` without its last axis, float64. Raises as a call does."""
        values, _, shape = self._evaluate(y_true, y_pred)
        return values.reshape(shape[:-1])

    def value_and_grad(self, y_true: ArrayLike, y_pred: ArrayLike) -> tuple[float, np.ndarray]:
        """The mean loss of all rows, and its gradient with respect to `y_pred`, of that shape. Raises as a call does.

        Examples
        --------
        >>> import gradstep as gs
        >>> gs.losses.MeanSquaredError().value_and_grad([[1.0, 2.0]], [[1.0, 4.0]])
        (2.0, array([[0., 2.]], dtype=float32))
        """
        values, slope, shape = self._evaluate(y_true, y_pred)
        slope /= len(values)
        return float(np.mean(values)), slope.reshape(shape)

    def _evaluate(self, y_true: ArrayLike, y_pred: ArrayLike) -> tuple[np.ndarray, np.ndarray, tuple[int, ...]]:
        """Loss of each row (rows,), its slope (rows, n), and the shape of the predictions."""
        predicted = numeric(y_pred, "y_pred")
        kept = isinstance(y_pred, np.ndarray) and predicted.dtype in (np.float32, np.float64)
        dtype = predicted.dtype.name if kept else floatx()
        shape = predicted.shape
        if not shape or not predicted.size:
            raise ValueError(f"y_pred must have at least one row of at least one number; its shape is {shape}.")
        targets = class_numbers(y_true, "y_true") if self.labels else numeric(y_true, "y_true")
        wanted = shape[:-1] if self.labels else shape
        if self.labels and targets.shape == (*wanted, 1):
            targets = targets[..., 0]
        if targets.shape != wanted:
            rule = "the class numbers of y_pred's rows have shape" if self.labels else "y_pred has shape"
            raise ValueError(f"y_true has shape {targets.shape}; {rule} {wanted}: they must be equal.")
        rows = rows_of(predicted, dtype).reshape(-1, shape[-1])
        known = rows_of(targets, "int64").reshape(-1) if self.labels else rows_of(targets, dtype).reshape(rows.shape)
        values, slope = _core.loss(self.name, self.from_logits, known, rows)
        return values, slope, shape
