"""Regularizers by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..described import instance, named_classes
from . import norms, orthogonal
from .base import Regularizer

__all__ = ["get"]


def get(identifier: str | Mapping[str, Any] | Regularizer | None) -> Regularizer | None:
    """Create a regularizer from a name, a dict or a regularizer (returned as it is); None gives None.

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
    return instance(identifier, Regularizer, named_classes(norms, orthogonal))
