"""CMA-ES: an evolution strategy that learns the covariance of the steps that help."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from ...checks import check_bool, check_choice, check_float, check_int
from ..stop import Stop
from .population import Population

__all__ = ["CMAES"]

RESTARTS = {"ipop": "ipop", "bipop": "bipop", "none": "none"}
MOST_RESTARTS = 9
LARGEST_CONDITION = 1e14


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
    negative weights. Points beyond a bound are reflected.

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
    _state: ClassVar[tuple[str, ...]] = (
        *("_mean", "_sigma", "_C", "_B", "_D", "_path_c", "_path_s", "_run", "_size", "_since", "_best"),
        *("_bests", "_medians", "_small", "_spent", "_first_sigma", "_decomposed", "_lowest"),
    )

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
        n = len(self._x0)
        self._run, self._small = 0, False
        self._spent = np.zeros(2, np.int64)  # evaluations of large and of small populations
        self._first_size = self.population or 4 + int(3 * math.log(n))
        self._lowest = math.inf  # of the runs that have ended
        self._new_run(self._x0 / self._width, self._first_sigma_of(), self._first_size)

    def _first_sigma_of(self) -> float:
        if self.sigma is not None:
            return self.sigma
        return 0.2 if self._bounds is not None else 0.3 * max(1.0, float(np.abs(self._x0).max()))

    def _new_run(self, mean: np.ndarray, sigma: float, size: int) -> None:
        n = len(mean)
        self._mean, self._sigma, self._first_sigma, self._size = mean.copy(), sigma, sigma, size
        self._C = np.ones(n) if self.diagonal else np.eye(n)
        self._B, self._D = np.eye(0 if self.diagonal else n), np.ones(n)
        self._path_c, self._path_s = np.zeros(n), np.zeros(n)
        self._since = self._decomposed = 0
        self._best = math.inf
        self._bests, self._medians = np.empty(0), np.empty(0)
        self._constants(n, size)

    def _constants(self, n: int, size: int) -> None:
        """Weights and rates of table 1 of Hansen 2016."""
        half = size // 2
        raw = math.log((size + 1) / 2) - np.log(np.arange(1, size + 1))
        mu = float(raw[:half].sum() ** 2 / (raw[:half] ** 2).sum())
        mu_bad = float(raw[half:].sum() ** 2 / (raw[half:] ** 2).sum())
        self._c_s = (mu + 2) / (n + mu + 5)
        self._damping = 1 + 2 * max(0.0, math.sqrt((mu - 1) / (n + 1)) - 1) + self._c_s
        self._c_c = (4 + mu / n) / (n + 4 + 2 * mu / n)
        faster = (n + 2) / 3 if self.diagonal else 1.0
        self._c_1 = min(1.0, faster * 2 / ((n + 1.3) ** 2 + mu))
        self._c_mu = min(1 - self._c_1, faster * 2 * (0.25 + mu + 1 / mu - 2) / ((n + 2) ** 2 + mu))
        weights = raw / raw[:half].sum()
        bad = min(
            1 + self._c_1 / self._c_mu, 1 + 2 * mu_bad / (mu + 2), (1 - self._c_1 - self._c_mu) / (n * self._c_mu)
        )
        self._weights = np.where(raw >= 0, weights, bad * raw / np.abs(raw[raw < 0]).sum())
        self._mu, self._half = mu, half
        self._chi = math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n))

    def load_state_dict(self, state: Any) -> None:
        """As of every population; the population's size is part of it."""
        super().load_state_dict(state)
        self._constants(len(self._mean), int(self._size))

    # -- generations ----

    def _points(self) -> np.ndarray:
        z = self._rng().standard_normal((self._size, len(self._mean)))
        self._y = z * self._D if self.diagonal else (z * self._D) @ self._B.T
        return self._inside((self._mean + self._sigma * self._y) * self._width)

    def _learn(self, X: np.ndarray, values: np.ndarray) -> None:
        n, order = len(self._mean), np.argsort(values, kind="stable")
        y = self._y[order]
        step = self._weights[: self._half] @ y[: self._half]
        self._mean = self._mean + self._sigma * step
        whitened = step / self._D if self.diagonal else self._B @ ((self._B.T @ step) / self._D)
        self._since += 1
        self._path_s = (1 - self._c_s) * self._path_s + math.sqrt(self._c_s * (2 - self._c_s) * self._mu) * whitened
        length = math.sqrt(float(self._path_s @ self._path_s))
        still = length / math.sqrt(1 - (1 - self._c_s) ** (2 * self._since)) < (1.4 + 2 / (n + 1)) * self._chi
        self._path_c = (1 - self._c_c) * self._path_c
        if still:
            self._path_c = self._path_c + math.sqrt(self._c_c * (2 - self._c_c) * self._mu) * step
        weights = self._weights.copy()
        bad = weights < 0
        inner = y[bad] / self._D if self.diagonal else (y[bad] @ self._B) / self._D
        weights[bad] *= n / np.maximum((inner**2).sum(axis=1), 1e-300)
        keep = 1 - self._c_1 - self._c_mu * float(self._weights.sum())
        keep += 0.0 if still else self._c_1 * self._c_c * (2 - self._c_c)
        if self.diagonal:
            self._C = keep * self._C + self._c_1 * self._path_c**2 + self._c_mu * (weights @ y**2)
            self._C = np.maximum(self._C, 1e-300)
        else:
            self._C = keep * self._C + self._c_1 * np.outer(self._path_c, self._path_c)
            self._C += self._c_mu * ((y.T * weights) @ y)
        self._sigma *= math.exp(min(1.0, (self._c_s / self._damping) * (length / self._chi - 1)))
        self._decompose(n)
        self._best = min(self._best, float(values[order[0]]))
        self._spent[int(self._small)] += len(values)
        keep_last = 120 + int(30 * n / self._size)
        last = max(keep_last, self._since // 5)
        self._bests = np.append(self._bests[1 - last :], values[order[0]])
        self._medians = np.append(self._medians[1 - last :], values[order[len(order) // 2]])
        self._finish_run(values[order])

    def _decompose(self, n: int) -> None:
        if self.diagonal:
            self._D = np.sqrt(self._C)
            return
        if self._since - self._decomposed < 1 / (10 * n * (self._c_1 + self._c_mu)):
            return
        self._decomposed = self._since
        self._C = (self._C + self._C.T) / 2
        w, self._B = np.linalg.eigh(self._C)
        self._D = np.sqrt(np.maximum(w, 1e-300))

    # -- ends and restarts ----

    def _why(self, values: np.ndarray) -> str:
        """The criterion that ends this run, as a part of a sentence; empty if none does."""
        n = len(self._mean)
        window = 10 + math.ceil(30 * n / self._size)
        recent = self._bests[-window:]
        low, high = float(recent.min()), float(max(recent.max(), values[-1]))
        spread = self._sigma * float(self._D.max())
        if len(recent) == window and high - low <= 1e-12 * max(1.0, abs(low)) + 1e-12:
            return f"values differ by {high - low:.1g}"
        if len(recent) == window and float(recent.max()) == low:
            return "the best value has not changed"
        if spread < 1e-12 * self._first_sigma:
            return f"points differ by {spread:.1g}" + (" of the bounds' width" if self._bounds else "")
        if float(self._D.max() / self._D.min()) ** 2 > LARGEST_CONDITION:
            return "the covariance has become singular"
        if spread > 1e4 * self._first_sigma or not math.isfinite(values[0]):
            return "the steps have grown without end"
        long = len(self._bests)
        if self._since > 120 + 30 * n / self._size and long >= 60 and self._since % 10 == 0:
            third = long * 3 // 10
            if np.median(self._bests[-third:]) >= np.median(self._bests[:third]) and np.median(
                self._medians[-third:]
            ) >= np.median(self._medians[:third]):
                return "the values have stagnated"
        return ""

    def _finish_run(self, values: np.ndarray) -> None:
        why = self._why(values)
        self._over = ""
        if not why:
            return
        self._lowest = min(self._lowest, self._best)
        self._over = why
        self._reason = "stalled" if "stagnated" in why or "without end" in why else "ftol"
        if self._wanted() == "none" or self._run >= MOST_RESTARTS:
            return
        if self._best <= self.fun:
            self._settled, self._settled_at = Stop(self._reason, why), self._best
        self._run += 1
        rng = np.random.Generator(np.random.Philox(key=np.array(self._key, np.uint64), counter=[0, 0, 1, self._run]))
        n, doubled = len(self._mean), self._first_size * 2 ** min(self._run, MOST_RESTARTS)
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
        self._new_run(mean, sigma, max(size, 4))

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
        return float(self._sigma)
