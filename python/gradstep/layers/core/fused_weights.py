"""Products with a weight and the bias and activation behind them, as one layer: ``tanh(x @ self.w + self.b)``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..base.symbolic import Node
from ..base.tracing import Untraceable, discard, paused
from ..merging.elementwise import Add
from .activation import Activation
from .own_weights import OwnWeight, WeightProduct, WeightValue, joined

if TYPE_CHECKING:
    from ..base.symbolic import SymbolicTensor

__all__ = ["fused"]


def fused(holder: Any, nodes: list[Node], outputs: Sequence[SymbolicTensor]) -> list[Node]:
    """The calls with one in the place of each product, the addition of a bias to it, and an activation of the sum.

    The engine has a weight in one layer: where the matrix or the bias is used in another way too, all stays as it was.

    Raises
    ------
    TypeError
        They were used in this way alone in a call before, and are not in this one.
    """
    uses = Counter(id(tensor) for tensor in [*(one for node in nodes for one in node.inputs), *outputs])
    readers = {id(tensor): node for node in nodes for tensor in node.inputs}
    sums = [(node, *pair) for node in nodes if (pair := _product_and_bias(node, uses)) is not None]
    last = {id(node): _activation_of(node, uses, readers) for node, *_ in sums}
    # For each call of a weight the layers that it would be one with.
    groups = {id(one): _layers(pair, last[id(node)]) for node, *pair in sums for one in pair}
    ways: dict[OwnWeight, set[Any]] = {}
    for node in nodes:
        if isinstance(node.operation, OwnWeight):
            ways.setdefault(node.operation, set()).add(groups.get(id(node)))
    known: dict[Any, Any] = vars(holder)["_operands"]
    chosen: dict[OwnWeight, Any] = {}
    for operand, (way, *others) in ways.items():
        now = None if others or way is None or any(ways[one] != {way} for one in way[:2]) else way
        chosen[operand] = known.setdefault(("fused", id(operand)), now)
        if chosen[operand] is not None and chosen[operand] != now:
            raise Untraceable(f"weight {operand.name!r} must be used in the same way in all calls.")
    gone: dict[int, Node | None] = {}
    for node, one, other in sums:
        if chosen[one.operation] is not None:
            end = last[id(node)] or node
            gone |= dict.fromkeys(map(id, (one, other, node)))
            gone[id(end)] = _instead(one, end, known, groups[id(one)])
    discard([node for node in nodes if id(node) in gone])
    return [kept for node in nodes if (kept := gone.get(id(node), node)) is not None]


def _layers(pair: Sequence[Node], end: Node | None) -> tuple[Any, ...]:
    return (*(one.operation for one in pair), None if end is None else end.operation)


def _product_and_bias(node: Node, uses: Mapping[int, int]) -> tuple[Node, Node] | None:
    """The calls whose sum a call is, if one is a product with a matrix, and one a vector as long as its rows."""
    if not isinstance(node.operation, Add) or node.masked or len(node.inputs) != 2:
        return None
    for product_node, bias_node in ([one.node for one in pair] for pair in (node.inputs, node.inputs[::-1])):
        matrix, vector = product_node.operation, bias_node.operation
        if isinstance(matrix, WeightProduct) and isinstance(vector, WeightValue):
            made = product_node.outputs[0]
            alone = uses[id(made)] == 1 + (bias_node.inputs[0] is made)  # which has as many rows as that
            fits = alone and vector.array.shape == (matrix._width,) and not product_node.masked
            return (product_node, bias_node) if fits else None
    return None


def _activation_of(node: Node, uses: Mapping[int, int], readers: Mapping[int, Node]) -> Node | None:
    """The call of an activation of the engine's that alone takes what a call gives."""
    tensor = node.outputs[0]
    reader = readers.get(id(tensor))
    if uses[id(tensor)] != 1 or reader is None or reader.masked or reader.in_inference != node.in_inference:
        return None
    layer = reader.operation
    fits = isinstance(layer, Activation) and (layer.specification() or {}).get("kind") == "activation"
    return reader if fits and layer.dtype == node.operation.dtype else None


def _instead(product_node: Node, end: Node, known: dict[Any, Any], way: tuple[Any, ...]) -> Node:
    """A call of the layer that all of them are, whose output is that of the last one."""
    key = "affine", id(way[0])
    if key not in known:
        known[key] = joined(*way)
    layer = known[key]
    with paused():
        layer.build(product_node.inputs[0].shape)
        made = Node(layer, product_node.inputs, False, [end.outputs[0].shape], layer.dtype)
    made.outputs, made.in_inference = end.outputs, end.in_inference
    made.outputs[0].node = made
    return made
