"""One run of a search: a setting, trained on the rows of a fold with a seed, and scored on the others."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .subjects import Diverged, State, Subject, WrongCall, rows_taken
from .workers import Data

__all__ = ["Outcome", "Run", "Task", "begun", "outcome_of", "run_task"]


@dataclass(frozen=True)
class Run:
    """A setting, trained on one fold with one seed.

    Attributes
    ----------
    index : int
        Number of the setting.
    fold, seed : int
    score : float
        nan if there is none.
    reason : str
        Why there is no score: what was raised, or that training diverged; "" if there is one.
    epochs : int or None
        Trained, where it is known.
    steps : int or None
        Of the optimizer, where it is known.
    history : dict of str to list of float
        Loss and metrics of every epoch, as in `History`.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> def build(units):
    ...     model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(units, "tanh"), gs.layers.Dense(1)])
    ...     model.compile("adam", "mse")
    ...     return model
    >>> x = np.random.default_rng(0).normal(size=(64, 2))
    >>> table = gs.tune.grid(build, {"units": [1, 2]}, x, x[:, :1], cv=2, epochs=1)
    >>> run = table[0].runs[0]
    >>> run.fold, run.epochs, run.reason
    (0, 1, '')
    """

    index: int
    fold: int
    seed: int
    score: float
    reason: str
    epochs: int | None
    steps: int | None
    history: Mapping[str, list[float]] = field(default_factory=dict, repr=False)


@dataclass
class Task:
    """What a run is to do.

    Attributes
    ----------
    state : State or None
        To go on with.
    until : int or None
        The epoch to train to; None: as the estimator says.
    goes_on : bool
        Whether the state is asked for afterwards.
    """

    subject: Subject
    index: int
    settings: Mapping[str, Any]
    fold: int
    seed: int
    until: int | None
    goes_on: bool = False
    state: State | None = None
    cancelled: threading.Event | None = None  # of this process: it is not sent to others

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"cancelled": None}


@dataclass
class Outcome:
    """A run, with its state if it goes on; and which way of the score is better, if there is one."""

    run: Run
    larger_is_better: bool | None
    state: State | None


def run_task(data: Data, task: Task) -> Outcome:
    """Train and score. What a model or estimator raises becomes the reason of a run without a score."""
    is_cancelled = (lambda: False) if task.cancelled is None else task.cancelled.is_set

    def train(state: State) -> None:
        train, _ = data["folds"][task.fold]
        x, y, weights = data["x"], data["y"], data["sample_weight"]
        given = None if weights is None else rows_taken(weights, train)
        parts = rows_taken(x, train), rows_taken(y, train)
        task.subject.train(state, *parts, given, task.until, task.goes_on, is_cancelled)  # type: ignore[arg-type]

    return outcome_of(data, task, lambda: begun(task), train)


def begun(task: Task) -> State:
    """What the task goes on with, or a new model or estimator."""
    return task.subject.begin(task.settings, task.seed) if task.state is None else task.state


def outcome_of(
    data: Data,
    task: Task,
    begin: Callable[[], State],
    train: Callable[[State], Any],
    held_out: tuple[Any, Any] | None = None,
) -> Outcome:
    """The outcome of a run: `begin` gives its state, which is trained if it is not over, and scored on rows held out.

    They are x and y of the rows of the fold if they are there already.
    """
    state, larger, score, reason = task.state, None, math.nan, ""
    try:
        state = begin()
        if not state.is_over:
            train(state)
        if held_out is None:
            _, test = data["folds"][task.fold]
            held_out = rows_taken(data["x"], test), rows_taken(data["y"], test)
        scored = task.subject.score(state, *held_out)
        score, larger = scored.value, scored.larger_is_better
        if not math.isfinite(score):
            score, reason = math.nan, f"diverged: the score is {scored.value}"
    except WrongCall:
        raise
    except Diverged as error:
        reason = str(error)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
    run = Run(task.index, task.fold, task.seed, score, reason, None, None)
    if state is not None:
        epochs = state.epochs or None
        run = replace(run, epochs=epochs, steps=state.steps, history=dict(state.history))
    return Outcome(run, larger, state if task.goes_on and not reason else None)
