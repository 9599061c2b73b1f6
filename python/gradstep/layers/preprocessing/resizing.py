"""Images of another size: resized, or cut out of the middle (csrc/layers/warp.hpp)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...checks import check_bool, check_float
from ..base.layer import Shape
from .image_warp import ImageWarp, check_size, middle_box, standardize_fill, standardize_interpolation

__all__ = ["CenterCrop", "Resizing"]


class Resizing(ImageWarp):
    """Resize images.

    Parameters
    ----------
    height, width : int
    interpolation : {"bilinear", "nearest"}, default "bilinear"
    crop_to_aspect_ratio, pad_to_aspect_ratio : bool, default False
        Whether images of other proportions are cropped around the middle, or padded, instead of stretched.
    fill_mode : {"constant"}, default "constant"
        What padding is.
    fill_value : float, default 0.0
    antialias : bool, default False
        False: each pixel is a mean of four of the image at most.
    data_format : {"channels_last", "channels_first"}, optional
        By default the first.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of range, or one that is not there, as `antialias`.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.Resizing(1, 2)(np.arange(8.0).reshape(1, 2, 4, 1)).reshape(2)
    array([2.5, 4.5], dtype=float32)
    """

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.height, self.width = check_size(height, width)
        self.interpolation = standardize_interpolation(interpolation)
        self.crop_to_aspect_ratio = check_bool("crop_to_aspect_ratio", crop_to_aspect_ratio)
        self.pad_to_aspect_ratio = check_bool("pad_to_aspect_ratio", pad_to_aspect_ratio)
        if self.crop_to_aspect_ratio and self.pad_to_aspect_ratio:
            raise ValueError("only one of crop_to_aspect_ratio and pad_to_aspect_ratio can be True.")
        self.fill_mode, self.fill_value = standardize_fill(fill_mode), check_float("fill_value", fill_value)
        if self.fill_mode != "constant":
            raise ValueError(f"fill_mode must be 'constant'; got {fill_mode!r}.")
        self.antialias = check_bool("antialias", antialias)
        if self.antialias:
            raise ValueError("antialias must be False.")
        self._take(data_format, draws=False)
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The shape of images of that size."""
        return self._resized(input_shape, self.height, self.width)

    def _warp(self, high: int, wide: int) -> dict[str, Any]:
        box = [0.0, 0.0, float(high), float(wide)]
        if self.crop_to_aspect_ratio:
            box = middle_box(high, wide, self.height, self.width)
        if self.pad_to_aspect_ratio:
            # As in Keras the same on both sides, so that an odd pixel is missing.
            top = max(int(float(wide * self.height) / self.width) - high, 0) // 2
            left = max(int(float(high * self.width) / self.height) - wide, 0) // 2
            box = [float(-top), float(-left), float(high + 2 * top), float(wide + 2 * left)]
        return {"draws": "nothing", "box": box}


class CenterCrop(ImageWarp):
    """Cut the middle out of images.

    Parameters
    ----------
    height, width : int
        Of the part.
    data_format : {"channels_last", "channels_first"}, optional
        By default the first.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of range.

    Notes
    -----
    Of images that are smaller the largest part of these proportions is taken and resized, as in Keras.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.CenterCrop(2, 2)(np.arange(16.0).reshape(1, 4, 4, 1)).reshape(2, 2)
    array([[ 5.,  6.],
           [ 9., 10.]], dtype=float32)
    """

    def __init__(
        self,
        height: int,
        width: int,
        data_format: str | None = None,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.height, self.width = check_size(height, width)
        self._take(data_format, draws=False)
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The shape of the parts."""
        return self._resized(input_shape, self.height, self.width)

    def _warp(self, high: int, wide: int) -> dict[str, Any]:
        box = middle_box(high, wide, self.height, self.width)
        if high >= self.height and wide >= self.width:
            box = [(high - self.height) // 2, (wide - self.width) // 2, self.height, self.width]
        return {"draws": "nothing", "box": [float(each) for each in box]}
