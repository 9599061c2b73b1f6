"""Functions that know their start, their gradient and where their minimum is, so that a test is one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Problem(NamedTuple):
    name: str
    value: Callable[[np.ndarray], float]
    gradient: Callable[[np.ndarray], np.ndarray]
    start: np.ndarray
    optimum: np.ndarray


def quadratic(n: int = 20, condition: float = 100.0) -> Problem:
    """Half a sum of squares, weighted from 1 to `condition`, around a point that is not 0."""
    weights, optimum = np.geomspace(1.0, condition, n), np.linspace(-1.0, 1.0, n)
    return Problem(
        "quadratic",
        lambda x: float(0.5 * (weights * (x - optimum) ** 2).sum()),
        lambda x: weights * (x - optimum),
        np.full(n, 0.5),
        optimum,
    )


def rosenbrock() -> Problem:
    """A curved valley; from (-1.2, 1) as in Rosenbrock 1960."""
    return Problem(
        "rosenbrock",
        lambda x: float(100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2),
        lambda x: np.array([-400 * x[0] * (x[1] - x[0] ** 2) - 2 * (1 - x[0]), 200 * (x[1] - x[0] ** 2)]),
        np.array([-1.2, 1.0]),
        np.array([1.0, 1.0]),
    )


def booth() -> Problem:
    """A skewed bowl in two dimensions."""
    return Problem(
        "booth",
        lambda x: float((x[0] + 2 * x[1] - 7) ** 2 + (2 * x[0] + x[1] - 5) ** 2),
        lambda x: np.array([10 * x[0] + 8 * x[1] - 34, 8 * x[0] + 10 * x[1] - 38]),
        np.array([-2.0, 4.0]),
        np.array([1.0, 3.0]),
    )


def beale() -> Problem:
    """A flat valley between steep walls."""
    numbers = np.array([1.5, 2.25, 2.625])
    powers = np.array([1.0, 2.0, 3.0])

    def residuals(x: np.ndarray) -> np.ndarray:
        return numbers - x[0] + x[0] * x[1] ** powers

    def gradient(x: np.ndarray) -> np.ndarray:
        r = residuals(x)
        return np.array([2 * (r * (x[1] ** powers - 1)).sum(), 2 * (r * x[0] * powers * x[1] ** (powers - 1)).sum()])

    def value(x: np.ndarray) -> float:
        return float((residuals(x) ** 2).sum())

    return Problem("beale", value, gradient, np.array([1.0, 1.0]), np.array([3.0, 0.5]))


PROBLEMS = [quadratic(), rosenbrock(), booth(), beale()]
