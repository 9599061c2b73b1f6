"""A genetic algorithm on real numbers."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ...checks import check_float, check_int
from ..stop import Stop
from .population import Population

__all__ = ["GeneticAlgorithm"]


class GeneticAlgorithm(Population):
    """Genetic algorithm: tournaments choose parents, children lie between and beyond them, some components mutate.

    Parameters
    ----------
    population : int, optional
        Points in a generation, at least 4; by default 20 + 10 n.
    crossover : float
        Probability that two parents are crossed, from 0 to 1.
    mutation : float, optional
        Probability that a component mutates, from 0 to 1; by default 1 / n.
    elite : int
        How many of the best live on unchanged, at least 1.
    tolerance : float
        The run ends where the values of the population differ by no more, relative to the larger of 1 and the best.

    Notes
    -----
    Parents win tournaments of two. Their children are drawn by simulated binary crossover with index 5, so that they
    spread as the parents do; a mutation adds a normal number of a tenth of the
    population's spread in that component, or of the first one's times 0.98^generation if that is more.

    References
    ----------
    Holland 1975, "Adaptation in natural and artificial systems". Deb and Agrawal 1995, "Simulated binary crossover for
    continuous search space", Complex Systems 9.

    Examples
    --------
    >>> import gradstep as gs
    >>> p = gs.problems.booth
    >>> res = gs.minimize(p.value, p.start, bounds=[(-10, 10)] * 2, method=gs.minimizers.GeneticAlgorithm(), seed=0)
    >>> res.fun < 0.01
    True
    """

    name = "ga"
    _state: ClassVar[tuple[str, ...]] = ("_X", "_values", "_wide")

    def __init__(
        self,
        population: int | None = None,
        crossover: float = 0.9,
        mutation: float | None = None,
        elite: int = 2,
        tolerance: float = 1e-12,
    ) -> None:
        self.population = None if population is None else check_int("population", population, 4)
        self.crossover, self.elite = check_float("crossover", crossover), check_int("elite", elite, 1)
        self.mutation = None if mutation is None else check_float("mutation", mutation)
        self.tolerance = check_float("tolerance", tolerance)
        for name, value in (("crossover", self.crossover), ("mutation", self.mutation)):
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"{name} must be from 0 to 1; got {value:g}.")
        if not self.tolerance >= 0:
            raise ValueError(f"tolerance must be at least 0; got {self.tolerance:g}.")

    def _init(self) -> None:
        n = len(self._x0)
        self._count = max(self.population or 20 + 10 * n, 2 * self.elite)
        self._X, self._values, self._wide = np.empty((0, n)), np.empty(0), np.zeros(n)

    def _points(self) -> np.ndarray:
        rng, n = self._rng(), len(self._x0)
        if not len(self._X):
            points: np.ndarray = self._spread(self._count, rng)
            points[0] = self._x0
        else:
            pairs = (self._count - self.elite + 1) // 2
            first, second = self._X[self._winners(rng, pairs)], self._X[self._winners(rng, pairs)]
            u = rng.random((pairs, n))
            spread = np.where(u < 0.5, 2 * u, 1 / (2 * (1 - u))) ** (1 / 6)
            crossed = (rng.random((pairs, 1)) < self.crossover) & (rng.random((pairs, n)) < 0.5)
            spread = np.where(crossed, spread, 1.0)
            middle, half = (first + second) / 2, spread * (first - second) / 2
            points = np.concatenate([middle + half, middle - half])[: self._count - self.elite]
            rate = 1 / n if self.mutation is None else self.mutation
            size = 0.1 * np.maximum(self._X.std(axis=0), self._wide * 0.98**self.generation)
            points = points + (rng.random(points.shape) < rate) * size * rng.standard_normal(points.shape)
        inside: np.ndarray = self._inside(points)
        return inside

    def _winners(self, rng: np.random.Generator, count: int) -> np.ndarray:
        some = rng.integers(0, len(self._X), (2, count))
        return np.asarray(np.where(self._values[some[0]] <= self._values[some[1]], some[0], some[1]))

    def _learn(self, X: np.ndarray, values: np.ndarray) -> None:
        if not len(self._X):
            self._wide = X.std(axis=0)
        else:
            best = np.argsort(self._values, kind="stable")[: self.elite]
            X, values = np.concatenate([self._X[best], X]), np.concatenate([self._values[best], values])
        self._X, self._values = X.copy(), values.copy()

    def _ended(self) -> Stop | None:
        if not len(self._values):
            return None
        low, high = float(self._values.min()), float(self._values.max())
        if high - low <= self.tolerance * max(1.0, abs(low)):
            return Stop("ftol", f"the values of the population differ by {high - low:.1g}")
        return None
