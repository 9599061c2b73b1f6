"""Convolutions that do not mix channels (csrc/layers/conv.hpp)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import constraints, initializers, regularizers
from ...checks import check_int
from ..base.layer import Layer
from .convolution import Convolution

__all__ = ["DepthwiseConv1D", "DepthwiseConv2D"]


class DepthwiseConv(Convolution, Layer):
    """Base of the depthwise convolutions."""

    _kernels = ("depthwise",)

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        activation: str | Callable[..., np.ndarray] | None = None,
        use_bias: bool = True,
        depthwise_initializer: str | initializers.Initializer | Callable[..., Any] = "glorot_uniform",
        bias_initializer: str | initializers.Initializer | Callable[..., Any] = "zeros",
        depthwise_regularizer: str | regularizers.Regularizer | None = None,
        bias_regularizer: str | regularizers.Regularizer | None = None,
        activity_regularizer: str | regularizers.Regularizer | None = None,
        depthwise_constraint: str | constraints.Constraint | None = None,
        bias_constraint: str | constraints.Constraint | None = None,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.depth_multiplier = check_int("depth_multiplier", depth_multiplier, 1)
        self._take(locals())

    def _filters(self, channels: int | None) -> int | None:
        return None if channels is None else channels * self.depth_multiplier

    def _kernel_shapes(self, channels: int) -> list[tuple[int, ...]]:
        return [(*self.kernel_size, channels, self.depth_multiplier)]

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        return super().specification() | {
            "kind": "conv",
            "filters": self.depth_multiplier,
            "groups": 1,
            "depthwise": True,
        }


class DepthwiseConv1D(DepthwiseConv):
    r"""1D depthwise convolution layer, over sequences: each channel with its own kernels.

    Parameters
    ----------
    kernel_size : int, or sequence of 1 int
        Of the window, along steps.
    strides : int, or sequence of 1 int, default 1
        How far the window moves.
    padding : {"valid", "same"}, default "valid"
        "valid": the window stays within the input. "same": zeros around it, so that with strides of 1 the output has
        its size.
    depth_multiplier : int, default 1
        Filters of each channel.
    data_format : {"channels_last", "channels_first"}, optional
        Inputs of shape (rows, steps, channels), the default, or
        (rows, channels, steps), which is copied to the other order and back.
    dilation_rate : int, or sequence of 1 int, default 1
        How far the numbers that a window takes lie apart; not together with strides.
    activation : str or function, optional
        As in `Dense`.
    use_bias : bool, default True
    depthwise_initializer : str, Initializer or function, default "glorot_uniform"
        What the kernel is at the start.
    bias_initializer : str, Initializer or function, default "zeros"
    depthwise_regularizer, bias_regularizer : str or Regularizer, optional
        What they add to the loss: of `gradstep.regularizers`.
    activity_regularizer : str or Regularizer, optional
        What the output adds to the loss, over the number of rows.
    depthwise_constraint, bias_constraint : str or Constraint, optional
        What they must be after each step: of `gradstep.constraints`.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    State
    -----
    kernel : ndarray, shape (*kernel_size, channels, depth_multiplier)
    bias : ndarray, shape (channels * depth_multiplier,)
        None without `use_bias`. All are the weights themselves: writing to them changes the layer.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of its range; strides and dilation both.
    ValueError
        At the build: the input has another number of axes, or a size that the window does not fit.

    Notes
    -----
    Channel c of the input makes channels c * depth_multiplier and those after it, each with its own kernel. It is
    a convolution with as many groups as channels.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.DepthwiseConv1D(3, depth_multiplier=2)(np.zeros((5, 9, 4))).shape
    (5, 7, 8)
    """

    _n = 1


class DepthwiseConv2D(DepthwiseConv):
    r"""2D depthwise convolution layer, over images: each channel with its own kernels.

    Parameters
    ----------
    kernel_size : int, or sequence of 2 int
        Of the window, along height and width.
    strides : int, or sequence of 2 int, default 1
        How far the window moves.
    padding : {"valid", "same"}, default "valid"
        "valid": the window stays within the input. "same": zeros around it, so that with strides of 1 the output has
        its size.
    depth_multiplier : int, default 1
        Filters of each channel.
    data_format : {"channels_last", "channels_first"}, optional
        Inputs of shape (rows, height, width, channels), the default, or
        (rows, channels, height, width), which is copied to the other order and back.
    dilation_rate : int, or sequence of 2 int, default 1
        How far the numbers that a window takes lie apart; not together with strides.
    activation : str or function, optional
        As in `Dense`.
    use_bias : bool, default True
    depthwise_initializer : str, Initializer or function, default "glorot_uniform"
        What the kernel is at the start.
    bias_initializer : str, Initializer or function, default "zeros"
    depthwise_regularizer, bias_regularizer : str or Regularizer, optional
        What they add to the loss: of `gradstep.regularizers`.
    activity_regularizer : str or Regularizer, optional
        What the output adds to the loss, over the number of rows.
    depthwise_constraint, bias_constraint : str or Constraint, optional
        What they must be after each step: of `gradstep.constraints`.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    State
    -----
    kernel : ndarray, shape (*kernel_size, channels, depth_multiplier)
    bias : ndarray, shape (channels * depth_multiplier,)
        None without `use_bias`. All are the weights themselves: writing to them changes the layer.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of its range; strides and dilation both.
    ValueError
        At the build: the input has another number of axes, or a size that the window does not fit.

    Notes
    -----
    Channel c of the input makes channels c * depth_multiplier and those after it, each with its own kernel. It is
    a convolution with as many groups as channels.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.DepthwiseConv2D(3, depth_multiplier=2)(np.zeros((5, 9, 9, 4))).shape
    (5, 7, 7, 8)
    """

    _n = 2
