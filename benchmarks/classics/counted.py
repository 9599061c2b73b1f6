"""What the judge of minimizers knows of a run: its calls, its best point, and whether that is a minimum."""

from __future__ import annotations

from typing import Any

import numpy as np

from .problem import Problem

BUDGET = 5000  # calls of f, of a problem
SCALE = 3  # decades over which --scale spreads the units of the variables, up and down
ROUNDING = 1e-28  # a sum of squares below this is 0
CURVED = 1e-6  # least curvature of a minimum, relative to the largest


class Spent(Exception):
    """The calls are used up."""


class Counted:
    """A problem whose calls are counted."""

    def __init__(self, problem: Problem, start: float = 1.0, scaled: bool = False) -> None:
        self.problem = problem
        self.units = 10 ** (SCALE * np.sin(np.arange(1, problem.n + 1))) if scaled else np.ones(problem.n)
        x0 = problem.x0 * start + (start if start != 1 and not problem.x0.any() else 0)
        self.x0, self.f0 = x0 / self.units, problem.fun(x0)
        self.calls, self.best, self.best_x = 0, np.inf, problem.x0
        self.falls: list[tuple[float, int]] = []

    def _saw(self, x: np.ndarray, f: float) -> None:
        if f < self.best:
            self.best, self.best_x = f, x.copy()
            self.falls.append((f, self.calls))

    def _spend(self) -> None:
        if self.calls >= BUDGET:
            raise Spent
        self.calls += 1

    def fun(self, x: Any, *_: Any) -> float:
        self._spend()
        at = np.asarray(x, float).ravel() * self.units
        f = self.problem.fun(at)
        self._saw(at, f)
        return f

    def jac(self, x: Any, *_: Any) -> np.ndarray:
        return self.problem.jac(np.asarray(x, float).ravel() * self.units) * self.units

    def hess(self, x: Any, *_: Any) -> np.ndarray:
        return self.problem.hess(np.asarray(x, float) * self.units) * np.outer(self.units, self.units)

    def residuals(self, x: Any) -> np.ndarray:
        self._spend()
        at = np.asarray(x, float) * self.units
        r = self.problem.residuals(at)
        self._saw(at, float(r @ r))
        return r

    def jac_residuals(self, x: Any) -> np.ndarray:
        return self.problem.jac_residuals(np.asarray(x, float) * self.units) * self.units

    def solved_after(self, tau: float) -> int | None:
        """Calls until the problem was solved, or None."""
        for k, m in enumerate(self.problem.minima):
            room = tau * min(abs(self.f0 - m), max(1.0, abs(m))) + ROUNDING
            room += 1e-7 * abs(m)  # the digits that the paper prints
            if self.best <= m + room and (k == 0 or self.best >= m - room):
                return next(calls for f, calls in self.falls if f <= m + room)
        return None

    def is_at_minimum(self) -> bool:
        """Whether f curves upwards around the best point, along all variables that it depends on there, and a step of
        Newton's method would not change it."""
        H, g = self.problem.hess(self.best_x), self.problem.jac(self.best_x)
        matters = H.any(axis=0) | (g != 0)
        H, g = H[np.ix_(matters, matters)], g[matters]
        if not matters.any() or not np.isfinite(H).all():
            return False
        curvatures = np.linalg.eigvalsh(H)
        if not curvatures[0] > CURVED * curvatures[-1]:
            return False
        return bool(g @ np.linalg.solve(H, g) <= CURVED * max(1.0, abs(self.best)))
