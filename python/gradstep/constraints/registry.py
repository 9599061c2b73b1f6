"""Constraints by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..checks import choose, snake_case
from ..described import revive
from ..optimizers.arrays import describe
from . import norms
from .base import Constraint

__all__ = ["get"]


def _table() -> dict[str, type[Constraint]]:
    classes: dict[str, type[Constraint]] = {
        name: getattr(module, name) for module in (norms,) for name in module.__all__
    }
    return {snake_case(name): cls for name, cls in classes.items()} | classes


def get(identifier: str | Mapping[str, Any] | Constraint | None) -> Constraint | None:
    """A constraint from its name ("max_norm" or "MaxNorm"), from what configs have for it, or itself; None is none.

    Raises
    ------
    TypeError
        None of these; a class where an object is meant.
    ValueError
        An unknown name.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.constraints.get("max_norm").max_value
    2.0
    """
    if identifier is None or isinstance(identifier, Constraint):
        return identifier
    if isinstance(identifier, str):
        return choose("constraint", identifier, _table())()
    if isinstance(identifier, Mapping):
        made: Constraint = revive(identifier, _table(), "constraint")
        return made
    got = f"the class {identifier.__name__}: call it" if isinstance(identifier, type) else describe(identifier)
    raise TypeError(f"constraint must be a name or a Constraint; got {got}.")
