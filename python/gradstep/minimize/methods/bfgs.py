"""BFGS: the inverse Hessian, learned from the gradients along the path."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ...checks import check_float
from ..linesearch import Failed, Line, given_gradient, strong_wolfe
from ..objective import Objective
from ..point import Point
from ..stop import Stop
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
    of rank 2 in O(n^2). After the first step H is (y's / y'y)^0.75 times the identity, at least 1e-3 of it. Pairs with
    no measurable curvature are left out. Memory is n^2 doubles: beyond some thousand variables take ``"l-bfgs"``.

    References
    ----------
    Nocedal and Wright 2006, "Numerical Optimization", chapter 6.
    """

    name = "bfgs"
    trains_models = True
    _learns: ClassVar[dict[str, str]] = {"H": "nn", "fresh": ""}

    def __init__(self, c1: float = 1e-4, c2: float = 0.9) -> None:
        self.c1, self.c2 = checked_wolfe(c1, c2)

    def _start(self, objective: Objective, point: Point, seed: int | None) -> None:
        super()._start(objective, point, seed)
        self.H = np.eye(len(point.x))
        self._fresh = True

    def _step(self, point: Point) -> Point:
        g = point.g
        assert g is not None
        d = -(self.H @ g)
        line = Line(self.objective, point, d)
        if not line.slope < 0:
            self._reset()
            line = Line(self.objective, point, -g)
        decrease = -line.slope / 2
        alpha = min(1.0, 1.0 / float(np.sqrt(g @ g))) if self._fresh else 1.0
        try:
            new = strong_wolfe(line, alpha, self.c1, self.c2)
        except Failed:
            if self._fresh:
                raise Stop("line_search", f"slope {line.slope:.2g}", decrease) from None
            new = self._again(point, decrease)
        self._update(point, new)
        return new

    def _reset(self) -> None:
        self.H = np.eye(len(self.H))
        self._fresh = True

    def _again(self, point: Point, decrease: float) -> Point:
        """A step along the negative gradient, with the matrix forgotten."""
        kept, g = self.H, point.g
        assert g is not None
        self._reset()
        line = Line(self.objective, point, -g)
        try:
            return strong_wolfe(line, min(1.0, 1.0 / float(np.sqrt(g @ g))), self.c1, self.c2)
        except Failed:
            self.H = kept
            raise Stop("line_search", f"slope {-2 * decrease:.2g}", decrease) from None

    def _update(self, point: Point, new: Point) -> None:
        assert point.g is not None
        assert new.g is not None
        s = new.x.astype(np.float64) - point.x
        y = new.g - point.g
        ys, yy = float(y @ s), float(y @ y)
        if not ys > 1e-10 * float(np.sqrt(yy * (s @ s))):
            return
        if self._fresh:
            # Short of the full scaling, after which directions softer than the first are learned slowly.
            self.H *= max((ys / yy) ** 0.75, 1e-3)
            self._fresh = False
        Hy = self.H @ y
        u = (0.5 * (1 + float(y @ Hy) / ys) / ys) * s - Hy / ys
        # One product of rank 2: s u' + u s'.
        self.H += np.stack([s, u], axis=1) @ np.stack([u, s])

    def _learned(self) -> dict[str, np.ndarray]:
        return {"H": np.array(self.H), "fresh": np.array(self._fresh)}

    def _relearn(self, learned: dict[str, np.ndarray]) -> None:
        self.H, self._fresh = learned["H"], bool(learned["fresh"])

    def _left(self, point: Point) -> float | None:
        g = given_gradient(point)
        return 0.5 * float(g @ self.H @ g)

    def _extras(self, point: Point) -> dict[str, Any]:
        return {"hess_inv": self.H}
