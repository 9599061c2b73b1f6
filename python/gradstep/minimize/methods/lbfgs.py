"""L-BFGS: BFGS from the last m steps alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ... import _core
from ...checks import check_int
from ..objective import Objective
from ..point import Point
from .base import Method
from .bfgs import checked_wolfe

__all__ = ["LBFGS"]


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
    scipy_names: ClassVar[dict[str, str]] = {"maxcor": "m"}

    def __init__(self, m: int = 10, c1: float = 1e-4, c2: float = 0.9) -> None:
        self.m = check_int("m", m, 1)
        self.c1, self.c2 = checked_wolfe(c1, c2)

    def _start(self, objective: Objective, point: Point, seed: int | None) -> None:
        super()._start(objective, point, seed)
        self.memory = _core.Memory(len(point.x), self.m)
        self._native = self._made(objective, point)

    def _made(self, objective: Objective, point: Point) -> Any:
        """The method in the core; None where its steps are written here."""
        return _core.LBFGS(objective, point.x, self.memory, self.c1, self.c2)

    def _step(self, point: Point) -> Point:
        new: Point = self._native.step(point)
        return new

    def state_dict(self) -> dict[str, Any]:
        """The state of a run that has begun: the steps s and changes of the gradient y, shapes (k, n), oldest first."""
        shape = (len(self.memory), -1)
        return {"s": np.reshape(self.memory.s, shape), "y": np.reshape(self.memory.y, shape)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that `state_dict` gave, after `_start` at the point where the run was."""
        self.memory.clear()
        for s, y in zip(state["s"], state["y"], strict=True):
            self.memory.add(s, y)
