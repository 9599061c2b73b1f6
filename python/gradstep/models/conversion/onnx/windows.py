"""Convolution and pooling of ONNX as layers here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .... import layers
from ..assembly import Traced
from .node import Node

__all__ = ["conv", "conv_transpose", "global_pool", "pool", "reduced"]


def _edges(node: Node, sizes: Sequence[int], strides: Sequence[int], dilations: Sequence[int]) -> tuple[str, list[Any]]:
    """The padding of a layer, and which zeros are to be put around its input before."""
    n = len(sizes)
    pads, auto = list(node.get("pads", [0] * 2 * n)), node.get("auto_pad", b"NOTSET").decode()
    spatial = [int(size or 0) for size in node.x.shape[2:]]
    same = []
    for size, stride, dilation, length in zip(sizes, strides, dilations, spatial, strict=True):
        total = max((-(-length // stride) - 1) * stride + (size - 1) * dilation + 1 - length, 0)
        same.append((total // 2, total - total // 2))
    given = list(zip(pads[:n], pads[n:], strict=True))
    if auto == "SAME_UPPER" or (auto == "NOTSET" and any(map(any, given)) and given == same):
        return "same", []
    node.need(auto in ("NOTSET", "VALID"), "have pads or auto_pad='SAME_UPPER'")
    return "valid", given if auto == "NOTSET" and any(map(any, given)) else []


def _padded(node: Node, edges: Sequence[Any]) -> Traced:
    if not edges:
        return node.x
    n = len(edges)
    padding = edges[0] if n == 1 else tuple(edges)
    return node.add(getattr(layers, f"ZeroPadding{n}D")(padding, data_format="channels_first"))


def conv(node: Node) -> Traced:
    """A convolution."""
    kernel, bias = node.array(1), node.optional(2)
    n = kernel.ndim - 2
    node.need(1 <= n <= 3, "have 1 to 3 axes of places")
    strides, dilations = node.get("strides", [1] * n), node.get("dilations", [1] * n)
    padding, edges = _edges(node, kernel.shape[2:], strides, dilations)
    layer = getattr(layers, f"Conv{n}D")(
        kernel.shape[0],
        kernel.shape[2:],
        strides=tuple(strides),
        padding=padding,
        dilation_rate=tuple(dilations),
        groups=node.get("group", 1),
        use_bias=bias is not None,
        data_format="channels_first",
    )
    more = [] if bias is None else [bias]
    return node.add(layer, kernel.transpose(*range(2, n + 2), 1, 0), *more, on=_padded(node, edges))


def conv_transpose(node: Node) -> Traced:
    """A transposed convolution, of which pads are cut off."""
    kernel, bias = node.array(1), node.optional(2)
    n = kernel.ndim - 2
    node.need(node.get("group", 1) == 1, "have group=1")
    node.need("output_shape" not in node.attributes and "auto_pad" not in node.attributes, "have pads")
    pads = node.get("pads", [0] * 2 * n)
    layer = getattr(layers, f"Conv{n}DTranspose")(
        kernel.shape[1],
        kernel.shape[2:],
        strides=tuple(node.get("strides", [1] * n)),
        dilation_rate=tuple(node.get("dilations", [1] * n)),
        output_padding=tuple(node.get("output_padding", [0] * n)),
        use_bias=bias is not None,
        data_format="channels_first",
    )
    more = [] if bias is None else [bias]
    made = node.add(layer, kernel.transpose(*range(2, n + 2), 1, 0), *more)
    if not any(pads):
        return made
    cuts = (slice(begin, -end if end else None) for begin, end in zip(pads[:n], pads[n:], strict=True))
    return node.add(layers.GetItem((slice(None), slice(None), *cuts)), on=made)


def pool(node: Node) -> Traced:
    """The largest number, or the mean, of windows."""
    size = node.attributes["kernel_shape"]
    n, is_mean = len(size), node.kind == "AveragePool"
    node.need(node.get("ceil_mode", 0) == 0, "have ceil_mode=0")
    node.need(set(node.get("dilations", [1])) == {1}, "have dilations of 1")
    strides = node.get("strides", [1] * n)
    padding, edges = _edges(node, size, strides, [1] * n)
    counts = is_mean and node.get("count_include_pad", 0) == 1
    if counts and padding == "same":
        pads = node.get("pads", [0] * 2 * n)
        node.need("auto_pad" not in node.attributes, "have pads")
        padding, edges = "valid", list(zip(pads[:n], pads[n:], strict=True))
    node.need(not edges or counts, "have pads of the least size for ceil(size / stride) windows, or none")
    layer = getattr(layers, f"{'Average' if is_mean else 'Max'}Pooling{n}D")
    made = layer(tuple(size), strides=tuple(strides), padding=padding, data_format="channels_first")
    return node.add(made, on=_padded(node, edges))


def global_pool(node: Node) -> Traced:
    """The largest number, or the mean, of all places."""
    kind = "Average" if node.kind == "GlobalAveragePool" else "Max"
    layer = getattr(layers, f"Global{kind}Pooling{len(node.x.shape) - 2}D")
    return node.add(layer(data_format="channels_first", keepdims=True))


def reduced(node: Node) -> Traced:
    """The same, by its axes."""
    given = node.optional(1) if len(node.inputs) > 1 else None
    axes = node.get("axes", None) if given is None else given.tolist()
    rank = len(node.x.shape)
    axes = sorted(axis % rank for axis in axes or [])
    first = axes == list(range(2, rank))
    node.need(rank >= 3 and (first or axes == list(range(1, rank - 1))), "be over all axes of places")
    kind = "Average" if node.kind == "ReduceMean" else "Max"
    layout = "channels_first" if first else "channels_last"
    layer = getattr(layers, f"Global{kind}Pooling{rank - 2}D")
    return node.add(layer(data_format=layout, keepdims=bool(node.get("keepdims", 1))))
