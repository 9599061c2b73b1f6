"""Rows of length 1, in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..checks import whole
from ..described import arguments_of
from .base import Layer, Shape

__all__ = ["UnitNormalization"]

SMALLEST = 1e-12  # square of a length, as in Keras


class UnitNormalization(Layer):
    r"""Divide each row by its Euclidean length.

    Parameters
    ----------
    axis : int or sequence of int, default -1
        Axes that a length is taken along, counted with that of the rows; not that of the rows itself.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        `axis` is no int, or there is no such axis, or it is that of the rows.

    Notes
    -----
    .. math:: y = x / \sqrt{\max(\textstyle\sum x^2, 10^{-12})}

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.UnitNormalization()(np.array([[3.0, 4.0]]))
    array([[0.6, 0.8]], dtype=float32)
    """

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        listed = isinstance(axis, (list, tuple))
        axes = [whole("axis", one, -8) for one in (axis if isinstance(axis, (list, tuple)) else [axis])]
        if 0 in axes or not axes:
            raise ValueError(f"axis must not be that of the rows, 0; got {axis}.")
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)
        self.axis = axes if listed else axes[0]
        self._axes = tuple(axes)
        self._y = self._length = self._long = np.empty(0)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        return arguments_of(self, self._passing)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The shape of the input."""
        ndim = len(input_shape)
        for one in self._axes:
            if not -ndim < one < ndim:
                raise ValueError(f"axis must be an axis of inputs of shape {tuple(input_shape)}; got {one}.")
        return tuple(input_shape)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        """x (rows, ...) -> x over its length."""
        # By its largest number first: squares of finite numbers may be infinite.
        top = np.maximum(np.abs(x).max(axis=self._axes, keepdims=True), np.finfo(x.dtype).tiny)
        size = top * np.sqrt(np.square(x / top).sum(axis=self._axes, keepdims=True))
        self._length = np.maximum(size, x.dtype.type(SMALLEST**0.5))
        self._long = size > self._length.dtype.type(SMALLEST**0.5)
        self._y = x / self._length
        return self._y

    def backward(self, dy: Any) -> Any:
        """dy -> dx = (dy - y sum(dy y)) / length; dy / length where the length is the smallest."""
        along = np.where(self._long, (dy * self._y).sum(axis=self._axes, keepdims=True), 0)
        found: np.ndarray = (dy - self._y * along) / self._length
        return found
