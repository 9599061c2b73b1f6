"""Constraints by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..described import instance, named_classes
from . import norms
from .base import Constraint

__all__ = ["get"]


def get(identifier: str | Mapping[str, Any] | Constraint | None) -> Constraint | None:
    """Create a constraint from a name, a dict or a constraint (returned as it is); None gives None.

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
    return instance(identifier, Constraint, named_classes(norms))
