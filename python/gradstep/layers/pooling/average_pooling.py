"""Average pooling (csrc/layers/pool.hpp)."""

from __future__ import annotations

from collections.abc import Sequence

from ..base.arguments import options_of
from ..base.layer import Layer
from .pooling import Pooling

__all__ = ["AveragePooling1D", "AveragePooling2D", "AveragePooling3D"]


class AveragePooling(Pooling, Layer):
    """Base of average pooling."""

    _mean = True

    def __init__(
        self,
        pool_size: int | Sequence[int],
        strides: int | Sequence[int] | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, **options_of(locals()))


class AveragePooling1D(AveragePooling):
    """Average pooling of sequences: the mean of each channel in a window.

    Parameters
    ----------
    pool_size : int, or sequence of 1 int
        Of the window, along steps.
    strides : int, or sequence of 1 int, optional
        How far the window moves; by default its size.
    padding : {"valid", "same"}, default "valid"
        "valid": the window stays within the input. "same": it may hang over the edges, where there are no numbers.
    data_format : {"channels_last", "channels_first"}, optional
        Inputs of shape (rows, steps, channels), the default, or
        (rows, channels, steps), which is copied to the other order and back.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of its range.
    ValueError
        At the build: the input has another number of axes, or is smaller than the window with padding="valid".

    Notes
    -----
    With padding="same", the mean of those numbers of the window that lie within the input.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.AveragePooling1D(2)(np.array([[[1.0], [3.0], [2.0], [6.0]]])).ravel()
    array([2., 4.], dtype=float32)
    """

    _n = 1


class AveragePooling2D(AveragePooling):
    """Average pooling of images: the mean of each channel in a window.

    Parameters
    ----------
    pool_size : int, or sequence of 2 int
        Of the window, along height and width.
    strides : int, or sequence of 2 int, optional
        How far the window moves; by default its size.
    padding : {"valid", "same"}, default "valid"
        "valid": the window stays within the input. "same": it may hang over the edges, where there are no numbers.
    data_format : {"channels_last", "channels_first"}, optional
        Inputs of shape (rows, height, width, channels), the default, or
        (rows, channels, height, width), which is copied to the other order and back.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of its range.
    ValueError
        At the build: the input has another number of axes, or is smaller than the window with padding="valid".

    Notes
    -----
    With padding="same", the mean of those numbers of the window that lie within the input.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.AveragePooling2D(2)(np.array([[[[1.0], [3.0]], [[2.0], [6.0]]]])).ravel()
    array([3.], dtype=float32)
    """

    _n = 2


class AveragePooling3D(AveragePooling):
    """Average pooling of volumes: the mean of each channel in a window.

    Parameters
    ----------
    pool_size : int, or sequence of 3 int
        Of the window, along depth, height and width.
    strides : int, or sequence of 3 int, optional
        How far the window moves; by default its size.
    padding : {"valid", "same"}, default "valid"
        "valid": the window stays within the input. "same": it may hang over the edges, where there are no numbers.
    data_format : {"channels_last", "channels_first"}, optional
        Inputs of shape (rows, depth, height, width, channels), the default, or
        (rows, channels, depth, height, width), which is copied to the other order and back.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of its range.
    ValueError
        At the build: the input has another number of axes, or is smaller than the window with padding="valid".

    Notes
    -----
    With padding="same", the mean of those numbers of the window that lie within the input.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.AveragePooling3D(2)(np.zeros((5, 4, 6, 6, 3))).shape
    (5, 2, 3, 3, 3)
    """

    _n = 3
