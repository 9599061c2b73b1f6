"""Keras's operations on symbolic tensors, as in its files: layers here. `GetItem` is written as the operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..checks import snake_case
from ..layers.base.symbolic import OF_TENSORS, rescaling_by
from ..layers.reshaping.get_item import parsed_key

__all__ = ["TENSOR", "as_layer", "as_operation", "without_masks"]

TENSOR = "__keras_tensor__"
MODULE = "keras.src.ops"  # and what is in it
SLICE, ELLIPSIS = "__slice__", "__ellipsis__"


def without_masks(layers: Any, outputs: Any) -> Any:
    """The layers of a config without the operations by which Keras computes masks alone: here they come with values."""
    named = {one.get("name"): one for one in layers if isinstance(one, Mapping)} if isinstance(layers, list) else {}
    needed: set[Any] = set()
    waiting = _names_in(outputs)
    while waiting:
        name = waiting.pop()
        if name in needed or name not in named:
            continue
        needed.add(name)
        calls = named[name].get("inbound_nodes")
        for call in calls if isinstance(calls, list) else ():
            if isinstance(call, Mapping):
                given = call.get("kwargs")
                options = given if isinstance(given, Mapping) else {}
                rest = {key: value for key, value in options.items() if key != "mask"}
                waiting += _names_in([call.get("args"), rest])
    if not isinstance(layers, list):
        return layers
    return [
        one
        for one in layers
        if not isinstance(one, Mapping) or one.get("name") in needed or not str(one.get("module")).startswith(MODULE)
    ]


def _names_in(words: Any) -> list[str]:
    """Names of layers whose outputs are in a config's words: tensors, or places [name, call, output]."""
    if isinstance(words, Mapping):
        return [name for value in words.values() for name in _names_in(value)]
    if isinstance(words, (list, tuple)):
        if len(words) == 3 and isinstance(words[0], str):
            return [words[0]]
        return [name for value in words for name in _names_in(value)]
    return []


def as_layer(entry: Any) -> Any:
    """The entry of a layer for that of an operation; others as they are.

    Raises
    ------
    ValueError
        It is another operation, or takes something else.
    """
    if not isinstance(entry, Mapping) or not str(entry.get("module")).startswith(MODULE):
        return entry
    kind, name = snake_case(str(entry.get("class_name"))), str((entry.get("config") or {}).get("name"))
    calls = entry.get("inbound_nodes")
    if not isinstance(calls, list) or not calls or not all(isinstance(call, Mapping) for call in calls):
        raise ValueError(f"operation {name!r} must be called; got {calls!r}.")
    made = [_layer_of(kind, call, name) for call in calls]
    layer, settings, tensors = made[0]
    if any(one[:2] != (layer, settings) for one in made):
        raise ValueError(f"operation {name!r} must be called in the same way always; got {calls!r}.")
    listed = layer in OF_TENSORS.values()
    inbound: list[Any] = [{"args": [given] if listed else given, "kwargs": {}} for _, _, given in made]
    config = {**settings, "name": name, "dtype": tensors[0]["config"].get("dtype", "float32")}
    as_ours = {"module": "keras.layers", "class_name": layer, "registered_name": None, "config": config}
    return {**entry, **as_ours, "inbound_nodes": inbound}


def _layer_of(operation: str, call: Mapping[str, Any], name: str) -> tuple[str, dict[str, Any], list[Any]]:
    """The class of a layer, its settings, and the tensors that it is called on."""
    given = [*(call.get("args") or ()), *(call.get("kwargs") or {}).values()]
    tensors = [one for one in given if _is_tensor(one)]
    if len(given) == len(tensors) == 2 and operation in OF_TENSORS:
        return OF_TENSORS[operation], {}, tensors
    if len(tensors) == 1:
        others = [one for one in given if one is not tensors[0]] or [-1.0] * (operation == "negative")
        if operation == "get_item" and len(others) == 1:
            key = others[0] if isinstance(others[0], list) else [others[0]]
            return "GetItem", {"key": [_index(one) for one in key]}, tensors
        if len(others) == 1 and isinstance(others[0], (int, float)) and not isinstance(others[0], bool):
            numbers = rescaling_by(operation, float(others[0]), given[0] is tensors[0])
            if numbers is not None:
                return "Rescaling", {"scale": numbers[0], "offset": numbers[1]}, tensors
    known = ", ".join((*OF_TENSORS, "true_divide", "negative", "get_item"))
    raise ValueError(
        f"operation {name!r} must be one of {known}, of symbolic tensors and numbers; got {operation} of {given!r}."
    )


def as_operation(entry: dict[str, Any]) -> None:
    """Turn the entry of a `GetItem` into that of Keras's operation, in place; others stay as they are."""
    if entry.get("class_name") == "GetItem" and entry.get("module") == "keras.layers":
        key = [_written(member) for member in parsed_key(entry["config"]["key"])]
        entry["inbound_nodes"] = [{"args": [*call["args"], key], "kwargs": {}} for call in entry["inbound_nodes"]]
        entry["config"] = {"name": entry["name"]}
        entry.update(module=f"{MODULE}.numpy", registered_name="GetItem")


def _is_tensor(entry: Any) -> bool:
    return isinstance(entry, Mapping) and entry.get("class_name") == TENSOR and isinstance(entry.get("config"), Mapping)


def _index(member: Any) -> Any:
    """A member of an index in Keras's format, as `GetItem` takes it."""
    if not isinstance(member, Mapping):
        return member
    if member.get("class_name") == ELLIPSIS:
        return ...
    ends = member.get("config") if member.get("class_name") == SLICE else None
    return slice(*(ends.get(end) for end in ("start", "stop", "step"))) if isinstance(ends, Mapping) else member


def _written(member: Any) -> Any:
    """The other way round."""
    if member is ...:
        return {"class_name": ELLIPSIS, "config": {}}
    if isinstance(member, slice):
        config = {"start": member.start, "stop": member.stop, "step": member.step}
        return {"class_name": SLICE, "config": config}
    return member
