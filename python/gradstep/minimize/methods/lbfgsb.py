"""L-BFGS-B: L-BFGS within bounds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..objectives.bounds import Bounds
from ..point import Point
from ..stop import Stop
from .lbfgs import LBFGS
from .linesearch import Failed, Line, strong_wolfe

__all__ = ["LBFGSB"]


class LBFGSB(LBFGS):
    """Limited-memory BFGS within bounds; no call of the function is outside them.

    Parameters
    ----------
    m : int, optional
        Pairs of steps and gradient changes that are kept, at least 1; by default 10; 20 of up to 1,000 variables, 16
        of up to 16.
    c1, c2 : float
        Constants of the strong Wolfe conditions, 0 < c1 < c2 < 1.
    maxls : int
        Calls of the function that a line search may take, at least 1.

    Notes
    -----
    The quadratic model B = theta I - W M W' is followed along the projected gradient to its first minimum, the Cauchy
    point, which says which variables are at their bounds; the model is then minimized over the others, and the line
    search goes towards that point. Without bounds it is ``"l-bfgs"``.

    References
    ----------
    Byrd, Lu, Nocedal and Zhu 1995, "A limited memory algorithm for bound constrained optimization", SIAM J. Sci.
    Comput. 16. The projection of the subspace step is Morales and Nocedal's of 2011, ACM TOMS 38.

    Examples
    --------
    >>> import gradstep as gs
    >>> p = gs.problems.rosenbrock
    >>> res = gs.minimize(p.value, [-1.0, 0.5], jac=p.gradient, bounds=[(-2, 0.8)] * 2, method=gs.minimizers.LBFGSB())
    >>> res.x.round(4)
    array([0.8 , 0.64])
    """

    name = "l-bfgs-b"
    takes_bounds = True
    trains_models = False

    def _made(self) -> Any:
        return super()._made() if self.objective.bounds is None else None

    def _step(self, point: Point) -> Point:
        bounds = self.objective.bounds
        if bounds is None:
            return super()._step(point)
        g = point.g
        assert g is not None
        decrease = None
        while True:
            fresh = not len(self.memory)
            d = _Model(self.memory, len(g)).minimum(point.x.astype(np.float64), g, bounds) - point.x
            line = Line(self.objective, point, d)
            if decrease is None:
                decrease = -line.slope / 2
            alpha = min(1.0, 1.0 / float(np.sqrt(d @ d))) if fresh and d.any() else 1.0
            try:
                if not line.slope < 0:
                    raise Failed(None)
                longest = max(1.0, _room(point.x, d, bounds))
                new = strong_wolfe(line, alpha, self.c1, self.c2, longest, self.maxls)
                break
            except Failed:
                if fresh:
                    raise Stop("line_search", f"slope {-2 * decrease:.2g}", decrease) from None
                self.memory.clear()
        assert new.g is not None
        self.memory.add(new.x.astype(np.float64) - point.x, new.g - g)
        return new


def _room(x: np.ndarray, d: np.ndarray, bounds: Bounds) -> float:
    """The largest alpha for which x + alpha d is within the bounds."""
    with np.errstate(all="ignore"):
        to = np.where(d > 0, (bounds.upper - x) / d, np.where(d < 0, (bounds.lower - x) / d, math.inf))
    return float(np.nanmin(to))


class _Model:
    """The compact form of the matrix: B = theta I - W M W', W (n, 2k)."""

    def __init__(self, memory: Any, n: int) -> None:
        k = len(memory)
        self.theta = 1 / memory.gamma
        if not k:
            self.W, self.M = np.zeros((n, 0)), np.zeros((0, 0))
            return
        S, Y = np.stack(memory.s, axis=1), np.stack(memory.y, axis=1)
        SY = S.T @ Y
        lower = np.tril(SY, -1)
        self.W = np.concatenate([Y, self.theta * S], axis=1)
        middle = np.block([[-np.diag(np.diag(SY)), lower.T], [lower, self.theta * (S.T @ S)]])
        self.M = np.linalg.pinv(middle) if not np.isfinite(np.linalg.cond(middle)) else np.linalg.inv(middle)

    def minimum(self, x: np.ndarray, g: np.ndarray, bounds: Bounds) -> np.ndarray:
        """Where the model is lowest within the bounds, over the variables that the Cauchy point leaves free."""
        at, c = self._cauchy(x, g, bounds)
        loose = (at > bounds.lower) & (at < bounds.upper)
        if not loose.any() or not len(self.M):
            return at
        W = self.W[loose]
        r = g[loose] + self.theta * (at - x)[loose] - W @ (self.M @ c)
        inner = np.eye(len(self.M)) - self.M @ (W.T @ W) / self.theta
        try:
            v = np.linalg.solve(inner, self.M @ (W.T @ r))
        except np.linalg.LinAlgError:
            return at
        step = -(r / self.theta) - (W @ v) / self.theta**2
        moved = at.copy()
        moved[loose] += step
        projected = bounds.clip(moved)
        if not float((projected - x) @ g) < 0:  # towards it f rises: only as far as the first bound
            direction = moved - at
            projected = bounds.clip(at + min(1.0, _room(at, direction, bounds)) * direction)
        return projected

    def _cauchy(self, x: np.ndarray, g: np.ndarray, bounds: Bounds) -> tuple[np.ndarray, np.ndarray]:
        """The first minimum of the model along the projected gradient, and W'(that - x)."""
        with np.errstate(all="ignore"):
            ends = np.where(g < 0, (x - bounds.upper) / g, np.where(g > 0, (x - bounds.lower) / g, math.inf))
        d = np.where(ends > 0, -g, 0.0)
        at, W, M, theta = x.copy(), self.W, self.M, self.theta
        p, c = W.T @ d, np.zeros(W.shape[1])
        slope = -float(d @ d)
        curve = -theta * slope - float(p @ M @ p)
        t = 0.0
        for i in np.argsort(ends, kind="stable").tolist():
            end = float(ends[i])
            if end <= 0:
                continue
            best = -slope / curve if curve > 0 else math.inf
            length = end - t
            if best < length or end == math.inf:
                break
            at[i] = bounds.upper[i] if g[i] < 0 else bounds.lower[i]
            z, w, gi = float(at[i] - x[i]), W[i], float(g[i])
            c += length * p
            slope += length * curve + gi * gi + theta * gi * z - gi * float(w @ M @ c)
            curve -= theta * gi * gi + 2 * gi * float(w @ M @ p) + gi * gi * float(w @ M @ w)
            p += gi * w
            d[i] = 0.0
            t = end
        best = max(0.0, -slope / curve) if curve > 0 else 0.0
        if best > 0 and d.any():
            at = bounds.clip(at + np.where(d != 0, (t + best) * d, 0.0))
            c += best * p
        return at, c
