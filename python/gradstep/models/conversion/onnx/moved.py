"""Values whose rows are not along their first axis, such as sequences with the steps in front."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .... import layers
from ..assembly import Assembly, Traced
from .node import Moved, Node

__all__ = ["MOVES", "settled"]


def settled(assembly: Assembly, value: Traced, order: Sequence[int | None]) -> Traced | Moved:
    """A value with its axes in an order; None stands for an axis of one place that it does not have.

    A `Traced` where the rows come first.
    """
    if order[0] != 0:
        return Moved(value, tuple(order))
    if None in order:
        row = [1 if axis is None else int(value.shape[axis] or 0) for axis in order[1:]]
        plain = settled(assembly, value, [axis for axis in order if axis is not None])
        assert isinstance(plain, Traced)
        return assembly.add(layers.Reshape(tuple(row)), plain)
    axes = [axis for axis in order if axis is not None]
    return value if axes == sorted(axes) else assembly.add(layers.Permute(tuple(axes[1:])), value)


def _transpose(node: Node) -> Any:
    x = node.inputs[0]
    order = _order(x)
    perm = node.get("perm", range(len(order))[::-1])
    return settled(node.assembly, _value(x), [order[axis] for axis in perm])


def _order(x: Traced | Moved) -> list[int | None]:
    return list(x.order) if isinstance(x, Moved) else list(range(len(x.shape)))


def _value(x: Traced | Moved) -> Traced:
    return x.value if isinstance(x, Moved) else x


def _without(node: Node, taken: Sequence[int], places: Sequence[int]) -> Any:
    """Take one place along each of some axes."""
    x: Moved = node.inputs[0]
    value, order = x.value, list(x.order)
    inner = {order[axis]: place for axis, place in zip(taken, places, strict=True)}
    node.need(0 not in inner, "keep the rows")
    left = [axis for place, axis in enumerate(order) if place not in taken]
    inner.pop(None, None)
    if inner:
        key = tuple(inner.get(axis, slice(None)) for axis in range(len(value.shape)))
        value = node.assembly.add(layers.GetItem(key), value)
    kept = sorted(axis for axis in left if axis is not None)
    return settled(node.assembly, value, [None if axis is None else kept.index(axis) for axis in left])


def _squeeze(node: Node) -> Any:
    shape = node.inputs[0].shape
    given = node.optional(1) if len(node.inputs) > 1 else None
    axes = node.get("axes", None) if given is None else given.tolist()
    node.need(axes is not None, "have axes")
    taken = [axis % len(shape) for axis in axes]
    node.need(all(shape[axis] == 1 for axis in taken), "leave out axes of one place")
    return _without(node, taken, [0] * len(taken))


def _gather(node: Node) -> Any:
    places = node.array(1)
    node.need(places.ndim == 0, "take one place")
    axis = node.get("axis", 0) % len(node.inputs[0].shape)
    place, size = int(places), node.inputs[0].shape[axis]
    node.need(size is None or -size <= place < size, "take a place that there is")
    return _without(node, [axis], [place])


def _reshape(node: Node) -> Any:
    """Axes behind that of the rows in another shape."""
    x: Moved = node.inputs[0]
    order, sizes, shape = list(x.order), node.array(1).tolist(), x.shape
    rows = order.index(0)
    kept = [size == 0 or size == (n or -1) for size, n in zip(sizes[: rows + 1], shape, strict=False)]
    front, behind = order[:rows], order[rows + 1 :]
    plain = None not in order and front == list(range(1, rows + 1)) and behind == list(range(rows + 1, len(order)))
    node.need(plain and len(kept) == rows + 1 and all(kept), "keep the axes in front of the rows, and these")
    whole = int(np.prod([n or 0 for n in shape[rows + 1 :]]))
    row = [int(shape[rows + 1 + k] or 0) if size == 0 else size for k, size in enumerate(sizes[rows + 1 :])]
    known = int(np.prod([n for n in row if n != -1]))
    row = [whole // max(known, 1) if n == -1 else n for n in row]
    node.need(int(np.prod(row)) == whole, "keep all numbers")
    made = node.assembly.add(layers.Reshape((*(int(n or 0) for n in shape[:rows]), *row)), x.value)
    return settled(node.assembly, made, [*order[: rows + 1], *range(rows + 1, len(made.shape))])


# Operators on values with moved rows.
MOVES = {
    "Cast": lambda node: node.inputs[0],
    "Gather": _gather,
    "Identity": lambda node: node.inputs[0],
    "Reshape": _reshape,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
}
