"""Convolutions (csrc/layers/conv.hpp)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import constraints, initializers, regularizers
from ...checks import check_int
from ..base.layer import Layer
from .convolution import Convolution

__all__ = ["Conv1D", "Conv2D", "Conv3D"]


class Conv(Convolution, Layer):
    """Base of the convolutions."""

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        groups: int = 1,
        activation: str | Callable[..., np.ndarray] | None = None,
        use_bias: bool = True,
        kernel_initializer: str | initializers.Initializer | Callable[..., Any] = "glorot_uniform",
        bias_initializer: str | initializers.Initializer | Callable[..., Any] = "zeros",
        kernel_regularizer: str | regularizers.Regularizer | None = None,
        bias_regularizer: str | regularizers.Regularizer | None = None,
        activity_regularizer: str | regularizers.Regularizer | None = None,
        kernel_constraint: str | constraints.Constraint | None = None,
        bias_constraint: str | constraints.Constraint | None = None,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.filters = check_int("filters", filters, 1)
        self.groups = check_int("groups", groups, 1)
        if self.filters % self.groups:
            raise ValueError(f"groups must divide filters; got groups={self.groups} and filters={self.filters}.")
        self._take(locals())

    def _filters(self, channels: int | None) -> int | None:
        if channels is not None and channels % self.groups:
            raise ValueError(
                f"groups of layer {self.name!r} must divide the channels of its input; got groups={self.groups} and "
                f"{channels} channels."
            )
        return self.filters

    def _kernel_shapes(self, channels: int) -> list[tuple[int, ...]]:
        return [(*self.kernel_size, channels // self.groups, self.filters)]

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        more = {"kind": "conv", "filters": self.filters, "groups": self.groups, "depthwise": False}
        return super().specification() | more


class Conv1D(Conv):
    r"""1D convolution layer, over sequences: at each step, the steps around it times a kernel.

    Parameters
    ----------
    filters : int
        How many kernels: channels of the output; at least 1.
    kernel_size : int, or sequence of 1 int
        Of the window, along steps.
    strides : int, or sequence of 1 int, default 1
        How far the window moves.
    padding : {"valid", "same", "causal"}, default "valid"
        "valid": the window stays within the input. "same": zeros around it, so that with strides of 1 the output has
        its size. "causal": zeros before it, so that no step sees a later one; for "channels_last".
    data_format : {"channels_last", "channels_first"}, optional
        Inputs of shape (rows, steps, channels), the default, or
        (rows, channels, steps), which is copied to the other order and back.
    dilation_rate : int, or sequence of 1 int, default 1
        How far the numbers that a window takes lie apart; not together with strides.
    groups : int, default 1
        Each share of the filters sees a share of the channels only; divides both.
    activation : str or function, optional
        As in `Dense`.
    use_bias : bool, default True
    kernel_initializer : str, Initializer or function, default "glorot_uniform"
        What the kernel is at the start.
    bias_initializer : str, Initializer or function, default "zeros"
    kernel_regularizer, bias_regularizer : str or Regularizer, optional
        What they add to the loss: of `gradstep.regularizers`.
    activity_regularizer : str or Regularizer, optional
        What the output adds to the loss, over the number of rows.
    kernel_constraint, bias_constraint : str or Constraint, optional
        What they must be after each step: of `gradstep.constraints`.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    State
    -----
    kernel : ndarray, shape (*kernel_size, channels / groups, filters)
    bias : ndarray, shape (filters,)
        None without `use_bias`. Both are the weights themselves: writing to them changes the layer.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of its range; strides and dilation both; groups that do not divide filters.
    ValueError
        At the build: the input has another number of axes, is smaller than the window with padding="valid", or has
        channels that groups do not divide.

    Notes
    -----
    .. math:: y_p = f\Big(\sum_k x_{s p + d k} W_k + b\Big)

    over the places k of the window, with stride s and dilation d, as in Keras. It is a matrix product whose rows are
    read where they lie in the sequences.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> layer = gs.layers.Conv1D(1, 2, kernel_initializer="ones")
    >>> layer(np.array([[[1.0], [2.0], [5.0]]])).ravel()
    array([3., 7.], dtype=float32)
    """

    _n = 1
    _paddings = ("valid", "same", "causal")


class Conv2D(Conv):
    r"""2D convolution layer, over images: at each pixel, the pixels around it times a kernel.

    Parameters
    ----------
    filters : int
        How many kernels: channels of the output; at least 1.
    kernel_size : int, or sequence of 2 int
        Of the window, along height and width.
    strides : int, or sequence of 2 int, default 1
        How far the window moves.
    padding : {"valid", "same"}, default "valid"
        "valid": the window stays within the input. "same": zeros around it, so that with strides of 1 the output has
        its size.
    data_format : {"channels_last", "channels_first"}, optional
        Inputs of shape (rows, height, width, channels), the default, or
        (rows, channels, height, width), which is copied to the other order and back.
    dilation_rate : int, or sequence of 2 int, default 1
        How far the numbers that a window takes lie apart; not together with strides.
    groups : int, default 1
        Each share of the filters sees a share of the channels only; divides both.
    activation : str or function, optional
        As in `Dense`.
    use_bias : bool, default True
    kernel_initializer : str, Initializer or function, default "glorot_uniform"
        What the kernel is at the start.
    bias_initializer : str, Initializer or function, default "zeros"
    kernel_regularizer, bias_regularizer : str or Regularizer, optional
        What they add to the loss: of `gradstep.regularizers`.
    activity_regularizer : str or Regularizer, optional
        What the output adds to the loss, over the number of rows.
    kernel_constraint, bias_constraint : str or Constraint, optional
        What they must be after each step: of `gradstep.constraints`.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    State
    -----
    kernel : ndarray, shape (*kernel_size, channels / groups, filters)
    bias : ndarray, shape (filters,)
        None without `use_bias`. Both are the weights themselves: writing to them changes the layer.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of its range; strides and dilation both; groups that do not divide filters.
    ValueError
        At the build: the input has another number of axes, is smaller than the window with padding="valid", or has
        channels that groups do not divide.

    Notes
    -----
    .. math:: y_p = f\Big(\sum_k x_{s p + d k} W_k + b\Big)

    over the places k of the window, with stride s and dilation d, as in Keras. It is a matrix product whose rows are
    read where they lie in the images.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> layer = gs.layers.Conv2D(8, 3, activation="relu")
    >>> layer(np.zeros((5, 28, 28, 1))).shape
    (5, 26, 26, 8)
    >>> layer.kernel.shape
    (3, 3, 1, 8)
    """

    _n = 2


class Conv3D(Conv):
    r"""3D convolution layer, over volumes: at each voxel, the voxels around it times a kernel.

    Parameters
    ----------
    filters : int
        How many kernels: channels of the output; at least 1.
    kernel_size : int, or sequence of 3 int
        Of the window, along depth, height and width.
    strides : int, or sequence of 3 int, default 1
        How far the window moves.
    padding : {"valid", "same"}, default "valid"
        "valid": the window stays within the input. "same": zeros around it, so that with strides of 1 the output has
        its size.
    data_format : {"channels_last", "channels_first"}, optional
        Inputs of shape (rows, depth, height, width, channels), the default, or
        (rows, channels, depth, height, width), which is copied to the other order and back.
    dilation_rate : int, or sequence of 3 int, default 1
        How far the numbers that a window takes lie apart; not together with strides.
    groups : int, default 1
        Each share of the filters sees a share of the channels only; divides both.
    activation : str or function, optional
        As in `Dense`.
    use_bias : bool, default True
    kernel_initializer : str, Initializer or function, default "glorot_uniform"
        What the kernel is at the start.
    bias_initializer : str, Initializer or function, default "zeros"
    kernel_regularizer, bias_regularizer : str or Regularizer, optional
        What they add to the loss: of `gradstep.regularizers`.
    activity_regularizer : str or Regularizer, optional
        What the output adds to the loss, over the number of rows.
    kernel_constraint, bias_constraint : str or Constraint, optional
        What they must be after each step: of `gradstep.constraints`.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    State
    -----
    kernel : ndarray, shape (*kernel_size, channels / groups, filters)
    bias : ndarray, shape (filters,)
        None without `use_bias`. Both are the weights themselves: writing to them changes the layer.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of its range; strides and dilation both; groups that do not divide filters.
    ValueError
        At the build: the input has another number of axes, is smaller than the window with padding="valid", or has
        channels that groups do not divide.

    Notes
    -----
    .. math:: y_p = f\Big(\sum_k x_{s p + d k} W_k + b\Big)

    over the places k of the window, with stride s and dilation d, as in Keras. It is a matrix product whose rows are
    read where they lie in the volumes.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> layer = gs.layers.Conv3D(2, (1, 3, 3), padding="same")
    >>> layer(np.zeros((5, 4, 6, 6, 3))).shape
    (5, 4, 6, 6, 2)
    """

    _n = 3
