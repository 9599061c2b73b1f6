"""LSTM, GRU and RNN of ONNX as layers here."""

from __future__ import annotations

from typing import Any

import numpy as np

from .... import layers
from ..assembly import Traced
from .moved import settled
from .node import Moved, Node

__all__ = ["recurrent"]

ACTIVATIONS = ("relu", "sigmoid", "softplus", "softsign", "tanh")
# Places of our gates among those of ONNX.
GATES = {"GRU": [0, 1, 2], "LSTM": [0, 2, 3, 1], "RNN": [0]}
USUAL = {"GRU": ["Sigmoid", "Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"], "RNN": ["Tanh"]}


def recurrent(node: Node) -> list[Any]:
    """The sequences and the last outputs of a recurrent operator."""
    ways = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}[
        node.get("direction", b"forward").decode()
    ]
    _check(node)
    x = _sequences(node)
    whole = node.reads(0)
    parts = [_direction(node, number, backwards, whole) for number, backwards in enumerate(ways)]
    layer, arrays = parts[0]
    if len(ways) > 1:
        layer = layers.Bidirectional(layer, backward_layer=parts[1][0])
    made = node.add(layer, *arrays, *(array for _, more in parts[1:] for array in more), on=x)
    add, first = node.assembly.add, node.get("layout", 0) == 1
    last, units = made, parts[0][0].units
    orders: list[list[int | None]]
    if len(ways) == 1:
        if whole and node.reads(1):
            last = add(layers.GetItem((slice(None), -1)), made)
        if whole and ways[0]:
            made = add(layers.GetItem((slice(None), slice(None, None, -1))), made)
        orders = [[0, 1, None, 2], [0, None, 1]] if first else [[1, None, 0, 2], [None, 0, 1]]
    else:
        if node.reads(1):
            if whole:  # the last step of one direction, and the first one, which is the last of the other
                ends = [(slice(None), -1, slice(0, units)), (slice(None), 0, slice(units, None))]
                last = add(layers.Concatenate(-1), *(add(layers.GetItem(key), made) for key in ends))
            last = add(layers.Reshape((2, units)), last)
        if whole:
            made = add(layers.Reshape((int(made.shape[1] or 0), 2, units)), made)
        orders = [[0, 1, 2, 3], [0, 1, 2]] if first else [[1, 2, 0, 3], [1, 0, 2]]
    found = zip((made, last), orders, strict=True)
    return [settled(node.assembly, *one) if node.reads(place) else None for place, one in enumerate(found)]


def _check(node: Node) -> None:
    node.need(node.get("clip", None) is None, "have no clip")
    node.need(node.get("input_forget", 0) == 0, "have input_forget=0")
    node.need(not node.reads(2), "be read for its outputs alone, not its cells,")
    given = [value for value in node.inputs[4:] if value is not None]
    zeros = all(isinstance(value, np.ndarray) and not value.any() for value in given)
    node.need(zeros, "begin with zeros, and have no lengths and no peepholes,")


def _sequences(node: Node) -> Traced:
    """The input as (rows, steps, numbers)."""
    if node.get("layout", 0) == 1:
        return node.x
    x = node.inputs[0]
    if not isinstance(x, Moved) or x.order[1] != 0:
        node.refuse("have the rows as the second axis of its input")
    made = settled(node.assembly, x.value, [x.order[axis] for axis in (1, 0, 2)])
    assert isinstance(made, Traced)
    return made


def _direction(node: Node, number: int, backwards: bool, whole: bool) -> tuple[Any, list[np.ndarray]]:
    """The layer of one direction, and its weights."""
    kind, units = node.kind, node.array(2).shape[2]
    order = np.arange(len(GATES[kind]) * units).reshape(-1, units)[GATES[kind]].ravel()
    kernel, inner = (node.array(place)[number][order].T for place in (1, 2))
    bias = node.optional(3)
    both = None if bias is None else bias[number].reshape(2, -1)[:, order]
    gate, new = _activations(node, number)
    options: dict[str, Any] = {"return_sequences": whole, "go_backwards": backwards, "use_bias": both is not None}
    after = kind == "GRU" and node.get("linear_before_reset", 0) == 1
    arrays = [kernel, inner] + ([] if both is None else [both if after else both.sum(axis=0)])
    if kind == "RNN":
        return layers.SimpleRNN(units, activation=new, **options), arrays
    options |= {"activation": new, "recurrent_activation": gate}
    return (layers.GRU(units, reset_after=after, **options) if kind == "GRU" else layers.LSTM(units, **options)), arrays


def _activations(node: Node, number: int) -> tuple[str, str]:
    """Of the gates, and of what is new."""
    count = len(USUAL[node.kind])
    given = [one if isinstance(one, str) else one.decode() for one in node.get("activations", [])]
    names = [name.lower() for name in (given[number * count : (number + 1) * count] or USUAL[node.kind])]
    plain = all(name in ACTIVATIONS for name in names) and not node.get("activation_alpha", [])
    node.need(plain and len({*names[1:]}) <= 1, f"have activations of {', '.join(ACTIVATIONS)}, and one for the cells,")
    return names[0], names[-1]
