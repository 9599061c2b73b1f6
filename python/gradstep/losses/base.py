"""Base class of the losses: reduction, weights, masks; and custom losses."""

from __future__ import annotations

import inspect
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from ..checks import check_choice, describe, numeric, snake_case
from ..config import FLOATS, floatx
from ..described import Described

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["REDUCTIONS", "Loss", "aligned", "counts", "predictions", "spread"]

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none")


class Loss(Described):
    """Base class of the losses. A custom loss defines `call` and `gradient`.

    Parameters
    ----------
    name : str, optional
        By default the class's, in small letters.
    reduction : {"sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None}
        How the losses of rows become one number: their mean (also "mean"), their sum, their sum over that of the
        weights, or not at all (also None). Default "sum_over_batch_size".
    dtype : {"float32", "float64"}, optional
        What to compute in. By default that of the predictions where they are such an array, else `config.floatx()`.

    Raises
    ------
    TypeError, ValueError
        A reduction or dtype that there is not.

    Notes
    -----
    With losses :math:`\\ell_i`, weights :math:`w_i` and a mask :math:`m_i` the loss is

    =========================  =====================================================
    "sum"                      sum of m w l
    "sum_over_batch_size"      sum of m w l, over the number of losses that the mask leaves
    "mean_with_sample_weight"  sum of m w l, over the sum of m w
    =========================  =====================================================

    and 0 where nothing is left, all as in Keras 3.

    In `fit` a custom loss is called with each batch, between the engine's forward and backward pass, and its
    targets come as they are, with the rows of the batch. A function will do too: see `LossFunctionWrapper`.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> class Cubic(gs.losses.Loss):
    ...     def call(self, y_true, y_pred):
    ...         return np.mean(np.abs(y_pred - y_true) ** 3, axis=-1)
    ...     def gradient(self, y_true, y_pred):
    ...         return 3 * (y_pred - y_true) * np.abs(y_pred - y_true) / y_pred.shape[-1]
    >>> Cubic().value_and_grad([[1.0], [1.0]], [[3.0], [0.0]])
    (4.5, array([[ 6. ],
           [-1.5]], dtype=float32))
    """

    # Whether targets are class numbers, one a row, instead of rows of numbers.
    labels = False
    # Targets for which the loss is defined: smallest and largest. Models warn of others.
    target_range = -math.inf, math.inf
    # Whether a row of outputs has a number for each class; a single one then says nothing.
    categorical = False
    # Its weight in the loss of a model, which then has a copy of it.
    _factor = 1.0

    def __init__(
        self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: str | None = None
    ) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name must be a str; got {describe(name)}.")
        self.name = snake_case(type(self).__name__) if name is None else name
        self.reduction = reduction
        check_choice("reduction", "none" if reduction is None else reduction, dict.fromkeys(REDUCTIONS))
        self._given_dtype = None if dtype is None else check_choice("dtype", dtype, FLOATS)

    def __repr__(self) -> str:
        defaults = {key: value.default for key, value in inspect.signature(type(self)).parameters.items()}
        given = {key: value for key, value in self.get_config().items() if value != defaults.get(key)}
        if given.get("name") == snake_case(type(self).__name__):
            del given["name"]
        return f"{type(self).__name__}({', '.join(f'{key}={value!r}' for key, value in given.items())})"

    # -- what a custom loss defines --------------------------------------------------------------------------------

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """The loss of each row: usually the shape of `y_pred` without its last axis; or one number."""
        raise NotImplementedError(f"{type(self).__name__} must define call(y_true, y_pred).")

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Gradient of the sum of `call`'s values with respect to `y_pred`, in its shape."""
        raise NotImplementedError(
            f"{type(self).__name__} must define gradient(y_true, y_pred): the gradient of the sum of call()'s values "
            "with respect to y_pred."
        )

    def get_config(self) -> dict[str, Any]:
        """Config of the loss: the arguments of its constructor."""
        config: dict[str, Any] = {"name": self.name, "reduction": self.reduction}
        return config if self._given_dtype is None else config | {"dtype": self._given_dtype}

    # -- what it can do -------------------------------------------------------------------------------------------

    def __call__(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None = None,
        mask: ArrayLike | None = None,
    ) -> Any:
        """The loss.

        Parameters
        ----------
        y_true : array_like
            Targets, of the shape of `y_pred`; class numbers, one a row, for sparse losses. Where one of them has a last
            axis of 1 that the other lacks it is added, as in Keras; nothing else is broadcast.
        y_pred : array_like, shape (..., n)
            Predictions.
        sample_weight : array_like, optional
            What the losses count for; broadcast to their shape, mostly that of `y_pred` without its last axis.
        mask : array_like of bool, optional
            Which losses count; shape as `sample_weight`.

        Returns
        -------
        float
            Or with the reduction "none" an ndarray of the losses times their weights.

        Raises
        ------
        TypeError
            An array is not of numbers.
        ValueError
            Shapes do not fit, or there is no row.
        """
        return self._evaluate(y_true, y_pred, sample_weight, mask, False)[0]

    def value_and_grad(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None = None,
        mask: ArrayLike | None = None,
    ) -> tuple[Any, np.ndarray]:
        """The loss and its gradient with respect to `y_pred`, in its shape. Raises as `__call__` does.

        With the reduction "none" the gradient is that of the sum.

        Examples
        --------
        >>> import gradstep as gs
        >>> gs.losses.MeanSquaredError().value_and_grad([[1.0, 2.0]], [[1.0, 4.0]])
        (2.0, array([[0., 2.]], dtype=float32))
        """
        value, gradient = self._evaluate(y_true, y_pred, sample_weight, mask, True)
        assert gradient is not None
        return value, gradient

    def _evaluate(
        self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any, grad: bool
    ) -> tuple[Any, np.ndarray | None]:
        predicted = predictions(y_pred, self._given_dtype)
        targets = numeric(y_true, "y_true")
        if targets.dtype.kind == "f" or not self.labels:
            targets = targets.astype(predicted.dtype, copy=False)
        values, gradient = self._rows(targets, predicted, grad)
        value, scales = self._reduce(values, sample_weight, mask)
        if gradient is None:
            return value, None
        if values.ndim == 0:
            scales = scales.sum()
        gradient = gradient * np.reshape(scales, values.shape + (1,) * (predicted.ndim - values.ndim))
        return value, gradient.astype(predicted.dtype, copy=False)

    def _rows(self, targets: np.ndarray, predicted: np.ndarray, grad: bool) -> tuple[np.ndarray, np.ndarray | None]:
        """The losses, and the gradient of their sum, checked."""
        values = np.asarray(self.call(targets, predicted), np.float64)
        gradient = np.asarray(self.gradient(targets, predicted)) if grad else None
        return checked(self.name, values, gradient, predicted.shape)

    def _reduce(self, values: np.ndarray, sample_weight: Any, mask: Any) -> tuple[Any, np.ndarray]:
        """The reduced loss, and its gradient by the loss of each row."""
        weights = counts(sample_weight, "sample_weight", values.shape)
        chosen = counts(mask, "mask", values.shape)
        shape = np.broadcast_shapes(values.shape, *(w.shape for w in (weights, chosen) if w is not None))
        alone = values.ndim == 0 and weights is None and chosen is None
        word = "mean" if alone and self.reduction == "sum" else self.reduction or "none"
        flat = np.broadcast_to(values, shape).ravel()
        value, scales = _core.reduce(word, flat, spread(weights, shape, "float64"), spread(chosen, shape, "bool"))
        scales = scales.reshape(shape)
        return (value if word != "none" else values * scales), scales

    # -- how a model uses it ----------------------------------------------------------------------------------------

    def _specification(self) -> dict[str, Any] | None:
        """Specification of a loss of the compiled core; else None. ValueError if no model can use it."""
        self._must_reduce()
        return None

    def _must_reduce(self) -> None:
        if self.reduction in (None, "none"):
            raise ValueError(f"loss {self.name!r} must give one number to train by; its reduction is none.")

    def _mask(self, targets: np.ndarray) -> np.ndarray | None:
        """Which rows count, if not all."""
        return None

    def _of_batch(
        self, y_true: np.ndarray, y_pred: np.ndarray, weights: np.ndarray | None, mask: np.ndarray | None = None
    ) -> tuple[float, np.ndarray]:
        """Value and gradient of a batch of a model, where the engine does not know them."""
        value, gradient = self._evaluate(y_true, y_pred, weights, mask, True)
        assert gradient is not None
        if self._factor != 1:
            value, gradient = self._factor * value, gradient.dtype.type(self._factor) * gradient
        return value, np.ascontiguousarray(gradient)


def predictions(y_pred: Any, dtype: str | None) -> np.ndarray:
    """y_pred in the dtype that a loss is computed in."""
    predicted = numeric(y_pred, "y_pred")
    if dtype is None:
        kept = isinstance(y_pred, np.ndarray) and predicted.dtype in (np.float32, np.float64)
        dtype = predicted.dtype.name if kept else floatx()
    if not predicted.ndim or not predicted.size:
        raise ValueError(f"y_pred must have at least one row of at least one number; its shape is {predicted.shape}.")
    return predicted.astype(dtype, copy=False)


def aligned(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both with the same number of axes, where one has an additional last axis of 1."""
    if first.ndim == second.ndim + 1 and first.shape[-1] == 1:
        return (first, second[..., None]) if second.ndim == 1 else (first[..., 0], second)
    if second.ndim == first.ndim + 1 and second.shape[-1] == 1:
        return (first[..., None], second) if first.ndim == 1 else (first, second[..., 0])
    return first, second


def checked(
    name: str, values: np.ndarray, gradient: np.ndarray | None, shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Values and gradient of a custom loss, checked."""
    if values.shape != shape[: values.ndim]:
        raise ValueError(f"loss {name!r} gave values of shape {values.shape}; predictions have shape {shape}.")
    if gradient is not None and gradient.shape != shape:
        raise ValueError(f"loss {name!r} gave a gradient of shape {gradient.shape}; predictions have shape {shape}.")
    return values, gradient


def counts(given: Any, name: str, shape: tuple[int, ...]) -> np.ndarray | None:
    """Weights or a mask for losses of a shape, as Keras brings them to it."""
    if given is None:
        return None
    array = numeric(given, name)
    if array.ndim == len(shape) + 1 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim and len(shape) == array.ndim + 1 and shape[-1] == 1:
        array = array[..., None]
    try:
        fits = not shape or np.broadcast_shapes(array.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"{name} must fit losses of shape {shape}; its shape is {array.shape}.")
    return array


def spread(given: np.ndarray | None, shape: tuple[int, ...], dtype: str) -> np.ndarray | None:
    """An array of one number for each loss."""
    return None if given is None else np.ascontiguousarray(np.broadcast_to(given, shape).ravel(), dtype)
