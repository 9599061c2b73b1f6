"""Transposed convolutions (csrc/layers/conv_transpose.hpp)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import constraints, initializers, regularizers
from ...checks import check_int
from ..base.layer import Layer
from .convolution import Convolution
from .windows import many

__all__ = ["Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"]


class ConvTranspose(Convolution, Layer):
    """Base of the transposed convolutions."""

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        output_padding: int | Sequence[int] | None = None,
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
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
        self._take(locals())

    def _take(self, given: dict[str, Any]) -> None:
        self.filters = check_int("filters", given["filters"], 1)
        self.output_padding = None
        more, strides = given["output_padding"], given["strides"]
        if more is not None:
            self.output_padding = many("output_padding", more, self._n, 0)
            if any(a >= b for a, b in zip(self.output_padding, many("strides", strides, self._n), strict=True)):
                raise ValueError(f"output_padding must be less than strides; got {more!r} and {strides!r}.")
        super()._take(given)

    def _cuts(self, axis: int) -> tuple[int, int]:
        """How much is cut off both ends of all that the windows reach along an axis; less than 0: zeros come to it."""
        reach = (self.kernel_size[axis] - 1) * self.dilation_rate[axis] + 1
        stride, more = self.strides[axis], None if self.output_padding is None else self.output_padding[axis]
        if self.padding == "valid":
            return 0, -(max(stride - reach, 0) if more is None else more)
        kept = stride + reach - 2 if more is None else reach + reach % 2 - 2 + more
        before = min(kept - kept // 2, reach - 1)
        return reach - 1 - before, reach - 1 - (kept - before)

    def _sizes(self, input_shape: Sequence[int | None]) -> list[int | None]:
        sizes: list[int | None] = []
        for axis, n in enumerate(self._spatial(input_shape)):
            if n is None:
                sizes.append(None)
                continue
            reach = (n - 1) * self.strides[axis] + (self.kernel_size[axis] - 1) * self.dilation_rate[axis] + 1
            sizes.append(reach - sum(self._cuts(axis)))
            if reach - sum(self._cuts(axis)) < 1:
                raise ValueError(
                    f"layer {self.name!r} would give nothing along spatial axis {axis} for inputs of shape "
                    f"{tuple(input_shape)}, with padding={self.padding!r} and output_padding={self.output_padding}."
                )
        return sizes

    def _filters(self, channels: int | None) -> int | None:
        return self.filters

    def _kernel_shapes(self, channels: int) -> list[tuple[int, ...]]:
        return [(*self.kernel_size, self.filters, channels)]

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core; before it is built, for the smallest input."""
        shape = self._input_shape
        sizes = self.kernel_size if shape is None else self._sizes(shape)
        cuts = [0 if shape is None else self._cuts(axis)[0] for axis in range(self._n)]
        more = {"kind": "conv_transpose", "filters": self.filters, "length": sizes, "before": cuts}
        return super().specification() | more


class Conv1DTranspose(ConvTranspose):
    r"""1D transposed convolution layer: sequences of more steps, each step of the input times a kernel.

    Parameters
    ----------
    filters : int
        Channels of the output; at least 1.
    kernel_size : int, or sequence of 1 int
        Of the window, along steps.
    strides : int, or sequence of 1 int, default 1
        How far the places of the window in the output lie apart.
    padding : {"valid", "same"}, default "valid"
        "valid": the output has all that the windows reach. "same": strides times the size of the input, the rest cut
        off its edges.
    output_padding : int, or sequence of 1 int, optional
        By how much the output is longer than the shortest that such an input comes from; less than strides. By default
        as `padding` says.
    data_format : {"channels_last", "channels_first"}, optional
        Inputs of shape (rows, steps, channels), the default, or
        (rows, channels, steps), which is copied to the other order and back.
    dilation_rate : int, or sequence of 1 int, default 1
        How far the numbers that a window takes lie apart; not together with strides.
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
    kernel : ndarray, shape (*kernel_size, filters, channels)
    bias : ndarray, shape (filters,)
        None without `use_bias`. All are the weights themselves: writing to them changes the layer.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of its range; strides and dilation both; output_padding that is
        not less than strides.
    ValueError
        At the build: the input has another number of axes, or a size that the window does not fit.

    Notes
    -----
    .. math:: y_i = f\Big(\sum_{s p + d k - c = i} x_p W_k + b\Big)

    over the places k of the window, with stride s, dilation d and what is cut off in front, c: the gradient of a
    convolution by its input, with x for that by its output. Sizes and cuts are Keras's.

    References
    ----------
    Zeiler, Krishnan, Taylor, Fergus, "Deconvolutional networks", CVPR 2010, doi:10.1109/CVPR.2010.5539957.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> layer = gs.layers.Conv1DTranspose(1, 2, strides=2, kernel_initializer="ones")
    >>> layer(np.array([[[1.0], [5.0]]])).ravel()
    array([1., 1., 5., 5.], dtype=float32)
    """

    _n = 1


class Conv2DTranspose(ConvTranspose):
    r"""2D transposed convolution layer: images of more pixels, each pixel of the input times a kernel.

    Parameters
    ----------
    filters : int
        Channels of the output; at least 1.
    kernel_size : int, or sequence of 2 int
        Of the window, along height and width.
    strides : int, or sequence of 2 int, default 1
        How far the places of the window in the output lie apart.
    padding : {"valid", "same"}, default "valid"
        "valid": the output has all that the windows reach. "same": strides times the size of the input, the rest cut
        off its edges.
    output_padding : int, or sequence of 2 int, optional
        By how much the output is longer than the shortest that such an input comes from; less than strides. By default
        as `padding` says.
    data_format : {"channels_last", "channels_first"}, optional
        Inputs of shape (rows, height, width, channels), the default, or
        (rows, channels, height, width), which is copied to the other order and back.
    dilation_rate : int, or sequence of 2 int, default 1
        How far the numbers that a window takes lie apart; not together with strides.
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
    kernel : ndarray, shape (*kernel_size, filters, channels)
    bias : ndarray, shape (filters,)
        None without `use_bias`. All are the weights themselves: writing to them changes the layer.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of its range; strides and dilation both; output_padding that is
        not less than strides.
    ValueError
        At the build: the input has another number of axes, or a size that the window does not fit.

    Notes
    -----
    .. math:: y_i = f\Big(\sum_{s p + d k - c = i} x_p W_k + b\Big)

    over the places k of the window, with stride s, dilation d and what is cut off in front, c: the gradient of a
    convolution by its input, with x for that by its output. Sizes and cuts are Keras's.

    References
    ----------
    Zeiler, Krishnan, Taylor, Fergus, "Deconvolutional networks", CVPR 2010, doi:10.1109/CVPR.2010.5539957.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.Conv2DTranspose(8, 3, strides=2, padding="same")(np.zeros((5, 7, 7, 4))).shape
    (5, 14, 14, 8)
    """

    _n = 2


class Conv3DTranspose(ConvTranspose):
    r"""3D transposed convolution layer: volumes of more voxels, each voxel of the input times a kernel.

    Parameters
    ----------
    filters : int
        Channels of the output; at least 1.
    kernel_size : int, or sequence of 3 int
        Of the window, along depth, height and width.
    strides : int, or sequence of 3 int, default 1
        How far the places of the window in the output lie apart.
    padding : {"valid", "same"}, default "valid"
        "valid": the output has all that the windows reach. "same": strides times the size of the input, the rest cut
        off its edges.
    data_format : {"channels_last", "channels_first"}, optional
        Inputs of shape (rows, depth, height, width, channels), the default, or
        (rows, channels, depth, height, width), which is copied to the other order and back.
    output_padding : int, or sequence of 3 int, optional
        By how much the output is longer than the shortest that such an input comes from; less than strides. By default
        as `padding` says.
    dilation_rate : int, or sequence of 3 int, default 1
        How far the numbers that a window takes lie apart; not together with strides.
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
    kernel : ndarray, shape (*kernel_size, filters, channels)
    bias : ndarray, shape (filters,)
        None without `use_bias`. All are the weights themselves: writing to them changes the layer.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of its range; strides and dilation both; output_padding that is
        not less than strides.
    ValueError
        At the build: the input has another number of axes, or a size that the window does not fit.

    Notes
    -----
    .. math:: y_i = f\Big(\sum_{s p + d k - c = i} x_p W_k + b\Big)

    over the places k of the window, with stride s, dilation d and what is cut off in front, c: the gradient of a
    convolution by its input, with x for that by its output. Sizes and cuts are Keras's.

    References
    ----------
    Zeiler, Krishnan, Taylor, Fergus, "Deconvolutional networks", CVPR 2010, doi:10.1109/CVPR.2010.5539957.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.Conv3DTranspose(8, 2, strides=2)(np.zeros((5, 3, 4, 4, 2))).shape
    (5, 6, 8, 8, 8)
    """

    _n = 3

    # Keras has two arguments the other way round here.
    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        output_padding: int | Sequence[int] | None = None,
        dilation_rate: int | Sequence[int] = 1,
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
        self._take(locals())
