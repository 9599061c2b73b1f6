"""Arguments of calls of layers made of layers, in Keras's format: tensors anywhere among other values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..described import serialize
from ..layers.base.symbolic import SymbolicTensor
from .operations import TENSOR

__all__ = ["arguments_in", "of_arguments", "with_tensors"]


def of_arguments(arguments: Any, entries: Sequence[Any], masks: Sequence[Any]) -> dict[str, Any]:
    """The entry of a call, with entries in the place of its tensors."""
    left = iter(entries)
    args, options = _replaced(arguments, lambda one: isinstance(one, SymbolicTensor), lambda _: next(left))
    options = {name: serialize(value, name) for name, value in options.items()}
    if any(mask is not None for mask in masks):
        options["mask"] = masks[0]
    return {"args": [serialize(value, "an argument") for value in args], "kwargs": options}


def arguments_in(call: Any, what: str) -> tuple[Any, dict[str, Any], list[Any], list[Any]]:
    """Arguments and options of an entry, the entries of tensors in them, and that of a mask, which may be None.

    Raises
    ------
    ValueError
        It is no such entry.
    """
    args = call.get("args") if isinstance(call, Mapping) else None
    options = call.get("kwargs") if isinstance(call, Mapping) else None
    if not isinstance(args, (list, tuple)) or not isinstance(options or {}, Mapping):
        raise ValueError(f"{what} must be called with arguments; got {call!r}.")
    rest = {name: value for name, value in (options or {}).items() if value is not None}
    mask = rest.pop("mask", None)
    found: list[Any] = []
    _replaced([list(args), rest], _is_entry, found.append)
    return list(args), rest, found, [mask]


def with_tensors(arguments: Any, tensors: Sequence[Any]) -> Any:
    """Arguments and options with tensors in the place of their entries."""
    left = iter(tensors)
    return _replaced(list(arguments), _is_entry, lambda _: next(left))


def _is_entry(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("class_name") == TENSOR


def _replaced(value: Any, is_taken: Callable[[Any], bool], other: Callable[[Any], Any]) -> Any:
    """A value in which others stand in the place of those that are taken."""
    if is_taken(value):
        return other(value)
    if isinstance(value, Mapping):
        return {name: _replaced(one, is_taken, other) for name, one in value.items()}
    return [_replaced(one, is_taken, other) for one in value] if isinstance(value, (list, tuple)) else value
