"""Functions with known minima, to try methods of minimization on.

Examples
--------
>>> import gradstep as gs
>>> p = gs.problems.himmelblau
>>> res = gs.minimize(p.value, p.start, jac=p.gradient)
>>> res.success, round(res.fun, 6)
(True, 0.0)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .hints import complete

__all__ = ["Problem", "ackley", "beale", "booth", "himmelblau", "rastrigin", "rosenbrock", "saddle", "three_hump"]


@dataclass(frozen=True)
class Problem:
    """A function, and what is known of it.

    Attributes
    ----------
    name : str
    value, gradient : callable
        Of x, shape (n,); n is 2 where the formula has no other.
    start : tuple of float
        The usual one.
    bounds : tuple of pairs of float
        Where it is usually looked at.
    minima : tuple of points
        The global ones.
    fun : float
        The value there.

    Examples
    --------
    >>> import gradstep as gs
    >>> p = gs.problems.booth
    >>> p(p.minima[0]), p.start, p.gradient(p.minima[0])
    (0.0, (0.0, 0.0), array([0., 0.]))
    """

    name: str
    value: Callable[[Any], float]
    gradient: Callable[[Any], np.ndarray]
    start: tuple[float, ...]
    bounds: tuple[tuple[float, float], ...]
    minima: tuple[tuple[float, ...], ...]
    fun: float = 0.0

    def __call__(self, x: Any) -> float:
        """As `value`."""
        return self.value(x)


def _rosenbrock(x: Any) -> float:
    x = np.asarray(x)
    return float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())


def _rosenbrock_gradient(x: Any) -> np.ndarray:
    x = np.asarray(x, np.float64)
    g: np.ndarray = np.zeros_like(x)
    inner = x[1:] - x[:-1] ** 2
    g[:-1] = -400 * x[:-1] * inner - 2 * (1 - x[:-1])
    g[1:] += 200 * inner
    return g


def _rastrigin(x: Any) -> float:
    x = np.asarray(x)
    return float(10 * len(x) + (x**2 - 10 * np.cos(2 * np.pi * x)).sum())


def _rastrigin_gradient(x: Any) -> np.ndarray:
    x = np.asarray(x, np.float64)
    g: np.ndarray = 2 * x + 20 * np.pi * np.sin(2 * np.pi * x)
    return g


def _ackley(x: Any) -> float:
    x = np.asarray(x)
    root = np.sqrt((x**2).mean())
    return float(20 - 20 * np.exp(-0.2 * root) + np.e - np.exp(np.cos(2 * np.pi * x).mean()))


def _ackley_gradient(x: Any) -> np.ndarray:
    x = np.asarray(x, np.float64)
    n, root = len(x), np.sqrt((x**2).mean())
    waves = 2 * np.pi / n * np.sin(2 * np.pi * x) * np.exp(np.cos(2 * np.pi * x).mean())
    bowl = 4 * np.exp(-0.2 * root) * x / (n * root) if root > 0 else np.zeros(n)  # a cusp at 0
    return np.asarray(bowl + waves)


def _himmelblau_gradient(x: Any) -> np.ndarray:
    a, b = x[0] ** 2 + x[1] - 11, x[0] + x[1] ** 2 - 7
    return np.array([4 * a * x[0] + 2 * b, 2 * a + 4 * b * x[1]])


def _beale_terms(x: Any) -> list[float]:
    return [c - x[0] * (1 - x[1] ** k) for k, c in ((1, 1.5), (2, 2.25), (3, 2.625))]


def _beale_gradient(x: Any) -> np.ndarray:
    terms = _beale_terms(x)
    across = sum(2 * t * (x[1] ** k - 1) for k, t in enumerate(terms, 1))
    up = sum(2 * t * x[0] * k * x[1] ** (k - 1) for k, t in enumerate(terms, 1))
    return np.array([across, up])


rosenbrock = Problem(
    "rosenbrock", _rosenbrock, _rosenbrock_gradient, (-1.2, 1.0), ((-2.0, 2.0), (-1.0, 3.0)), ((1.0, 1.0),)
)
himmelblau = Problem(
    "himmelblau",
    lambda x: float((x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2),
    _himmelblau_gradient,
    (0.0, 0.0),
    ((-5.0, 5.0), (-5.0, 5.0)),
    (
        (3.0, 2.0),
        (-2.805118086952745, 3.131312518250573),
        (-3.779310253377747, -3.283185991286170),
        (3.584428340330492, -1.848126526964404),
    ),
)
beale = Problem(
    "beale",
    lambda x: float(sum(t * t for t in _beale_terms(x))),
    _beale_gradient,
    (1.0, 1.0),
    ((-4.5, 4.5), (-4.5, 4.5)),
    ((3.0, 0.5),),
)
booth = Problem(
    "booth",
    lambda x: float((x[0] + 2 * x[1] - 7) ** 2 + (2 * x[0] + x[1] - 5) ** 2),
    lambda x: np.array([10 * x[0] + 8 * x[1] - 34, 8 * x[0] + 10 * x[1] - 38]),
    (0.0, 0.0),
    ((-10.0, 10.0), (-10.0, 10.0)),
    ((1.0, 3.0),),
)
three_hump = Problem(
    "three_hump",
    lambda x: float(2 * x[0] ** 2 - 1.05 * x[0] ** 4 + x[0] ** 6 / 6 + x[0] * x[1] + x[1] ** 2),
    lambda x: np.array([4 * x[0] - 4.2 * x[0] ** 3 + x[0] ** 5 + x[1], x[0] + 2 * x[1]]),
    (0.5, 1.0),
    ((-2.0, 2.0), (-2.0, 2.0)),
    ((0.0, 0.0),),
)
saddle = Problem(
    "saddle",
    lambda x: float(x[0] ** 2 - x[1] ** 2 + 0.5 * x[1] ** 4),
    lambda x: np.array([2 * x[0], -2 * x[1] + 2 * x[1] ** 3]),
    (1.0, 0.0),
    ((-1.5, 1.5), (-1.5, 1.5)),
    ((0.0, 1.0), (0.0, -1.0)),
    -0.5,
)
rastrigin = Problem(
    "rastrigin", _rastrigin, _rastrigin_gradient, (3.3, -2.2), ((-5.12, 5.12), (-5.12, 5.12)), ((0.0, 0.0),)
)
ackley = Problem("ackley", _ackley, _ackley_gradient, (3.3, -2.2), ((-5.0, 5.0), (-5.0, 5.0)), ((0.0, 0.0),))

__getattr__ = complete(__name__, globals(), "problem")
