"""OWL-QN: L-BFGS for a smooth function plus a multiple of the sum of |x|, with exact zeros."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...checks import check_float
from ..objectives.objective import Objective
from ..point import Point
from ..stop import Stop
from .base import largest
from .lbfgs import LBFGS
from .linesearch import given_gradient

__all__ = ["OWLQN"]


class OWLQN(LBFGS):
    """Orthant-wise limited-memory quasi-Newton method: minimizes ``fun(x) + l1 * sum(|x|)``.

    Parameters
    ----------
    l1 : float
        Weight of the sum of magnitudes, at least 0.
    m : int
        Pairs of steps and gradient changes that are kept, at least 1.

    Notes
    -----
    In ``model.compile``, penalties ``regularizers.L1`` of the layers are part of the sum of magnitudes, each with its
    weight; the name ``"owlqn"`` stands for them alone, ``l1=0``.

    ``res.fun`` is the whole sum, and ``res.jac`` the gradient of `fun` alone. Within an orthant the sum is smooth: each
    step stays in one, and components that would cross to the other side become exactly 0.

    References
    ----------
    Andrew and Gao 2007, "Scalable training of L1-regularized log-linear models", ICML.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> target = np.array([3.0, 0.2])
    >>> fun = lambda x: ((x - target) @ (x - target) / 2, x - target)
    >>> res = gs.minimize(fun, [1.0, 1.0], jac=True, method=gs.minimizers.OWLQN(l1=1))
    >>> res.x
    array([2., 0.])
    """

    name = "owl-qn"

    def __init__(self, l1: float = 1.0, m: int = 10) -> None:
        super().__init__(m)
        self.l1 = check_float("l1", l1)
        if not 0 <= self.l1 < float("inf"):
            raise ValueError(f"l1 must be at least 0 and finite; got {self.l1:g}.")

    def _prepare(self, objective: Objective) -> None:
        self.objective = objective
        objective.add_l1(self.l1)

    def _made(self) -> Any:
        return None

    def _optimality(self, point: Point) -> float:
        return largest(self._pseudo(point.x, given_gradient(point)))

    def _pseudo(self, x: np.ndarray, g: np.ndarray) -> np.ndarray:
        """The gradient of the whole sum; where x is 0, the smaller of its one-sided ones, or 0 between them."""
        l1 = self.objective.l1
        at_zero = np.where(g + l1 < 0, g + l1, np.where(g - l1 > 0, g - l1, 0.0))
        return np.where(x == 0, at_zero, g + l1 * np.sign(x))

    def _step(self, point: Point) -> Point:
        g = given_gradient(point)
        pg = self._pseudo(point.x, g)
        while True:
            fresh = not len(self.memory)
            d = -(pg if fresh else self.memory.product(pg))
            d[d * pg >= 0] = 0.0
            new = self._within(point, pg, d, min(1.0, 1.0 / float(np.sqrt(pg @ pg))) if fresh else 1.0)
            if new is not None:
                break
            if fresh:
                raise Stop("line_search", f"slope {float(pg @ d):.2g}", -float(pg @ d) / 2)
            self.memory.clear()
        new.g = self.objective.gradient(new.x)
        self.memory.add(new.x.astype(np.float64) - point.x, new.g - g)
        return new

    def _within(self, point: Point, pg: np.ndarray, d: np.ndarray, alpha: float) -> Point | None:
        """A lower point along d in the orthant of x; None if none was found."""
        orthant = np.where(point.x == 0, -np.sign(pg), np.sign(point.x))
        for _ in range(40):
            x = point.x + alpha * d
            x = np.where(x * orthant < 0, 0.0, x).astype(point.x.dtype)
            if np.array_equal(x, point.x):
                return None
            f = self.objective.value(x)
            if f <= point.f + 1e-4 * float(pg @ (x.astype(np.float64) - point.x)):
                return Point(x, f, None, alpha)
            alpha *= 0.5 if f < float("inf") else 0.1
        return None
