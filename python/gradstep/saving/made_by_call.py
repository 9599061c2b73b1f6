"""Models and layers of the program's own whose layers are known when their `call` has run."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from .. import layers
from ..checks import check_choice
from ..config import FLOATS
from ..described import known_objects
from ..references import is_reference

__all__ = ["custom_model", "follows_from_call"]


def _custom(entry: Mapping[str, Any]) -> Any:
    """The class of the program's own, or the object, that an entry of a config names; None of another entry."""
    known = known_objects()
    for name in (entry.get("registered_name"), entry.get("class_name")):
        if isinstance(name, str) and name in known:
            return known[name]
    return None


def custom_model(entry: Mapping[str, Any]) -> Any:
    """The model of an entry that names a subclass of `Model` with a method `call`, without weights; else None."""
    found = _custom(entry)
    if not getattr(found, "_has_call", False):
        return None
    if not isinstance(found, type):
        return found if is_reference(entry.get("registered_name")) else None
    cls: Any = found
    config = dict(entry.get("config") or {})
    parameters = inspect.signature(cls).parameters
    # Arguments of every model of Keras's, which its constructor hands on.
    rest = {name: config.pop(name) for name in ("trainable", "dtype") if name in config and name not in parameters}
    dtype = rest.get("dtype")
    dtype = (dtype.get("config") or {}).get("name") if isinstance(dtype, Mapping) else dtype
    if dtype is not None:
        check_choice("dtype", dtype, FLOATS)
    made = cls.from_config(config)
    if rest.get("trainable") is False:
        made.trainable = False
    return made


def follows_from_call(entry: Any) -> bool:
    """Whether the layers of a model, or of one in it, follow from a method `call`."""
    if isinstance(entry, list):
        return any(map(follows_from_call, entry))
    if not isinstance(entry, Mapping):
        return False
    found = _custom(entry) or vars(layers).get(str(entry.get("class_name")))
    if getattr(found, "_has_call", False) or getattr(found, "_may_trace", False):
        return True
    config = entry.get("config")
    inner = [config.get("layers"), config.get("layer")] if isinstance(config, Mapping) else []
    return any(map(follows_from_call, inner))
