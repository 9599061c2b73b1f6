"""Steps of the damped normal equations, ``(J'J + lambda I) p = -g``, by a Cholesky factor of the package's own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import _core
from ..point import Point
from ..stop import Stop
from .linesearch import given_gradient

__all__ = ["Damping", "damped_step", "solved"]

LEAST, MOST = 1e-20, 1e20  # of lambda, relative to the largest number on the diagonal


class Damping:
    """Lambda of Levenberg's method, and how it follows the steps (Nielsen 1999).

    It is multiplied by ``max(1/3, 1 - (2 q - 1)^3)`` after a step that made f lower by q times of what the model said,
    and by 2, 4, 8, ... after one that did not.
    """

    def __init__(self, first: float) -> None:
        self.first, self.value, self.growth = first, math.nan, 2.0

    def accepted(self, ratio: float) -> None:
        """After a step with this ratio of the fall of f to the model's."""
        self.value *= max(1 / 3, 1 - (2 * ratio - 1) ** 3)
        self.growth = 2.0

    def refused(self) -> None:
        """After a step that was not taken."""
        self.value *= self.growth
        self.growth *= 2


def solved(matrix: np.ndarray, shift: float, g: np.ndarray) -> np.ndarray | None:
    """The p of ``(matrix + shift I) p = -g``; None where that is not positive definite, to rounding."""
    factor = matrix.copy()
    factor[np.diag_indices(len(g))] += shift
    if _core.cholesky(factor) < len(g):
        return None
    p = -g[:, None]
    _core.cholesky_solve(factor, p)
    found: np.ndarray = p[:, 0]
    return found if np.isfinite(found).all() else None


def damped_step(objective: Any, point: Point, damping: Damping) -> Point:
    """The next point of Levenberg's method; the objective has `normal_equations`.

    Raises
    ------
    Stop
        There is none.
    """
    g, matrix = given_gradient(point), objective.normal_equations(point.x)
    if not np.isfinite(matrix).all():
        raise Stop("nan", "the Jacobian is not finite")
    largest = max(float(matrix.diagonal().max()), 1e-300)
    if math.isnan(damping.value):
        damping.value = damping.first * largest
    noise = 4 * objective.eps * abs(point.f)
    while True:
        damping.value = max(damping.value, LEAST * largest)
        if damping.value > MOST * largest:
            raise Stop("stalled", "the damping has grown beyond bounds")
        p = solved(matrix, damping.value, g)
        if p is None:
            damping.refused()
            continue
        x = (point.x + p).astype(point.x.dtype)
        decrease = 0.5 * (damping.value * float(np.add.reduce(p * p)) - float(np.add.reduce(g * p)))
        if np.array_equal(x, point.x):
            raise Stop("stalled", "the step is below rounding", decrease)
        f = objective.value(x)
        fell = point.f - f
        if decrease <= noise and abs(fell) <= noise:
            raise Stop("stalled", "f no longer resolves the steps", decrease)
        ratio = fell / decrease if abs(f) < math.inf else -math.inf
        if ratio > 1e-4:
            damping.accepted(ratio)
            return Point(x, f, objective.gradient(x), 1.0)
        damping.refused()
