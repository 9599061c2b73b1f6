"""Rows of any shape as rows of numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..base.layer import Layer, Shape

__all__ = ["Flatten"]


class Flatten(Layer):
    """Flattens each row: images of shape (28, 28) become 784 numbers.

    Parameters
    ----------
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Notes
    -----
    In a model this costs nothing: the engine reads the rows as they lie.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.Flatten()(np.zeros((5, 8, 8))).shape
    (5, 64)
    """

    def __init__(
        self,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """(rows, n) for (rows, ...) of n numbers a row."""
        return (input_shape[0], math.prod(n for n in input_shape[1:] if n is not None))
