"""Local searches from many starts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...checks import check_choice, check_int
from ...seeds import fresh_key, generator, key_of
from ..loop import Rules, run
from ..objectives.objective import Objective
from ..point import Point
from ..record import Record
from ..result import OptimizeResult
from ..stop import Stop
from .base import Method
from .cma_es import CMAES
from .lbfgsb import LBFGSB

__all__ = ["MultiStart", "sobol"]

SAMPLERS = {"lhs": "lhs", "sobol": "sobol", "random": "random"}
NEAR = 1e-4  # minima closer than this, relative to the width, are one


class MultiStart(Method):
    """A local method from many starts within the bounds; the distinct minima are in ``res.minima``.

    Parameters
    ----------
    n : int
        Starts, the given x0 first.
    sampler : {"lhs", "sobol", "random"}
        How starts are spread: a Latin hypercube, a shifted Sobol sequence (up to 21 variables), or independently.
    local : str, Optimizer or Method, optional
        What descends from each; by default ``"l-bfgs-b"`` with a gradient, and ``"cma-es"`` where there is none.

    Notes
    -----
    Bounds must be finite. ``res.minima`` is a list, the lowest first, of `x`, `fun` and `count`, how many starts came
    there. ``maxfev`` is for all starts together; when it is used up the minima found so far are returned.

    References
    ----------
    Sobol 1967, USSR Comput. Math. Math. Phys. 7; direction numbers of Joe and Kuo 2008, SIAM J. Sci. Comput. 30.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> f = lambda x: float(x[0] ** 4 - 2 * x[0] ** 2 + 0.1 * x[0])
    >>> res = gs.minimize(f, [2.0], jac=lambda x: 4 * x**3 - 4 * x + 0.1, bounds=[(-2, 2)], seed=0,
    ...                   method=gs.multistart(10))
    >>> [round(float(one.x[0]), 2) for one in res.minima]
    [-1.01, 0.99]
    """

    name = "multistart"
    takes_bounds = True
    is_stochastic = True
    makes_runs = True

    def __init__(self, n: int = 20, sampler: str = "lhs", local: Any = None) -> None:
        from .registry import method_of

        self.n, self.sampler = check_int("n", n, 1), check_choice("sampler", sampler, SAMPLERS)
        self.local = None if local is None else method_of(local, {}, {})

    @property
    def needs(self) -> str:  # type: ignore[override]
        """What the local method asks of the function."""
        return "value" if self.local is None else self.local.needs

    @property
    def needs_data(self) -> bool:  # type: ignore[override]
        """Whether the local method steps after each batch."""
        return self.local is not None and self.local.needs_data

    def _start(self, objective: Objective, point: Point, seed: int | None) -> None:
        super()._start(objective, point, seed)
        bounds = objective.bounds
        if bounds is None or not bounds.finite:
            raise ValueError("multistart needs finite bounds for every variable.")
        self._local: Method = self.local or (CMAES(restarts="none") if objective.is_differences else LBFGSB())
        self._key = key_of(seed) or fresh_key()
        rng = generator(self._key)
        n = len(point.x)
        if self.sampler == "sobol":
            share = (sobol(self.n, n) + rng.random(n)) % 1.0
        elif self.sampler == "lhs":
            share = (np.argsort(rng.random((self.n, n)), axis=0) + rng.random((self.n, n))) / self.n
        else:
            share = rng.random((self.n, n))
        self._width = np.where(bounds.upper > bounds.lower, bounds.upper - bounds.lower, 1.0)
        self._starts = (bounds.lower + share * (bounds.upper - bounds.lower)).astype(point.x.dtype)
        self._starts[0] = point.x
        self._done = 0
        self.minima: list[OptimizeResult] = []
        self._last: Stop | None = None

    def _optimality(self, point: Point) -> float:
        # Before the last start has ended, a small gradient ends only that start.
        return math.nan if self._done < self.n else super()._optimality(point)

    def _step(self, point: Point) -> Point:
        if self._done == self.n:
            assert self._last is not None
            raise self._last
        objective, rules = self.objective, self._rules
        x = objective.bounds.clip(self._starts[self._done]) if objective.bounds is not None else self._starts[0]
        begin = Point(x, objective.value(x))
        if self._local.needs != "value":
            begin.g = objective.gradient(x)
        self._local._rules = rules
        inner = Rules(rules.gtol, rules.ftol, rules.xtol, self._local._default_maxiter(len(x)), math.inf)
        seed = (self._key[0] + self._done) % 2**32
        before = objective.best_f
        objective.best_f = math.inf
        try:
            stop, _ = run(objective, self._local, begin, inner, Record(False, objective.limits.begin), None, seed)
            end = Point(objective.best_x, objective.best_f, objective.best_g)
        finally:
            if before <= objective.best_f and before < math.inf:
                objective.best_x, objective.best_f, objective.best_g = point.x, before, None
        self._done += 1
        self._note(end)
        if stop.reason in ("maxfev", "maxtime", "target", "interrupted"):
            raise stop
        best = end if end.f < point.f or self._last is None else point
        if best is end:
            self._last = stop
        return Point(best.x, best.f, best.g)

    def _note(self, end: Point) -> None:
        for one in self.minima:
            if float((np.abs(one.flat - end.x) / self._width).max()) <= NEAR:
                one.count += 1
                if end.f < one.fun:
                    one.update(x=self.objective.layout.restore(end.x), flat=end.x, fun=end.f)
                return
        self.minima.append(OptimizeResult(x=self.objective.layout.restore(end.x), fun=end.f, count=1, flat=end.x))

    def _extras(self, point: Point) -> dict[str, Any]:
        found = sorted(self.minima, key=lambda one: one.fun)
        return {"minima": [OptimizeResult(x=one.x, fun=one.fun, count=one.count) for one in found]}

    def _sentences(self) -> list[str]:
        return [f"{self._done} starts came to {len(self.minima)} distinct minima."]


# Degree, coefficients and first direction numbers of each primitive polynomial, from the second variable on.
POLYNOMIALS = (
    *((1, 0, (1,)), (2, 1, (1, 3)), (3, 1, (1, 3, 1)), (3, 2, (1, 1, 1)), (4, 1, (1, 1, 3, 3))),
    *((4, 4, (1, 3, 5, 13)), (5, 2, (1, 1, 5, 5, 17)), (5, 4, (1, 1, 5, 5, 5)), (5, 7, (1, 1, 7, 11, 19))),
    *((5, 11, (1, 1, 5, 1, 1)), (5, 13, (1, 1, 1, 3, 11)), (5, 14, (1, 3, 5, 5, 31)), (6, 1, (1, 3, 3, 9, 7, 49))),
    *((6, 13, (1, 1, 1, 15, 21, 21)), (6, 16, (1, 3, 1, 13, 27, 49)), (6, 19, (1, 1, 1, 15, 7, 5))),
    *((6, 22, (1, 3, 1, 15, 13, 25)), (6, 25, (1, 1, 5, 5, 19, 61)), (7, 1, (1, 3, 7, 11, 23, 15, 103))),
    (7, 4, (1, 3, 7, 13, 13, 15, 69)),
)
BITS = 30


def sobol(count: int, n: int) -> np.ndarray:
    """The first points of the Sobol sequence in [0, 1)^n, shape (count, n)."""
    if n > len(POLYNOMIALS) + 1:
        raise ValueError(f'sampler="sobol" is for up to {len(POLYNOMIALS) + 1} variables, "lhs" for any; got {n}.')
    directions = np.zeros((n, BITS), np.int64)
    for j in range(n):
        if j == 0:
            m = [1] * BITS
        else:
            degree, coefficients, first = POLYNOMIALS[j - 1]
            m = list(first)
            for k in range(degree, BITS):
                new = m[k - degree] ^ (m[k - degree] << degree)
                for i in range(1, degree):
                    if coefficients >> (degree - 1 - i) & 1:
                        new ^= m[k - i] << i
                m.append(new)
        directions[j] = [m[k] << (BITS - 1 - k) for k in range(BITS)]
    points, now = np.zeros((count, n)), np.zeros(n, np.int64)
    for i in range(1, count):
        lowest_zero = (~(i - 1) & i).bit_length() - 1
        now = now ^ directions[:, lowest_zero]
        points[i] = now / 2.0**BITS
    return points
