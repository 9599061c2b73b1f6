"""Activations by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from ..checks import choose
from ..optimizers.arrays import describe
from . import piecewise, rows, smooth
from .apply import Question, Use

__all__ = ["get", "specify"]

Activation = Callable[..., np.ndarray]


def _table() -> dict[str, Activation]:
    modules = (piecewise, smooth, rows)
    table: dict[str, Activation] = {name: getattr(module, name) for module in modules for name in module.__all__}
    return table | {"swish": smooth.silu, "hard_swish": piecewise.hard_silu}


def get(identifier: Any) -> Activation:
    """An activation from its name, or from itself; None is `linear`.

    Parameters
    ----------
    identifier : str, function or None
        A name, a function of this package, such a function with settings
        (``functools.partial(gs.activations.elu, alpha=0.5)``), what configs have for one, or an activation layer
        (``gs.layers.ELU(0.5)``).

    Raises
    ------
    TypeError
        None of these.
    ValueError
        An unknown name.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.activations.get("swish") is gs.activations.silu
    True
    """
    if identifier is None:
        return piecewise.linear
    if isinstance(identifier, str):
        return choose("activation", identifier, _table())
    if isinstance(identifier, Mapping):
        return _with_settings(identifier)
    layer = getattr(identifier, "activation", None)
    found: Activation = identifier if layer is None else layer
    plain = found.func if isinstance(found, partial) and not found.args else found
    if plain not in _table().values():
        got = getattr(identifier, "__name__", None) or describe(identifier)
        raise TypeError(f"activation must be a name or a function of gradstep.activations; got {got}.")
    return found


def _with_settings(config: Mapping[str, Any]) -> Activation:
    """What configs have for a function with settings."""
    settings = config.get("config")
    if config.get("class_name") != "partial" or not isinstance(settings, Mapping) or "function" not in settings:
        raise ValueError(f"activation must be a name or a function with settings; got {dict(config)!r}.")
    rest = {name: value for name, value in settings.items() if name != "function"}
    return partial(choose("activation", settings["function"], _table()), **rest)


def specify(identifier: Any) -> Use:
    """The engine's words for whatever `get` takes: ``{"kind": name}`` and settings.

    Raises
    ------
    TypeError, ValueError
        As `get`; or a setting that a layer cannot have, or one that is missing.
    """
    question, activation = Question(), get(identifier)
    try:
        activation(question)
    except TypeError as error:
        raise TypeError(f"activation: {error}. Give settings with functools.partial.") from None
    return question.use
