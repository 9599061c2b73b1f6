"""Settings that were assigned to layers whose class or constructor would make them without."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["assigned_parts", "take_assigned"]


def assigned_parts(model: Any) -> dict[str, Any] | None:
    """What was assigned to layers of a model after their constructors, as JSON has it; None if their configs say it.

    They do not where a method `call` of a subclass combines layers, which the subclass's constructor makes.
    """
    if not _makes_layers(model):
        return None
    leaves, settings = list(model._leaves.values()), {}
    for number, leaf in enumerate(leaves):
        if names := vars(leaf).get("_assigned"):
            config = leaf.get_config()
            settings[str(number)] = {name: config[name] for name in sorted(names) if name in config}
    frozen = [number for number, leaf in enumerate(leaves) if not leaf.trainable]
    kinds = [type(leaf).__name__ for leaf in leaves]
    return {"layers": kinds, "settings": settings, "frozen": frozen} if settings or frozen else None


def take_assigned(model: Any, assigned: Any) -> bool:
    """Assign what `assigned_parts` gave, if the model has these layers; gives whether it had."""
    if not isinstance(assigned, Mapping):
        return True
    leaves = list(model._leaves.values())
    if assigned["layers"] != [type(leaf).__name__ for leaf in leaves]:
        return False
    for number, settings in assigned["settings"].items():
        leaf = leaves[int(number)]
        config = leaf.get_config()
        revived = type(leaf).from_config({**config, **settings})
        for name, value in settings.items():
            if config.get(name) != value:  # what a constructor assigns itself, the new layer has
                setattr(leaf, name, getattr(revived, name))
    for number in assigned["frozen"]:
        leaves[number].trainable = False
    return True


def _makes_layers(part: Any) -> bool:
    """Whether a model or layer, or one in it, makes layers in the constructor of a subclass."""
    if part._is_made_by_call:
        return True
    inner = [part.layer] if hasattr(part, "layer") else part._layers if hasattr(part, "_layers") else []
    return any(map(_makes_layers, inner))
