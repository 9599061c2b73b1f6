"""Passes over single batches count if they were made: what is drawn in the next one follows from their count."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .executor import Executor

__all__ = ["Counted", "last_number", "next_number", "run_batch"]

SINGLE = 2**31  # the first number of a pass that is no epoch; those of epochs are below


def next_number(executor: Executor) -> int:
    """The number of a pass over one batch that begins, which counts from now on."""
    executor.calls += 1
    return last_number(executor)


def last_number(executor: Executor) -> int:
    """The number of the last pass over one batch."""
    return SINGLE + executor.calls % SINGLE


class HasPasses(Protocol):
    """What makes passes, and counts them itself."""

    @property
    def passes(self) -> int:
        """How many were made."""


class Counted:
    """Within it `maker` makes one pass, with the number that it gives.

    Where it raises, the pass counts if it was made: Ctrl-C may come between its end and the return to Python, when
    moving averages have moved.
    """

    def __init__(self, executor: Executor, maker: HasPasses) -> None:
        self._executor, self._maker = executor, maker
        self._calls, self._passes = executor.calls, maker.passes

    def __enter__(self) -> int:
        return next_number(self._executor)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None and self._maker.passes == self._passes:
            self._executor.calls = self._calls


def run_batch(executor: Executor, run: Any, train: bool = True) -> None:
    """A run's pass over its one batch. In training it counts if it was made, whatever came with it, as in `Counted`."""
    calls, started = executor.calls, False
    try:
        run.start(None, next_number(executor) if train else 0)
        started = True  # before, it may hold the batches of the pass before
        run.advance(0.0)
    except BaseException:
        executor.calls = calls + bool(train and started and run.batches)
        raise
