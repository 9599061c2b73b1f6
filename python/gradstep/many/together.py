"""Epochs of many members: a thread for each, while Python waits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import _core
from ..config import get_num_threads
from .member import Member, Shuffles

__all__ = ["MemberError", "train_together"]

SLICE = 0.25  # seconds until Python looks at signals, if the engine does not
AHEAD = 2**22  # row numbers that lie ready for the engine


class MemberError(Exception):
    """What a member raised, and which it was."""

    def __init__(self, member: Member, error: Exception) -> None:
        super().__init__(str(error))
        self.member, self.error = member, error


def train_together(
    members: Sequence[Member],
    first: int,
    last: int,
    threads: int | None,
    after_epoch: Callable[[int], Any] | None = None,
) -> None:
    """Train all from an epoch to another, each until a callback ends it.

    Parameters
    ----------
    members : sequence of Member
    first, last : int
        Epochs.
    threads : int, optional
        How many members train at the same time; by default as many as there are threads.
    after_epoch : function of int, optional
        Called when all have done an epoch.

    Raises
    ------
    MemberError
        One of them failed; all have stopped after whole steps.
    """
    count = get_num_threads() if threads is None else threads
    for member in members:
        member.begin()
    epoch, alive = first, list(members)
    while epoch < last and alive:
        step_by_step = after_epoch is not None or any(member.ends_itself for member in alive)
        rows = sum(member.rows for member in alive)
        ahead = 1 if step_by_step else max(1, min(last - epoch, AHEAD // max(rows, 1)))
        for part in _parts(alive):
            _epochs(part, range(epoch, epoch + ahead), count)
        epoch += ahead
        if after_epoch is not None:
            after_epoch(epoch)
        alive = [member for member in alive if not member.model.stop_training]
    for member in members:
        member.finish()


def _parts(members: Sequence[Member]) -> list[list[Member]]:
    """Members by turns, so that the orders of their rows do not fill the memory."""
    parts: list[list[Member]] = [[]]
    rows = 0
    for member in members:
        if rows > 4 * AHEAD:
            parts.append([])
            rows = 0
        parts[-1].append(member)
        rows += member.rows
    return parts


def _epochs(members: Sequence[Member], epochs: range, threads: int) -> None:
    known: Shuffles = {}
    compiled = [member for member in members if member.is_compiled]
    passes = _core.Passes(len(compiled), threads)
    for place, member in enumerate(compiled):
        for epoch in epochs:
            member.queue(passes, place, epoch, known)
    try:
        while not passes.run(SLICE):
            pass
    except Exception as error:
        if passes.failed is None:
            raise
        raise MemberError(compiled[passes.failed], error) from None
    for member, found in zip(compiled, passes.take(), strict=True):
        each = len(found) // len(epochs)
        for i, epoch in enumerate(epochs):
            member.take_compiled(epoch, found[i * each : (i + 1) * each])
    for member in members:
        if member in compiled:
            continue
        try:
            for epoch in epochs:
                member.take(epoch, member.alone(epoch, known))
        except Exception as error:
            raise MemberError(member, error) from error
