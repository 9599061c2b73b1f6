"""Losses whose value and grad are C++ (csrc/losses)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import _core
from ..checks import check_bool, check_float, check_int, class_numbers, numeric, snake_case
from ..references import is_ours
from .base import Loss, aligned, counts, predictions, spread

__all__ = ["NativeLoss"]

LEAST = -(2**53)  # whole numbers are doubles in the engine


class NativeLoss(Loss):
    """Base class of this package's losses.

    A subclass is named as its loss is in the engine, in Keras's capitals, or has that name in `kind`. It gives its
    settings to `_take` by the names of the engine's fields, and ``from_logits`` and ``axis`` where it has them.
    Predictions have shape (..., n): rows of n numbers along their last axis, or along `axis`.
    """

    kind = ""
    # Of losses without these arguments.
    from_logits: bool = False
    axis: Any = -1

    def __init_subclass__(cls) -> None:
        if "kind" not in vars(cls) and is_ours(cls):  # a program's own are of the kind that they extend
            cls.kind = snake_case(cls.__name__)

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = None, dtype: str | None = None
    ) -> None:
        super().__init__(self.kind if name is None else name, reduction, dtype)
        self._names: tuple[str, ...] = ()

    def _take(self, **settings: Any) -> None:
        """Check and keep the settings of a loss."""
        self._names = tuple(settings)
        for key, value in settings.items():
            setattr(self, key, _setting(key, value))
        _core.check_loss(self._spec())

    def get_config(self) -> dict[str, Any]:
        """Config of the loss: the arguments of its constructor."""
        return super().get_config() | {name: getattr(self, name) for name in self._names}

    def _spec(self) -> dict[str, Any]:
        settings = {name: getattr(self, name) for name in self._names if name not in {"axis", "from_logits"}}
        return {
            "kind": self._kind_of_rows(),
            "of_logits": self.from_logits,
            "reduction": "none" if self.reduction is None else self.reduction,
            **{name: float(value) for name, value in settings.items() if value is not None},
        }

    def _kind_of_rows(self) -> str:
        return self.kind

    # -- on arrays --------------------------------------------------------------------------------------------------

    def call(self, y_true: Any, y_pred: Any) -> np.ndarray:
        """The loss of each row: shape of `y_pred` without its last axis, float64. Raises as `__call__` does."""
        return self._ask(y_true, y_pred, False)[0]

    def gradient(self, y_true: Any, y_pred: Any) -> np.ndarray:
        """Gradient of the sum of `call`'s values with respect to `y_pred`, in its shape."""
        gradient = self._ask(y_true, y_pred, True)[1]
        assert gradient is not None
        return gradient

    def _ask(self, y_true: Any, y_pred: Any, grad: bool) -> tuple[np.ndarray, np.ndarray | None]:
        rows = _Rows(self, y_true, y_pred)
        _, values, gradient = _core.loss(self._spec() | {"reduction": "none"}, rows.targets, rows.rows, gradient=grad)
        return values.reshape(rows.shape), None if gradient is None else rows.back(gradient)

    def _evaluate(
        self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any, grad: bool
    ) -> tuple[Any, np.ndarray | None]:
        rows = _Rows(self, y_true, y_pred)
        own = self._mask(rows.targets)
        if own is not None:
            given = counts(mask, "mask", rows.shape)
            mask = own.reshape(rows.shape) if given is None else own.reshape(rows.shape) & given.astype(bool)
        if not rows.shape:
            # One loss for everything, which weights of any shape make many.
            _, values, gradient = _core.loss(
                self._spec() | {"reduction": "none"}, rows.targets, rows.rows, gradient=grad
            )
            value, scales = self._reduce(values.reshape(()), sample_weight, mask)
            return value, None if gradient is None else rows.back(gradient) * rows.rows.dtype.type(scales.sum())
        weights = counts(sample_weight, "sample_weight", rows.shape)
        chosen = counts(mask, "mask", rows.shape)
        value, values, gradient = _core.loss(
            self._spec(),
            rows.targets,
            rows.rows,
            spread(weights, rows.shape, "float64"),
            spread(chosen, rows.shape, "bool"),
            grad,
        )
        if self.reduction in (None, "none"):
            value = values.reshape(rows.shape)
            for factor in (weights, None if chosen is None else chosen.astype(bool)):
                value = value if factor is None else value * factor
        return value, None if gradient is None else rows.back(gradient)

    def _axes(self, ndim: int) -> tuple[int, ...]:
        """The axes that a row lies along, in predictions of so many."""
        axis = self.axis
        axes = tuple(range(ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        for one in axes:
            if not -ndim <= one < ndim:
                raise ValueError(f"axis must be an axis of y_pred, which has {ndim}; got {axis}.")
        return tuple(one % ndim for one in axes)

    # -- in a model -------------------------------------------------------------------------------------------------

    def _specification(self) -> dict[str, Any] | None:
        self._must_reduce()
        if self._axes(2) != (1,):
            raise ValueError(f"axis must be -1 in a model, whose outputs are (rows, n); that of {self!r} is not.")
        return self._spec()


class _Rows:
    """Targets and predictions as the engine takes them: rows of numbers, or of a number each; and the way back."""

    def __init__(self, loss: NativeLoss, y_true: Any, y_pred: Any) -> None:
        predicted = predictions(y_pred, loss._given_dtype)
        self._given = predicted.shape
        if not loss.labels:
            targets, predicted = aligned(numeric(y_true, "y_true"), predicted)
            if targets.shape != predicted.shape:
                raise ValueError(
                    f"y_true has shape {targets.shape}; y_pred has shape {self._given}: they must be equal."
                )
        axes = loss._axes(predicted.ndim)
        self._axes = axes, tuple(range(predicted.ndim - len(axes), predicted.ndim))
        turned = np.moveaxis(predicted, *self._axes)
        self._turned = turned.shape
        self.shape = turned.shape[: turned.ndim - len(axes)]  # of the losses
        n = math.prod(turned.shape) // math.prod(self.shape)
        self.rows = _in_order(turned.reshape(-1, n), predicted.dtype)
        if not loss.labels:
            self.targets = _in_order(np.moveaxis(targets, *self._axes).reshape(-1, n), predicted.dtype)
            return
        labels = class_numbers(y_true, "y_true")
        if labels.ndim == predicted.ndim and labels.shape[axes[0]] == 1:
            labels = np.squeeze(labels, axes[0])
        if labels.shape != self.shape:
            raise ValueError(
                f"y_true has shape {labels.shape}; the class numbers of y_pred's rows have shape {self.shape}: they "
                "must be equal."
            )
        self.targets = _in_order(labels.reshape(-1), np.dtype(np.int64))

    def back(self, gradient: np.ndarray) -> np.ndarray:
        """A gradient (rows, n) in the shape of the predictions."""
        return np.ascontiguousarray(np.moveaxis(gradient.reshape(self._turned), *self._axes[::-1])).reshape(self._given)


def _in_order(array: np.ndarray, dtype: Any) -> np.ndarray:
    return np.require(array, dtype, ["C_CONTIGUOUS", "ALIGNED"])


def _setting(name: str, value: Any) -> Any:
    """An argument of a loss, of its type."""
    if name in {"from_logits", "apply_class_balancing", "remove_diagonal"}:
        return check_bool(name, value)
    if name == "axis":
        if isinstance(value, (tuple, list)):
            return tuple(check_int(f"axis[{i}]", one, LEAST) for i, one in enumerate(value))
        return None if value is None else check_int("axis", value, LEAST)
    if name == "ignore_class":
        return None if value is None else check_int(name, value, LEAST)
    return check_float(name, value)
