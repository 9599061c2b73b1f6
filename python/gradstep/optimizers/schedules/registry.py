"""Schedules by name: the classes of this package, and those that the caller hands over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...checks import describe
from ...references import is_reference
from . import combined, cosine, cyclical, decay, steps
from .base import Classes, LearningRateSchedule
from .formula import Formula

__all__ = ["classes", "deserialize", "revive"]


def classes() -> dict[str, type[LearningRateSchedule]]:
    """Every schedule of this package, by its name."""
    return {
        name: getattr(module, name) for module in (combined, cosine, cyclical, decay, steps) for name in module.__all__
    }


def deserialize(config: Mapping[str, Any], custom_objects: Classes | None = None) -> LearningRateSchedule:
    """The schedule of a dict that `serialize` gave.

    Parameters
    ----------
    config : dict
        With the keys ``"class_name"`` and ``"config"``.
    custom_objects : dict of str to class, optional
        Custom classes, by name. No other code is ever looked for.

    Raises
    ------
    TypeError
        Not a dict, or an argument of the wrong type or name.
    ValueError
        No class of that name, or an argument out of bounds.

    Examples
    --------
    >>> import gradstep as gs
    >>> s = gs.optimizers.schedules
    >>> s.deserialize(s.serialize(s.ExponentialDecay(0.1, 10, 0.5)))(10)
    0.05
    """
    if not isinstance(config, Mapping):
        raise TypeError(f"config must be a dict, as serialize() gives; got {describe(config)}.")
    for key in ("class_name", "config"):
        if key not in config:
            raise ValueError(f"config has no key {key!r}; it has {sorted(map(str, config))}.")
    known = classes() | dict(custom_objects or {})
    name, arguments = config["class_name"], config["config"]
    if name not in known:
        raise ValueError(
            f"schedule must be one of {', '.join(sorted(known))}; got {name!r}. "
            "Pass custom classes in custom_objects={name: class}."
        )
    if is_reference(name):  # the schedule itself
        found: LearningRateSchedule = known[name]  # type: ignore[assignment]
        return found
    cls = known[name]
    # A class of the caller's own turns back what its get_config made.
    return cls.from_config(revive(arguments, custom_objects) if issubclass(cls, Formula) else arguments)


def revive(config: Any, custom_objects: Classes | None = None) -> Any:
    """A config with the schedules in it, also those in lists, made again; whatever else is in it stays as it is."""
    if not isinstance(config, Mapping):
        return config
    return {key: _member(value, custom_objects) for key, value in config.items()}


def _member(value: Any, custom_objects: Classes | None) -> Any:
    if isinstance(value, list):
        return [_member(member, custom_objects) for member in value]
    return deserialize(value, custom_objects) if isinstance(value, Mapping) else value
