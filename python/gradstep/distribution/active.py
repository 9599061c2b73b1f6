"""The team that trains, and which of its processes writes files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from ..checks import describe

if TYPE_CHECKING:
    from .data_parallel import DataParallel

__all__ = ["distribution", "is_writer", "set_distribution", "team_of", "whole_state", "within"]

_chosen: DataParallel | None = None
_fits: ContextVar[DataParallel | None] = ContextVar("team that trains in this context", default=None)


def set_distribution(value: DataParallel | None) -> None:
    """Set the distribution by which `fit` trains; None: each process for itself.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.distribution.set_distribution(gs.distribution.DataParallel(shards=4))
    >>> gs.distribution.distribution().shards
    4
    >>> gs.distribution.set_distribution(None)
    """
    global _chosen
    _chosen = _checked("value", value)


def distribution() -> DataParallel | None:
    """The distribution that `set_distribution` set, or None.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.distribution.distribution() is None
    True
    """
    return _chosen


def team_of(given: DataParallel | None) -> DataParallel | None:
    """The ``distribution`` argument of `fit`: without one, what `set_distribution` set."""
    return _chosen if given is None else _checked("distribution", given)


@contextmanager
def within(team: DataParallel | None) -> Iterator[None]:
    """Let this team train, within a ``with`` statement."""
    before = _fits.set(team)
    try:
        yield
    finally:
        _fits.reset(before)


def is_writer() -> bool:
    """Whether this process writes files and output: the first of the team that trains, or there is no team."""
    team = _fits.get() or _chosen
    return team is None or team.rank == 0


def whole_state(model: Any) -> AbstractContextManager[None]:
    """While a file is written, within a ``with`` statement: the writer's optimizer has all state. In all processes.

    Anything that callbacks are told is a model will do; what has no executor has no state in parts.
    """
    executor = getattr(model, "_executor", None)
    whole: AbstractContextManager[None] = nullcontext() if executor is None else executor.whole_state()
    return whole


def _checked(name: str, value: DataParallel | None) -> DataParallel | None:
    if value is not None and not hasattr(value, "shards"):
        raise TypeError(f"{name} must be a DataParallel or None; got {describe(value)}.")
    return value
