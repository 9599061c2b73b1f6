"""Schedules made of others, or of a function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...checks import check_float, check_int, describe
from .base import LearningRateSchedule, values_of
from .formula import Formula, as_schedule, number, rising, sequence

__all__ = ["Lambda", "PerEpoch", "Sequential", "Warmup"]


@dataclass(frozen=True, repr=False)
class Warmup(Formula):
    """A linear rise in front of any schedule.

    Parameters
    ----------
    schedule : LearningRateSchedule
        What follows, from its own step 0 on.
    warmup_steps : int
        Steps of the rise; at least 0.
    initial_learning_rate : float, default 0.0
        Of the first step; at least 0. The rise ends at the schedule's first rate.

    Notes
    -----
    :math:`\\eta_t = \\eta_0 + (f(0) - \\eta_0) t / w` for :math:`t < w`, then :math:`f(t - w)`, with :math:`f`
    ``schedule`` and :math:`w` ``warmup_steps``: the warm-up of Keras's ``CosineDecay``. At the default the first step
    moves nothing.

    Examples
    --------
    >>> import gradstep as gs
    >>> schedules = gs.optimizers.schedules
    >>> schedules.Warmup(schedules.StepDecay(1.0, 2, 0.5), warmup_steps=4)([0, 1, 2, 3, 4, 5, 6])
    array([0.  , 0.25, 0.5 , 0.75, 1.  , 1.  , 0.5 ])
    """

    schedule: LearningRateSchedule
    warmup_steps: int
    initial_learning_rate: float = 0.0

    def _check(self) -> None:
        self._set(
            schedule=as_schedule("schedule", self.schedule),
            warmup_steps=check_int("warmup_steps", self.warmup_steps, 0),
            initial_learning_rate=number("initial_learning_rate", self.initial_learning_rate),
        )

    def rates(self, steps: np.ndarray) -> np.ndarray:
        start, rise = self.initial_learning_rate, self.warmup_steps
        values = values_of(self.schedule, np.maximum(steps - rise, 0))  # until the rise is over, its first rate
        return np.where(steps < rise, (values - start) * (steps / max(rise, 1)) + start, values)


@dataclass(frozen=True, repr=False)
class Sequential(Formula):
    """One schedule after the other, each from its own step 0 on.

    Parameters
    ----------
    schedules : list of LearningRateSchedule
        At least one.
    milestones : list of int
        The steps at which the second one begins, the third, and so on; rising, at least 0.

    Notes
    -----
    As PyTorch's ``SequentialLR``.

    Examples
    --------
    >>> import gradstep as gs
    >>> schedules = gs.optimizers.schedules
    >>> schedules.Sequential([schedules.Constant(1.0), schedules.Linear(0.5, 0.0, 2)], [2])([0, 1, 2, 3, 4])
    array([1.  , 1.  , 0.5 , 0.25, 0.  ])
    """

    schedules: Sequence[LearningRateSchedule]
    milestones: Sequence[int]

    def _check(self) -> None:
        schedules = sequence("schedules", self.schedules)
        schedules = tuple(as_schedule(f"schedules[{i}]", schedule) for i, schedule in enumerate(schedules))
        milestones = tuple(
            check_int(f"milestones[{i}]", step, 0) for i, step in enumerate(rising("milestones", self.milestones))
        )
        if len(schedules) != len(milestones) + 1:
            raise ValueError(
                "schedules must be one more than milestones; "
                f"got {len(schedules)} schedule{'s' * (len(schedules) != 1)} and {len(milestones)} "
                f"milestone{'s' * (len(milestones) != 1)}."
            )
        self._set(schedules=schedules, milestones=milestones)

    def rates(self, steps: np.ndarray) -> np.ndarray:
        begins = np.array([0, *self.milestones])
        part = np.searchsorted(begins[1:], steps, side="right")
        values = np.empty(len(steps))
        for i, schedule in enumerate(self.schedules):
            own = part == i
            values[own] = values_of(schedule, steps[own] - begins[i])
        return values


@dataclass(frozen=True, repr=False)
class PerEpoch(Formula):
    """A schedule that counts epochs instead of steps.

    Parameters
    ----------
    schedule : LearningRateSchedule
        The value of each epoch, counted from 0.
    steps_per_epoch : int
        ``ceil(rows / batch_size)`` in `fit`; at least 1.

    Notes
    -----
    ``schedule(step // steps_per_epoch)``: the rate is the same for all steps of an epoch, as with a PyTorch scheduler
    that is stepped once an epoch.

    Examples
    --------
    >>> import gradstep as gs
    >>> schedules = gs.optimizers.schedules
    >>> schedules.PerEpoch(schedules.MultiStep(1.0, [1, 2], 0.5), steps_per_epoch=2)([0, 1, 2, 3, 4])
    array([1.  , 1.  , 0.5 , 0.5 , 0.25])
    """

    schedule: LearningRateSchedule
    steps_per_epoch: int

    def _check(self) -> None:
        self._set(
            schedule=as_schedule("schedule", self.schedule),
            steps_per_epoch=check_int("steps_per_epoch", self.steps_per_epoch, 1),
        )

    def rates(self, steps: np.ndarray) -> np.ndarray:
        return values_of(self.schedule, steps // self.steps_per_epoch)


@dataclass(frozen=True, repr=False)
class Lambda(Formula):
    """Any function of the step.

    Parameters
    ----------
    function : callable
        Takes a step (int, from 0) and gives its rate.

    Notes
    -----
    The rate itself, not a factor as in PyTorch's ``LambdaLR``. A function cannot be saved: for that, make a class of
    it, as `LearningRateSchedule` shows.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.optimizers.schedules.Lambda(lambda step: 1 / (step + 1))([0, 1, 3])
    array([1.  , 0.5 , 0.25])
    """

    function: Callable[[int], float]

    def _check(self) -> None:
        if not callable(self.function):
            raise TypeError(f"function must take a step and give its rate; got {describe(self.function)}.")

    def rates(self, steps: np.ndarray) -> np.ndarray:
        return np.array([check_float("function(step)", self.function(step.item())) for step in steps], np.float64)

    def _by_reference(self) -> bool:
        return True

    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError(
            "Lambda holds a function, which cannot be saved: make a LearningRateSchedule with get_config() of it."
        )

    def _ahead(self) -> int:
        return 1
