"""Max pooling (csrc/layers/pool.hpp)."""

from __future__ import annotations

from collections.abc import Sequence

from ..base.arguments import options_of
from ..base.layer import Layer
from .pooling import Pooling

__all__ = ["MaxPooling1D", "MaxPooling2D", "MaxPooling3D"]


class MaxPooling(Pooling, Layer):
    """Base of max pooling."""

    def __init__(
        self,
        pool_size: int | Sequence[int] = 2,
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


class MaxPooling1D(MaxPooling):
    """Max pooling of sequences: the largest number of each channel in a window.

    Parameters
    ----------
    pool_size : int, or sequence of 1 int, default 2
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
    The gradient goes to the first of several largest numbers, in the order of memory; a NaN counts as larger than all
    numbers.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.MaxPooling1D(2)(np.array([[[1.0], [3.0], [2.0], [6.0]]])).ravel()
    array([3., 6.], dtype=float32)
    """

    _n = 1


class MaxPooling2D(MaxPooling):
    """Max pooling of images: the largest number of each channel in a window.

    Parameters
    ----------
    pool_size : int, or sequence of 2 int, default 2
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
    The gradient goes to the first of several largest numbers, in the order of memory; a NaN counts as larger than all
    numbers.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.MaxPooling2D(2)(np.array([[[[1.0], [3.0]], [[2.0], [6.0]]]])).ravel()
    array([6.], dtype=float32)
    """

    _n = 2


class MaxPooling3D(MaxPooling):
    """Max pooling of volumes: the largest number of each channel in a window.

    Parameters
    ----------
    pool_size : int, or sequence of 3 int, default 2
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
    The gradient goes to the first of several largest numbers, in the order of memory; a NaN counts as larger than all
    numbers.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.MaxPooling3D()(np.zeros((5, 4, 6, 6, 3))).shape
    (5, 2, 3, 3, 3)
    """

    _n = 3
