"""Graphs in the place of a network of the engine: from one input to one output, in runs, calls and gradients."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter

import numpy as np

from .. import _core
from ..layers.base import Layer
from .graph import Graph, Node

__all__ = ["Mixed", "MixedRun", "moving_of", "network_of", "network_of_steps", "renew", "undone"]


class Mixed:
    """A graph of one input and one output, with the face of a network of the engine, and of a tape of it."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.outputs = math.prod(graph.output_rows[0])
        self.gradients: list[np.ndarray] = []

    @property
    def trained(self) -> list[list[bool]]:
        """Whether each weight is trained, a list a layer."""
        return self.graph.trained

    @property
    def penalty(self) -> float:
        """What the regularizers add to a loss."""
        return self.graph.penalty

    def renew(self) -> None:
        """As the graph's."""
        self.graph.renew()

    def constrain(self, rate: float) -> None:
        """As the graph's."""
        self.graph.constrain(rate)

    # -- as a tape -----------------------------------------------------------------------------------------------------

    def forward(
        self, x: np.ndarray, training: bool = False, number: int = 0, ids: np.ndarray | None = None, dx: bool = False
    ) -> np.ndarray:
        """x (rows, inputs) -> outputs (rows, outputs); as the graph's."""
        (y,) = self.graph.forward([x], training, number, ids, dx)
        return y.reshape(len(y), self.outputs)

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        """dy (rows, outputs) -> dx, if it is wanted; and `gradients`. As the graph's."""
        (dx,), self.gradients = self.graph.backward([dy])
        return dx

    # -- as a network --------------------------------------------------------------------------------------------------

    def predict(self, x: np.ndarray, out: np.ndarray, batch: int, begin: int, seconds: float) -> int:
        """Fill rows of out (rows, outputs) from x, batch by batch from row begin, until about `seconds` have passed;
        the row to go on from."""
        end = perf_counter() + seconds
        while begin < len(x):
            rows = slice(begin, begin + batch)
            with self.graph.guard:
                out[rows] = self.forward(x[rows])
            begin = min(begin + batch, len(x))
            if perf_counter() >= end:
                break
        return begin


def network_of(shape: tuple[int, ...], layers: Sequence[Layer]) -> _core.Network | Mixed:
    """What computes layers in a row, built for rows of this shape; with their weights, unless they are shared."""
    if any(layer._in_numpy or layer._vectors for layer in layers) or not any(layer._works for layer in layers):
        return Mixed(Graph([shape], [Node(layer, (i,)) for i, layer in enumerate(layers)], [len(layers)]))
    working = [layer for layer in layers if layer._works]
    # Weights that other models read too stay where they are.
    kept = [layer._placed() for layer in working] if any(layer._shared for layer in layers) else None
    network = _core.Network(
        math.prod(shape), [layer._words() or {} for layer in working], layers[0].dtype, kept, layers[0]._guard
    )
    for layer, views in zip(working, network.parameters, strict=True):
        layer._move(views)
    return network


def network_of_steps(shape: tuple[int, ...], steps: Sequence[Node], exit: int) -> _core.Network | Mixed:
    """The same for calls of layers from one input, value 0, to one output, which is this value."""
    layers = [step.layer for step in steps]
    straight = exit == len(steps) and all(list(step.sources) == [i] for i, step in enumerate(steps))
    if straight and len({id(layer) for layer in layers}) == len(layers):
        return network_of(shape, layers)
    return Mixed(Graph([shape], steps, [exit]))


def renew(network: _core.Network | Mixed, layers: Sequence[Layer]) -> None:
    """Tell what computes layers which weights are to be trained now, and how."""
    if isinstance(network, Mixed):
        network.renew()
    else:
        network.set_weight_attributes([layer._settings() for layer in layers if layer._works])


def moving_of(network: _core.Network | Mixed | Graph) -> list[np.ndarray]:
    """What layers may move by themselves, as `BatchNormalization` its statistics: vectors that are not trained."""
    graph = network.graph if isinstance(network, Mixed) else network
    if isinstance(graph, Graph):
        return graph.moving
    return [
        view
        for views, trained in zip(graph.parameters, graph.trained, strict=True)
        for view, is_trained in zip(views, trained, strict=True)
        if view.ndim == 1 and not is_trained
    ]


@contextmanager
def undone(network: _core.Network | Mixed | Graph) -> Iterator[None]:
    """A batch of which the user's Python is a part: what layers moved by themselves goes back if it fails."""
    kept = [(weight, weight.copy()) for weight in moving_of(network)]
    try:
        yield
    except BaseException:
        for weight, before in kept:
            weight[...] = before
        raise


class MixedRun:
    """Passes of a graph over the rows of x, with the face of a run of the engine that is made without a loss.

    Parameters
    ----------
    network : Mixed
    x : ndarray, shape (rows, inputs)
    batch : int
        Rows of a batch.
    training : bool
        Whether gradients are left for somebody else to step with.
    """

    def __init__(self, network: Mixed, x: np.ndarray, batch: int, training: bool) -> None:
        self._network, self._x, self._batch, self._training = network, x, batch, training
        if training:
            network.graph.check_backward()
        self._order = np.arange(len(x))
        self._first = self._number = 0  # row of the last batch in the order; number of the pass
        self._batches = self._rows = 0
        self._total = 0.0
        self.outputs = np.empty((0, network.outputs))
        self.gradients: list[np.ndarray] = []

    @property
    def progress(self) -> tuple[int, int, float, list[float]]:
        """Of this pass so far: batches done, rows done, mean loss; no metrics."""
        return self._batches, self._rows, self._total / self._rows if self._rows else 0.0, []

    @property
    def over(self) -> bool:
        """Whether the pass is over."""
        return self._rows >= len(self._order)

    def start(self, order: np.ndarray | None, number: int = 0) -> None:
        """Begin a pass: in this order of rows, or None for 0, 1, 2, ...; its number, which random numbers depend on."""
        self._order = np.arange(len(self._x)) if order is None else order
        self._batches = self._rows = 0
        self._total, self._number = 0.0, number

    def forward(self, again: bool = False) -> tuple[np.ndarray, np.ndarray] | None:
        """The next batch: which rows, and its outputs; None if the pass is over. again: the last one."""
        if not again:
            if self.over:
                return None
            self._first = self._rows
        rows = self._order[self._first : self._first + self._batch]
        self.outputs = np.array(self._network.forward(self._x[rows], self._training, self._number, rows))
        return rows, self.outputs

    def backward(self, loss: float, dy: np.ndarray, again: bool = False) -> None:
        """After forward: the batch's loss and its slope by the outputs; leaves the gradients."""
        penalty = self._network.penalty
        if self._training:
            self._network.backward(dy)
            self.gradients = self._network.gradients
        if not again:
            self._total += (loss + penalty) * len(self.outputs)
            self._rows += len(self.outputs)
            self._batches += 1
