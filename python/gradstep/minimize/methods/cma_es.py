"""CMA-ES: an evolution strategy that learns the covariance of the steps that help."""

from __future__ import annotations

import math
import weakref
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ... import _core
from ...checks import check_bool, check_choice, check_float, check_int
from ...seeds import word
from ..objectives.objective import Objective
from ..point import Point
from ..stop import Stop
from .population import Population

__all__ = ["CMAES"]

RESTARTS = {"ipop": "ipop", "bipop": "bipop", "none": "none"}
MOST_RESTARTS = 9


class CMAES(Population):
    """Evolution strategy with covariance matrix adaptation: for functions without a derivative, or with many minima.

    Parameters
    ----------
    sigma : float, optional
        First standard deviation, relative to the width of the bounds; by default 0.2, and 0.3 times the larger of 1 and
        the largest magnitude in x0 where there are no bounds.
    population : int, optional
        Points in a generation, at least 4; by default 4 + floor(3 log(n)).
    restarts : {"ipop", "bipop", "none"}, optional
        Whether a run that has converged is followed by others from elsewhere, at most 9: with twice the population each
        time, or with large and small ones in turn. By default ``"ipop"`` where ``maxfev``, ``maxtime`` or ``target``
        bounds the search, else ``"none"``.
    diagonal : bool
        Whether only the variances are learned: O(n) in place of O(n^2) for each point (Ros and Hansen 2008).

    Notes
    -----
    Points are ``m + sigma B D z``, z standard normal, ``C = B D^2 B'``. The mean m moves to the weighted mean of the
    better half, sigma follows the length of the path of means, and C the path and the steps, the worse half with
    negative weights. Points beyond a bound are drawn again, up to ten times, and reflected only then. A run that
    follows another one ends where its values fall too slowly to come below those of earlier runs.

    References
    ----------
    Hansen 2016, "The CMA evolution strategy: a tutorial", arXiv:1604.00772. Auger and Hansen 2005, "A restart CMA
    evolution strategy with increasing population size", CEC. Hansen 2009, "Benchmarking a BI-population CMA-ES on the
    BBOB-2009 function testbed", GECCO.

    Examples
    --------
    >>> import gradstep as gs
    >>> p = gs.problems.booth
    >>> res = gs.minimize(p.value, p.start, bounds=[(-10, 10)] * 2, method=gs.minimizers.CMAES(population=12), seed=0)
    >>> res.fun < 0.01
    True
    """

    name = "cma-es"
    _state: ClassVar[tuple[str, ...]] = ("_run", "_small", "_spent")  # and what the core has

    def __init__(
        self,
        sigma: float | None = None,
        population: int | None = None,
        restarts: str | None = None,
        diagonal: bool = False,
    ) -> None:
        self.sigma = None if sigma is None else check_float("sigma", sigma)
        if self.sigma is not None and not 0 < self.sigma < math.inf:
            raise ValueError(f"sigma must be more than 0 and finite; got {self.sigma:g}.")
        self.population = None if population is None else check_int("population", population, 4)
        self.restarts = None if restarts is None else check_choice("restarts", restarts, RESTARTS)
        self.diagonal = check_bool("diagonal", diagonal)

    # -- runs ----

    def _init(self) -> None:
        self._run, self._small = 0, False
        self._spent = np.zeros(2, np.int64)  # evaluations of large and of small populations, of runs that have ended
        self._first_size = self.population or 4 + int(3 * math.log(len(self._x0)))
        self._core = _core.CMA(self._width, self.diagonal, self._bounds is not None)
        self._core.begin(self._x0 / self._width, self._first_sigma_of(), self._first_size, math.inf)
        self._over = ""

    def _first_sigma_of(self) -> float:
        if self.sigma is not None:
            return self.sigma
        return 0.2 if self._bounds is not None else 0.3 * max(1.0, float(np.abs(self._x0).max()))

    def state_dict(self) -> dict[str, Any]:
        """The state of the run: arrays and numbers by name, copies."""
        state: dict[str, Any] = super().state_dict() | self._core.state()
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that `state_dict` gave, after `start` with the same x0 and bounds.

        Raises
        ------
        ValueError
            The state is of another method or of another number of variables.
        """
        names = set(self._core.state())
        own = {name: value for name, value in state.items() if name not in names}
        self._check_names(state, names)
        self._core.set_state({name: state[name] for name in names})
        super().load_state_dict(own)

    # -- generations ----

    def _points(self) -> np.ndarray:
        lower, upper = (None, None) if self._bounds is None else (self._bounds.lower, self._bounds.upper)
        points: np.ndarray = self._core.ask(word(self._key), self.generation, lower, upper)
        return points

    def _learn(self, X: np.ndarray, values: np.ndarray) -> None:
        why = self._core.tell(values)
        if why:
            self._finish_run(why)

    # -- as a method of minimize ----

    def _start(self, objective: Objective, point: Point, seed: int | None) -> None:
        super()._start(objective, point, seed)
        self._native = None
        if not (objective.batched or objective.is_mapped):
            ended = weakref.WeakMethod(self._native_run_ended)
            self._native = _core.CMAMethod(self._core, word(self._key), self.x, self.fun, ended)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_native": None}  # it calls this object back

    def _step(self, point: Point) -> Point:
        if self._native is None:
            return super()._step(point)
        new: Point = self._native.step(self.objective, point)
        return new

    def _native_run_ended(self, why: str, x: np.ndarray, fun: float, generation: int) -> str:
        self.x, self.fun, self.generation = x, fun, generation
        self._finish_run(why)
        return self._reason if self._over else ""

    def _extras(self, point: Point) -> dict[str, Any]:
        if self._native is not None:
            self.x, self.fun, self.generation = self._native.x, self._native.fun, self._native.generation
        return super()._extras(point)

    # -- ends and restarts ----

    def _finish_run(self, why: str) -> None:
        core = self._core
        self._spent[int(self._small)] += core.since * core.size
        self._over = why
        self._reason = "stalled" if "stagnated" in why or "without end" in why else "ftol"
        if self._wanted() == "none" or self._run >= MOST_RESTARTS:
            return
        if core.best <= self.fun:
            self._settled, self._settled_at = Stop(self._reason, why), core.best
        self._run += 1
        rng = np.random.Generator(np.random.Philox(key=np.array(self._key, np.uint64), counter=[0, 0, 1, self._run]))
        n, doubled = len(self._x0), self._first_size * 2 ** min(self._run, MOST_RESTARTS)
        self._small = self._wanted() == "bipop" and self._run > 1 and self._spent[1] < self._spent[0]
        sigma, size = self._first_sigma_of(), doubled
        if self._small:
            size = int(self._first_size * (0.5 * doubled / self._first_size) ** (float(rng.random()) ** 2))
            sigma *= 10 ** (-2 * float(rng.random()))
        self._over = ""
        if self._bounds is not None and self._bounds.finite:
            mean = (self._bounds.lower + rng.random(n) * (self._bounds.upper - self._bounds.lower)) / self._width
        else:
            mean = self._x0 / self._width + self._first_sigma_of() * rng.standard_normal(n)
        core.begin(mean, sigma, max(size, 4), self.fun)

    def _wanted(self) -> str:
        if self.restarts is not None:
            return self.restarts
        return "ipop" if self._bounded_search else "none"

    @property
    def _bounded_search(self) -> bool:
        if self._planned is not None:
            return True
        limits = getattr(getattr(self, "objective", None), "limits", None)
        return limits is not None and (limits.maxtime < math.inf or limits.target > -math.inf)

    _over = ""
    _reason = "ftol"

    def _ended(self) -> Stop | None:
        return Stop(self._reason, self._over) if self._over else None

    def _sentences(self) -> list[str]:
        return [f"It was restarted {self._run} times."] if self._run else []

    def _step_size(self) -> float:
        return float(self._core.sigma)
