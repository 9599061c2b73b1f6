"""Base of the layers that resample images (csrc/layers/warp.hpp)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ... import seeds
from ...checks import brief, check_choice, check_float, check_int
from ..base.layer import Layer, Shape
from ..reshaping.rearranged import spatial_axes, standardize_data_format

__all__ = ["ImageWarp", "factor_range", "resizing", "standardize_fill", "standardize_interpolation"]

FILLS = {name: name for name in ("constant", "nearest", "reflect", "wrap")}
INTERPOLATIONS = {name: name for name in ("bilinear", "nearest")}


def factor_range(name: str, value: Any, low: float = -math.inf, high: float = math.inf) -> tuple[float, float]:
    """The range that a factor is drawn from: two numbers that rise, or one for both sides of 0."""
    if isinstance(value, (tuple, list)):
        if len(value) != 2:
            raise ValueError(f"{name} must be a number, or two that rise; got {brief(value)}.")
        begin, end = (check_float(f"{name}[{i}]", each) for i, each in enumerate(value))
    else:
        end = check_float(name, value)
        begin = -end
    if not (math.isfinite(begin) and math.isfinite(end) and low <= begin <= end <= high):
        bounds = "" if low == -math.inf else f" from {low:g} to {high:g}"
        raise ValueError(f"{name} must be a number of at least 0, or two that rise{bounds}; got {brief(value)}.")
    return begin, end


def standardize_fill(value: Any) -> str:
    """What is outside of an image."""
    return check_choice("fill_mode", value, FILLS)


def standardize_interpolation(value: Any) -> str:
    """How an image is read between its pixels."""
    return check_choice("interpolation", value, INTERPOLATIONS)


class ImageWarp(Layer):
    """Base of the layers that read an image at other places. A subclass gives `_warp`."""

    _weightless = True

    fill_mode = "constant"
    interpolation = "bilinear"
    fill_value: float = 0.0
    seed: int | None = None
    data_format: str

    def _take(self, data_format: Any, seed: int | None = None, draws: bool = True) -> None:
        self.data_format = standardize_data_format(data_format)
        self._draws = draws
        self.seed = seed
        self._draw_key()

    def _draw_key(self) -> None:
        if self._draws:
            self._key = seeds.word_of(self.seed)

    def _size(self, input_shape: Sequence[int | None]) -> tuple[int, int]:
        """Height and width of an image."""
        axes = spatial_axes(self, input_shape, 2, self.data_format)
        high, wide = (input_shape[axis] for axis in axes)
        assert high is not None
        assert wide is not None
        return high, wide

    def _resized(self, input_shape: Sequence[int | None], height: int, width: int) -> Shape:
        """The shape of images of another size."""
        axes, shape = spatial_axes(self, input_shape, 2, self.data_format), list(input_shape)
        shape[axes[0]], shape[axes[1]] = height, width
        return tuple(shape)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The shape of the input."""
        self._size(input_shape)
        return tuple(input_shape)

    def _warp(self, high: int, wide: int) -> dict[str, Any]:
        """What is drawn for images of this size, and from which ranges; or which box is resized."""
        raise NotImplementedError(f"{type(self).__name__} must define _warp(high, wide).")

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core; before it is built, the kind alone."""
        if self._input_shape is None:
            return {"kind": "warp"}
        return resizing(self._output_row, self.data_format, []) | {
            **self._warp(*self._size(self._input_shape)),
            "fill": self.fill_mode,
            "fill_value": self.fill_value,
            "nearest": self.interpolation == "nearest",
            "key": self._key or 0,
        }


def resizing(output: Sequence[int], data_format: str, box: list[float]) -> dict[str, Any]:
    """In the engine's words, images of this shape from a box of others: its top, left, height and width."""
    return {
        "kind": "warp",
        "output": list(output),
        "channels_first": data_format == "channels_first",
        "draws": "nothing",
        "box": box,
        "fill": "constant",
        "fill_value": 0.0,
        "nearest": False,
        "key": 0,
    }


def check_size(height: Any, width: Any) -> tuple[int, int]:
    """Height and width that images are to have."""
    return check_int("height", height, 1), check_int("width", width, 1)


def middle_box(high: int, wide: int, height: int, width: int) -> list[float]:
    """Top, left, height and width of the largest box of other proportions, as Keras's `smart_resize` takes it."""
    kept_high = max(min(high, int(float(wide * height) / width)), 1)
    kept_wide = max(min(wide, int(float(high * width) / height)), 1)
    return [float((high - kept_high) // 2), float((wide - kept_wide) // 2), float(kept_high), float(kept_wide)]
