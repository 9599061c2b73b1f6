"""Line searches of the core, for the methods that are written here: how far to go along a direction."""

from __future__ import annotations

import math

import numpy as np

from ... import _core
from ..objectives.objective import Objective
from ..point import Point

__all__ = ["Failed", "Line", "armijo", "given_gradient", "strong_wolfe"]

LIMIT = 30  # calls of f


class Line:
    """f along ``point.x + alpha * d``.

    Parameters
    ----------
    objective : Objective
    point : Point
        With its gradient.
    d : ndarray of float64, shape (n,)

    Attributes
    ----------
    f0 : float
        The value that is to be undercut: that of the point, or another.
    slope : float
        Of f at the point, along d.
    """

    def __init__(self, objective: Objective, point: Point, d: np.ndarray) -> None:
        self.objective, self.point, self.d = objective, point, d
        self.f0, self.slope = point.f, float(np.dot(given_gradient(point), d))

    def _search(self, alpha: float, c1: float, c2: float | None, longest: float, limit: int) -> Point:
        found, point = _core.line_search(
            self.objective, self.point, self.d, self.slope, self.f0, alpha, c1, c2, longest, limit
        )
        if not found:
            raise Failed(point)
        accepted: Point = point
        return accepted


def given_gradient(point: Point) -> np.ndarray:
    """The gradient at a point that has one."""
    assert point.g is not None
    return point.g


class Failed(Exception):
    """No acceptable point was found along the line; `best` is the lowest trial, if there is one."""

    def __init__(self, best: Point | None) -> None:
        super().__init__("line search")
        self.best = best


def armijo(line: Line, alpha: float = 1.0, c1: float = 1e-4, limit: int = LIMIT) -> Point:
    """The first of ever smaller alphas at which f is lower by ``-c1 * alpha * slope``, with its gradient.

    Parameters
    ----------
    line : Line
        With a negative slope.
    alpha : float
        Where to begin.
    c1 : float
    limit : int
        At most so many calls of f.

    Raises
    ------
    Failed
    """
    return line._search(alpha, c1, None, math.inf, limit)


def strong_wolfe(
    line: Line, alpha: float = 1.0, c1: float = 1e-4, c2: float = 0.9, longest: float = math.inf, limit: int = LIMIT
) -> Point:
    """A point where f is lower by ``-c1 * alpha * slope`` and the slope's magnitude at most ``c2`` times that at 0.

    ``csrc/minimize/line_search.hpp`` says how it is found.

    Parameters
    ----------
    line : Line
        With a negative slope.
    alpha : float
        Where to begin.
    c1, c2 : float
        0 < c1 < c2 < 1.
    longest : float
        Largest alpha, which need not fulfil the condition on the slope.
    limit : int
        At most so many calls of f.

    Raises
    ------
    Failed
    """
    return line._search(alpha, c1, c2, longest, limit)
