"""The engine's network of a model: its layers' calls in the engine's words, and whose the weights and gradients are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from .. import _core
from ..layers import custom_layer_calls
from ..layers.base import Layer

__all__ = [
    "Step",
    "address",
    "arranged",
    "check_backward",
    "learned",
    "network_of",
    "renew",
]

T = TypeVar("T")


class Step(NamedTuple):
    """A call of a layer.

    sources: which values it is called on. Values are numbered: first the model's inputs, then what the steps give, in
    their order.
    """

    layer: Layer
    sources: tuple[int, ...]


class InNumpy:
    """A layer in NumPy, as the engine asks it.

    It keeps itself what it needs to go back, of its last call alone; whoever else called it meanwhile, and wherever
    else it stands, it is asked forward again first.
    """

    def __init__(self, layer: Layer, inputs: Sequence[tuple[int, ...]]) -> None:
        self._layer, self._inputs = layer, inputs  # shapes of a row of each
        self._row, self._trained = layer._output_row, layer._trained[: len(layer.weights)]

    def forward(self, xs: Sequence[np.ndarray], training: bool, call: int) -> np.ndarray:
        """The output for inputs (rows, numbers) each; call: its number."""
        layer = self._layer
        shaped = [x.reshape(len(x), *row) for x, row in zip(xs, self._inputs, strict=True)]
        y = custom_layer_calls.forward(layer, shaped, training, self._row)
        layer._last_call = call
        return y

    def backward(
        self, xs: Sequence[np.ndarray], dy: np.ndarray, wanted: Sequence[bool], call: int
    ) -> tuple[list[Any], list[np.ndarray | None]]:
        """The gradients by the inputs of a call, and by each weight."""
        layer, shapes = self._layer, [(len(dy), *row) for row in self._inputs]
        if layer._last_call != call:
            self.forward(xs, True, call)
        dxs, found = custom_layer_calls.gradients(layer, dy.reshape(len(dy), *self._row), shapes, any(wanted))
        gradients = iter(found)
        missing: list[Any] = [None] * len(wanted)
        return dxs or missing, [next(gradients) if each else None for each in self._trained]


def network_of(shapes: Sequence[tuple[int, ...]], steps: Sequence[Step], exits: Sequence[int]) -> _core.Network:
    """What computes calls of layers, which are built, from inputs of rows of these shapes to these values.

    Weights are moved into its memory; but those that others may know stay where they are.
    """
    working = _working(steps)
    number = {id(layer): i for i, layer in enumerate(working)}
    nodes = [
        (number[id(layer)], sources) if layer._works_itself else (None, sources[0], layer._output_row)
        for layer, sources in steps
    ]
    rows = [*shapes, *(step.layer._output_row for step in steps)]
    read = {id(layer): [rows[source] for source in sources] for layer, sources in steps}
    words = [layer._words() or _asked(layer, i + 1, read[id(layer)]) for i, layer in enumerate(working)]
    stays = any(step.layer._shared or (step.layer._in_numpy and step.layer.weights) for step in steps)
    # What a layer in NumPy knows its weights by stays as well.
    kept = [list(layer.weights) if layer._in_numpy else layer._placed() for layer in working] if stays else None
    guard = steps[0].layer._guard
    for layer, _ in steps[1:]:
        guard.join(layer._guard)
    network = _core.Network(shapes, words, steps[0].layer.dtype, kept, guard, nodes, exits)
    for layer, views in zip(working, network.parameters, strict=True):
        if stays:
            layer._shared = True
        else:
            layer._move(views)
    return network


def _working(steps: Sequence[Step]) -> list[Layer]:
    """The layers that compute something, each once, in the order of their calls."""
    return list({id(step.layer): step.layer for step in steps if step.layer._works_itself}.values())


def _asked(layer: Layer, number: int, inputs: Sequence[tuple[int, ...]]) -> dict[str, Any]:
    """A layer in NumPy, in the engine's words."""
    return {
        "kind": "external",
        "output": layer._output_row,
        "weight_shapes": [weight.shape for weight in layer.weights],
        "known": list(layer._trained[: len(layer.weights)]),
        "number": number,
        "asked": InNumpy(layer, inputs),
        "weights": layer._settings(),
    }


def renew(network: _core.Network, steps: Sequence[Step]) -> None:
    """Tell what computes layers which weights are to be trained now, and how."""
    network.set_weight_attributes([layer._settings()[: len(layer.weights)] for layer in _working(steps)])


def check_backward(steps: Sequence[Step], inputs: int) -> None:
    """Raise NotImplementedError where the way back needs a layer that does not know it."""
    learns = [False] * inputs
    for layer, sources in steps:
        learns.append(bool(layer.trainable_weights) or any(learns[source] for source in sources))
        if learns[-1] and layer._in_numpy and type(layer).backward is Layer.backward:
            raise NotImplementedError(f"layer {layer.name!r} must define backward(dy) for training.")


# -- whose gradients are whose -----------------------------------------------------------------------------------------
# A gradient belongs to an array, never to a place in a list: layers are listed by their distance from the outputs, and
# what computes a model goes through their calls in another order.


def address(weight: np.ndarray) -> int:
    """Where a weight lies in memory, by which all views of it are known as one."""
    place: int = weight.__array_interface__["data"][0]
    return place


def _chosen(network: _core.Network, flags: Sequence[Sequence[bool]]) -> list[np.ndarray]:
    each = zip(network.parameters, flags, strict=True)
    return [view for views, chosen in each for view, one in zip(views, chosen, strict=True) if one]


def learned(network: _core.Network) -> list[np.ndarray]:
    """The weights that a network trains, in the order in which it gives their gradients."""
    return _chosen(network, network.trained)


def arranged(network: _core.Network, gradients: Sequence[T], weights: Sequence[np.ndarray]) -> list[T]:
    """What belongs to these weights, of what a network gives one by one for those that it trains.

    Raises
    ------
    RuntimeError
        The network does not train one of them.
    """
    found = {address(weight): each for weight, each in zip(learned(network), gradients, strict=True)}
    places = [address(weight) for weight in weights]
    if not set(places) <= set(found):
        raise RuntimeError(
            "every trainable weight must have a gradient: the model was compiled when some were not trainable; call "
            "compile() again."
        )
    return [found[place] for place in places]
