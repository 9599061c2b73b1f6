"""Arguments and shapes of sliding windows, of convolution and pooling (csrc/graph/convolution/window.hpp)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...checks import brief, check_choice, check_int
from ..base.layer import Layer
from ..reshaping.rearranged import spatial_axes, standardize_data_format

__all__ = ["many", "places", "take_window"]


def many(name: str, value: Any, n: int, least: int = 1) -> tuple[int, ...]:
    """A number for each of n axes: an int for all, or a sequence; each at least as large."""
    if not isinstance(value, (list, tuple)):
        return (check_int(name, value, least),) * n
    if len(value) != n:
        raise ValueError(f"{name} must be an int or {n}, one for each axis; got {brief(value)}.")
    return tuple(check_int(f"{name}[{i}]", each, least) for i, each in enumerate(value))


def take_window(layer: Any, given: Mapping[str, Any], n: int, paddings: Sequence[str]) -> None:
    """Check and keep the arguments of a window over n axes; given: a constructor's ``locals()``."""
    layer.kernel_size = many("kernel_size", given["kernel_size"], n)
    layer.strides = many("strides", given["strides"], n)
    padding = given["padding"].lower() if isinstance(given["padding"], str) else given["padding"]
    layer.padding = check_choice("padding", padding, {name: name for name in paddings})
    layer.data_format = standardize_data_format(given["data_format"])
    layer.dilation_rate = many("dilation_rate", given["dilation_rate"], n)
    if max(layer.strides) > 1 and max(layer.dilation_rate) > 1:
        raise ValueError(
            f"strides and dilation_rate must not both be more than 1; got {layer.strides} and {layer.dilation_rate}."
        )


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
