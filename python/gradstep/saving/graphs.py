"""Connected layers in the words of a config, as Keras has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..described import serialize_object
from ..layers.base import Layer
from ..layers.symbolic import Node, SymbolicTensor
from ..optimizers.arrays import describe
from .layers import give_weights, made_layer
from .savable import MODELS, Savable, described_model

if TYPE_CHECKING:
    from .savable import Source

__all__ = ["connected", "described", "described_graph", "made_operation", "made_row"]

TENSOR = "__keras_tensor__"


def described_graph(
    operations: Sequence[Any], nodes: Sequence[Node], inputs: Any, outputs: Any, words: Callable[[Any], dict[str, Any]]
) -> dict[str, Any]:
    """Layers and their calls.

    Parameters
    ----------
    operations : sequence
        Layers and models, those of the inputs too.
    nodes : sequence of Node
        Their calls in this model, in order.
    inputs, outputs : SymbolicTensor, or a list or dict of them
    words : function
        Describes a layer or model.
    """
    calls: dict[int, list[Node]] = {id(operation): [] for operation in operations}
    for node in nodes:
        calls[id(node.operation)].append(node)
    places = {id(node): place for own in calls.values() for place, node in enumerate(own)}

    def where(tensor: SymbolicTensor) -> list[Any]:
        return [tensor.node.operation.name, places.get(id(tensor.node), 0), tensor.index]

    def argument(tensor: SymbolicTensor) -> dict[str, Any]:
        config = {"shape": list(tensor.shape), "dtype": tensor.dtype, "keras_history": where(tensor)}
        return {"class_name": TENSOR, "config": config}

    layers = []
    for operation in operations:
        inbound: list[dict[str, Any]] = []
        for node in calls[id(operation)]:
            given = [argument(tensor) for tensor in node.inputs]
            inbound.append({"args": [given] if node.listed else given, "kwargs": {}})
        layers.append(words(operation) | {"name": operation.name, "inbound_nodes": inbound})
    return {"layers": layers, "input_layers": _mapped(inputs, where), "output_layers": _mapped(outputs, where)}


def described(operation: Any) -> dict[str, Any]:
    """A layer or model in words."""
    return described_model(operation) if isinstance(operation, Savable) else serialize_object(operation)


def _mapped(given: Any, of_one: Callable[[Any], Any]) -> Any:
    if isinstance(given, dict):
        return {name: of_one(one) for name, one in given.items()}
    return [of_one(one) for one in given] if isinstance(given, (list, tuple)) else of_one(given)


def made_operation(words: Any, number: int, source: Source | None = None) -> Any:
    """The layer or model of words of a config; number: of its first layer, for the source of weights."""
    if isinstance(words, Mapping) and words.get("class_name") in MODELS:
        cls, config = MODELS[words["class_name"]], words.get("config")
        if not isinstance(config, Mapping):
            raise TypeError(f"the config of a model must be a dict; got {describe(config)}.")
        if source is None:
            return cls.from_config(config)
        name = config.get("name")
        return cls._from_file(config, None, lambda n, path, shapes: source(number + n, f"{name}/{path}", shapes))
    return made_layer(words, f"layer {number}")


def made_row(config: Any, source: Source | None = None) -> list[Any]:
    """The layers and models of the config of a model in a row, with an `Input` in front if it has one.

    Raises
    ------
    TypeError, ValueError
        It is no such config, or a layer or setting is not known.
    """
    if not isinstance(config, Mapping) or not isinstance(config.get("layers"), list):
        raise TypeError(f"config must be a dict with a list of layers; got {describe(config)}.")
    made, count = [], 0
    for words in config["layers"]:
        made.append(made_operation(words, count, source))
        count += _layers_in(words)
    return made


def connected(
    config: Any, made: Callable[[Any, int, Source | None], Any], source: Source | None = None
) -> tuple[Any, Any]:
    """Inputs and outputs of the model of a config, of new layers.

    Parameters
    ----------
    config : dict
        As `described_graph` gives it, here or in Keras.
    made : function
        Makes a layer or model of words, the number of its first layer, and the source of weights.
    source : function, optional
        Gives the weights of a layer from its number, path and their shapes; nothing is drawn then.

    Raises
    ------
    TypeError, ValueError
        It is no such config; calls go in a circle, or to a layer that is not there.
    """
    for key in ("layers", "input_layers", "output_layers"):
        if not isinstance(config, Mapping) or key not in config:
            raise TypeError(f"config must be a dict with {key}, as get_config() gives; got {describe(config)}.")
    layers: dict[str, Any] = {}
    waiting: list[tuple[str, Mapping[str, Any]]] = []
    numbers: dict[str, int] = {}
    count = 0
    for words in config["layers"]:
        operation = made(words, count, source)
        name = operation.name
        if name in layers:
            raise ValueError(f"layers must have different names; two are called {name!r}.")
        layers[name], numbers[name] = operation, count
        count += _layers_in(words)
        waiting += [(name, call) for call in words.get("inbound_nodes") or []]
    gives: dict[str, list[list[SymbolicTensor]]] = {
        name: [layer._nodes[0].outputs] if isinstance(layer, Layer) and layer._nodes else []
        for name, layer in layers.items()
    }
    while waiting:
        left: list[tuple[str, Mapping[str, Any]]] = []
        held: set[str] = set()
        for name, call in waiting:
            given = None if name in held else _given(call, gives, f"layer {name!r}")
            if given is None:
                held.add(name)  # its calls are numbered: they keep their order
                left.append((name, call))
                continue
            layer = layers[name]
            if source is not None and isinstance(layer, Layer) and not layer.built:
                shapes = [one.shape for one in given] if isinstance(given, list) else given.shape
                give_weights(layer, shapes, numbers[name], source)
            made_of = layer(given)
            gives[name].append(list(made_of.node.outputs if isinstance(made_of, SymbolicTensor) else _first(made_of)))
        if len(left) == len(waiting):
            names = ", ".join(sorted({name for name, _ in left}))
            raise ValueError(f"layers must be connected without a circle, to layers that are there; {names} are not.")
        waiting = left
    return _found(config["input_layers"], gives, "input_layers"), _found(
        config["output_layers"], gives, "output_layers"
    )


def _first(made: Any) -> list[SymbolicTensor]:
    found: list[SymbolicTensor] = (next(iter(made.values())) if isinstance(made, dict) else made[0]).node.outputs
    return found


def _layers_in(words: Any) -> int:
    """How many layers there are in words, without those of inputs."""
    config = words.get("config") if isinstance(words, Mapping) else None
    inner = config.get("layers") if isinstance(config, Mapping) and words.get("class_name") in MODELS else None
    if isinstance(inner, list):
        return sum(_layers_in(one) for one in inner)
    return 0 if isinstance(words, Mapping) and words.get("class_name") == "InputLayer" else 1


def _given(call: Any, gives: Mapping[str, Any], what: str) -> Any:
    """What a call takes, or None if that is not made yet."""
    arguments = call.get("args") if isinstance(call, Mapping) else None
    options = call.get("kwargs") if isinstance(call, Mapping) else None
    if not isinstance(arguments, (list, tuple)) or len(arguments) != 1:
        raise ValueError(f"{what} must be called with one argument, which may be a list; got {arguments!r}.")
    for key, value in (options or {}).items():
        if value is not None:
            raise ValueError(f"{what} is called with {key}={value!r}, which is not taken here.")
    listed = isinstance(arguments[0], (list, tuple))
    tensors = [_tensor(one, gives, what) for one in (arguments[0] if listed else arguments)]
    if any(tensor is None for tensor in tensors):
        return None
    return tensors if listed else tensors[0]


def _tensor(words: Any, gives: Mapping[str, Any], what: str) -> SymbolicTensor | None:
    config = words.get("config") if isinstance(words, Mapping) and words.get("class_name") == TENSOR else None
    history = config.get("keras_history") if isinstance(config, Mapping) else None
    return _at(history, gives, what)


def _at(place: Any, gives: Mapping[str, Any], what: str) -> SymbolicTensor | None:
    """What a call gave, by the layer's name, the call's number and the output's; None if it is not made yet."""
    good = isinstance(place, (list, tuple)) and len(place) == 3 and isinstance(place[0], str)
    if not good or not all(isinstance(n, int) and n >= 0 for n in place[1:]):
        raise ValueError(f"{what} must take what a layer gives, [name, call, output]; got {place!r}.")
    name, call, output = place
    if name not in gives:
        raise ValueError(f"{what} takes what layer {name!r} gives, which is not there.")
    calls = gives[name]
    if call >= len(calls):
        return None
    if output >= len(calls[call]):
        raise ValueError(f"{what} takes output {output} of layer {name!r}, which has {len(calls[call])}.")
    found: SymbolicTensor = calls[call][output]
    return found


def _found(places: Any, gives: Mapping[str, Any], what: str) -> Any:
    def one(place: Any) -> SymbolicTensor:
        found = _at(place, gives, what)
        if found is None:
            raise ValueError(f"{what} has {place!r}, which no layer gives.")
        return found

    if isinstance(places, Mapping):
        return {name: one(place) for name, place in places.items()}
    if isinstance(places, (list, tuple)) and places and isinstance(places[0], (list, tuple)):
        return [one(place) for place in places]
    return one(places)
