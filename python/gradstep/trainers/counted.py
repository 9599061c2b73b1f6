"""Passes over single batches count if they are done."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

__all__ = ["counted_if_done"]

Counted = TypeVar("Counted", bound=Callable[..., Any])


def counted_if_done(method: Counted) -> Counted:
    """A method that passes over one batch of `self._executor`: if it fails, or Ctrl-C ends it, it does not count."""

    @wraps(method)
    def guarded(self: Any, *args: Any, **options: Any) -> Any:
        executor = self._executor
        before = executor.calls
        try:
            return method(self, *args, **options)
        except BaseException:
            executor.calls = before
            raise

    return cast(Counted, guarded)
