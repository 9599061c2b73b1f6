"""Layers of several inputs as functions of PyTorch."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from .modules_of_layer import Modules

__all__ = ["MERGES"]

Merge = Callable[[Modules, Any, Sequence[Any], Sequence[Any]], Any]


def _folded(w: Modules, graph: Any, shapes: Sequence[Any], values: Sequence[Any], function: Any) -> Any:
    """f(f(a, b), c)."""
    w.refuse(len({len(shape) for shape in shapes}) > 1, "have inputs of as many axes")
    made = values[0]
    for value in values[1:]:
        made = graph.call_function(function(w.torch), (made, value))
    return made


def _average(w: Modules, graph: Any, shapes: Sequence[Any], values: Sequence[Any]) -> Any:
    total = _folded(w, graph, shapes, values, lambda torch: operator.add)
    return graph.call_function(operator.truediv, (total, len(values)))


def _concatenated(w: Modules, graph: Any, shapes: Sequence[Any], values: Sequence[Any]) -> Any:
    return graph.call_function(w.torch.cat, (tuple(values), w.layer.axis))


def _dot(w: Modules, graph: Any, shapes: Sequence[Any], values: Sequence[Any]) -> Any:
    """Sums of products along an axis of each, as in the formula of `torch.einsum`."""
    axes = w.layer.axes if isinstance(w.layer.axes, (list, tuple)) else [w.layer.axes] * 2
    first, second = (axis % len(shape) for axis, shape in zip(axes, shapes, strict=True))
    if w.layer.normalize:
        values = [
            graph.call_function(w.nn.functional.normalize, (value,), {"dim": axis})
            for value, axis in zip(values, (first, second), strict=True)
        ]
    one = "abcdefg"[: len(shapes[0])]
    other = "a" + "uvwxy"[: len(shapes[1]) - 1]
    other = other[:second] + one[first] + other[second + 1 :]
    left = [letter for letter in one[1:] + other[1:] if letter != one[first]]
    made = graph.call_function(w.torch.einsum, (f"{one},{other}->a{''.join(left)}", *values))
    return made if left else graph.call_function(operator.getitem, (made, (slice(None), None)))  # a number for each row


MERGES: dict[str, Merge] = {
    "Add": partial(_folded, function=lambda torch: operator.add),
    "Average": _average,
    "Concatenate": _concatenated,
    "Dot": _dot,
    "Maximum": partial(_folded, function=lambda torch: torch.maximum),
    "Minimum": partial(_folded, function=lambda torch: torch.minimum),
    "Multiply": partial(_folded, function=lambda torch: operator.mul),
    "Subtract": partial(_folded, function=lambda torch: operator.sub),
}
