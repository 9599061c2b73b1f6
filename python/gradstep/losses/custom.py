"""Functions as losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..checks import describe
from .base import Loss, checked

__all__ = ["LossFunctionWrapper"]


class LossFunctionWrapper(Loss):
    """Wraps a function that returns values and gradient as a loss.

    Parameters
    ----------
    fn : function
        Called as ``fn(y_true, y_pred, **kwargs)`` with arrays of one dtype; gives a pair: the loss of each row (or one
        number for all), and the gradient of their sum with respect to `y_pred`, of that shape.
    reduction, name, dtype
        As in `Loss`; the name is by default the function's.
    **kwargs
        For the function.

    Raises
    ------
    TypeError
        Not a function; or from a call: it gave no pair.

    Notes
    -----
    Keras's functions give the losses alone: there TensorFlow, JAX or PyTorch finds the gradient.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> def half_square(y_true, y_pred):
    ...     return (0.5 * (y_pred - y_true) ** 2).sum(axis=-1), y_pred - y_true
    >>> gs.losses.get(half_square).value_and_grad([[0.0], [0.0]], [[2.0], [4.0]])
    (5.0, array([[1.],
           [2.]], dtype=float32))
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: str | None = None,
        **kwargs: Any,
    ) -> None:
        if not callable(fn):
            raise TypeError(f"fn must be a function; got {describe(fn)}.")
        super().__init__(getattr(fn, "__name__", type(fn).__name__) if name is None else name, reduction, dtype)
        self.fn, self._kwargs = fn, kwargs

    def __repr__(self) -> str:
        return f"LossFunctionWrapper({self.name})"

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """The loss of each row."""
        return self._both(y_true, y_pred)[0]

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """The gradient of the sum of the losses."""
        return self._both(y_true, y_pred)[1]

    def get_config(self) -> dict[str, Any]:
        """Config of the loss, with the function itself."""
        return super().get_config() | {"fn": self.fn, **self._kwargs}

    def _both(self, y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        both = self.fn(y_true, y_pred, **self._kwargs)
        if not isinstance(both, (tuple, list)) or len(both) != 2:
            raise TypeError(f"loss {self.name!r} must give (values, gradient); got {describe(both)}.")
        return np.asarray(both[0], np.float64), np.asarray(both[1])

    def _rows(self, targets: np.ndarray, predicted: np.ndarray, grad: bool) -> tuple[np.ndarray, np.ndarray | None]:
        values, gradient = self._both(targets, predicted)
        return checked(self.name, values, gradient, predicted.shape)
