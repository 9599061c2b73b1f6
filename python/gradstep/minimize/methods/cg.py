"""Nonlinear conjugate gradients: n numbers of memory, and directions that do not undo each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from ...checks import check_choice
from ..linesearch import Failed, Line, strong_wolfe
from ..objective import Objective
from ..point import Point
from ..stop import Stop
from .base import Method
from .bfgs import checked_wolfe

__all__ = ["ConjugateGradient"]


def _polak_ribiere(g: np.ndarray, old: np.ndarray, pg: np.ndarray, pold: np.ndarray, d: np.ndarray) -> float:
    return max(0.0, float(pg @ (g - old)) / float(pold @ old))


def _fletcher_reeves(g: np.ndarray, old: np.ndarray, pg: np.ndarray, pold: np.ndarray, d: np.ndarray) -> float:
    return float(pg @ g) / float(pold @ old)


def _hager_zhang(g: np.ndarray, old: np.ndarray, pg: np.ndarray, pold: np.ndarray, d: np.ndarray) -> float:
    y, py = g - old, pg - pold
    dy = float(d @ y)
    if dy == 0:
        return 0.0
    beta = (float(y @ pg) - 2 * float(y @ py) * float(d @ g) / dy) / dy
    size = float(np.sqrt(d @ d))
    return max(beta, -1 / (size * min(0.01, float(np.sqrt(old @ old)))) if size else 0.0)


BETAS = {"pr+": _polak_ribiere, "fr": _fletcher_reeves, "hz": _hager_zhang}


class ConjugateGradient(Method):
    """Nonlinear conjugate gradients with a strong Wolfe line search.

    Parameters
    ----------
    beta : {"hz", "pr+", "fr"}
        Hager and Zhang's, Polak and Ribière's (at least 0), or Fletcher and Reeves's factor of the last direction.
    preconditioner : callable, optional
        ``preconditioner(v)``, shape (n,) -> (n,): an approximation of the inverse Hessian times v, symmetric and
        positive definite.
    c1, c2 : float
        Constants of the strong Wolfe conditions, 0 < c1 < c2 < 1.

    Notes
    -----
    d' = -P g' + beta d. The direction is forgotten after n steps of loss of conjugacy, ``|g' . P g| > 0.2 g' . P g'``
    (Powell 1977), and where it does not go downhill.

    References
    ----------
    Hager and Zhang 2006, "A survey of nonlinear conjugate gradient methods", Pacific J. Optim. 2.
    """

    name = "cg"
    trains_models = True
    _learns: ClassVar[dict[str, str]] = {"d": "m", "change": ""}

    def __init__(
        self,
        beta: str = "hz",
        preconditioner: Callable[[np.ndarray], Any] | None = None,
        c1: float = 1e-4,
        c2: float = 0.4,
    ) -> None:
        self.beta, self._factor = beta, check_choice("beta", beta, BETAS)
        if preconditioner is not None and not callable(preconditioner):
            raise TypeError(f"preconditioner must be callable; got {preconditioner!r}.")
        self.preconditioner = preconditioner
        self.c1, self.c2 = checked_wolfe(c1, c2)

    def _start(self, objective: Objective, point: Point, seed: int | None) -> None:
        super()._start(objective, point, seed)
        self._d: np.ndarray | None = None
        self._change = float("nan")  # twice the change of f in the last step

    def _learned(self) -> dict[str, np.ndarray]:
        d = np.empty(0) if self._d is None else self._d.copy()
        return {"d": d, "change": np.array(self._change)}

    def _relearn(self, learned: dict[str, np.ndarray]) -> None:
        self._d = learned["d"] if len(learned["d"]) else None
        self._change = float(learned["change"])

    def _conditioned(self, g: np.ndarray) -> np.ndarray:
        if self.preconditioner is None:
            return g
        found = np.asarray(self.preconditioner(g.copy()), np.float64)
        if found.shape != g.shape:
            raise ValueError(f"preconditioner(v) must have shape {g.shape}, as v; got {found.shape}.")
        return found

    def _step(self, point: Point) -> Point:
        g = point.g
        assert g is not None
        pg = self._conditioned(g)
        d = -pg if self._d is None else self._d
        line = Line(self.objective, point, d)
        if not line.slope < 0:
            line, self._change = Line(self.objective, point, -pg), float("nan")
        if not line.slope < 0:
            raise Stop("line_search", f"slope {line.slope:.2g}", 0.0)
        decrease = -line.slope / 2
        while True:
            # The first trial is the minimum of a parabola that falls as much as f did in the last step.
            alpha = self._change / line.slope if self._change < 0 else 1 / float(np.sqrt(line.d @ line.d))
            try:
                new = strong_wolfe(line, alpha, self.c1, self.c2)
                break
            except Failed:
                if self._d is None or line.d is not self._d:
                    raise Stop("line_search", f"slope {line.slope:.2g}", decrease) from None
                line, self._d, self._change = Line(self.objective, point, -pg), None, float("nan")
        self._change = 2.02 * (new.f - point.f)
        h = new.g
        assert h is not None
        ph = self._conditioned(h)
        if abs(float(h @ pg)) > 0.2 * float(h @ ph) and self.beta != "hz":
            self._d = -ph
        else:
            self._d = self._factor(h, g, ph, pg, line.d) * line.d - ph
        return new
