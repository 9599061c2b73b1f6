"""Optimizers by name: the classes of this package, and those handed over. No name in a file runs other code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..checks import describe
from ..hints import closest
from ..references import is_ours, reference_to
from .base.optimizer import Optimizer
from .base.wrappers import Wrapper
from .diagonalnaturalgradient import DiagonalNaturalGradient
from .lookahead import Lookahead
from .multi import MultiOptimizer
from .sam import SAM
from .schedules.base import Classes

__all__ = ["classes", "deserialize", "get", "serialize"]


# Those that are made of others.
WRAPPERS: dict[str, type[Optimizer]] = {cls.__name__.lower(): cls for cls in (Lookahead, MultiOptimizer, SAM)}


def classes() -> dict[str, type[Optimizer]]:
    """Every optimizer of this package with an update rule, by its name in lower case."""
    package = __name__.rpartition(".")[0]
    return {
        cls.__name__.lower(): cls
        for cls in Optimizer.__subclasses__()
        if cls.__module__ == f"{package}.{cls.__name__.lower()}" and not issubclass(cls, Wrapper)
    }


def get(identifier: str | Mapping[str, Any] | Optimizer) -> Optimizer:
    """Create an optimizer from a name, a dict or an optimizer (returned as it is).

    Parameters
    ----------
    identifier : str, dict or Optimizer
        A class's name, upper or lower case, for its defaults; what `serialize` gives; or an optimizer.

    Raises
    ------
    TypeError
        Something else, or a class where an optimizer is meant.
    ValueError
        An unknown name.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.optimizers.get("sgd")
    SGD(learning_rate=0.01, momentum=0.0, nesterov=False)
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, str):
        return _named(identifier).from_config({})
    if isinstance(identifier, Mapping):
        try:
            return deserialize(identifier)
        except (TypeError, ValueError) as error:
            raise type(error)(f"optimizer: {error}") from None
    if isinstance(identifier, type) and issubclass(identifier, Optimizer):
        raise TypeError(f"optimizer must be an object; got the class {identifier.__name__}: call it.")
    raise TypeError(f"optimizer must be a name, a dict or an Optimizer; got {describe(identifier)}.")


def serialize(optimizer: Optimizer) -> dict[str, Any]:
    """``{"class_name": ..., "config": ...}``, which `deserialize` turns back into an equal optimizer without state.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.optimizers.serialize(gs.optimizers.SGD())["class_name"]
    'SGD'
    """
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be an Optimizer; got {describe(optimizer)}.")
    cls = type(optimizer)
    reference = None if is_ours(cls) else reference_to(cls)
    return {"class_name": reference or cls.__name__, "config": optimizer.get_config()}


def deserialize(config: Mapping[str, Any], custom_objects: Classes | None = None) -> Optimizer:
    """Create an optimizer from the dict that `serialize` returns.

    Parameters
    ----------
    config : dict
        With the keys ``"class_name"`` and ``"config"``.
    custom_objects : dict of str to class, optional
        Custom optimizers and schedules in it, by the name of their class.

    Raises
    ------
    TypeError
        Not a dict, or an argument of the wrong type or name.
    ValueError
        No class of that name, or an argument out of bounds.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.optimizers.deserialize(gs.optimizers.serialize(gs.optimizers.Adam(0.1))).learning_rate
    0.1
    """
    if not isinstance(config, Mapping):
        raise TypeError(f"config must be a dict, as serialize() gives; got {describe(config)}.")
    for key in ("class_name", "config"):
        if key not in config:
            raise ValueError(f"config has no key {key!r}; it has {sorted(map(str, config))}.")
    name = config["class_name"]
    own: Any = (custom_objects or {}).get(name) if isinstance(name, str) else None
    cls: type[Optimizer] = own if isinstance(own, type) and issubclass(own, Optimizer) else _named(name)
    return cls.from_config(config["config"], custom_objects)


def _named(name: Any) -> type[Optimizer]:
    known = classes() | WRAPPERS | {"natural": DiagonalNaturalGradient}
    if not isinstance(name, str) or name.lower() not in known:
        hint = closest(name, known) if isinstance(name, str) else ""
        raise ValueError(f"optimizer must be one of {', '.join(sorted(known))}; got {name!r}.{hint}")
    return known[name.lower()]
