"""Base of layers that turn data into categories: at once for arrays, in NumPy in a model."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...checks import numeric
from ...preprocessing.encoding import encoded
from ..base.layer import Layer, Shape
from ..base.symbolic import is_symbolic

__all__ = ["EncodingLayer"]


class EncodingLayer(Layer):
    """Base of `CategoryEncoding` and `Discretization`: numbers of categories as `output_mode` says."""

    output_mode: str

    def _depth(self) -> int:
        """How many categories there are."""
        raise NotImplementedError(f"{type(self).__name__} must define _depth().")

    def _numbers(self, x: np.ndarray) -> np.ndarray:
        """The categories of data."""
        raise NotImplementedError(f"{type(self).__name__} must define _numbers(x).")

    def _encoded(self, x: Any, weights: np.ndarray | None = None) -> np.ndarray:
        numbers = self._numbers(numeric(x, "x"))
        return numbers if self.output_mode == "int" else encoded(numbers, self._depth(), self.output_mode, weights)

    def __call__(self, x: Any, training: bool | None = None, mask: Any = None) -> Any:
        """The categories of an array of any shape, at once; or a symbolic tensor for one."""
        return super().__call__(x, training, mask) if is_symbolic(x) or training else self._encoded(x)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """That of the input, or with a row of numbers for each category or each last axis of them."""
        shape = tuple(input_shape)
        if self.output_mode == "int":
            return shape
        kept = shape if self.output_mode == "one_hot" and (len(shape) == 1 or shape[-1] != 1) else shape[:-1]
        return (*kept, self._depth())

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        """What the engine asks for in a model."""
        self._given = x.shape
        return self._encoded(x).astype(self.dtype)

    def backward(self, dy: Any) -> Any:
        """Categories do not move with the data: 0."""
        return np.zeros(self._given, self.dtype)

    def jvp(self, dx: np.ndarray, dws: Any) -> np.ndarray:
        """0, in the shape of the output."""
        return np.zeros((len(dx), *self._output_row), self.dtype)
