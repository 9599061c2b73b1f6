"""The engine's network of a model: its layers' calls in the engine's specs, and whose the weights and gradients are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from .. import _core
from ..layers.base.call_graph import CallGraph, Value
from ..layers.base.layer import Layer
from ..layers.base.sizes import is_resizing

__all__ = [
    "DIRECT",
    "Step",
    "Way",
    "arranged",
    "check_backward",
    "computing_layers",
    "graph_of",
    "learned",
    "maker_of",
    "network_of",
    "renew",
    "weight_settings",
]

T = TypeVar("T")


class Way(NamedTuple):
    """How a layer or model is called in a model: see `Step`."""

    at_once: tuple[int, ...] = ()
    in_inference: bool = False


DIRECT = Way()


class Step(NamedTuple):
    """A call of a layer.

    sources: which values it is called on. Values are numbered: first the model's inputs, then what the steps give, in
    their order. at_once: how many steps of a sequence, or of sequences of them, the layer is called on side by side,
    which was built for one. in_inference: whether the layer works in training as it does in inference.
    """

    layer: Layer
    sources: tuple[int, ...]
    at_once: tuple[int, ...] = ()
    in_inference: bool = False


def network_of(
    shapes: Sequence[tuple[int, ...]],
    steps: Sequence[Step],
    exits: Sequence[int],
    settings: Sequence[Any] | None = None,
) -> _core.Network:
    """Create the network of calls of built layers, from input shapes to output values.

    settings: those of the weights in place of what layers say now, see `weight_settings`.

    Weights are moved into its memory; but those that others may know stay where they are.
    """
    working, graph, values, masks = graph_of(shapes, steps)
    for spec, own in zip(graph.specifications, settings or (), strict=False):
        if own:
            spec["weights"] = own
    stays = any(step.layer._shared or (step.layer._computing._in_numpy and step.layer.weights) for step in steps)
    # What a layer in NumPy knows its weights by stays as well.
    places = [list(one.weights) if one._computing._in_numpy else one._placed() for one in working] if stays else None
    if places is not None:
        places += [[]] * (len(graph.specifications) - len(working))
    guard = steps[0].layer._guard
    for step in steps[1:]:
        guard.join(step.layer._guard)
    outputs = [values[number].number for number in exits]
    scored = [_fitting(masks[number], values[number]) for number in exits]
    network = _core.Network(
        shapes, graph.specifications, steps[0].layer.dtype, places, guard, graph.nodes, outputs, scored
    )
    for layer, views in zip(working, network.parameters, strict=False):
        if stays:
            layer._shared = True
        else:
            layer._move(views)
    return network


def maker_of(
    shapes: Sequence[tuple[int, ...]], steps: Sequence[Step], exits: Sequence[int]
) -> Callable[[], Any] | None:
    """A function whose each call makes another network of these layers, with all weights zero.

    None where layers compute in NumPy, or share weights with layers of other models.
    """
    if any(step.layer._shared or step.layer._computing._in_numpy for step in steps):
        return None
    _, graph, values, masks = graph_of(shapes, steps)
    outputs = [values[number].number for number in exits]
    scored = [_fitting(masks[number], values[number]) for number in exits]
    dtype = steps[0].layer.dtype

    def make() -> _core.Network:
        return _core.Network(shapes, graph.specifications, dtype, None, _core.Guard(), graph.nodes, outputs, scored)

    return make


def computing_layers(steps: Sequence[Step]) -> list[Layer]:
    """The layers that compute something, each once, in the order of their calls."""
    return list({id(step.layer): step.layer for step in steps if step.layer._computes_itself}.values())


def graph_of(
    shapes: Sequence[tuple[int, ...]], steps: Sequence[Step]
) -> tuple[list[Layer], CallGraph, list[Value], list[Value | None]]:
    """The layers that compute something, which are the graph's first ones; the calls as a graph; and its values and
    their masks, in the order in which steps count them."""
    working, always, frozen = computing_layers(steps), frozenset[int](), _in_inference(steps)
    while True:
        graph = CallGraph(shapes, working, always, frozen)
        values = [Value(i, tuple(shape)) for i, shape in enumerate(shapes)]
        masks: list[Value | None] = [None] * len(values)
        for layer, sources, at_once, _ in steps:
            given, known = [values[i] for i in sources], [masks[i] for i in sources]
            if is_resizing():  # a layer may be called on inputs of several sizes
                layer._build_for([(None, *one.row[len(at_once) :]) for one in given])
            if at_once:
                output, mask = graph.call(layer, given, row=(*at_once, *layer._output_row)), known[0]
            else:
                output, mask = layer._add_to(graph, given, known)
            values.append(output)
            masks.append(mask)
        if graph.masked & graph.unmasked <= always:
            return working, graph, values, masks
        always |= graph.masked & graph.unmasked


def _in_inference(steps: Sequence[Step]) -> frozenset[int]:
    """The layers, by identity, that work in training as they do in inference."""
    frozen = {id(step.layer) for step in steps if step.in_inference}
    for step in steps:
        if id(step.layer) in frozen and not step.in_inference:
            if step.layer._differs_in_training:
                raise ValueError(
                    f"layer {step.layer.name!r} must be called with training=False in all or none of a model's calls."
                )
            frozen.discard(id(step.layer))
    return frozenset(frozen)


def _fitting(mask: Value | None, output: Value) -> int | None:
    """The number of an output's mask, whose axes must be the first ones of what its loss gives."""
    if mask is None:
        return None
    if mask.row not in (output.row[: len(mask.row)], (1,)) or len(mask.row) >= max(2, len(output.row)):
        raise ValueError(
            f"the mask of an output must be for its first axes; it has rows of shape {mask.row}, the output "
            f"{output.row}."
        )
    return mask.number


def renew(network: _core.Network, steps: Sequence[Step]) -> None:
    """Tell what computes layers which weights are to be trained now, and how."""
    network.set_weight_attributes(weight_settings(network, steps))


def weight_settings(network: _core.Network, steps: Sequence[Step]) -> list[Any]:
    """For each layer of a network, and each weight of it, whether it is trained, its penalty and its constraint."""
    settings: list[Any] = [layer._settings()[: len(layer._weights)] for layer in computing_layers(steps)]
    return settings + [[]] * (len(network.trained) - len(settings))


def check_backward(steps: Sequence[Step], inputs: int) -> None:
    """Raise NotImplementedError where the way back needs a layer that does not know it."""
    learns = [False] * inputs
    for layer, sources, *_ in steps:
        learns.append(bool(layer.trainable_weights) or any(learns[source] for source in sources))
        if learns[-1] and layer._computing._in_numpy and type(layer._computing).backward is Layer.backward:
            raise NotImplementedError(f"layer {layer.name!r} must define backward(dy) for training.")


# -- whose gradients are whose -----------------------------------------------------------------------------------------
# A gradient belongs to an array, never to a place in a list: layers are listed by their distance from the outputs, and
# what computes a model goes through their calls in another order.


def _chosen(network: _core.Network, flags: Sequence[Sequence[bool]]) -> list[np.ndarray]:
    each = zip(network.parameters, flags, strict=True)
    return [view for views, chosen in each for view, one in zip(views, chosen, strict=True) if one]


def learned(network: _core.Network) -> list[np.ndarray]:
    """The weights that a network trains, in the order in which it gives their gradients."""
    return _chosen(network, network.trained)


def arranged(network: _core.Network, gradients: Sequence[T], weights: Sequence[np.ndarray]) -> list[T]:
    """Reorder one value per trained weight of a network to the order of these weights.

    Raises
    ------
    RuntimeError
        The network does not train one of them.
    """
    found = {_core.address(weight): each for weight, each in zip(learned(network), gradients, strict=True)}
    places = [_core.address(weight) for weight in weights]
    if not set(places) <= set(found):
        raise RuntimeError(
            "every trainable weight must have a gradient: the model was compiled when some were not trainable; call "
            "compile() again."
        )
    # A weight may lie in the network in another shape, of as many numbers.
    return [_shaped(found[place], weight.shape) for place, weight in zip(places, weights, strict=True)]


def _shaped(value: Any, shape: tuple[int, ...]) -> Any:
    return value.reshape(shape) if getattr(value, "shape", shape) != shape else value
