"""Cropping of steps, pictures and volumes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..base.arguments import options_of
from ..base.layer import Layer, Shape
from .rearranged import Rearranged, Views, per_axis, spatial_axes, standardize_data_format

__all__ = ["Cropping1D", "Cropping2D", "Cropping3D"]


class Cropping(Rearranged, Layer):
    """Base of the layers that cut off the ends of some axes."""

    _n = 1  # spatial axes

    def __init__(self, cropping: Any, data_format: str | None, **options: Any) -> None:
        self._ends = per_axis("cropping", cropping, self._n)
        self.cropping: Any = self._ends if self._n > 1 else self._ends[0]
        self.data_format = standardize_data_format(data_format)
        super().__init__(**options)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """Shape of the cropped input."""
        sizes = list(input_shape)
        for axis, ends in zip(spatial_axes(self, input_shape, self._n, self.data_format), self._ends, strict=True):
            size = sizes[axis]
            if size is not None:
                if size <= sum(ends):
                    raise ValueError(
                        f"cropping of layer {self.name!r} must leave something of each axis; it takes {ends} of axis "
                        f"{axis} of inputs of shape {tuple(input_shape)}."
                    )
                sizes[axis] = size - sum(ends)
        return tuple(sizes)

    def _views(self, x: np.ndarray, y: np.ndarray) -> Views:
        kept = [slice(None)] * x.ndim
        for axis, (before, after) in zip(
            spatial_axes(self, self.input_shape, self._n, self.data_format), self._ends, strict=True
        ):
            kept[axis - 1] = slice(before, x.shape[axis - 1] - after)
        return x[tuple(kept)], y


class Cropping1D(Cropping):
    """Cuts off steps of a sequence.

    Parameters
    ----------
    cropping : int, or sequence of 2 int, default (1, 1)
        How many steps to cut off at the beginning and at the end: an int for both, or two.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        An argument is another.
    ValueError
        At the build: the input has another number of axes, or nothing would be left of it.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.Cropping1D(1)(np.zeros((5, 10, 3))).shape
    (5, 8, 3)
    """

    _n = 1

    def __init__(
        self,
        cropping: int | Sequence[int] = (1, 1),
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        super().__init__(cropping, None, **options_of(locals()))


class Cropping2D(Cropping):
    """Cuts off rows and columns of pictures.

    Parameters
    ----------
    cropping : int, or sequence of 2, default ((0, 0), (0, 0))
        How much to cut off at both ends of height and width: an int for all; or for each axis an int, or two, as in
        ``((top, bottom), (left, right))``.
    data_format : {"channels_last", "channels_first"}, optional
        Inputs of shape (rows, height, width, channels), the default, or (rows, channels, height, width).
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        An argument is another.
    ValueError
        At the build: the input has another number of axes, or nothing would be left of it.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.Cropping2D(((2, 2), (4, 4)))(np.zeros((5, 28, 28, 3))).shape
    (5, 24, 20, 3)
    """

    _n = 2

    def __init__(
        self,
        cropping: int | Sequence[int | Sequence[int]] = ((0, 0), (0, 0)),
        data_format: str | None = None,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        super().__init__(cropping, data_format, **options_of(locals()))


class Cropping3D(Cropping):
    """Cuts off the outer parts of volumes.

    Parameters
    ----------
    cropping : int, or sequence of 3, default ((1, 1), (1, 1), (1, 1))
        How much to cut off at both ends of depth, height and width: an int for all; or for each axis an int, or two, as
        in ``((front, back), (top, bottom), (left, right))``.
    data_format : {"channels_last", "channels_first"}, optional
        Inputs of shape (rows, depth, height, width, channels), the default, or (rows, channels, depth, height, width).
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        An argument is another.
    ValueError
        At the build: the input has another number of axes, or nothing would be left of it.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.Cropping3D((2, 4, 2))(np.zeros((5, 28, 28, 10, 3))).shape
    (5, 24, 20, 6, 3)
    """

    _n = 3

    def __init__(
        self,
        cropping: int | Sequence[int | Sequence[int]] = ((1, 1), (1, 1), (1, 1)),
        data_format: str | None = None,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        super().__init__(cropping, data_format, **options_of(locals()))
