"""Which layers lie between symbolic tensors, and in which order they work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ..checks import describe
from ..layers.base.symbolic import Node, SymbolicTensor
from ..layers.core.input import InputLayer

__all__ = ["TensorSpec", "Topology"]


class TensorSpec:
    """How a model's inputs or outputs were given: one, a list, or a dict; and their names.

    Parameters
    ----------
    given : SymbolicTensor, list, or dict of str
    what : {"inputs", "outputs"}

    Raises
    ------
    TypeError
        Something else, or something else in it.
    ValueError
        There is none.
    """

    def __init__(self, given: Any, what: str) -> None:
        if isinstance(given, dict) and all(isinstance(name, str) for name in given):
            given = dict(sorted(given.items()))  # as Keras takes them, which the order of layers and weights follows
        self.kind = "dict" if isinstance(given, dict) else "list" if isinstance(given, (list, tuple)) else "one"
        members = list(given.values()) if isinstance(given, dict) else list(given) if self.kind == "list" else [given]
        for i, tensor in enumerate(members):
            if not isinstance(tensor, SymbolicTensor):
                raise TypeError(
                    f"{what} must be symbolic tensors, of Input() and of layers called with them; number {i} is "
                    f"{describe(tensor)}."
                )
        if not members:
            raise ValueError(f"{what} must be at least one symbolic tensor; got none.")
        self.tensors: list[SymbolicTensor] = members
        self.names = list(given) if isinstance(given, dict) else _different([t.node.operation.name for t in members])

    @property
    def rows(self) -> list[tuple[int | None, ...]]:
        """Shape of a row of each; None is any size."""
        return [tensor.shape[1:] for tensor in self.tensors]

    def __len__(self) -> int:
        return len(self.tensors)

    @property
    def is_one(self) -> bool:
        """Whether values come by themselves, and not in a list or dict; a list of one is that one, as in Keras."""
        return self.kind == "one" or (self.kind == "list" and len(self) == 1)

    def packed(self, values: Sequence[Any]) -> Any:
        """Values, one for each, as calls of the model give them."""
        return values[0] if self.is_one else self.structured(values)

    def structured(self, values: Sequence[Any]) -> Any:
        """Values, one for each, as the tensors were given."""
        if self.kind == "dict":
            return dict(zip(self.names, values, strict=True))
        return list(values) if self.kind == "list" else values[0]

    def given_as(self) -> Any:
        """The tensors as they were given."""
        return self.structured(self.tensors)


class Topology:
    """The calls between inputs and outputs.

    Attributes
    ----------
    nodes : list of Node
        In the order in which Keras computes them, the farthest from the outputs first; without those of the inputs.
    operations : list
        Layers and models, each once, those of the inputs too: in Keras's order, the farthest from the outputs first.

    Raises
    ------
    ValueError
        An input is not of `Input`, or comes twice; an output depends on another input, or calls go round in a circle;
        two layers have one name.
    """

    def __init__(self, inputs: Sequence[SymbolicTensor], outputs: Sequence[SymbolicTensor]) -> None:
        self._known: dict[int, Node] = {}  # calls that give the inputs, by identity
        for i, tensor in enumerate(inputs):
            if not isinstance(tensor.node.operation, InputLayer):
                raise ValueError(f"inputs must be of Input(); number {i} is what layer {tensor.name!r} gives.")
            if id(tensor.node) in self._known:
                raise ValueError(f"inputs must differ; {tensor.name!r} is among them twice.")
            self._known[id(tensor.node)] = tensor.node
        self.nodes: list[Node] = []
        self._met: dict[int, int] = {}  # by operation: when it was met first, going back from the outputs
        begun: set[int] = set()
        for tensor in outputs:
            self._visit(tensor.node, begun)
        self.operations = self._sort()
        for name, count in Counter(operation.name for operation in self.operations).items():
            if count > 1:
                raise ValueError(f"layers must have different names; two are called {name!r}.")

    def _visit(self, last: Node, begun: set[int]) -> None:
        """Add a call after all those that it depends on; without recursion, for graphs of any depth."""
        path = [(last, False)]
        while path:
            node, done = path.pop()
            if done:
                self.nodes.append(node)
                continue
            if id(node) in begun:
                continue
            begun.add(id(node))
            self._met.setdefault(id(node.operation), len(self._met))
            if id(node) in self._known:
                continue
            if not node.inputs:
                raise ValueError(f"outputs must depend on the inputs alone; one needs {node.operation.name!r} too.")
            path.append((node, True))
            path += [(tensor.node, False) for tensor in reversed(node.inputs)]

    def _sort(self) -> list[Any]:
        """Bring the nodes into Keras's order; returns the operations in theirs."""
        depth_of: dict[int, int] = {}  # by operation: calls between it and an output, at most
        depth: dict[int, int] = {}  # by node
        found: dict[int, Any] = {}
        for node in reversed(self.nodes):
            own = max(depth.get(id(node), 0), depth_of.get(id(node.operation), 0))
            depth[id(node)] = depth_of[id(node.operation)] = own
            found[id(node.operation)] = node.operation
            for tensor in node.inputs:
                depth[id(tensor.node)] = max(depth.get(id(tensor.node), 0), own + 1)
        # Statistics of a layer that is called several times depend on the order of its calls.
        met = {key: i for i, key in enumerate(depth)}
        self.nodes.sort(key=lambda node: (-depth[id(node)], met[id(node)]))
        for place, node in enumerate(self._known.values()):
            depth_of[id(node.operation)] = depth.get(id(node), 0)
            found[id(node.operation)] = node.operation
            self._met.setdefault(id(node.operation), place - len(self._known))
        return [found[key] for key in sorted(found, key=lambda key: (-depth_of[key], self._met[key]))]


def _different(names: list[str]) -> list[str]:
    """The names, with a number where one comes again."""
    found: dict[str, None] = {}
    tried: Counter[str] = Counter()
    for name in names:
        other = name
        while other in found:
            tried[name] += 1
            other = f"{name}_{tried[name]}"
        found[other] = None
    return list(found)
