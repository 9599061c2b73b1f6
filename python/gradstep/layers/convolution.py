"""What convolutions have in common (csrc/layers/conv.hpp)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import activations, constraints, initializers, regularizers
from ..checks import check_bool, check_choice, check_int
from .activation import stages_of, warn_of_one
from .base import Layer, Shape
from .rearranged import standardize_data_format
from .windows import many, places

__all__ = ["Convolution"]


class Convolution(Layer):
    """Base of the convolutions: all but their signatures."""

    _n = 1  # spatial axes
    _paddings: Sequence[str] = ("valid", "same")
    _weight_names = ("kernel", "bias")

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any,
        padding: str,
        data_format: str | None,
        dilation_rate: Any,
        groups: int,
        activation: Any,
        use_bias: bool,
        rules: dict[str, Any],
        **options: Any,
    ) -> None:
        self.filters = check_int("filters", filters, 1)
        self.kernel_size = many("kernel_size", kernel_size, self._n)
        self.strides = many("strides", strides, self._n)
        if isinstance(padding, str):
            padding = padding.lower()
        self.padding = check_choice("padding", padding, {name: name for name in self._paddings})
        self.data_format = standardize_data_format(data_format)
        self.dilation_rate = many("dilation_rate", dilation_rate, self._n)
        self.groups = check_int("groups", groups, 1)
        if self.filters % self.groups:
            raise ValueError(f"groups must divide filters; got groups={self.groups} and filters={self.filters}.")
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"strides and dilation_rate must not both be more than 1; got {self.strides} and {self.dilation_rate}."
            )
        if self.padding == "causal" and self.data_format != "channels_last":
            raise ValueError("padding='causal' must have data_format='channels_last'; got 'channels_first'.")
        self.activation = activations.get(activation)
        activations.specify(self.activation)
        self.use_bias = check_bool("use_bias", use_bias)
        self.kernel_initializer = initializers.get(rules["kernel_initializer"])
        self.bias_initializer = initializers.get(rules["bias_initializer"])
        self.kernel_regularizer = regularizers.get(rules["kernel_regularizer"])
        self.bias_regularizer = regularizers.get(rules["bias_regularizer"])
        self.activity_regularizer = regularizers.get(rules["activity_regularizer"])
        self.kernel_constraint = constraints.get(rules["kernel_constraint"])
        self.bias_constraint = constraints.get(rules["bias_constraint"])
        super().__init__(**options)
        self._stages = stages_of(self.activation, self.activity_regularizer, self)

    @property
    def kernel(self) -> np.ndarray:
        """Filters, shape (*kernel_size, channels / groups, filters)."""
        return self._weight(0)

    @property
    def bias(self) -> np.ndarray | None:
        """Bias, shape (filters,); None without `use_bias`."""
        return self._weight(1) if self.use_bias else None

    def _channels(self, input_shape: Sequence[int | None]) -> int | None:
        return input_shape[1 if self.data_format == "channels_first" else -1]

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """A number for each filter at each place of the window."""
        counts = places(
            self, input_shape, self.kernel_size, self.strides, self.dilation_rate, self.padding, self.data_format
        )
        channels = self._channels(input_shape)
        if channels is not None and channels % self.groups:
            raise ValueError(
                f"groups of layer {self.name!r} must divide the channels of its input; got groups={self.groups} and "
                f"inputs of shape {tuple(input_shape)}."
            )
        if self.data_format == "channels_first":
            return (input_shape[0], self.filters, *counts)
        return (input_shape[0], *counts, self.filters)

    def specification(self) -> dict[str, Any]:
        """The layer in the engine's words."""
        return {
            "kind": "conv",
            "filters": self.filters,
            "size": self.kernel_size,
            "stride": self.strides,
            "dilation": self.dilation_rate,
            "groups": self.groups,
            "same": self.padding == "same",
            "causal": self.padding == "causal",
            "channels_first": self.data_format == "channels_first",
            "use_bias": self.use_bias,
            "activation": activations.specify(self.activation),
        }

    def rules(self) -> list[tuple[regularizers.Regularizer | None, constraints.Constraint | None]]:
        """What holds for the kernel and for the bias."""
        return [
            (self.kernel_regularizer, self.kernel_constraint),
            (self.bias_regularizer, self.bias_constraint),
        ]

    def draw_weights(self, input_shape: tuple[int, ...]) -> list[np.ndarray]:
        """A kernel and a bias."""
        warn_of_one(self, self.filters if self.data_format == "channels_last" else 0)
        channels = self._channels((None, *input_shape)) or 1
        weights = [self._drawn("kernel_initializer", (*self.kernel_size, channels // self.groups, self.filters))]
        if self.use_bias:
            weights.append(self._drawn("bias_initializer", (self.filters,)))
        return weights
