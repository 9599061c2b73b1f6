"""Repeating of steps, pixels and voxels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...checks import brief, check_int
from ..base.arguments import options_of
from ..base.layer import Layer, Shape
from ..preprocessing.image_warp import resizing, standardize_interpolation
from .rearranged import Rearranged, Views, spatial_axes, standardize_data_format

__all__ = ["UpSampling1D", "UpSampling2D", "UpSampling3D"]


class UpSampling(Rearranged, Layer):
    """Base of the layers that repeat numbers along some axes."""

    _n = 1  # spatial axes

    def __init__(
        self,
        size: int | Sequence[int] = 2,
        data_format: str | None = None,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        if not isinstance(size, (list, tuple)):
            size = (check_int("size", size, 1),) * self._n
        if len(size) != self._n:
            raise ValueError(f"size must be an int or {self._n}, one for each axis; got {brief(size)}.")
        self._factors = tuple(check_int(f"size[{i}]", factor, 1) for i, factor in enumerate(size))
        self.size: Any = self._factors if self._n > 1 else self._factors[0]
        self.data_format = standardize_data_format(data_format)
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The input, so many times as large."""
        sizes = list(input_shape)
        for axis, factor in zip(spatial_axes(self, input_shape, self._n, self.data_format), self._factors, strict=True):
            size = sizes[axis]
            sizes[axis] = None if size is None else size * factor
        return tuple(sizes)

    def _views(self, x: np.ndarray, y: np.ndarray) -> Views:
        # Another axis behind each that is repeated: (height, 1, width, 1, channels) as (height, 2, width, 2, channels).
        once, often = [], []
        factors = dict(zip(spatial_axes(self, self.input_shape, self._n, self.data_format), self._factors, strict=True))
        for axis, size in enumerate(x.shape, 1):
            once += [size, 1] if axis in factors else [size]
            often += [size, factors[axis]] if axis in factors else [size]
        return np.broadcast_to(x.reshape(once), often), y.reshape(often)


class UpSampling1D(UpSampling):
    """Repeats each step of a sequence.

    Parameters
    ----------
    size : int, default 2
        How many times.
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
    >>> gs.layers.UpSampling1D(2)(np.array([[[1.0], [2.0]]])).ravel()
    array([1., 1., 2., 2.], dtype=float32)
    """

    _n = 1

    def __init__(
        self,
        size: int = 2,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        size = check_int("size", size, 1)
        super().__init__(size, None, **options_of(locals()))


class UpSampling2D(UpSampling):
    """Repeats the rows and columns of pictures, or interpolates between them.

    Parameters
    ----------
    size : int, or sequence of 2 int, default (2, 2)
        How many times along height and width.
    data_format : {"channels_last", "channels_first"}, optional
        Inputs of shape (rows, height, width, channels), the default, or (rows, channels, height, width).
    interpolation : {"nearest", "bilinear"}, default "nearest"
        "nearest": each number again and again. "bilinear": means of the nearest four, by their distance; at the edges
        of the nearest. Keras has more.
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
    >>> gs.layers.UpSampling2D((1, 2))(np.array([[[[1.0], [2.0]]]])).ravel()
    array([1., 1., 2., 2.], dtype=float32)
    """

    _n = 2

    def __init__(
        self,
        size: int | Sequence[int] = (2, 2),
        data_format: str | None = None,
        interpolation: str = "nearest",
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.interpolation = standardize_interpolation(interpolation)
        super().__init__(size, data_format, **options_of(locals()))

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core; before it is built, the kind alone."""
        if self.interpolation == "nearest" or self._input_shape is None:
            return super().specification()
        high, wide = (
            self._input_shape[axis] or 1 for axis in spatial_axes(self, self._input_shape, 2, self.data_format)
        )
        return resizing(self._output_row, self.data_format, [0.0, 0.0, float(high), float(wide)])


class UpSampling3D(UpSampling):
    """Repeats the numbers of volumes along their three axes.

    Parameters
    ----------
    size : int, or sequence of 3 int, default 2
        How many times along depth, height and width.
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
    >>> gs.layers.UpSampling3D()(np.zeros((5, 1, 2, 1, 3))).shape
    (5, 2, 4, 2, 3)
    """

    _n = 3
