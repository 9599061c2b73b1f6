"""Schedules that stay, and change at given steps only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .formula import Formula, number, rising, sequence

__all__ = ["Constant", "MultiStep", "PiecewiseConstantDecay", "StepDecay"]


@dataclass(frozen=True, repr=False)
class Constant(Formula):
    """Constant learning rate: a part for `Warmup` and `Sequential`.

    Parameters
    ----------
    learning_rate : float
        At least 0.

    Examples
    --------
    >>> import gradstep as gs
    >>> schedules = gs.optimizers.schedules
    >>> schedules.Warmup(schedules.Constant(0.5), 2)([0, 1, 2, 3])
    array([0.  , 0.25, 0.5 , 0.5 ])
    """

    learning_rate: float

    def _check(self) -> None:
        self._set(learning_rate=number("learning_rate", self.learning_rate))

    def rates(self, steps: np.ndarray) -> np.ndarray:
        return np.full(len(steps), self.learning_rate, np.float64)


@dataclass(frozen=True, repr=False)
class StepDecay(Formula):
    """Times `decay_rate` every `decay_steps` steps.

    Parameters
    ----------
    initial_learning_rate : float
        Of the first steps; at least 0.
    decay_steps : int
        Steps at one rate; above 0.
    decay_rate : float, default 0.1
        At least 0.

    Notes
    -----
    :math:`\\eta_t = \\eta_0 \\gamma^{\\lfloor t / s \\rfloor}`: PyTorch's ``StepLR`` with :math:`s` ``step_size`` and
    :math:`\\gamma` ``gamma``.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.optimizers.schedules.StepDecay(1.0, decay_steps=2, decay_rate=0.5)([0, 1, 2, 3, 4])
    array([1.  , 1.  , 0.5 , 0.5 , 0.25])
    """

    initial_learning_rate: float
    decay_steps: float
    decay_rate: float = 0.1

    def _check(self) -> None:
        self._set(
            initial_learning_rate=number("initial_learning_rate", self.initial_learning_rate),
            decay_steps=number("decay_steps", self.decay_steps, above=True),
            decay_rate=number("decay_rate", self.decay_rate),
        )

    def rates(self, steps: np.ndarray) -> np.ndarray:
        return self.initial_learning_rate * np.power(float(self.decay_rate), np.floor(steps / self.decay_steps))


@dataclass(frozen=True, repr=False)
class MultiStep(Formula):
    """Times `decay_rate` at each of some steps.

    Parameters
    ----------
    initial_learning_rate : float
        Until the first milestone; at least 0.
    milestones : list of int
        The first steps at a new rate; rising.
    decay_rate : float, default 0.1
        At least 0.

    Notes
    -----
    PyTorch's ``MultiStepLR``, with ``gamma`` for `decay_rate`.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.optimizers.schedules.MultiStep(1.0, [1, 3], decay_rate=0.5)([0, 1, 2, 3, 4])
    array([1.  , 0.5 , 0.5 , 0.25, 0.25])
    """

    initial_learning_rate: float
    milestones: Sequence[float]
    decay_rate: float = 0.1

    def _check(self) -> None:
        self._set(
            initial_learning_rate=number("initial_learning_rate", self.initial_learning_rate),
            milestones=rising("milestones", self.milestones),
            decay_rate=number("decay_rate", self.decay_rate),
        )

    def rates(self, steps: np.ndarray) -> np.ndarray:
        passed = np.searchsorted(np.array(self.milestones, np.float64), steps, side="right")
        return self.initial_learning_rate * np.power(float(self.decay_rate), passed.astype(np.float64))


@dataclass(frozen=True, repr=False)
class PiecewiseConstantDecay(Formula):
    """One learning rate until each boundary.

    Parameters
    ----------
    boundaries : list of int
        The last steps at a rate, as in Keras; rising.
    values : list of float
        The rates, one more than there are boundaries; as in Keras of any sign: what a rate may not be is refused at
        its step.
    name : str, default "PiecewiseConstant"
        Name in the config.

    Notes
    -----
    As in Keras, the step that equals a boundary still has the rate before it; `MultiStep` changes one step earlier.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.optimizers.schedules.PiecewiseConstantDecay([1, 3], [1.0, 0.5, 0.1])([0, 1, 2, 3, 4])
    array([1. , 1. , 0.5, 0.5, 0.1])
    """

    boundaries: Sequence[float]
    values: Sequence[float]
    name: str = "PiecewiseConstant"

    def _check(self) -> None:
        boundaries = rising("boundaries", self.boundaries, -math.inf)
        values = tuple(
            number(f"values[{i}]", value, -math.inf) for i, value in enumerate(sequence("values", self.values))
        )
        if len(values) != len(boundaries) + 1:
            raise ValueError(
                "values must be one more than boundaries; "
                f"got {len(values)} values and {len(boundaries)} boundar{'y' if len(boundaries) == 1 else 'ies'}."
            )
        self._set(boundaries=boundaries, values=values)

    def rates(self, steps: np.ndarray) -> np.ndarray:
        return np.array(self.values, np.float64)[np.searchsorted(np.array(self.boundaries, np.float64), steps)]
