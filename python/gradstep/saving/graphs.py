"""Connected layers as the entries of a config, in Keras's format."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ..checks import describe
from ..described import serialize_object
from ..layers.attention.attending import ARGUMENTS, MASKS, Attending
from ..layers.base.layer import Layer
from ..layers.base.symbolic import Node, SymbolicTensor, rows_before
from ..layers.base.tracing import flat
from ..layers.core.input import InputLayer
from ..layers.core.time_distributed import TimeDistributed
from ..layers.recurrent.with_states import WithStates
from .arguments import arguments_in, of_arguments, with_tensors
from .layers import held_model, made_layer
from .made_by_call import custom_model
from .operations import TENSOR, as_layer, as_operation, without_masks
from .savable import MODELS, Savable, described_model
from .sharing import Reading, Writing

__all__ = ["connected", "described", "described_graph", "made_operation", "made_row"]


def described_graph(
    operations: Sequence[Any],
    nodes: Sequence[Node],
    inputs: Any,
    outputs: Any,
    serialize: Callable[[Any], dict[str, Any]],
) -> dict[str, Any]:
    """Layers and their calls.

    Parameters
    ----------
    operations : sequence
        Layers and models, those of the inputs too.
    nodes : sequence of Node
        Their calls in this model, in order.
    inputs, outputs : SymbolicTensor, or a list or dict of them
    serialize : function
        Describes a layer or model, in a new dict.
    """
    calls: dict[int, list[Node]] = {id(operation): [] for operation in operations}
    for node in nodes:
        calls[id(node.operation)].append(node)
    places = {id(node): place for own in calls.values() for place, node in enumerate(own)}

    def where(tensor: SymbolicTensor) -> list[Any]:
        return [tensor.node.operation.name, places.get(id(tensor.node), 0), tensor.index]

    def end(tensor: SymbolicTensor) -> list[Any]:
        name, place, index = where(tensor)
        return [name, place + _spare(tensor.node.operation), index]

    def argument(tensor: SymbolicTensor) -> dict[str, Any]:
        config = {"shape": list(tensor.shape), "dtype": tensor.dtype, "keras_history": where(tensor)}
        return {"class_name": TENSOR, "config": config}

    layers = []
    for operation in operations:
        inbound: list[dict[str, Any]] = []
        for node in calls[id(operation)]:
            given = [argument(tensor) for tensor in node.given]
            masks: list[Any] = [None] * len(given)
            for (place, _), tensor in zip(node.masked, node.inputs[len(given) :], strict=True):
                masks[place] = argument(tensor)
            if node.arguments is None:
                inbound.append(_call_of(operation, given, node.listed, masks))
            else:
                inbound.append(of_arguments(node.arguments, given, masks))
            if node.in_inference:
                inbound[-1]["kwargs"]["training"] = False
        layer = serialize(operation)
        layer.update(name=operation.name, inbound_nodes=inbound)
        as_operation(layer)
        layers.append(layer)
    return {"layers": layers, "input_layers": _mapped(inputs, end), "output_layers": _mapped(outputs, end)}


def _call_of(operation: Any, given: list[Any], listed: bool, masks: list[Any]) -> dict[str, Any]:
    """A call in Keras's words; masks: those of each input that it was given, else None."""
    if isinstance(operation, Attending):
        arguments, options = operation._call_entry(given)
        return {"args": arguments, "kwargs": options}
    several = isinstance(operation, Savable) and listed
    options = {"mask": masks if several else masks[0]} if any(mask is not None for mask in masks) else {}
    if isinstance(operation, WithStates) and listed:
        return {"args": given[:1], "kwargs": {"initial_state": given[1:], **options}}
    return {"args": [given] if listed else given, "kwargs": options}


def _spare(operation: Any) -> int:
    """How many calls Keras counts of an operation, among inputs and outputs, before its first: of its functional models
    one, from their own inputs to their own outputs."""
    return int(isinstance(operation, MODELS["Functional"]))


def described(operation: Any, writing: Writing) -> dict[str, Any]:
    """The entry of a layer or model in the config of a model."""
    if isinstance(operation, Savable):
        return writing.noted(operation, described_model(operation, writing))
    entry = serialize_object(operation)
    if isinstance(operation, TimeDistributed) and operation._holds_model and "layer" in entry["config"]:
        entry["config"]["layer"] = described(operation.layer, writing)
    return writing.noted(operation, entry)


def _mapped(given: Any, of_one: Callable[[Any], Any]) -> Any:
    if isinstance(given, dict):
        return {name: of_one(one) for name, one in given.items()}
    return [of_one(one) for one in given] if isinstance(given, (list, tuple)) else of_one(given)


def made_operation(entry: Any, reading: Reading) -> Any:
    """The layer or model of a config's entry: a new one, unless the config has had it before."""
    if not isinstance(entry, Mapping):
        return made_layer(entry, f"layer {reading.count}")
    known = reading.known(entry)
    if known is not None:
        reading.count += _layers_in(entry)
        return known
    if entry.get("class_name") in MODELS:
        cls, config = MODELS[entry["class_name"]], entry.get("config")
        if not isinstance(config, Mapping):
            raise TypeError(f"the config of a model must be a dict; got {describe(config)}.")
        with reading.inside(str(config.get("name"))):
            made: Any = cls._made(config, reading)
    elif (inner := held_model(entry)) is not None:
        with reading.inside(str(entry["config"].get("name"))):
            layer = made_operation(inner, reading)
        made = TimeDistributed.from_config({**entry["config"], "layer": layer})
    elif (custom := custom_model(entry)) is not None:
        made = custom
    else:
        made = made_layer(entry, f"layer {reading.count}")
        if not isinstance(made, InputLayer):
            reading.place(made)
    reading.keep(entry, made)
    return made


def made_row(config: Any, reading: Reading) -> list[Any]:
    """The layers and models of the config of a model in a row, with an `Input` in front if it has one.

    Raises
    ------
    TypeError, ValueError
        It is no such config, or a layer or setting is not known.
    """
    if not isinstance(config, Mapping) or not isinstance(config.get("layers"), list):
        raise TypeError(f"config must be a dict with a list of layers; got {describe(config)}.")
    return [made_operation(entry, reading) for entry in config["layers"]]


# What each call of each layer gave.
Gives = dict[str, list[list[SymbolicTensor]]]
# What a call has beside the layer: see `Called`.
Arguments = tuple[list[tuple[str, int, int]], bool, list[str], dict[str, Any], list["tuple[str, int, int] | None"]]


class Called(NamedTuple):
    """A call in a config: whose it is, and on which tensors, each the name of a layer, its call and the output."""

    name: str
    number: int  # of the calls of that layer
    given: list[tuple[str, int, int]]
    listed: bool
    names: list[str]  # of the arguments, of a layer that takes several
    options: dict[str, Any]
    masks: list[tuple[str, int, int] | None]  # of the inputs, as far as the call was given them
    arguments: Any = None  # of a layer made of layers: all of them, with entries in the place of tensors

    def of_known(self, layers: Mapping[str, Any]) -> Called:
        """The call without masks by operations, which Keras adds by itself: here they come with the inputs."""
        masks = [mask if mask is not None and mask[0] in layers else None for mask in self.masks]
        if not self.names:
            return self._replace(masks=masks)
        taken = [i for i, name in enumerate(self.names) if name not in MASKS or self.given[i][0] in layers]
        return self._replace(given=[self.given[i] for i in taken], names=[self.names[i] for i in taken])

    @property
    def needs(self) -> list[tuple[str, int, int]]:
        """All that must be there before."""
        return [*self.given, *(mask for mask in self.masks if mask is not None)]


def connected(
    config: Any, made: Callable[[Any], Any], build: Callable[[Layer, Any], None] | None = None
) -> tuple[Any, Any]:
    """Inputs and outputs of the model of a config, of new layers.

    Parameters
    ----------
    config : dict
        As `described_graph` gives it, here or in Keras.
    made : function
        Makes a layer or model from its entry.
    build : function, optional
        Gives a layer weights, for the shape or the list of shapes of what it is called on; otherwise they are drawn.

    Raises
    ------
    TypeError, ValueError
        It is no such config; calls go in a circle, or to a layer that is not there.
    """
    for key in ("layers", "input_layers", "output_layers"):
        if not isinstance(config, Mapping) or key not in config:
            raise TypeError(f"config must be a dict with {key}, as get_config() gives; got {describe(config)}.")
    layers, calls = _calls_in(without_masks(config["layers"], config["output_layers"]), made)
    gives: Gives = {
        name: [layer._nodes[0].outputs] if isinstance(layer, InputLayer) else [] for name, layer in layers.items()
    }
    blocked: dict[tuple[str, int], list[Called]] = {}  # calls, by another call that must come first
    left, waiting = len(calls), deque(calls)
    while waiting:
        one = waiting.popleft()
        lacks = _lacking(one, gives)
        if lacks is not None:
            blocked.setdefault(lacks, []).append(one)
            continue
        gives[one.name].append(_outputs_of(one, layers[one.name], gives, build))
        waiting.extend(blocked.pop((one.name, one.number), []))
        left -= 1
    if left:
        names = ", ".join(sorted({one.name for held in blocked.values() for one in held}))
        raise ValueError(f"layers must be connected without a circle, to layers that are there; {names} are not.")
    spare = {name: _spare(layer) for name, layer in layers.items()}
    inputs = _found(config["input_layers"], gives, spare, "input_layers")
    return inputs, _found(config["output_layers"], gives, spare, "output_layers")


def _calls_in(entries: Any, made: Callable[[Any], Any]) -> tuple[dict[str, Any], list[Called]]:
    """The layers of a config by their names, and their calls."""
    layers: dict[str, Any] = {}
    calls: list[Called] = []
    for entry in map(as_layer, entries):
        operation = made(entry)
        name = operation.name
        if name in layers:
            raise ValueError(f"layers must have different names; two are called {name!r}.")
        layers[name] = operation
        for number, call in enumerate(entry.get("inbound_nodes") or [], int(isinstance(operation, InputLayer))):
            what = f"layer {name!r}"
            if getattr(operation, "_may_trace", False):
                args, rest, tensors, masks = arguments_in(call, what)
                training = _of_training(rest)
                places = [_tensor(one, what) for one in tensors]
                known = [None if one is None else _tensor(one, what) for one in masks]
                calls.append(Called(name, number, places, True, [], training, known, (args, rest)))
                continue
            reading = _named if isinstance(operation, Attending) else _given
            calls.append(Called(name, number, *reading(call, what)))
    return layers, [call.of_known(layers) for call in calls]


def _outputs_of(
    one: Called, layer: Any, gives: Gives, build: Callable[[Layer, Any], None] | None
) -> list[SymbolicTensor]:
    """What a call gives, whose inputs are all there."""
    tensors = [_at(place, gives, f"layer {one.name!r}") for place in one.given]
    given: Any = tensors if one.listed else tensors[0]
    if one.names:
        takes = dict(zip(one.names, tensors, strict=True))
        inputs_of = [takes[name] for name in ("query", "value", "key") if name in takes]
        masks = [takes.get(name) for name in ("query_mask", "value_mask")]
        arguments: Any = {"inputs": inputs_of, "mask": masks} if layer._takes_list else takes
        causal, scored = (bool(one.options.get(name)) for name in ("use_causal_mask", "return_attention_scores"))
        layer._called_with(takes, causal, scored)
    if isinstance(layer, WithStates) and not layer.built:
        layer._batch = rows_before(tensors[0])
    if build is not None and isinstance(layer, Layer):
        build(layer, [tensor.shape for tensor in tensors] if one.listed else given.shape)
    if any(mask is not None for mask in one.masks):
        found = [None if mask is None else _at(mask, gives, f"layer {one.name!r}") for mask in one.masks]
        one.options["mask"] = found if isinstance(layer, Savable) and one.listed else found[0]
    if one.arguments is not None:
        args, options = with_tensors(one.arguments, tensors)
        outputs = layer(*args, **options, **one.options)
    else:
        outputs = layer(**arguments, **one.options) if one.names else layer(given, **one.options)
    return list(flat(outputs)[0].node.outputs)


def _layers_in(entry: Any) -> int:
    """Number of layers in an entry, without input layers."""
    held = held_model(entry)
    if held is not None:
        return _layers_in(held)
    config = entry.get("config") if isinstance(entry, Mapping) else None
    inner = config.get("layers") if isinstance(config, Mapping) and entry.get("class_name") in MODELS else None
    if isinstance(inner, list):
        return sum(_layers_in(one) for one in inner)
    return 0 if isinstance(entry, Mapping) and entry.get("class_name") == "InputLayer" else 1


def _named(call: Any, what: str) -> Arguments:
    """Inputs of a call of a layer of attention, by their names, and its options."""
    arguments = call.get("args") if isinstance(call, Mapping) else None
    options = call.get("kwargs") if isinstance(call, Mapping) else None
    if not isinstance(arguments, (list, tuple)) or not isinstance(options or {}, Mapping):
        raise ValueError(f"{what} must be called with arguments; got {call!r}.")
    if len(arguments) == 1 and isinstance(arguments[0], (list, tuple)):
        arguments = arguments[0]
    named = dict(zip(ARGUMENTS, arguments, strict=False)) | dict(options or {})
    tensors = {name: one for name in ARGUMENTS if (one := named.pop(name, None)) is not None}
    listed_masks = named.pop("mask", None)  # of the query and the value
    for name, one in zip(MASKS, listed_masks if isinstance(listed_masks, list) else [], strict=False):
        if one is not None:
            tensors[name] = one
    options = {name: True for name in ("use_causal_mask", "return_attention_scores") if named.pop(name, False)}
    options |= _of_training(named)
    for key, value in named.items():
        if value not in (None, False):
            raise ValueError(f"{what} is called with {key}={value!r}, which is not taken here.")
    places = [_tensor(one, what) for one in tensors.values()]
    return places, True, list(tensors), options, []


def _given(call: Any, what: str) -> Arguments:
    """Inputs of a call, whether they are in a list, and their masks."""
    arguments = call.get("args") if isinstance(call, Mapping) else None
    options = call.get("kwargs") if isinstance(call, Mapping) else None
    if not isinstance(arguments, (list, tuple)) or len(arguments) != 1:
        raise ValueError(f"{what} must be called with one argument, which may be a list; got {arguments!r}.")
    rest = dict(options or {})
    training = _of_training(rest)
    masks = [None if one is None else _tensor(one, what) for one in _listed(rest.pop("mask", None))]
    states = rest.pop("initial_state", None)
    for key, value in rest.items():
        if any(one is not None for one in _listed(value)):
            raise ValueError(f"{what} is called with {key}={value!r}, which is not taken here.")
    if states is not None:
        given = [*_listed(arguments[0]), *_listed(states)]
        return [_tensor(one, what) for one in given], True, [], training, masks
    listed = isinstance(arguments[0], (list, tuple))
    return [_tensor(one, what) for one in (arguments[0] if listed else arguments)], listed, [], training, masks


def _of_training(options: dict[str, Any]) -> dict[str, Any]:
    """What a call was told of training, taken out of its options: that it is as in inference, or nothing."""
    return {"training": options.pop("training")} if options.get("training") is False else {}


def _listed(given: Any) -> list[Any]:
    return list(given) if isinstance(given, (list, tuple)) else [given]


def _tensor(entry: Any, what: str) -> tuple[str, int, int]:
    config = entry.get("config") if isinstance(entry, Mapping) and entry.get("class_name") == TENSOR else None
    return _place(config.get("keras_history") if isinstance(config, Mapping) else None, what)


def _place(place: Any, what: str) -> tuple[str, int, int]:
    """Where a tensor comes from: the layer's name, the call's number and the output's."""
    good = isinstance(place, (list, tuple)) and len(place) == 3 and isinstance(place[0], str)
    if not good or not all(isinstance(n, int) and n >= 0 for n in place[1:]):
        raise ValueError(f"{what} must take what a layer gives, [name, call, output]; got {place!r}.")
    return place[0], place[1], place[2]


def _lacking(one: Called, gives: Mapping[str, Sequence[Any]]) -> tuple[str, int] | None:
    """A call that must come before one: of the same layer, whose calls keep their order, or of what it takes."""
    if len(gives[one.name]) < one.number:
        return one.name, one.number - 1
    for name, call, _ in one.needs:
        if name not in gives:
            raise ValueError(f"layer {one.name!r} takes what layer {name!r} gives, which is not there.")
        if call >= len(gives[name]):
            return name, call
    return None


def _at(place: tuple[str, int, int], gives: Mapping[str, Any], what: str) -> SymbolicTensor:
    """Output of a call that was made before."""
    name, call, output = place
    if output >= len(gives[name][call]):
        raise ValueError(f"{what} takes output {output} of layer {name!r}, which has {len(gives[name][call])}.")
    found: SymbolicTensor = gives[name][call][output]
    return found


def _found(places: Any, gives: Mapping[str, Any], spare: Mapping[str, int], what: str) -> Any:
    def one(given: Any) -> SymbolicTensor:
        name, call, output = _place(given, what)
        if name not in gives:
            raise ValueError(f"{what} takes what layer {name!r} gives, which is not there.")
        number = call - spare[name]
        if not 0 <= number < len(gives[name]):
            raise ValueError(f"{what} has {given!r}, which no layer gives.")
        return _at((name, number, output), gives, what)

    if isinstance(places, Mapping):
        return {name: one(place) for name, place in places.items()}
    if isinstance(places, (list, tuple)) and places and isinstance(places[0], (list, tuple)):
        return [one(place) for place in places]
    return one(places)
