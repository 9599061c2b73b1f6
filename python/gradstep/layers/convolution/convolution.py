"""Base of the convolutions (csrc/layers/convolve.hpp)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import activations, constraints, regularizers
from ...checks import check_bool
from ..base.arguments import options_of, take_rules
from ..base.mixin import LayerMixin
from ..core.activation import stages_of, warn_of_one
from ..reshaping.rearranged import spatial_axes
from .windows import places, take_window

if TYPE_CHECKING:
    from ..base.layer import Shape

__all__ = ["Convolution"]


class Convolution(LayerMixin):
    """Mixin, before `Layer` among the bases, of convolutions: all but their signatures and shapes."""

    _n = 1  # spatial axes
    _paddings: Sequence[str] = ("valid", "same")
    _weight_names: Sequence[str] = ("kernel", "bias")
    _kernels: Sequence[str] = ("kernel",)  # what the arguments for each kernel begin with
    kernel_size: tuple[int, ...]
    strides: tuple[int, ...]
    padding: str
    data_format: str
    dilation_rate: tuple[int, ...]
    use_bias: bool
    activity_regularizer: regularizers.Regularizer | None

    def _take(self, given: dict[str, Any]) -> None:
        """Check and keep what all of them have; given: the arguments of a constructor by their names."""
        take_window(self, given, self._n, self._paddings)
        if self.padding == "causal" and self.data_format != "channels_last":
            raise ValueError("padding='causal' must have data_format='channels_last'; got 'channels_first'.")
        self.activation = activations.get(given["activation"])
        activations.specify(self.activation)
        self.use_bias = check_bool("use_bias", given["use_bias"])
        take_rules(self, given)
        super().__init__(**options_of(given))
        self._stages = stages_of(self.activation, self.activity_regularizer, self)

    @property
    def kernel(self) -> np.ndarray:
        """Filters."""
        return self._weight(0)

    @property
    def bias(self) -> np.ndarray | None:
        """Bias, shape (filters,); None without `use_bias`."""
        return self._weight(len(self._kernels)) if self.use_bias else None

    def _channels(self, input_shape: Sequence[int | None]) -> int | None:
        return input_shape[1 if self.data_format == "channels_first" else -1]

    def _sizes(self, input_shape: Sequence[int | None]) -> list[int | None]:
        """Sizes of the output along the spatial axes: places of the window."""
        size, strides, spread = self.kernel_size, self.strides, self.dilation_rate
        return places(self, input_shape, size, strides, spread, self.padding, self.data_format)

    def _filters(self, channels: int | None) -> int | None:
        """Channels of the output."""
        raise NotImplementedError(f"{type(self).__name__} must define _filters(channels).")

    def _kernel_shapes(self, channels: int) -> list[tuple[int, ...]]:
        """Of the weights but for the bias."""
        raise NotImplementedError(f"{type(self).__name__} must define _kernel_shapes(channels).")

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """A number for each filter at each place."""
        sizes, filters = self._sizes(input_shape), self._filters(self._channels(input_shape))
        if self.data_format == "channels_first":
            return (input_shape[0], filters, *sizes)
        return (input_shape[0], *sizes, filters)

    def specification(self) -> dict[str, Any]:
        """Settings of the layer, for the compiled core, but for its kind and filters."""
        return {
            "size": self.kernel_size,
            "stride": self.strides,
            "dilation": self.dilation_rate,
            "same": self.padding == "same",
            "causal": self.padding == "causal",
            "channels_first": self.data_format == "channels_first",
            "use_bias": self.use_bias,
            "activation": activations.specify(self.activation),
        }

    def rules(self) -> list[tuple[regularizers.Regularizer | None, constraints.Constraint | None]]:
        """Regularizer and constraint of each kernel and the bias."""
        return self._rules_of((*self._kernels, "bias"))

    def draw_weights(self, input_shape: tuple[int, ...]) -> list[np.ndarray]:
        """The kernels and a bias."""
        channels = self._channels((None, *input_shape)) or 1
        filters = self._filters(channels) or 1
        warn_of_one(self, filters if self.data_format == "channels_last" else 0)
        shapes = self._kernel_shapes(channels)
        weights = [self._drawn(f"{name}_initializer", shape) for name, shape in zip(self._kernels, shapes, strict=True)]
        if self.use_bias:
            weights.append(self._drawn("bias_initializer", (filters,)))
        return weights

    def _spatial(self, input_shape: Sequence[int | None]) -> list[int | None]:
        """Sizes of the input along the spatial axes."""
        return [input_shape[axis] for axis in spatial_axes(self, input_shape, self._n, self.data_format)]
