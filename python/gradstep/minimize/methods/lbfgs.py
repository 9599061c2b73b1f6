"""L-BFGS: BFGS from the last m steps alone."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ... import _core
from ...checks import check_int
from ..objectives.objective import Objective
from ..point import Point
from .base import Method
from .bfgs import checked_wolfe
from .inverse_hessian import InverseHessian
from .linesearch import LIMIT

__all__ = ["LBFGS"]


def pairs_of(n: int) -> int:
    """Pairs that are kept by default. More of them help with bad scaling, but few beyond the number of variables."""
    return 16 if n <= 16 else 20 if n <= 1000 else 10


class LBFGS(Method):
    """Limited-memory BFGS with a strong Wolfe line search.

    Parameters
    ----------
    m : int, optional
        Pairs of steps and gradient changes that are kept, at least 1; by default 10; 20 of up to 1,000 variables,
        where more of them help with bad scaling and cost little; 16 of up to 16. Memory is 2 m n doubles.
    c1, c2 : float
        Constants of the strong Wolfe conditions, 0 < c1 < c2 < 1.
    maxls : int
        Calls of the function that a line search may take, at least 1.

    References
    ----------
    Liu and Nocedal 1989, "On the limited memory BFGS method for large scale optimization", Math. Programming 45.

    Examples
    --------
    >>> import gradstep as gs
    >>> p = gs.problems.rosenbrock
    >>> res = gs.minimize(p.value, p.start, jac=p.gradient, method=gs.minimizers.LBFGS(m=5))
    >>> res.success, res.x.round(4)
    (True, array([1., 1.]))
    """

    name = "l-bfgs"
    trains_models = True
    _learns: ClassVar[dict[str, str]] = {"s": "kn", "y": "kn"}
    scipy_names: ClassVar[dict[str, str]] = {"maxcor": "m"}

    def __init__(self, m: int | None = None, c1: float = 1e-4, c2: float = 0.9, maxls: int = LIMIT) -> None:
        self.m = None if m is None else check_int("m", m, 1)
        self.c1, self.c2 = checked_wolfe(c1, c2)
        self.maxls = check_int("maxls", maxls, 1)

    def _start(self, objective: Objective, point: Point, seed: int | None) -> None:
        super()._start(objective, point, seed)
        self._remember(len(point.x))

    def _remember(self, n: int) -> None:
        """Begin with no pairs."""
        self.memory = _core.Memory(n, self.m or pairs_of(n))
        self._native = self._made()

    def _made(self) -> Any:
        """The method in the core; None where its steps are written here."""
        return _core.LBFGS(self.memory, self.c1, self.c2, self.maxls)

    def _learned(self) -> dict[str, np.ndarray]:
        n = len(self._gradient) if self._gradient is not None else 0
        pairs = {"s": self.memory.s, "y": self.memory.y}
        return {name: np.reshape(arrays, (len(arrays), n)) for name, arrays in pairs.items()}

    def _relearn(self, learned: dict[str, np.ndarray]) -> None:
        for s, y in zip(learned["s"], learned["y"], strict=True):
            self.memory.add(s, y)

    def _extras(self, point: Point) -> dict[str, Any]:
        return {"hess_inv": InverseHessian(self.memory, len(point.x))}

    def _step(self, point: Point) -> Point:
        new: Point = self._native.step(self.objective, point)
        return new
