"""Names of layers, metrics and models that are not given one: "dense", "dense_1", ..., as in Keras."""

from __future__ import annotations

import threading
from typing import Any

from .checks import shown, snake_case

__all__ = ["forget_names", "name_for", "next_name", "path_part"]

_given: dict[str, int] = {}
_lock = threading.Lock()


def name_for(item: object, name: Any) -> str:
    """The name asked for, or the next one of the item's class."""
    if name is None:
        return next_name(snake_case(type(item).__name__))
    if not isinstance(name, str) or not name:
        raise TypeError(f"name must be a str of at least one letter; got {shown(name)}.")
    return name


def path_part(item: object, name: Any) -> str:
    """The same for what stands in names of weights, ``model/layer/kernel``: without a slash."""
    found = name_for(item, name)
    if "/" in found:
        raise ValueError(f"name must have no '/', which stands between names in those of weights; got {found!r}.")
    return found


def next_name(stem: str) -> str:
    """The next one of those that begin so."""
    with _lock:
        count = _given[stem] = _given.get(stem, -1) + 1
    return f"{stem}_{count}" if count else stem


def forget_names() -> None:
    """Count from the first name of each class again."""
    _given.clear()
