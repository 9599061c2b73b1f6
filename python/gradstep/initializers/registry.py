"""Initializers by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from ..checks import check_choice, describe
from ..described import named_classes, revive
from . import constants, orthogonal_columns, random, scaling
from .base import Initializer

__all__ = ["get"]


@cache
def _table() -> dict[str, type[Initializer]]:
    short = {
        "normal": random.RandomNormal,
        "uniform": random.RandomUniform,
        "one": constants.Ones,
        "zero": constants.Zeros,
    }
    return {**named_classes(constants, random, scaling, orthogonal_columns), **short}


def get(identifier: str | Mapping[str, Any] | Initializer | Callable[..., Any]) -> Initializer | Callable[..., Any]:
    """Create an initializer from a name, a dict or an initializer or function (returned as it is).

    A function of (shape, dtype) that gives an array is one too.

    Raises
    ------
    TypeError
        Neither a name nor something that can be called; a class where an object is meant.
    ValueError
        An unknown name.

    Examples
    --------
    >>> import gradstep as gs
    >>> type(gs.initializers.get("he_normal")).__name__
    'HeNormal'
    """
    if isinstance(identifier, type):
        raise TypeError(f"initializer must be an object; got the class {identifier.__name__}: call it.")
    if isinstance(identifier, str):
        return check_choice("initializer", identifier, _table())()
    if isinstance(identifier, Mapping):
        made: Initializer | Callable[..., Any] = revive(identifier, _table(), "initializer")
        return made
    if not callable(identifier):
        raise TypeError(f"initializer must be a name or an Initializer; got {describe(identifier)}.")
    return identifier
