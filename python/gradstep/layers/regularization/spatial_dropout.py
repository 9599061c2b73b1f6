"""Dropout of whole channels (csrc/layers/dropout.hpp)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...checks import check_choice
from ..base.layer import Layer
from .dropout import BaseDropout

__all__ = ["SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"]


def channels_at(data_format: Any) -> str:
    """The argument of this name; None stands for the default."""
    formats = {name: name for name in ("channels_last", "channels_first")}
    return check_choice("data_format", data_format, formats) if data_format is not None else "channels_last"


def of_channels(
    layer: Layer, input_shape: Sequence[int | None], places: int, data_format: str = "channels_last"
) -> tuple[int | None, ...]:
    """The shape of draws for whole channels of rows that have this number of other axes."""
    if len(input_shape) != places + 2:
        raise ValueError(
            f"layer {layer.name!r} must get inputs of {places + 2} axes, with the rows; got shape {tuple(input_shape)}."
        )
    ones = (1,) * places
    return (None, *ones, None) if data_format == "channels_last" else (None, None, *ones)


class BaseSpatialDropout(BaseDropout):
    """Mixin of the three: what Keras, too, knows of none of them."""

    _refused_by_keras = ("trainable",)  # there is nothing to train


class SpatialDropout1D(BaseSpatialDropout, Layer):
    """Applies spatial dropout: in training, sets whole channels to 0 at random.

    Parameters
    ----------
    rate : float
        Probability of a channel to be 0; in [0, 1]. Those that are kept are divided by ``1 - rate``.
    seed : int, optional
        Where the draws begin; by default they follow `utils.set_random_seed`.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of its range.
    ValueError
        At the build: rows are not of shape (steps, channels).

    Notes
    -----
    `Dropout` with a `noise_shape` of 1 along all axes but that of the channels.

    References
    ----------
    Tompson, Goroshin, Jain, LeCun, Bregler, "Efficient object localization using convolutional networks", CVPR 2015,
    arXiv:1411.4280.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.SpatialDropout1D(0.5)(np.ones((1, 1, 2)))
    array([[[1., 1.]]], dtype=float32)
    """

    def __init__(
        self,
        rate: float,
        seed: int | None = None,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self._take(rate, seed)
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)

    def _noise(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return of_channels(self, input_shape, 1)


class SpatialDropout(BaseSpatialDropout, Layer):
    """Base of the layers that drop channels of images and volumes."""

    _n = 2  # spatial axes

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self._take(rate, seed)
        self.data_format = channels_at(data_format)
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)

    def _noise(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return of_channels(self, input_shape, self._n, self.data_format)


class SpatialDropout2D(SpatialDropout):
    """Applies spatial dropout: in training, sets whole channels to 0 at random.

    Parameters
    ----------
    rate : float
        Probability of a channel to be 0; in [0, 1]. Those that are kept are divided by ``1 - rate``.
    data_format : str, default "channels_last"
        Or ``"channels_first"``: where the channels are.
    seed : int, optional
        Where the draws begin; by default they follow `utils.set_random_seed`.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of its range.
    ValueError
        At the build: rows are not of shape (height, width, channels).

    Notes
    -----
    `Dropout` with a `noise_shape` of 1 along all axes but that of the channels.

    References
    ----------
    Tompson, Goroshin, Jain, LeCun, Bregler, "Efficient object localization using convolutional networks", CVPR 2015,
    arXiv:1411.4280.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.SpatialDropout2D(0.5)(np.ones((1, 1, 1, 2)))
    array([[[[1., 1.]]]], dtype=float32)
    """

    _n = 2


class SpatialDropout3D(SpatialDropout):
    """Applies spatial dropout: in training, sets whole channels to 0 at random.

    Parameters
    ----------
    rate : float
        Probability of a channel to be 0; in [0, 1]. Those that are kept are divided by ``1 - rate``.
    data_format : str, default "channels_last"
        Or ``"channels_first"``: where the channels are.
    seed : int, optional
        Where the draws begin; by default they follow `utils.set_random_seed`.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of its range.
    ValueError
        At the build: rows are not of shape (depth, height, width, channels).

    Notes
    -----
    `Dropout` with a `noise_shape` of 1 along all axes but that of the channels.

    References
    ----------
    Tompson, Goroshin, Jain, LeCun, Bregler, "Efficient object localization using convolutional networks", CVPR 2015,
    arXiv:1411.4280.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.SpatialDropout3D(0.5)(np.ones((1, 1, 1, 1, 2)))
    array([[[[[1., 1.]]]]], dtype=float32)
    """

    _n = 3
