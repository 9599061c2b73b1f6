"""Defaults that depend on the dialect."""

from __future__ import annotations

__all__ = ["Default", "default"]


class Default(float):
    """A number that a signature shows and that was not given: the rule's own counts, which another dialect changes."""

    __slots__ = ()


def default(value: float) -> float:
    """Keras's number, as the default of an argument that has another one in another dialect."""
    return Default(value)
