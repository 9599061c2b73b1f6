"""Convolution, pooling, and what moves numbers, in a program."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .activations import activate
from .call import Call
from .program import Value, Window
from .scalar import not_equal, where

__all__ = ["concatenate", "conv", "conv_transpose", "embedding", "pool", "rearrange", "separable_conv", "warp"]
__all__ += ["windows_of"]


def _sizes(call: Call) -> tuple[int, ...]:
    """The input's, without that of its channels."""
    return call.x.shape[1:] if call.spec["channels_first"] else call.x.shape[:-1]


def _channels(call: Call, value: Value) -> int:
    return value.shape[0 if call.spec["channels_first"] else -1]


def windows_of(call: Call) -> list[Window]:
    """As csrc/graph/convolution/window.hpp lays them."""
    spec, made = call.spec, []
    dilations = spec.get("dilation") or [1] * len(spec["size"])
    for n, size, stride, dilation in zip(_sizes(call), spec["size"], spec["stride"], dilations, strict=True):
        reach = (size - 1) * dilation + 1
        if spec.get("same"):
            places = -(-n // stride)
            before = max((places - 1) * stride + reach - n, 0) // 2
        else:
            before = reach - 1 if spec.get("causal") else 0
            places = (n + before - reach) // stride + 1
        made.append(Window(n, places, size, stride, dilation, before))
    return made


def _activated(call: Call, x: Value) -> Value:
    return activate(call.program, x, call.spec["activation"], 0 if call.spec["channels_first"] else -1)


def conv(call: Call) -> Value:
    """A convolution; depthwise ones have a group for each channel."""
    kernel, spatial = call.weights[0], len(call.spec["size"])
    groups = call.spec["groups"]
    if call.spec["depthwise"]:
        groups = kernel.shape[spatial]
        kernel = kernel.reshape(*kernel.shape[:spatial], 1, -1)
    inputs = [call.x, call.program.constant(kernel, "kernel")]
    inputs += [call.weight(1, "bias")] if call.spec["use_bias"] else []
    first, filters = call.spec["channels_first"], kernel.shape[-1]
    made = call.program.window("conv", inputs, windows_of(call), filters, first, groups=groups)
    return _activated(call, made)


def separable_conv(call: Call) -> Value:
    """A depthwise convolution, then one by 1 at each place."""
    spatial, first = len(call.spec["size"]), call.spec["channels_first"]
    kernel, point = call.weights[0], call.weights[1]
    groups, windows = kernel.shape[spatial], windows_of(call)
    depth = call.program.constant(kernel.reshape(*kernel.shape[:spatial], 1, -1), "depthwise_kernel")
    h = call.program.window("conv", [call.x, depth], windows, depth.shape[-1], first, groups=groups)
    inputs = [h, call.program.constant(point, "pointwise_kernel")]
    inputs += [call.weight(2, "bias")] if call.spec["use_bias"] else []
    points = [Window(w.output, w.output, 1, 1, 1, 0) for w in windows]
    return _activated(call, call.program.window("conv", inputs, points, point.shape[-1], first, groups=1))


def conv_transpose(call: Call) -> Value:
    """What a convolution of y would send back; the windows are that convolution's, over y."""
    spec, kernel = call.spec, call.weights[0]
    inputs = [call.x, call.weight(0, "kernel")]
    inputs += [call.weight(1, "bias")] if spec["use_bias"] else []
    rows = zip(
        _sizes(call), spec["length"], spec["size"], spec["stride"], spec["dilation"], spec["before"], strict=True
    )
    windows = [Window(length, n, size, stride, dilation, before) for n, length, size, stride, dilation, before in rows]
    first, filters = spec["channels_first"], kernel.shape[-2]
    places = [w.input for w in windows]
    shape = (filters, *places) if first else (*places, filters)
    made = call.program.add("conv_transpose", inputs, shape, windows=windows, first=first)
    return _activated(call, made)


def pool(call: Call) -> Value:
    """The largest number, or the mean, of each channel in each window; numbers beside the input do not count."""
    first, channels = call.spec["channels_first"], _channels(call, call.x)
    by = "mean" if call.spec["mean"] else "max"
    windows = windows_of(call)
    if all(w.size == w.input and w.output == 1 and w.before == 0 for w in windows):
        axes = range(1, len(windows) + 1) if first else range(len(windows))
        return call.program.reshape(call.program.reduce(call.x, list(axes), by), call.row)
    return call.program.reshape(call.program.window("pool", [call.x], windows, channels, first, by=by), call.row)


def rearrange(call: Call) -> Value:
    """y = 0, then y[target] = x[source], where the two are strided views."""
    spec, shape = call.spec, call.x.shape
    sizes, source, target = spec["sizes"], list(spec["source_strides"]), list(spec["target_strides"])
    offsets = (int(spec.get("source_offset", 0)), int(spec.get("target_offset", 0)))
    ours, theirs = _strides(shape), _strides(call.row)
    whole = list(sizes) == list(call.row) and target == theirs and offsets == (0, 0) and 1 not in shape
    if whole and sorted(source) == sorted(ours) and len(set(ours)) == len(ours):
        return call.program.transpose(call.x, [ours.index(stride) for stride in source])
    views = {"sizes": list(sizes), "source": [int(s) for s in source], "target": [int(s) for s in target]}
    return call.program.add("rearrange", [call.x], call.row, offsets=offsets, **views)


def _strides(shape: Sequence[int]) -> list[int]:
    return [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]


def concatenate(call: Call) -> Value:
    """Inputs one after another along an axis, which is counted with that of the rows."""
    return call.program.concatenate(call.inputs, call.spec["axis"] - 1)


def embedding(call: Call) -> Value:
    """The row of a table for each id; numbers that are none where it has no such row."""
    return call.program.add("lookup", [call.x, call.weight(0, "embeddings")], (*call.x.shape, call.spec["output_dim"]))


def warp(call: Call) -> Value:
    """A box of an image, resized; what is drawn in training alone does nothing."""
    spec, program = call.spec, call.program
    if spec["draws"] not in ("nothing", "crop"):
        return call.x
    first, rank = spec["channels_first"], len(call.x.shape)
    x = program.transpose(call.x, [*range(1, rank), 0]) if first else call.x
    high, wide, channels = x.shape
    rows, columns = spec["output"][1:] if first else spec["output"][:2]
    flat, total = program.reshape(x, (high * wide, channels)), None
    for places, share in _taps(spec, (high, wide), (rows, columns)):
        part = program.take(flat, places)
        if share is not None:
            by = program.constant(share[:, None], "shares")
            # A share of 0 keeps out what is no number, too.
            part = program.map(lambda x, by: where(not_equal(by, 0), x * by, 0), part, by)
        total = part if total is None else program.map(lambda a, b: a + b, total, part)
    assert total is not None
    made = program.reshape(total, (rows, columns, channels))
    return program.transpose(made, [2, 0, 1]) if first else made


def _taps(spec: dict[str, Any], size: tuple[int, int], output: tuple[int, int]) -> list[Any]:
    """Which pixel each of the output reads, and what it counts for: once, or for four neighbours."""
    box = spec["box"]
    axes = []
    for axis in (0, 1):
        scale = box[axis + 2] / output[axis]
        at = np.arange(output[axis]) * scale + (scale - 1) / 2 + box[axis]

        def within(place: Any, axis: int = axis) -> Any:
            return np.clip(np.clip(place, box[axis], box[axis] + box[axis + 2] - 1), 0, size[axis] - 1).astype(int)

        if spec["nearest"]:
            axes.append([(within(np.floor(at + 0.5)), None)])
        else:
            low = np.floor(at)
            axes.append([(within(low), 1 - (at - low)), (within(low + 1), at - low)])
    found = []
    for row, by_row in axes[0]:
        for column, by_column in axes[1]:
            share = None if by_row is None else (by_row[:, None] * by_column).ravel()
            if share is None or share.any():
                found.append(((row[:, None] * size[1] + column).ravel(), share))
    return found
