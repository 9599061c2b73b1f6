"""Layers that are attributes of a layer or model."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...checks import describe

__all__ = ["check_names", "given_arguments", "held_layers", "parts_in", "shapes_in"]

# Attributes of layers and models that are no parts of theirs.
INTERNAL = frozenset(
    (
        "_alone",
        "_around",
        "_calls",
        "_given",
        "_holder",
        "_insides",
        "_listed",
        "_nodes",
        "_operands",
        "_own_leaf",
        "_stages",
    )
)


def held_layers(holder: Any) -> list[Any]:
    """The layers and models that are attributes, or in lists, tuples and dicts that are: each once, in their order."""
    found: dict[int, Any] = {}
    for name, value in vars(holder).items():
        if name not in INTERNAL:
            found.update((id(one), one) for one in parts_in(value))
    return list(found.values())


def check_names(parts: Sequence[Any]) -> None:
    """Refuse layers of one name, by which their weights are known."""
    for name, count in Counter(part.name for part in parts).items():
        if count > 1:
            raise ValueError(f"layers must have different names; two are called {name!r}.")


def parts_in(value: Any) -> Iterator[Any]:
    """The layers and models in a value: itself, or in lists, tuples and dicts."""
    if getattr(type(value), "_is_part", False):
        yield value
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from parts_in(one)
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from parts_in(one)


def shapes_in(structure: Any) -> list[tuple[Any, ...]]:
    """The shapes in a shape, or in a list or dict of shapes, with the rows in front.

    Raises
    ------
    TypeError
        It is none of these.
    """
    if isinstance(structure, Mapping):
        return [shape for one in structure.values() for shape in shapes_in(one)]
    if not isinstance(structure, (list, tuple)):
        raise TypeError(
            f"input_shape must be a shape with the rows in front, or a list or dict of such; got {describe(structure)}."
        )
    if structure and isinstance(structure[0], (list, tuple, Mapping)):
        return [shape for one in structure for shape in shapes_in(one)]
    return [tuple(structure)]


def given_arguments(thing: Any) -> dict[str, Any]:
    """The arguments that the constructor of an object got, by name; empty where they are not known."""
    args, options = vars(thing).get("_given", ((), {}))
    try:
        bound = inspect.signature(type(thing)).bind(*args, **options)
    except TypeError:
        return {}
    kinds = {name: one.kind for name, one in bound.signature.parameters.items()}
    bound.apply_defaults()
    found: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        if kinds[name] is inspect.Parameter.VAR_KEYWORD:
            found.update(value)
        elif kinds[name] is not inspect.Parameter.VAR_POSITIONAL:
            found[name] = value
    return found
