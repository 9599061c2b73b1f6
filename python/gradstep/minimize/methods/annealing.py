"""Simulated annealing: steps that go up are taken too, ever more rarely."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from ...checks import check_float, check_int
from ..stop import Stop
from .population import Population

__all__ = ["SimulatedAnnealing"]


class SimulatedAnnealing(Population):
    """Simulated annealing with step lengths that adapt to each variable.

    Parameters
    ----------
    temperature : float, optional
        The first one, more than 0; by default the standard deviation of f over 10 n points around the start.
    cooling : float
        What it is multiplied by after each generation, in (0, 1).
    sweeps : int
        Trials of each variable in a generation.

    Notes
    -----
    A trial changes one variable. It is taken if f falls, or with probability ``exp(-rise / temperature)``. A variable's
    step grows where more than 60 % of its trials are taken, and shrinks where fewer than 40 % are. Each `ask` gives one
    trial after the first generation: values depend on each other, so a population in one call gains nothing.

    References
    ----------
    Kirkpatrick, Gelatt and Vecchi 1983, "Optimization by simulated annealing", Science 220. Corana, Marchesi, Martini
    and Ridella 1987, "Minimizing multimodal functions of continuous variables with the simulated annealing algorithm",
    ACM TOMS 13.

    Examples
    --------
    >>> import gradstep as gs
    >>> p = gs.problems.booth
    >>> res = gs.minimize(p.value, p.start, bounds=[(-10, 10)] * 2, method=gs.minimizers.SimulatedAnnealing(), seed=0)
    >>> res.fun < 0.01
    True
    """

    name = "simulated-annealing"
    _state: ClassVar[tuple[str, ...]] = (*("_at", "_value", "_heat", "_steps", "_taken", "_tried", "_trial", "_lows"),)

    def __init__(self, temperature: float | None = None, cooling: float = 0.85, sweeps: int = 10) -> None:
        self.temperature = None if temperature is None else check_float("temperature", temperature)
        self.cooling, self.sweeps = check_float("cooling", cooling), check_int("sweeps", sweeps, 1)
        if self.temperature is not None and not 0 < self.temperature < math.inf:
            raise ValueError(f"temperature must be more than 0 and finite; got {self.temperature:g}.")
        if not 0 < self.cooling < 1:
            raise ValueError(f"cooling must be in (0, 1); got {self.cooling:g}.")

    def _init(self) -> None:
        n = len(self._x0)
        self._at, self._value, self._heat = self._x0.copy(), math.inf, self.temperature or 0.0
        wide = self._bounds is not None
        self._steps = 0.25 * self._width if wide else 0.5 * np.maximum(1.0, np.abs(self._x0))
        self._taken, self._tried, self._trial = np.zeros(n, np.int64), np.zeros(n, np.int64), 0
        self._lows = np.full(5, math.inf)  # the best values after the last generations
        self._done = False

    def _points(self) -> np.ndarray:
        rng, n = self._rng(), len(self._at)
        if self.generation == 0:
            points = self._at + self._steps * rng.uniform(-1, 1, (10 * n, n))
            points[0] = self._at
            return self._inside(points)
        point = self._at.copy()
        point[self._trial % n] += self._steps[self._trial % n] * float(rng.uniform(-1, 1))
        self._chance = float(rng.random())
        return self._inside(point[None])

    def _learn(self, X: np.ndarray, values: np.ndarray) -> None:
        if self.generation == 0:
            finite = values[np.isfinite(values)]
            if not self._heat:
                self._heat = max(float(finite.std()) if len(finite) else 1.0, 1e-300)
            best = int(np.argmin(values))
            self._at, self._value = X[best].copy(), float(values[best])
            return
        i, rise = self._trial % len(self._at), float(values[0]) - self._value
        self._tried[i] += 1
        if rise <= 0 or self._chance < math.exp(-min(rise / self._heat, 700.0)):
            self._at, self._value = X[0].copy(), float(values[0])
            self._taken[i] += 1
        self._trial += 1
        if self._trial % (self.sweeps * len(self._at)) == 0:
            self._cool()

    def _cool(self) -> None:
        share = self._taken / np.maximum(self._tried, 1)
        grow = 1 + 2 * np.maximum(share - 0.6, 0) / 0.4
        shrink = 1 + 2 * np.maximum(0.4 - share, 0) / 0.4
        self._steps = np.minimum(
            self._steps * grow / shrink, self._width * 1e6 if self._bounds is None else self._width
        )
        self._taken[:], self._tried[:] = 0, 0
        self._heat = max(self._heat * self.cooling, 1e-300)
        self._lows = np.append(self._lows[1:], self.fun)
        if self.generation % 7 == 0 or self._value > self.fun:
            # Now and then from the best point on.
            self._at, self._value = self.x.copy(), self.fun

    def _ended(self) -> Stop | None:
        change = float(self._lows[0]) - self.fun if self._lows[0] < math.inf else math.inf
        if change <= 1e-12 * max(1.0, abs(self.fun)) and float((self._steps / self._width).max()) < 1e-7:
            return Stop("ftol", f"in 5 generations f fell by {change:.1g}, and steps are below 1e-7 of the width")
        return None

    def _default_maxiter(self, n: int) -> int:
        return 20_000 * n

    def _step_size(self) -> float:
        return float(self._steps.max())
