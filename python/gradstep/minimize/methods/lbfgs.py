"""L-BFGS: BFGS from the last m steps alone."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ...checks import check_int
from ..linesearch import Failed, Line, strong_wolfe
from ..objective import Objective
from ..point import Point
from ..stop import Stop
from .base import Method
from .bfgs import checked_wolfe

__all__ = ["LBFGS", "Memory"]


class Memory:
    """The last m pairs of a step s and the change y of the gradient along it, and products with their matrix H.

    Parameters
    ----------
    m : int
        Pairs that are kept.
    """

    def __init__(self, m: int) -> None:
        self.m = m
        self.s: list[np.ndarray] = []
        self.y: list[np.ndarray] = []
        self.rho: list[float] = []
        self.gamma = 1.0

    def __len__(self) -> int:
        return len(self.s)

    def pairs(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """The steps and the changes, oldest first."""
        return self.s, self.y

    def clear(self) -> None:
        """Forget all pairs."""
        self.s, self.y, self.rho, self.gamma = [], [], [], 1.0

    def add(self, s: np.ndarray, y: np.ndarray) -> bool:
        """Keep a pair, unless there is no measurable curvature in it."""
        ys, yy = float(y @ s), float(y @ y)
        if not ys > 1e-10 * float(np.sqrt(yy * (s @ s))):
            return False
        self.s.append(s)
        self.y.append(y)
        self.rho.append(1 / ys)
        self.gamma = ys / yy
        if len(self.s) > self.m:
            del self.s[0], self.y[0], self.rho[0]
        return True

    def product(self, g: np.ndarray) -> np.ndarray:
        """H g, by the two loops over the pairs: 4 m n multiplications."""
        q: np.ndarray = g.copy()
        weights = []
        for s, y, rho in zip(reversed(self.s), reversed(self.y), reversed(self.rho), strict=True):
            a = rho * float(s @ q)
            weights.append(a)
            q -= a * y
        q *= self.gamma
        for s, y, rho, a in zip(self.s, self.y, self.rho, reversed(weights), strict=True):
            q += (a - rho * float(y @ q)) * s
        return q


class LBFGS(Method):
    """Limited-memory BFGS with a strong Wolfe line search.

    Parameters
    ----------
    m : int
        Pairs of steps and gradient changes that are kept, at least 1. Memory is 2 m n doubles.
    c1, c2 : float
        Constants of the strong Wolfe conditions, 0 < c1 < c2 < 1.

    References
    ----------
    Liu and Nocedal 1989, "On the limited memory BFGS method for large scale optimization", Math. Programming 45.
    """

    name = "l-bfgs"
    trains_models = True
    _learns: ClassVar[dict[str, str]] = {"s": "kn", "y": "kn"}
    scipy_names: ClassVar[dict[str, str]] = {"maxcor": "m"}

    def __init__(self, m: int = 10, c1: float = 1e-4, c2: float = 0.9) -> None:
        self.m = check_int("m", m, 1)
        self.c1, self.c2 = checked_wolfe(c1, c2)

    def _start(self, objective: Objective, point: Point, seed: int | None) -> None:
        super()._start(objective, point, seed)
        self.memory = Memory(self.m)

    def _learned(self) -> dict[str, np.ndarray]:
        s, y = self.memory.pairs()
        n = len(self._gradient) if self._gradient is not None else 0
        return {name: np.reshape(pairs, (len(pairs), n)) for name, pairs in (("s", s), ("y", y))}

    def _relearn(self, learned: dict[str, np.ndarray]) -> None:
        for s, y in zip(learned["s"], learned["y"], strict=True):
            self.memory.add(s.copy(), y.copy())

    def _step(self, point: Point) -> Point:
        g = point.g
        assert g is not None
        decrease = None
        while True:
            fresh = not self.memory
            d = -(g if fresh else self.memory.product(g))
            line = Line(self.objective, point, d)
            if decrease is None:
                decrease = -line.slope / 2
            try:
                if not line.slope < 0:
                    raise Failed(None)
                new = strong_wolfe(line, min(1.0, 1.0 / float(np.sqrt(g @ g))) if fresh else 1.0, self.c1, self.c2)
                break
            except Failed:
                if fresh:
                    raise Stop("line_search", f"slope {-2 * decrease:.2g}", decrease) from None
                self.memory.clear()
        assert new.g is not None
        self.memory.add(new.x.astype(np.float64) - point.x, new.g - g)
        return new
