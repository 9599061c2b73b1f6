"""Convolutions in two steps: of each channel, then of each place (csrc/layers/separable_conv.hpp)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import constraints, initializers, regularizers
from ...checks import check_int
from ..base.layer import Layer
from .convolution import Convolution

__all__ = ["SeparableConv1D", "SeparableConv2D"]


class SeparableConv(Convolution, Layer):
    """Base of the separable convolutions."""

    _kernels = ("depthwise", "pointwise")
    _weight_names = ("depthwise_kernel", "pointwise_kernel", "bias")
    _trained = (True, True, True)

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        depth_multiplier: int = 1,
        activation: str | Callable[..., np.ndarray] | None = None,
        use_bias: bool = True,
        depthwise_initializer: str | initializers.Initializer | Callable[..., Any] = "glorot_uniform",
        pointwise_initializer: str | initializers.Initializer | Callable[..., Any] = "glorot_uniform",
        bias_initializer: str | initializers.Initializer | Callable[..., Any] = "zeros",
        depthwise_regularizer: str | regularizers.Regularizer | None = None,
        pointwise_regularizer: str | regularizers.Regularizer | None = None,
        bias_regularizer: str | regularizers.Regularizer | None = None,
        activity_regularizer: str | regularizers.Regularizer | None = None,
        depthwise_constraint: str | constraints.Constraint | None = None,
        pointwise_constraint: str | constraints.Constraint | None = None,
        bias_constraint: str | constraints.Constraint | None = None,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.filters = check_int("filters", filters, 1)
        self.depth_multiplier = check_int("depth_multiplier", depth_multiplier, 1)
        self._take(locals())

    @property
    def depthwise_kernel(self) -> np.ndarray:
        """Filters of each channel, shape kernel_size + (channels, depth_multiplier)."""
        return self._weight(0)

    @property
    def pointwise_kernel(self) -> np.ndarray:
        """Filters of each place, shape (1, ..., channels * depth_multiplier, filters)."""
        return self._weight(1)

    def _filters(self, channels: int | None) -> int | None:
        return self.filters

    def _kernel_shapes(self, channels: int) -> list[tuple[int, ...]]:
        point = (*[1] * self._n, channels * self.depth_multiplier, self.filters)
        return [(*self.kernel_size, channels, self.depth_multiplier), point]

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        more = {"kind": "separable_conv", "filters": self.filters, "depth_multiplier": self.depth_multiplier}
        return super().specification() | more


class SeparableConv1D(SeparableConv):
    r"""1D separable convolution layer, over sequences: each channel with its own kernels, then each step.

    Parameters
    ----------
    filters : int
        Channels of the output; at least 1.
    kernel_size : int, or sequence of 1 int
        Of the window, along steps.
    strides : int, or sequence of 1 int, default 1
        How far the window moves.
    padding : {"valid", "same"}, default "valid"
        "valid": the window stays within the input. "same": zeros around it, so that with strides of 1 the output has
        its size.
    data_format : {"channels_last", "channels_first"}, optional
        Inputs of shape (rows, steps, channels), the default, or
        (rows, channels, steps), which is copied to the other order and back.
    dilation_rate : int, or sequence of 1 int, default 1
        How far the numbers that a window takes lie apart; not together with strides.
    depth_multiplier : int, default 1
        Filters of each channel.
    activation : str or function, optional
        As in `Dense`.
    use_bias : bool, default True
    depthwise_initializer, pointwise_initializer : str, Initializer or function, default "glorot_uniform"
        What the kernels are at the start.
    bias_initializer : str, Initializer or function, default "zeros"
    depthwise_regularizer, pointwise_regularizer, bias_regularizer : str or Regularizer, optional
        What they add to the loss: of `gradstep.regularizers`.
    activity_regularizer : str or Regularizer, optional
        What the output adds to the loss, over the number of rows.
    depthwise_constraint, pointwise_constraint, bias_constraint : str or Constraint, optional
        What they must be after each step: of `gradstep.constraints`.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    State
    -----
    depthwise_kernel : ndarray, shape kernel_size + (channels, depth_multiplier)
    pointwise_kernel : ndarray, shape (1, channels * depth_multiplier, filters)
    bias : ndarray, shape (filters,)
        None without `use_bias`. All are the weights themselves: writing to them changes the layer.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of its range; strides and dilation both.
    ValueError
        At the build: the input has another number of axes, or a size that the window does not fit.

    Notes
    -----
    A `DepthwiseConv1D` without bias and activation, then a convolution with a window of 1: far fewer weights and
    multiplications than one convolution of all channels.

    References
    ----------
    Chollet, "Xception: deep learning with depthwise separable convolutions", CVPR 2017, arXiv:1610.02357.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.SeparableConv1D(8, 3)(np.zeros((5, 9, 4))).shape
    (5, 7, 8)
    """

    _n = 1


class SeparableConv2D(SeparableConv):
    r"""2D separable convolution layer, over images: each channel with its own kernels, then each pixel.

    Parameters
    ----------
    filters : int
        Channels of the output; at least 1.
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
    depth_multiplier : int, default 1
        Filters of each channel.
    activation : str or function, optional
        As in `Dense`.
    use_bias : bool, default True
    depthwise_initializer, pointwise_initializer : str, Initializer or function, default "glorot_uniform"
        What the kernels are at the start.
    bias_initializer : str, Initializer or function, default "zeros"
    depthwise_regularizer, pointwise_regularizer, bias_regularizer : str or Regularizer, optional
        What they add to the loss: of `gradstep.regularizers`.
    activity_regularizer : str or Regularizer, optional
        What the output adds to the loss, over the number of rows.
    depthwise_constraint, pointwise_constraint, bias_constraint : str or Constraint, optional
        What they must be after each step: of `gradstep.constraints`.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    State
    -----
    depthwise_kernel : ndarray, shape kernel_size + (channels, depth_multiplier)
    pointwise_kernel : ndarray, shape (1, 1, channels * depth_multiplier, filters)
    bias : ndarray, shape (filters,)
        None without `use_bias`. All are the weights themselves: writing to them changes the layer.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of its range; strides and dilation both.
    ValueError
        At the build: the input has another number of axes, or a size that the window does not fit.

    Notes
    -----
    A `DepthwiseConv2D` without bias and activation, then a convolution with a window of 1: far fewer weights and
    multiplications than one convolution of all channels.

    References
    ----------
    Chollet, "Xception: deep learning with depthwise separable convolutions", CVPR 2017, arXiv:1610.02357.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.SeparableConv2D(8, 3)(np.zeros((5, 9, 9, 4))).shape
    (5, 7, 7, 8)
    """

    _n = 2
