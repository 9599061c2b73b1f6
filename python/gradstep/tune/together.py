"""Runs of a search that train side by side, a thread for each, as `fit_many` trains its members."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .. import seeds
from ..config import get_num_threads
from ..many.member import Member
from ..many.together import train_together
from ..minimize.methods.base import Method
from ..trainers.cautions import warn_of_frozen, warn_of_targets
from .runs import Outcome, Task, begun, outcome_of, run_task
from .subjects import ModelSubject, State, Watch, WrongCall
from .workers import Data

__all__ = ["goes_together", "run_together"]

OPTIONS = {"batch_size", "shuffle"}  # of fit, which members have too
AT_ONCE = 4  # models a thread, which are in memory at the same time


def goes_together(data: Data, tasks: Sequence[Task]) -> bool:
    """Whether runs are models without callbacks over arrays that are read where they lie, enough for all threads."""
    subject = tasks[0].subject if tasks else None
    return (
        isinstance(subject, ModelSubject)
        and len(tasks) >= max(2, get_num_threads())
        and not subject.callbacks
        and set(subject.fit) <= OPTIONS
        and all(_lies_ready(data.parts[name]) for name in ("x", "y"))
    )


def _lies_ready(part: Any) -> bool:
    """Whether the engine reads an array without a copy for each model."""
    ready = type(part) in (np.ndarray, np.memmap) and part.ndim > 0 and part.flags.c_contiguous
    return bool(ready and part.dtype in ("float32", "float64", "uint8", "int32", "int64"))


def run_together(data: Data, tasks: Sequence[Task]) -> Iterator[tuple[int, Outcome]]:
    """The number of each task and its outcome: what `run_task` gives."""
    size = AT_ONCE * get_num_threads()
    for first in range(0, len(tasks), size):
        yield from enumerate(_outcomes(data, tasks[first : first + size]), first)


def _outcomes(data: Data, tasks: Sequence[Task]) -> list[Outcome]:
    runs = [_SideBySide(data, task) for task in tasks]
    members = {id(run.member): run for run in runs if run.member is not None}
    for epoch in sorted({run.epoch for run in members.values()}):
        each = [run for run in members.values() if run.epoch == epoch]
        train_together(
            [run.member for run in each if run.member is not None],
            epoch,
            each[0].until,
            on_error=lambda member, error: members[id(member)].fail(error),
        )
    return [run.outcome() for run in runs]


class _SideBySide:
    """A run as a member; one that cannot be is run by itself, when its turn comes."""

    def __init__(self, data: Data, task: Task) -> None:
        self._data, self._task = data, task
        self.until = task.until or 1
        self.epoch = 0
        self.member: Member | None = None
        self._error: Exception | None = None
        self._watch = Watch(lambda: False, self.until if task.goes_on else None)
        try:
            state = begun(task)
            self._task = replace(task, state=state)
            self.epoch = state.epochs
            if not state.is_over and not isinstance(state.trained.optimizer, Method):
                with seeds.within(state.draws):
                    self.member = self._made(state)
        except WrongCall:
            raise
        except Exception as error:
            self.fail(error)

    def _made(self, state: State) -> Member:
        model, data, subject = state.model(), self._data, self._task.subject
        train, _ = data["folds"][self._task.fold]
        rows = model._data.rows(data["x"], data["y"], data["sample_weight"])
        warn_of_frozen(model._executor)
        warn_of_targets(model._executor, rows)
        size, shuffle = subject.fit.get("batch_size"), subject.fit.get("shuffle", True)
        train = np.asarray(train, np.int64)
        return Member(model, rows, train, None, None, size, shuffle, state.draws, [self._watch], self.until)

    def fail(self, error: Exception) -> None:
        """It raised."""
        self._error = error

    def outcome(self) -> Outcome:
        """Its score, or the reason why there is none."""
        if self.member is None and self._error is None:
            return run_task(self._data, self._task)
        return outcome_of(self._data, self._task, self._begun, self._trained)

    def _begun(self) -> State:
        if self._error is not None:
            raise self._error
        assert self._task.state is not None
        return self._task.state

    def _trained(self, state: State) -> None:
        state.take(self._watch, state.trained.history, self.until)
