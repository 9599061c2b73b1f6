"""Differential evolution: points move by differences of others."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from ...checks import check_choice, check_float, check_int
from ..stop import Stop
from .population import Population

__all__ = ["DifferentialEvolution"]

STRATEGIES = {name: name for name in ("l-shade", "rand/1", "best/1")}
MEMORY = 5  # successful settings that l-shade remembers
LEAST = 4  # points at the end
ARCHIVE = 1.4  # replaced points that are kept, for each point


class DifferentialEvolution(Population):
    """Differential evolution, by default in the form L-SHADE, which adapts its settings and shrinks its population.

    Parameters
    ----------
    strategy : {"l-shade", "rand/1", "best/1"}
        ``"rand/1"`` and ``"best/1"`` are Storn and Price's, with fixed settings.
    population : int, optional
        Points at the begin, at least 5; by default 10 n with ``"l-shade"`` (at least 18) and 15 n otherwise.
    mutation : float
        What differences are multiplied by, in (0, 2]; not of ``"l-shade"``.
    crossover : float
        Share of components that are taken from the mutant, from 0 to 1; not of ``"l-shade"``.
    tolerance : float
        The run ends where the values of the population differ by no more, relative to the larger of 1 and the best.

    Notes
    -----
    L-SHADE: ``v = x + F (p - x) + F (a - b)``, p one of the best, a from the population, b from it or an archive of
    replaced points; F and the crossover are drawn around values that have helped, and the population shrinks linearly
    to 4 over the evaluations that are planned (``maxfev``, or 3,000 n). A point beyond a bound is set halfway to it.
    Without bounds the first points lie around x0.

    References
    ----------
    Storn and Price 1997, "Differential evolution", J. Global Optimization 11. Tanabe and Fukunaga 2014, "Improving the
    search performance of SHADE using linear population size reduction", CEC.

    Examples
    --------
    >>> import gradstep as gs
    >>> p = gs.problems.booth
    >>> method = gs.minimizers.DifferentialEvolution()
    >>> res = gs.minimize(p.value, p.start, bounds=[(-10, 10)] * 2, method=method, seed=0)
    >>> res.fun < 0.01
    True
    """

    name = "differential-evolution"
    _state: ClassVar[tuple[str, ...]] = ("_X", "_values", "_archive", "_F", "_CR", "_slot", "_told", "_plan")

    def __init__(
        self,
        strategy: str = "l-shade",
        population: int | None = None,
        mutation: float = 0.8,
        crossover: float = 0.9,
        tolerance: float = 1e-12,
    ) -> None:
        self.strategy = check_choice("strategy", strategy, STRATEGIES)
        self.population = None if population is None else check_int("population", population, 5)
        self.mutation, self.crossover = check_float("mutation", mutation), check_float("crossover", crossover)
        self.tolerance = check_float("tolerance", tolerance)
        if not 0 < self.mutation <= 2:
            raise ValueError(f"mutation must be in (0, 2]; got {self.mutation:g}.")
        if not 0 <= self.crossover <= 1:
            raise ValueError(f"crossover must be from 0 to 1; got {self.crossover:g}.")
        if not self.tolerance >= 0:
            raise ValueError(f"tolerance must be at least 0; got {self.tolerance:g}.")

    def _init(self) -> None:
        n = len(self._x0)
        adaptive = self.strategy == "l-shade"
        self._first = self.population or (max(18, 10 * n) if adaptive else max(5, 15 * n))
        self._X, self._values = np.empty((0, n)), np.empty(0)
        self._archive = np.empty((0, n))
        self._F, self._CR, self._slot, self._told = np.full(MEMORY, 0.5), np.full(MEMORY, 0.5), 0, 0
        self._plan = self._planned or 3000 * n

    def _points(self) -> np.ndarray:
        rng = self._rng()
        if not len(self._X):
            points = self._spread(self._first, rng)
            points[0] = self._x0
            return points
        if self.strategy == "l-shade":
            return self._shade(rng)
        return self._classic(rng)

    def _learn(self, X: np.ndarray, values: np.ndarray) -> None:
        self._told += len(values)
        if not len(self._X):
            self._X, self._values = X.copy(), values.copy()
            return
        better = values < self._values
        even = values <= self._values
        if self.strategy == "l-shade":
            if better.any():
                self._remember(self._values[better] - values[better], better)
            self._archive = np.concatenate([self._archive, self._X[better]])
        self._X[even], self._values[even] = X[even], values[even]
        if self.strategy == "l-shade":
            self._shrink()

    # -- trial points ----

    def _classic(self, rng: np.random.Generator) -> np.ndarray:
        size = len(self._X)
        a, b, c = (self._X[i] for i in _others(rng, size, 3))
        base = a if self.strategy == "rand/1" else self._X[np.argmin(self._values)]
        mutant = self._halfway(base + self.mutation * (b - c))
        return self._crossed(mutant, np.full(size, self.crossover), rng)

    def _shade(self, rng: np.random.Generator) -> np.ndarray:
        size = len(self._X)
        slot = rng.integers(0, MEMORY, size)
        centre = self._CR[slot]
        self._cr = np.where(centre < 0, 0.0, np.clip(centre + 0.1 * rng.standard_normal(size), 0, 1))
        # Cauchy numbers above 0; those below are drawn again, which is a draw from the part above.
        low = 0.5 - np.arctan(self._F[slot] / 0.1) / math.pi
        u = low + (1 - low) * rng.random(size)
        self._f = np.minimum(1.0, np.maximum(1e-3, self._F[slot] + 0.1 * np.tan(math.pi * (u - 0.5))))
        best = np.argsort(self._values, kind="stable")
        p = self._X[best[rng.integers(0, max(2, round(0.11 * size)), size)]]
        everyone = np.concatenate([self._X, self._archive])
        a, _ = _others(rng, size, 2)
        # Neither the point itself nor a: numbers skip the two.
        itself = np.arange(size)
        b = rng.integers(0, len(everyone) - 2, size)
        first, second = np.minimum(itself, a), np.maximum(itself, a)
        b = b + (b >= first)
        b = b + (b >= second)
        f = self._f[:, None]
        mutant = self._halfway(self._X + f * (p - self._X) + f * (self._X[a] - everyone[b]))
        return self._crossed(mutant, self._cr, rng)

    def _halfway(self, mutant: np.ndarray) -> np.ndarray:
        if self._bounds is None:
            return mutant
        low, high = self._bounds.lower, self._bounds.upper
        mutant = np.where(mutant < low, (low + self._X) / 2, mutant)
        return np.where(mutant > high, (high + self._X) / 2, mutant)

    def _crossed(self, mutant: np.ndarray, share: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        size, n = mutant.shape
        take = rng.random((size, n)) <= share[:, None]
        take[np.arange(size), rng.integers(0, n, size)] = True
        return np.where(take, mutant, self._X)

    # -- adaptation ----

    def _remember(self, gains: np.ndarray, better: np.ndarray) -> None:
        gains = np.where(np.isfinite(gains), gains, 1.0)
        weights = gains / gains.sum() if gains.sum() > 0 else np.full(len(gains), 1 / len(gains))
        f, cr = self._f[better], self._cr[better]
        self._F[self._slot] = (weights @ f**2) / (weights @ f)
        done = self._CR[self._slot] < 0 or cr.max() <= 0
        self._CR[self._slot] = -1.0 if done else (weights @ cr**2) / (weights @ cr)
        self._slot = (self._slot + 1) % MEMORY

    def _shrink(self) -> None:
        wanted = round(self._first + (LEAST - self._first) * min(1.0, self._told / self._plan))
        if len(self._X) > wanted:
            kept = np.sort(np.argsort(self._values, kind="stable")[:wanted])
            self._X, self._values = self._X[kept], self._values[kept]
        most = int(ARCHIVE * len(self._X))
        if len(self._archive) > most:
            kept = np.sort(np.argsort(self._rng().random(len(self._archive)), kind="stable")[:most])
            self._archive = self._archive[kept]

    def _ended(self) -> Stop | None:
        if not len(self._values):
            return None
        low, high = float(self._values.min()), float(self._values.max())
        if high - low <= self.tolerance * max(1.0, abs(low)):
            return Stop("ftol", f"the values of the population differ by {high - low:.1g}")
        return None


def _others(rng: np.random.Generator, size: int, count: int) -> list[np.ndarray]:
    """For each of `size` points, `count` different others: arrays of numbers."""
    order = np.argsort(rng.random((size, size - 1)), axis=1)[:, :count]
    return list((order + (order >= np.arange(size)[:, None])).T)
