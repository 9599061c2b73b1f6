"""BFGS: the inverse Hessian, learned from the gradients along the path."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ... import _core
from ...checks import check_float
from ..objectives.objective import Objective
from ..point import Point
from .base import Method

__all__ = ["BFGS", "checked_wolfe"]


def checked_wolfe(c1: Any, c2: Any) -> tuple[float, float]:
    """The constants of the Wolfe conditions, 0 < c1 < c2 < 1."""
    c1, c2 = check_float("c1", c1), check_float("c2", c2)
    if not 0 < c1 < c2 < 1:
        raise ValueError(f"c1 and c2 must have 0 < c1 < c2 < 1; got {c1:g} and {c2:g}.")
    return c1, c2


class BFGS(Method):
    """Quasi-Newton method of Broyden, Fletcher, Goldfarb and Shanno, with a dense inverse Hessian.

    Parameters
    ----------
    c1, c2 : float
        Constants of the strong Wolfe conditions, 0 < c1 < c2 < 1.

    Notes
    -----
    With s = x' - x, y = g' - g and rho = 1 / y's, H' = (I - rho s y') H (I - rho y s') + rho s s', written as an update
    of rank 2 in O(n^2), in one sweep over H an iteration. After the first step H is (y's / y'y)^0.75 times the
    identity, at least 1e-3 of it. Pairs with no measurable curvature are left out. Memory is n^2 doubles: beyond some
    thousand variables take ``"l-bfgs"``.

    References
    ----------
    Nocedal and Wright 2006, "Numerical Optimization", chapter 6.

    Examples
    --------
    >>> import gradstep as gs
    >>> p = gs.problems.rosenbrock
    >>> res = gs.minimize(p.value, p.start, jac=p.gradient, method=gs.minimizers.BFGS(c2=0.5))
    >>> res.success, res.x.round(4)
    (True, array([1., 1.]))
    """

    name = "bfgs"
    trains_models = True
    _learns: ClassVar[dict[str, str]] = {"H": "nn", "fresh": "", "direction": "kn"}

    def __init__(self, c1: float = 1e-4, c2: float = 0.9) -> None:
        self.c1, self.c2 = checked_wolfe(c1, c2)

    def _start(self, objective: Objective, point: Point, seed: int | None) -> None:
        super()._start(objective, point, seed)
        self._native = _core.BFGS(len(point.x), self.c1, self.c2)

    def _step(self, point: Point) -> Point:
        new: Point = self._native.step(self.objective, point)
        return new

    @property
    def H(self) -> np.ndarray:
        """The inverse Hessian, shape (n, n), of a run that has begun."""
        matrix: np.ndarray = self._native.H
        return matrix

    def _learned(self) -> dict[str, np.ndarray]:
        return {"H": self.H, "fresh": np.array(self._native.is_fresh), "direction": self._native.direction}

    def _relearn(self, learned: dict[str, np.ndarray]) -> None:
        self._native.H, self._native.is_fresh = learned["H"], bool(learned["fresh"])
        self._native.direction = learned["direction"]

    def _left(self, point: Point) -> float | None:
        return float(self._native.left(self.objective, point))

    def _extras(self, point: Point) -> dict[str, Any]:
        return {"hess_inv": self.H}
