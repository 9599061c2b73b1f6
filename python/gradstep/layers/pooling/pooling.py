"""Base of the pooling layers (csrc/layers/pool.hpp)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...checks import check_choice
from ..base.layer import Shape
from ..base.mixin import LayerMixin
from ..convolution.windows import many, places
from ..reshaping.rearranged import standardize_data_format

__all__ = ["Pooling"]


class Pooling(LayerMixin):
    """Mixin, before `Layer` among the bases, of layers that pool within a window."""

    _weightless = True
    _n = 1  # spatial axes
    _mean = False

    def __init__(self, pool_size: Any, strides: Any, padding: str, data_format: str | None, **options: Any) -> None:
        self.pool_size = many("pool_size", pool_size, self._n)
        self.strides = self.pool_size if strides is None else many("strides", strides, self._n)
        if isinstance(padding, str):
            padding = padding.lower()
        self.padding = check_choice("padding", padding, {"valid": "valid", "same": "same"})
        self.data_format = standardize_data_format(data_format)
        super().__init__(**options)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """A number for each channel at each place of the window."""
        counts = places(self, input_shape, self.pool_size, self.strides, (1,) * self._n, self.padding, self.data_format)
        if self.data_format == "channels_first":
            return (*input_shape[:2], *counts)
        return (input_shape[0], *counts, input_shape[-1])

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        return {
            "kind": "pool",
            "size": self.pool_size,
            "stride": self.strides,
            "same": self.padding == "same",
            "mean": self._mean,
            "flat": False,
            "channels_first": self.data_format == "channels_first",
        }
