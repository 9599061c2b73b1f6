"""Zeros around steps, pictures and volumes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..base.layer import Layer, Shape
from .rearranged import Rearranged, Views, per_axis, spatial_axes, standardize_data_format

__all__ = ["ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"]


class ZeroPadding(Rearranged, Layer):
    """Base of the layers that put zeros at the ends of some axes."""

    _n = 1  # spatial axes

    def __init__(
        self,
        padding: int | Sequence[int | Sequence[int]] = 1,
        data_format: str | None = None,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self._ends = per_axis("padding", padding, self._n)
        self.padding: Any = self._ends if self._n > 1 else self._ends[0]
        self.data_format = standardize_data_format(data_format)
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The input with its zeros."""
        sizes = list(input_shape)
        for axis, ends in zip(spatial_axes(self, input_shape, self._n, self.data_format), self._ends, strict=True):
            size = sizes[axis]
            sizes[axis] = None if size is None else size + sum(ends)
        return tuple(sizes)

    def _views(self, x: np.ndarray, y: np.ndarray) -> Views:
        filled = [slice(None)] * x.ndim
        for axis, (before, _) in zip(
            spatial_axes(self, self.input_shape, self._n, self.data_format), self._ends, strict=True
        ):
            filled[axis - 1] = slice(before, before + x.shape[axis - 1])
        return x, y[tuple(filled)]


class ZeroPadding1D(ZeroPadding):
    """Puts steps of zeros before and after a sequence.

    Parameters
    ----------
    padding : int, or sequence of 2 int, default 1
        How many steps to put at the beginning and at the end: an int for both, or two.
    data_format : {"channels_last", "channels_first"}, optional
        Inputs of shape (rows, steps, channels), the default, or (rows, channels, steps).
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        An argument is another.
    ValueError
        At the build: the input has another number of axes.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.ZeroPadding1D((0, 1))(np.ones((1, 2, 1))).ravel()
    array([1., 1., 0.], dtype=float32)
    """

    _n = 1


class ZeroPadding2D(ZeroPadding):
    """Puts rows and columns of zeros around pictures.

    Parameters
    ----------
    padding : int, or sequence of 2, default 1
        How much to put at both ends of height and width: an int for all; or for each axis an int, or two, as in
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
        At the build: the input has another number of axes.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.ZeroPadding2D(1)(np.ones((1, 1, 2, 1)))[0, :, :, 0]
    array([[0., 0., 0., 0.],
           [0., 1., 1., 0.],
           [0., 0., 0., 0.]], dtype=float32)
    """

    _n = 2


class ZeroPadding3D(ZeroPadding):
    """Puts zeros around volumes.

    Parameters
    ----------
    padding : int, or sequence of 3, default ((1, 1), (1, 1), (1, 1))
        How much to put at both ends of depth, height and width: an int for all; or for each axis an int, or two, as in
        ``((front, back), (top, bottom), (left, right))``.
    data_format : {"channels_last", "channels_first"}, optional
        Inputs of shape (rows, depth, height, width, channels), the default, or (rows, channels, depth, height, width).
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        An argument is another.
    ValueError
        At the build: the input has another number of axes.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.ZeroPadding3D((1, 2, 3))(np.zeros((5, 4, 4, 4, 1))).shape
    (5, 6, 8, 10, 1)
    """

    _n = 3
