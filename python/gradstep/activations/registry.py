"""Activations by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import _core
from ..checks import choose
from ..optimizers.arrays import describe
from . import functions

__all__ = ["get", "name_of"]

Activation = Callable[..., np.ndarray]


def _table() -> dict[str, Activation]:
    table: dict[str, Activation] = {name: getattr(functions, name) for name in _core.activations()}
    return table | {"swish": functions.silu}


def get(identifier: str | Activation | None) -> Activation:
    """An activation from its name, or from itself; None is `linear`.

    Raises
    ------
    TypeError
        Neither a name nor a function of this package.
    ValueError
        An unknown name.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.activations.get("swish") is gs.activations.silu
    True
    """
    if identifier is None:
        return functions.linear
    if isinstance(identifier, str):
        return choose("activation", identifier, _table())
    if identifier not in _table().values():
        got = getattr(identifier, "__name__", None) or describe(identifier)
        raise TypeError(f"activation must be a name or a function of gradstep.activations; got {got}.")
    return identifier


def name_of(identifier: Any) -> str:
    """The engine's name of whatever `get` takes."""
    return get(identifier).__name__
