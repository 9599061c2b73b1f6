"""Rows in another shape."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...checks import brief, check_int
from ..base.layer import Layer, Shape

__all__ = ["Reshape"]


class Reshape(Layer):
    """Reshapes each row.

    Parameters
    ----------
    target_shape : sequence of int
        Shape of a row; one of them may be -1, for what is left.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        `target_shape` is no shape.
    ValueError
        At the build: a row has another number of numbers.

    Notes
    -----
    In a model this costs nothing: the engine reads the rows as they lie.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.Reshape((2, -1))(np.zeros((5, 6))).shape
    (5, 2, 3)
    """

    def __init__(
        self,
        target_shape: Sequence[int],
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        sizes = target_shape if isinstance(target_shape, (list, tuple)) else (target_shape,)
        self.target_shape = tuple(
            -1 if isinstance(size, int) and size == -1 else check_int(f"target_shape[{i}]", size, 1)
            for i, size in enumerate(sizes)
        )
        if not self.target_shape or self.target_shape.count(-1) > 1:
            raise ValueError(f"target_shape must have a size, and -1 at most once; got {brief(target_shape)}.")
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The target shape behind the rows."""
        total = math.prod(n for n in input_shape[1:] if n is not None)
        known = math.prod(size for size in self.target_shape if size != -1)
        if total % known or (total != known and -1 not in self.target_shape):
            raise ValueError(
                f"layer {self.name!r} must get {known} numbers a row for shape {self.target_shape}; got {total}."
            )
        return (input_shape[0], *(total // known if size == -1 else size for size in self.target_shape))
