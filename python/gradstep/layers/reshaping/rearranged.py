"""Base of the layers that only move elements (csrc/layers/rearrange.hpp)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import _core
from ...checks import brief, check_choice, check_int
from ..base.mixin import LayerMixin

if TYPE_CHECKING:
    from ..base.layer import Layer

__all__ = ["Rearranged", "Views", "per_axis", "spatial_axes", "standardize_data_format"]

Views = tuple[np.ndarray, np.ndarray]

DATA_FORMATS = {name: name for name in ("channels_last", "channels_first")}
SPATIAL = {1: ("steps",), 2: ("height", "width"), 3: ("depth", "height", "width")}


class Rearranged(LayerMixin):
    """Mixin, before `Layer` among the bases, of layers that only move, repeat or leave out elements.

    A subclass gives `compute_output_shape` and `_views`.
    """

    _weightless = True

    def _views(self, x: np.ndarray, y: np.ndarray) -> Views:
        """Views of one shape of a row x and of its output y: ``y[...] = 0; target[...] = source``."""
        raise NotImplementedError(f"{type(self).__name__} must define _views(x, y).")

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core; before it is built, the kind alone."""
        if self._input_shape is None:
            return {"kind": "rearrange"}
        # Arrays of bytes, so that strides are in numbers; nothing is read or written.
        x, y = np.empty(self._input_shape[1:], np.int8), np.empty(self._output_row, np.int8)
        source, target = self._views(x, y)
        return {
            "kind": "rearrange",
            "shape": list(y.shape),
            "sizes": list(source.shape),
            "source_strides": list(source.strides),
            "target_strides": list(target.strides),
            "source_offset": _core.address(source) - _core.address(x),
            "target_offset": _core.address(target) - _core.address(y),
        }


def standardize_data_format(value: Any) -> str:
    """The order of the axes of inputs: by default, "channels_last"."""
    return "channels_last" if value is None else check_choice("data_format", value, DATA_FORMATS)


def spatial_axes(layer: Layer, input_shape: Sequence[int | None], n: int, data_format: str) -> range:
    """The n spatial axes of an input, which has one of channels beside them.

    Raises
    ------
    ValueError
        The input has another number of axes.
    """
    first = data_format == "channels_first"
    names = ["rows", *["channels"] * first, *SPATIAL[n], *["channels"] * (not first)]
    if len(input_shape) != n + 2:
        raise ValueError(
            f"layer {layer.name!r} must get inputs of shape ({', '.join(names)}); got {tuple(input_shape)}."
        )
    return range(1 + first, 1 + first + n)


def per_axis(name: str, value: Any, n: int) -> tuple[tuple[int, int], ...]:
    """How much before and after each of n axes: an int for all; or of each axis an int, for both sides, or two."""
    if n == 1:
        return (_both_sides(name, value),)
    if not isinstance(value, (list, tuple)):
        return (_both_sides(name, value),) * n
    if len(value) != n:
        raise ValueError(f"{name} must be an int or have {n} members, one for each axis; got {brief(value)}.")
    return tuple(_both_sides(f"{name}[{i}]", each) for i, each in enumerate(value))


def _both_sides(name: str, value: Any) -> tuple[int, int]:
    if not isinstance(value, (list, tuple)):
        value = (value, value)
    if len(value) != 2:
        raise ValueError(f"{name} must be an int or two, for before and after; got {brief(value)}.")
    before, after = (check_int(name, each, 0) for each in value)
    return before, after
