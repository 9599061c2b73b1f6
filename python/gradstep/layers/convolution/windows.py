"""Arguments and shapes of sliding windows, of convolution and pooling (csrc/graph/convolution/window.hpp)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...checks import check_int
from ..base.layer import Layer
from ..reshaping.rearranged import spatial_axes

__all__ = ["many", "places"]


def many(name: str, value: Any, n: int, least: int = 1) -> tuple[int, ...]:
    """A number for each of n axes: an int for all, or a sequence; each at least as large."""
    if not isinstance(value, (list, tuple)):
        return (check_int(name, value, least),) * n
    if len(value) != n:
        raise ValueError(f"{name} must be an int or {n}, one for each axis; got {value!r}.")
    return tuple(check_int(f"{name}[{i}]", each, least) for i, each in enumerate(value))


def places(
    layer: Layer,
    input_shape: Sequence[int | None],
    size: Sequence[int],
    strides: Sequence[int],
    dilation: Sequence[int],
    padding: str,
    data_format: str,
) -> list[int | None]:
    """How many places a window has along each spatial axis of an input.

    Raises
    ------
    ValueError
        The input has another number of axes, or a window does not fit into it.
    """
    axes = spatial_axes(layer, input_shape, len(size), data_format)
    counts: list[int | None] = []
    for axis, window, stride, spread in zip(axes, size, strides, dilation, strict=True):
        n, reach = input_shape[axis], (window - 1) * spread + 1
        if n is None:
            counts.append(None)
        elif padding != "valid":
            counts.append(-(-n // stride))
        elif n < reach:
            raise ValueError(
                f"layer {layer.name!r} must get inputs at least as large as its window, which reaches over {reach} "
                f"with padding='valid'; axis {axis} of inputs of shape {tuple(input_shape)} has {n}."
            )
        else:
            counts.append((n - reach) // stride + 1)
    return counts
