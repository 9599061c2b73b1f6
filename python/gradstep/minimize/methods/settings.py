"""Settings of a method that are assigned after its constructor: ``method.c1 = 1e-3``."""

from __future__ import annotations

import inspect
from functools import lru_cache
from typing import Any

from ...references import is_ours

__all__ = ["Settable", "settings_of"]


@lru_cache(256)
def settings_of(cls: Any) -> frozenset[str]:
    """Names of the arguments of a method's constructor, each of which is an attribute."""
    return frozenset(inspect.signature(cls).parameters)


class Settable:
    """Mixin of `Method`: an argument of the constructor that is assigned is checked as there, and holds from the next
    run or call of `fit` on.

    A constructor sets each setting once, and keeps nothing else that follows from them: `_start` makes that. Classes of
    the program's own may set theirs as they like.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if name[0] != "_" and name in vars(self):  # a run sets those with an underscore at each iteration
            cls: Any = type(self)
            if name in settings_of(cls) and is_ours(cls):
                value = vars(self._with(name, value))[name]
        object.__setattr__(self, name, value)

    def _with(self, name: str, value: Any) -> Settable:
        """Such a method with another setting. Raises as the constructor does."""
        cls: Any = type(self)
        made: Settable = cls(**{one: getattr(self, one) for one in settings_of(cls)} | {name: value})
        return made
