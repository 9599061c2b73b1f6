"""What computes models that are no plain row of the engine's layers: a graph of pieces, forward and backward."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import _core
from ..checks import rows_of
from ..layers import given
from ..layers.activity_regularization import OutputPenalty
from ..layers.base import Layer
from .pieces import Chain, InNumpy, Moment, Piece

__all__ = ["Graph", "Node"]


class Node(NamedTuple):
    """A call of a layer.

    sources: which values it is called on. Values are numbered: first the graph's inputs, then what the nodes give, in
    their order.
    """

    layer: Layer
    sources: tuple[int, ...]


class Graph:
    """Layers that are called on each other's outputs, without a circle.

    Rows of engine layers between which nothing else reads are one network each; a layer in NumPy is a piece of its own.
    A layer may be in several nodes: its gradients are then summed. Weights stay where they are: several graphs, and
    other models, may compute with those of one layer.

    To train: for each batch ``outputs = graph.forward(xs, True, number, ids)``, the slopes of the loss by the outputs,
    ``_, gradients = graph.backward(slopes)``, a step of the optimizer with the gradients over `weights`, and
    ``graph.constrain(learning_rate)``. The loss is that of the outputs plus `penalty`, of which the gradients know.

    Parameters
    ----------
    shapes : sequence of tuple of int
        Of a row of each input.
    nodes : sequence of Node
        Each after those it reads; their layers are built, and of one dtype.
    outputs : sequence of int
        Which values come out; the same one may twice.

    Attributes
    ----------
    layers : list of Layer
        Each once, in the order of the nodes.
    output_rows : list of tuple of int
        Shape of a row of each output.
    trained : list of list of bool
        Whether each weight of each layer is trained, since the last `renew`.
    """

    def __init__(self, shapes: Sequence[tuple[int, ...]], nodes: Sequence[Node], outputs: Sequence[int]) -> None:
        self._shapes, self._nodes, self._outputs = list(shapes), list(nodes), list(outputs)
        self.layers = list({id(node.layer): node.layer for node in nodes}.values())
        self._penalties = [layer for layer in self.layers if isinstance(layer, OutputPenalty)]
        self.dtype = self.layers[0].dtype
        # To be held from forward to backward, and while outputs are read: the graph, and layers in NumPy, keep what
        # they need of a batch in one place.
        self.guard = self.layers[0]._guard
        for layer in self.layers[1:]:
            self.guard.join(layer._guard)
        calls = Counter(id(node.layer) for node in nodes)
        self._often = {layer for layer, count in calls.items() if count > 1}  # layers that are called more than once
        values = [*shapes, *(node.layer._output_row for node in nodes)]
        self.output_rows = [tuple(values[output]) for output in outputs]
        self._networks: list[tuple[_core.Network, list[Layer]]] = []
        self._pieces = self._made()
        self.renew()

    # -- how it is made ----------------------------------------------------------------------------------------------

    def _made(self) -> list[Piece]:
        """The pieces, each after those it reads."""
        first = len(self._shapes)
        uses = Counter([value for node in self._nodes for value in node.sources] + self._outputs)
        rows: list[list[int]] = []  # of nodes
        place: dict[int, int] = {}  # of the row that ends with a value
        for number, (layer, sources) in enumerate(self._nodes):
            joined = place.get(sources[0]) if uses[sources[0]] == 1 else None
            apart = layer._in_numpy or layer._vectors or id(layer) in self._often
            if joined is None or apart:
                joined = len(rows)
                rows.append([])
            rows[joined].append(number)
            if not apart:
                place[first + number] = joined
        shared: dict[int, _core.Network] = {}
        pieces: list[Piece] = []
        for row in rows:
            layers, sources = [self._nodes[number].layer for number in row], self._nodes[row[0]].sources
            if layers[0]._in_numpy:
                pieces.append(InNumpy(layers[0], sources, first + row[0], id(layers[0]) in self._often))
                continue
            network = shared.get(id(layers[0])) or self._network(layers)
            if network is not None and id(layers[0]) in self._often:
                shared[id(layers[0])] = network
            pieces.append(Chain(layers, network, sources[0], first + row[-1]))
        return pieces

    def _network(self, layers: Sequence[Layer]) -> _core.Network | None:
        """A network of layers in a row, with their weights; None if they compute nothing."""
        working = [layer for layer in layers if layer._works]
        if not working:
            return None
        row: Any = layers[0].input_shape[1:]
        inputs = layers[0]._width(row) if layers[0]._vectors else math.prod(row)
        kept = [layer._placed() for layer in working]
        network = _core.Network(inputs, [layer._words() or {} for layer in working], self.dtype, kept, self.guard)
        for layer in working:
            layer._shared = True
        self._networks.append((network, working))
        return network

    def renew(self) -> None:
        """Take up which weights are trained, and their regularizers and constraints, as the layers have them now."""
        for network, layers in self._networks:
            network.set_weight_attributes([self._treatment(layer) for layer in layers])
        for piece in self._pieces:
            piece.renew()
        self._learned = {id(layer): layer.trainable_weights for layer in self.layers}
        self.trained = [
            [setting["trainable"] for setting in layer._settings()[: len(layer.weights)]] for layer in self.layers
        ]
        # What the engine does not do by itself: of layers in NumPy, and of those whose gradients are sums.
        self._rules = [
            (weight, rule)
            for layer in self.layers
            if layer._in_numpy or id(layer) in self._often
            for weight, rule in zip(layer.weights, layer._settings(), strict=False)
            if rule["trainable"] and ("penalty" in rule or "constraint" in rule)
        ]
        self._paths = {slopes: self._path(slopes) for slopes in (False, True)}
        self._waits = False

    def _path(self, slopes: bool) -> list[bool]:
        """Which values need a gradient: inputs, if their slopes are wanted, and what trained weights have a part in."""
        needed = [slopes] * len(self._shapes) + [False] * len(self._nodes)
        for piece in self._pieces:
            learns = any(self._learned[id(layer)] for layer in piece.layers)
            needed[piece.target] = learns or any(needed[source] for source in piece.sources)
        return needed

    def check_backward(self, slopes: bool = False) -> None:
        """Raise NotImplementedError where the way back needs a layer that does not know it."""
        for piece in self._pieces:
            for layer in piece.layers:
                if layer._in_numpy and self._paths[slopes][piece.target] and type(layer).backward is Layer.backward:
                    raise NotImplementedError(f"layer {layer.name!r} must define backward(dy) for training.")

    def _treatment(self, layer: Layer) -> list[dict[str, Any]]:
        settings = layer._settings()
        if id(layer) not in self._often:
            return settings
        return [{name: setting[name] for name in ("trainable", "updated")} for setting in settings]

    # -- weights -----------------------------------------------------------------------------------------------------

    @property
    def weights(self) -> list[np.ndarray]:
        """The weights that are trained, in the order of `layers`: that of the gradients."""
        return [weight for layer in self.layers for weight in self._learned[id(layer)]]

    @property
    def moving(self) -> list[np.ndarray]:
        """The weights that no gradient is for: layers may move them by themselves."""
        return [
            weight
            for layer in self.layers
            for weight, trained in zip(layer.weights, layer._trained, strict=False)
            if not trained
        ]

    @property
    def penalty(self) -> float:
        """What the regularizers add to the loss of the last batch."""
        ours = [_core.penalty(weight, rule) for weight, rule in self._rules if "penalty" in rule]
        ours += [layer.batch_penalty for layer in self._penalties]
        return sum((network.penalty for network, _ in self._networks), 0.0) + sum(ours)

    def constrain(self, rate: float) -> None:
        """What comes after a step of this learning rate: constraints, and `proximal` regularizers."""
        for network, _ in self._networks:
            network.constrain(rate)
        for weight, rule in self._rules:
            amount = rate * rule.get("penalty", {}).get("proximal", 0.0)
            if amount or "constraint" in rule:
                weight[...] = _core.constrained(weight, rule, amount)

    # -- computing ---------------------------------------------------------------------------------------------------

    def forward(
        self,
        xs: Sequence[np.ndarray],
        training: bool = False,
        number: int = 0,
        ids: np.ndarray | None = None,
        slopes: bool = False,
    ) -> list[np.ndarray]:
        """The outputs for a batch.

        Parameters
        ----------
        xs : sequence of ndarray, shape (rows, *shape) or (rows, n)
            C-contiguous, float32, float64 or uint8; `backward` reads them again.
        training : bool, default False
            Whether layers work as in training, and `backward` may follow.
        number : int, default 0
            Of the pass over the data, below 2**32; what layers draw follows from it and from `ids`.
        ids : ndarray of int64, shape (rows,), optional
            Which rows of the data these are; by default 0, 1, 2, ...
        slopes : bool, default False
            Whether `backward` is to give the gradients by the inputs too.

        Returns
        -------
        list of ndarray, shape (rows, *shape), of the layers' dtype
        """
        values = {i: x.reshape(len(x), *shape) for i, (x, shape) in enumerate(zip(xs, self._shapes, strict=True))}
        moment = Moment(training, number, ids)
        self._waits = False
        for layer in self._penalties:
            layer.batch_penalty = 0.0
        self._path_back = self._paths[slopes]
        for piece in self._pieces:
            wanted = any(self._path_back[source] for source in piece.sources)
            values[piece.target] = piece.forward([values[source] for source in piece.sources], moment, wanted)
        self._waits, self._rows = training, len(xs[0])
        return [rows_of(values[output], self.dtype) for output in self._outputs]

    def backward(self, dys: Sequence[np.ndarray | None]) -> tuple[list[np.ndarray | None], list[np.ndarray]]:
        """The way back from the last `forward` in training, once.

        Parameters
        ----------
        dys : sequence of ndarray or None
            The gradient by each output, of its shape and dtype, C-contiguous; None for zeros.

        Returns
        -------
        dxs : list of ndarray or None
            Those by the inputs; None without `slopes`.
        gradients : list of ndarray
            Those by `weights`, with their penalties'; the next call may write over them.
        """
        if not self._waits:
            raise RuntimeError("backward must follow forward in training, once.")
        self._waits = False
        sums: list[np.ndarray | None] = [None] * (len(self._shapes) + len(self._nodes))
        for output, dy, row in zip(self._outputs, dys, self.output_rows, strict=True):
            if dy is not None:
                _add(sums, output, dy.reshape(self._rows, *row))
        found: dict[int, list[np.ndarray]] = {}
        for piece in reversed(self._pieces):
            if not self._path_back[piece.target]:
                continue
            dy, sums[piece.target] = sums[piece.target], None
            if dy is None:
                dy = np.zeros((self._rows, *piece.layers[-1]._output_row), self.dtype)
            dx = any(self._path_back[source] for source in piece.sources)
            dxs, gradients = piece.backward(dy, dx)
            if dx:
                for source, slope in zip(piece.sources, dxs, strict=True):
                    _add(sums, source, slope)
            rest = iter(gradients)
            for layer in piece.layers:
                own = [next(rest) for _ in self._learned[id(layer)]]
                known = found.get(id(layer))
                found[id(layer)] = own if known is None else [a + b for a, b in zip(known, own, strict=True)]
        for layer in self.layers:
            if layer._in_numpy or id(layer) in self._often:
                found[id(layer)] = given.penalized(layer, found[id(layer)]) if self._learned[id(layer)] else []
        return sums[: len(self._shapes)], [each for layer in self.layers for each in found.get(id(layer), [])]


def _add(sums: list[np.ndarray | None], value: int, slope: np.ndarray) -> None:
    known = sums[value]
    sums[value] = slope if known is None else known + slope
