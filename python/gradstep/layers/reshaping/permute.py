"""Permute."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...checks import brief, check_int
from ..base.layer import Layer, Shape
from .rearranged import Rearranged, Views

__all__ = ["Permute"]


class Permute(Rearranged, Layer):
    """Permutes the axes of the input.

    Parameters
    ----------
    dims : sequence of int
        Which axis of the input each axis of the output is, counted from 1, without that of the rows: ``(2, 1)`` swaps
        two axes.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        `dims` is no permutation of 1, 2, ....
    ValueError
        At the build: the input has another number of axes.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.Permute((2, 1))(np.zeros((5, 10, 64))).shape
    (5, 64, 10)
    """

    def __init__(
        self,
        dims: Sequence[int],
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        if not isinstance(dims, (list, tuple)):
            raise TypeError(f"dims must be a sequence of int; got {brief(dims)}.")
        self.dims = tuple(check_int(f"dims[{i}]", axis, 1) for i, axis in enumerate(dims))
        if not dims or sorted(self.dims) != list(range(1, len(dims) + 1)):
            raise ValueError(f"dims must have each of the numbers from 1 on once; got {brief(dims)}.")
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The sizes of the input in their new order."""
        if len(input_shape) != len(self.dims) + 1:
            raise ValueError(
                f"layer {self.name!r} must get inputs of {len(self.dims) + 1} axes, that of the rows and one for each "
                f"of dims {self.dims}; got {tuple(input_shape)}."
            )
        return (input_shape[0], *(input_shape[axis] for axis in self.dims))

    def _views(self, x: np.ndarray, y: np.ndarray) -> Views:
        return x.transpose([axis - 1 for axis in self.dims]), y
