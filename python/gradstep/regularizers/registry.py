"""Regularizers by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..checks import choose, snake_case
from ..described import revive
from ..optimizers.arrays import describe
from . import norms, orthogonal
from .base import Regularizer

__all__ = ["get"]


def _table() -> dict[str, type[Regularizer]]:
    classes: dict[str, type[Regularizer]] = {
        name: getattr(module, name) for module in (norms, orthogonal) for name in module.__all__
    }
    return {snake_case(name): cls for name, cls in classes.items()} | classes


def get(identifier: str | Mapping[str, Any] | Regularizer | None) -> Regularizer | None:
    """A regularizer from its name ("l2" or "L2"), from what configs have for it, or itself; None is none.

    Raises
    ------
    TypeError
        None of these; a class where an object is meant.
    ValueError
        An unknown name.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.regularizers.get("l2").l2
    0.01
    """
    if identifier is None or isinstance(identifier, Regularizer):
        return identifier
    if isinstance(identifier, str):
        return choose("regularizer", identifier, _table())()
    if isinstance(identifier, Mapping):
        made: Regularizer = revive(identifier, _table(), "regularizer")
        return made
    got = f"the class {identifier.__name__}: call it" if isinstance(identifier, type) else describe(identifier)
    raise TypeError(f"regularizer must be a name or a Regularizer; got {got}.")
