"""Line searches: how far to go along a direction.

References
----------
Moré and Thuente 1994, "Line search algorithms with guaranteed sufficient decrease", ACM TOMS 20.
Nocedal and Wright 2006, "Numerical Optimization", sections 3.1 and 3.5.
Hager and Zhang 2005, "A new conjugate gradient method with guaranteed descent and an efficient line search",
SIAM J. Optim. 16: the approximate Wolfe conditions, which slopes alone decide where f no longer resolves a change.
"""

from __future__ import annotations

import math

import numpy as np

from .objective import Objective
from .point import Point

__all__ = ["Line", "armijo", "strong_wolfe"]


class Line:
    """f along ``point.x + alpha * d``.

    Parameters
    ----------
    objective : Objective
    point : Point
        With its gradient.
    d : ndarray of float64, shape (n,)
    """

    def __init__(self, objective: Objective, point: Point, d: np.ndarray) -> None:
        self.objective, self.point, self.d = objective, point, d
        self.f0, self.slope = point.f, float(np.dot(given_gradient(point), d))
        # Changes of f below this are rounding.
        self.noise = 4 * objective.eps * abs(point.f)
        self.trial = point
        self.calls = 0

    def place(self, alpha: float) -> np.ndarray:
        """The point at alpha, rounded to x's dtype, within the bounds."""
        x = self.point.x + alpha * self.d
        if self.objective.bounds is not None:
            x = self.objective.bounds.clip(x)
        return x if x.dtype == self.point.x.dtype else x.astype(self.point.x.dtype)

    def value(self, alpha: float) -> float:
        """f at alpha; infinity where it is no number."""
        x = self.place(alpha)
        self.calls += 1
        f = self.objective.value(x)
        self.trial = Point(x, f, None, alpha)
        return f if f == f else math.inf

    def derivative(self) -> float:
        """The slope at the last alpha; its gradient becomes part of the trial point."""
        trial = self.trial
        trial.g = self.objective.gradient(trial.x)
        return float(trial.g @ self.d)


def given_gradient(point: Point) -> np.ndarray:
    """The gradient at a point that has one."""
    assert point.g is not None
    return point.g


class Failed(Exception):
    """No acceptable point was found along the line; `best` is the lowest trial, if one was lower than the start."""

    def __init__(self, best: Point | None) -> None:
        super().__init__("line search")
        self.best = best


def armijo(line: Line, alpha: float = 1.0, c1: float = 1e-4, limit: int = 30) -> Point:
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
    for _ in range(limit):
        f = line.value(alpha)
        if np.array_equal(line.trial.x, line.point.x):
            break
        if f <= line.f0 + c1 * alpha * line.slope:
            line.derivative()
            return line.trial
        if f < math.inf:
            # The minimum of the parabola through both values and the slope.
            smaller = -line.slope * alpha * alpha / (2 * (f - line.f0 - line.slope * alpha))
            alpha = min(max(smaller, 0.1 * alpha), 0.5 * alpha)
        else:
            alpha *= 0.1
    raise Failed(None)


def strong_wolfe(
    line: Line, alpha: float = 1.0, c1: float = 1e-4, c2: float = 0.9, longest: float = math.inf, limit: int = 30
) -> Point:
    """A point where f is lower by ``-c1 * alpha * slope`` and the slope's magnitude at most ``c2`` times that at 0.

    Trials first go outwards until two of them bracket such a point, then the bracket shrinks by cubic interpolation.
    Where f no longer resolves a change, the approximate Wolfe conditions accept a point by its slope.

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
    f0, m0 = line.f0, line.slope
    low = (0.0, f0, m0)  # the best end: lowest value, slope towards the other end
    high: tuple[float, float, float] | None = None  # its slope is NaN where the gradient was not asked for
    before = low
    lowest: Point | None = None
    width = math.inf
    alpha = min(alpha, longest)
    while line.calls < limit:
        f = line.value(alpha)
        if alpha == 0 or np.array_equal(line.trial.x, line.point.x):
            break
        enough = f <= f0 + c1 * alpha * m0
        if (enough and f < low[1]) or (f <= f0 + line.noise and abs(alpha * m0) <= 1e4 * line.noise):
            m = line.derivative()
            if m != m or abs(m) == math.inf:  # a gradient that is no number: as a value that is none
                high, m, f = (alpha, math.inf, math.nan), math.nan, math.inf
            elif (enough and (abs(m) <= -c2 * m0 or (alpha >= longest and m < 0))) or c2 * m0 <= m <= (2 * c1 - 1) * m0:
                return line.trial
            else:
                if lowest is None or f < lowest.f:
                    lowest = line.trial
                before = low
                if m >= 0 if high is None else m * (high[0] - alpha) >= 0:
                    high = low
                low = (alpha, f, m)
        else:
            knows = f < math.inf and line.objective.is_pair  # else the parabola will do: a gradient is saved
            high = (alpha, f, line.derivative() if knows else math.nan)
        if high is None:
            alpha = _outwards(before, low, longest)
            if alpha == low[0]:
                break
            continue
        span = abs(high[0] - low[0])
        if span <= 1e-15 * max(abs(low[0]), abs(high[0])):
            break
        alpha = _between(low, high, halve=span > 0.66 * width)
        width = span
    if lowest is not None and lowest.f < f0 and lowest.g is not None:
        return lowest
    raise Failed(lowest)


def _outwards(before: tuple[float, float, float], low: tuple[float, float, float], longest: float) -> float:
    """The next trial where f still falls at the last one: the cubic's minimum, from 1.1 to 4 times as far."""
    length = low[0] - before[0]
    at = _cubic(*before, *low) if low[2] > before[2] else math.nan
    far = low[0] + 4 * length
    return min(max(at, low[0] + 1.1 * length) if low[0] < at < far else far, longest)


def _between(low: tuple[float, float, float], high: tuple[float, float, float], halve: bool) -> float:
    """A trial inside the bracket: the minimum of the cubic or parabola through its ends, or the middle."""
    a, fa, ma = low
    b, fb, mb = high
    span = b - a
    if fb == math.inf or fb != fb:
        return a + 0.1 * span if a == 0 else a + 0.5 * span
    if halve:
        return a + 0.5 * span
    at = _cubic(a, fa, ma, b, fb, mb) if mb == mb else math.nan
    if at != at:
        bottom = 2 * (fb - fa - ma * span)
        at = a - ma * span * span / bottom if bottom > 0 else a + 0.5 * span
    near, far = sorted((a + 0.1 * span, a + 0.9 * span))
    return min(max(at, near), far)


def _cubic(a: float, fa: float, ma: float, b: float, fb: float, mb: float) -> float:
    """Where the cubic with these values and slopes has its minimum; NaN if it has none."""
    d1 = ma + mb - 3 * (fa - fb) / (a - b)
    root = d1 * d1 - ma * mb
    if not root >= 0:
        return math.nan
    d2 = math.copysign(math.sqrt(root), b - a)
    bottom = mb - ma + 2 * d2
    return b - (b - a) * (mb + d2 - d1) / bottom if bottom else math.nan
