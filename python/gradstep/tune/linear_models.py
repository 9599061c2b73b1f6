"""Runs of a search over linear models that descend row by row: settings of one fold, side by side on this thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .. import seeds
from .runs import Outcome, Task, begun, outcome_of, run_task
from .subjects import EstimatorSubject, State, WrongCall, rows_taken
from .workers import Data

__all__ = ["goes_side_by_side", "run_side_by_side"]

AT_ONCE = 8  # estimators that are in memory at the same time


def goes_side_by_side(tasks: Sequence[Task]) -> bool:
    """Whether runs are fits of estimators that tell what they train apart from what they do around it."""
    subject = tasks[0].subject if len(tasks) > 1 else None
    if not isinstance(subject, EstimatorSubject) or any(task.until is not None for task in tasks):
        return False
    owner = _owner_of("_prepare_fit", subject.estimator)
    return owner is not None and owner is _owner_of("fit", subject.estimator)


def _owner_of(method: str, estimator: Any) -> type | None:
    """The class whose method an estimator has."""
    return next((one for one in type(estimator).__mro__ if method in vars(one)), None)


def run_side_by_side(data: Data, tasks: Sequence[Task]) -> Iterator[tuple[int, Outcome]]:
    """The number of each task and its outcome: what `run_task` gives."""
    of_folds: dict[int, list[int]] = {}
    for number, task in enumerate(tasks):
        of_folds.setdefault(task.fold, []).append(number)
    for fold, numbers in of_folds.items():
        try:
            parts = [tuple(rows_taken(data[name], rows) for name in ("x", "y")) for rows in data["folds"][fold]]
        except Exception:  # the reason of each run
            yield from ((number, run_task(data, tasks[number])) for number in numbers)
            continue
        for first in range(0, len(numbers), AT_ONCE):
            some = numbers[first : first + AT_ONCE]
            yield from zip(some, _outcomes(data, [tasks[number] for number in some], *parts), strict=True)


def _outcomes(data: Data, tasks: Sequence[Task], trained: Any, held_out: Any) -> Iterator[Outcome]:
    fits = [_Fit(data, task, trained) for task in tasks]
    tasks[0].subject.estimator._descend_together([model for fit in fits for model in fit.models])  # type: ignore[union-attr]
    return (outcome_of(data, fit.task, fit.begin, fit.train, held_out) for fit in fits)


class _Fit:
    """A run whose models are trained by the caller, between its beginning and `train`."""

    def __init__(self, data: Data, task: Task, trained: tuple[Any, Any]) -> None:
        self.task, self.models = task, []
        self._state: State | Exception
        self._finish: Callable[[], None]
        try:
            state = begun(task)
            weights = data["sample_weight"]
            given = None if weights is None else rows_taken(weights, data["folds"][task.fold][0])
            options = task.subject.options(state.trained, given)  # type: ignore[union-attr]
            with seeds.within(state.draws):
                self.models, self._finish = state.trained._prepare_fit(*trained, **options)
            self._state = state
        except WrongCall:
            raise
        except Exception as error:
            self._state = error

    def begin(self) -> State:
        """The estimator, unless it refused the data or a parameter."""
        if isinstance(self._state, Exception):
            raise self._state
        return self._state

    def train(self, state: State) -> None:
        """Become what was found."""
        self._finish()
        state.trained._warn()
