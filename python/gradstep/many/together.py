"""Epochs of many members: a thread for each, while Python waits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import _core
from ..config import get_num_threads
from .bare import BareMember
from .member import Member, Shuffles

__all__ = ["MemberError", "train_together"]

SLICE = 0.25  # seconds until Python looks at signals, if the engine does not
AHEAD = 2**22  # row numbers that lie ready for the engine


AnyMember = Member | BareMember
Fail = Callable[[AnyMember, Exception], None]


class MemberError(Exception):
    """What a member raised, and which it was."""

    def __init__(self, member: AnyMember, error: Exception) -> None:
        super().__init__(str(error))
        self.member, self.error = member, error


def train_together(
    members: Sequence[AnyMember],
    first: int,
    last: int,
    threads: int | None = None,
    after_epoch: Callable[[int], Any] | None = None,
    on_error: Callable[[AnyMember, Exception], Any] | None = None,
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
    on_error : function of Member and Exception, optional
        Called where one fails; the others go on.

    Raises
    ------
    MemberError
        One failed, and there is no `on_error`; all have stopped after whole steps.
    """
    count = get_num_threads() if threads is None else threads
    failed: list[AnyMember] = []

    def fail(member: AnyMember, error: Exception) -> None:
        if on_error is None:
            raise MemberError(member, error) from error
        on_error(member, error)
        failed.append(member)

    for member in members:
        member.begin()
    epoch, alive = first, list(members)
    while epoch < last and alive:
        step_by_step = after_epoch is not None or any(member.ends_itself for member in alive)
        rows = sum(member.rows for member in alive)
        ahead = 1 if step_by_step else max(1, min(last - epoch, AHEAD // max(rows, 1)))
        for part in _parts(alive):
            _epochs(part, range(epoch, epoch + ahead), count, fail)
        epoch += ahead
        if after_epoch is not None:
            after_epoch(epoch)
        alive = [member for member in alive if not member.has_stopped and member not in failed]
    for member in members:
        if member not in failed:
            member.finish()


def _parts(members: Sequence[AnyMember]) -> list[list[AnyMember]]:
    """Members by turns, so that the orders of their rows do not fill the memory."""
    parts: list[list[AnyMember]] = [[]]
    rows = 0
    for member in members:
        if rows > 4 * AHEAD:
            parts.append([])
            rows = 0
        parts[-1].append(member)
        rows += member.rows
    return parts


def _epochs(members: Sequence[AnyMember], epochs: range, threads: int, fail: Fail) -> None:
    known: Shuffles = {}
    compiled = [member for member in members if member.is_compiled]
    passes = _core.Passes(len(compiled), threads)
    for place, member in enumerate(compiled):
        for epoch in epochs:
            member.queue(passes, place, epoch)
    over = False
    while not over:
        try:
            over = passes.run(SLICE)
        except Exception as error:
            if passes.failed is None:
                raise
            fail(compiled[passes.failed], error)
            passes.drop(passes.failed)
    for member, found in zip(compiled, passes.take(), strict=True):
        each = member.passes
        for epoch, i in zip(epochs, range(0, len(found) - each + 1, each), strict=False):
            member.take_compiled(epoch, found[i : i + each])
    for member in members:
        if not isinstance(member, Member) or member in compiled:
            continue
        try:
            for epoch in epochs:
                member.take(epoch, member.alone(epoch, known))
        except Exception as error:
            fail(member, error)
