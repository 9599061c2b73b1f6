"""Images changed at random in training: flipped, moved, turned, zoomed and cut out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ...checks import check_choice, check_float
from ..base.layer import Shape
from .image_warp import ImageWarp, check_size, factor_range, middle_box, standardize_fill, standardize_interpolation

__all__ = ["RandomCrop", "RandomFlip", "RandomRotation", "RandomTranslation", "RandomZoom"]

FLIPS = {"horizontal": (0.0, 1.0), "vertical": (1.0, 0.0), "horizontal_and_vertical": (1.0, 1.0)}  # rows, columns


class RandomFlip(ImageWarp):
    """Flip images at random, in training alone.

    Parameters
    ----------
    mode : {"horizontal_and_vertical", "horizontal", "vertical"}, default "horizontal_and_vertical"
        Left to right, and upside down, each with probability 1/2.
    seed : int, optional
        Where the draws begin; by default they follow `utils.set_random_seed`.
    data_format : {"channels_last", "channels_first"}, optional
        By default the first.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type, or one that is not known.

    Notes
    -----
    As in `Dropout`, what is drawn follows from the seed, the epoch and the number of the row: each image is drawn for
    by itself, and the same is drawn with any number of threads.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.layers.RandomFlip("horizontal", seed=3, input_shape=(28, 28, 1)).compute_output_shape((None, 28, 28, 1))
    (None, 28, 28, 1)
    """

    _only_in_training = True

    def __init__(
        self,
        mode: str = "horizontal_and_vertical",
        seed: int | None = None,
        data_format: str | None = None,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        check_choice("mode", mode, FLIPS)
        self.mode = mode
        self._take(data_format, seed)
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)

    def _warp(self, high: int, wide: int) -> dict[str, Any]:
        rows, columns = FLIPS[self.mode]
        return {"draws": "flip", "ranges": [rows, rows, columns, columns]}


class RandomTranslation(ImageWarp):
    """Move images at random, in training alone.

    Parameters
    ----------
    height_factor, width_factor : float or (float, float)
        How far down and to the right, as parts of height and width: from a range, or from -factor to factor; in
        [-1, 1].
    fill_mode : {"reflect", "constant", "nearest", "wrap"}, default "reflect"
        What is outside of the image: it mirrored, `fill_value`, its edge, or it again from the other side.
    interpolation : {"bilinear", "nearest"}, default "bilinear"
        How it is read between pixels.
    seed, data_format
        As in `RandomFlip`.
    fill_value : float, default 0.0
        For fill_mode "constant".
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of range.

    Notes
    -----
    Draws are those of `RandomFlip`.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> down = gs.layers.RandomTranslation((0.5, 0.5), 0.0, fill_mode="constant")
    >>> down(np.arange(4.0).reshape(1, 2, 2, 1), training=True).reshape(2, 2)
    array([[0., 0.],
           [0., 1.]], dtype=float32)
    """

    _only_in_training = True

    def __init__(
        self,
        height_factor: float | tuple[float, float],
        width_factor: float | tuple[float, float],
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        down, right = (
            factor_range("height_factor", height_factor, -1, 1),
            factor_range("width_factor", width_factor, -1, 1),
        )
        self._ranges = [*down, *right]
        self.height_factor, self.width_factor = height_factor, width_factor
        self.fill_mode, self.interpolation = standardize_fill(fill_mode), standardize_interpolation(interpolation)
        self.fill_value = check_float("fill_value", fill_value)
        self._take(data_format, seed)
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)

    def _warp(self, high: int, wide: int) -> dict[str, Any]:
        return {"draws": "translation", "ranges": self._ranges}


class RandomRotation(ImageWarp):
    """Turn images at random, in training alone.

    Parameters
    ----------
    factor : float or (float, float)
        By which part of a whole turn: from a range, or from -factor to factor. Positive turns are counterclockwise.
    fill_mode, interpolation, seed, fill_value, data_format
        As in `RandomTranslation`.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of range.

    Notes
    -----
    Draws are those of `RandomFlip`.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> turn = gs.layers.RandomRotation((0.25, 0.25))
    >>> turn(np.arange(4.0).reshape(1, 2, 2, 1), training=True).reshape(2, 2).round(3)
    array([[1., 3.],
           [0., 2.]], dtype=float32)
    """

    _only_in_training = True

    def __init__(
        self,
        factor: float | tuple[float, float],
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self._range = factor_range("factor", factor)
        self.factor = factor
        self.fill_mode, self.interpolation = standardize_fill(fill_mode), standardize_interpolation(interpolation)
        self.fill_value = check_float("fill_value", fill_value)
        self._take(data_format, seed)
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)

    def _warp(self, high: int, wide: int) -> dict[str, Any]:
        return {"draws": "rotation", "ranges": [2 * math.pi * each for each in self._range]}


class RandomZoom(ImageWarp):
    """Zoom images at random, in training alone.

    Parameters
    ----------
    height_factor : float or (float, float)
        1 plus it is the part of the height that is seen: -0.2 zooms in, 0.2 out. From a range, or from -factor to
        factor; in [-1, 1].
    width_factor : float or (float, float), optional
        The same for the width; by default the number drawn for the height, which keeps proportions.
    fill_mode, interpolation, seed, fill_value, data_format
        As in `RandomTranslation`.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of range.

    Notes
    -----
    Draws are those of `RandomFlip`.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> closer = gs.layers.RandomZoom((-0.5, -0.5))
    >>> closer(np.array([[0.0, 1.0], [0.0, 1.0]]).reshape(1, 2, 2, 1), training=True).reshape(2, 2)
    array([[0.25, 0.75],
           [0.25, 0.75]], dtype=float32)
    """

    _only_in_training = True

    def __init__(
        self,
        height_factor: float | tuple[float, float],
        width_factor: float | tuple[float, float] | None = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        seen = [1 + each for each in factor_range("height_factor", height_factor, -1, 1)]
        if width_factor is None:
            self._ranges = [*seen, 1.0, 0.0]  # the engine's sign for one number of both
        else:
            self._ranges = [*seen, *(1 + each for each in factor_range("width_factor", width_factor, -1, 1))]
        self.height_factor, self.width_factor = height_factor, width_factor
        self.fill_mode, self.interpolation = standardize_fill(fill_mode), standardize_interpolation(interpolation)
        self.fill_value = check_float("fill_value", fill_value)
        self._take(data_format, seed)
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)

    def _warp(self, high: int, wide: int) -> dict[str, Any]:
        return {"draws": "zoom", "ranges": self._ranges}


class RandomCrop(ImageWarp):
    """Cut a part out of images, at a random place in training and in the middle otherwise.

    Parameters
    ----------
    height, width : int
        Of the part.
    seed, data_format
        As in `RandomFlip`.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of range.

    Notes
    -----
    In inference, and of images that are not larger in both directions, the largest part of these proportions in the
    middle is taken and resized, as in Keras. Each image has a place of its own, in Keras a batch has one; draws are
    those of `RandomFlip`.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.RandomCrop(2, 2)(np.zeros((5, 4, 4, 3)), training=True).shape
    (5, 2, 2, 3)
    """

    def __init__(
        self,
        height: int,
        width: int,
        seed: int | None = None,
        data_format: str | None = None,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.height, self.width = check_size(height, width)
        self._take(data_format, seed)
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The shape of the parts."""
        return self._resized(input_shape, self.height, self.width)

    def _warp(self, high: int, wide: int) -> dict[str, Any]:
        box = middle_box(high, wide, self.height, self.width)
        if high <= self.height or wide <= self.width:
            return {"draws": "nothing", "box": box}
        ranges = [0.0, float(high - self.height), 0.0, float(wide - self.width)]
        return {"draws": "crop", "ranges": ranges, "box": box}
