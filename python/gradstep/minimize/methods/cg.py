"""Nonlinear conjugate gradients: n numbers of memory, and directions that do not undo each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...checks import check_choice, shown
from ..objectives.objective import Objective
from ..point import Point
from ..stop import Stop
from .base import Method
from .bfgs import checked_wolfe
from .linesearch import Failed, Line, strong_wolfe

__all__ = ["ConjugateGradient"]


@dataclass
class Turn:
    """What the next direction is made of.

    Attributes
    ----------
    g, old : ndarray
        The new gradient and the one before.
    pg, pold : ndarray
        Both, preconditioned.
    d : ndarray
        The last direction.
    alpha : float
        How far it was followed.
    """

    g: np.ndarray
    old: np.ndarray
    pg: np.ndarray
    pold: np.ndarray
    d: np.ndarray
    alpha: float


def _shanno(t: Turn) -> np.ndarray | None:
    """The direction of BFGS that knows P, scaled, and the last step alone."""
    y, py = t.g - t.old, t.pg - t.pold
    dy, ypy = float(t.d @ y), float(y @ py)
    if not (dy > 0 and ypy > 0):
        return None
    theta, share = t.alpha * dy / ypy, float(t.d @ t.g) / dy
    along = theta * float(y @ t.pg) / dy - 2 * t.alpha * share
    d: np.ndarray = along * t.d - theta * t.pg + theta * share * py
    return d


def _polak_ribiere(t: Turn) -> np.ndarray | None:
    return _restarted(t, max(0.0, float(t.pg @ (t.g - t.old)) / float(t.pold @ t.old)))


def _fletcher_reeves(t: Turn) -> np.ndarray | None:
    return _restarted(t, float(t.pg @ t.g) / float(t.pold @ t.old))


def _restarted(t: Turn, beta: float) -> np.ndarray | None:
    """Powell's restart: nothing of the last direction is kept where gradients are far from conjugate."""
    return None if abs(float(t.g @ t.pold)) > 0.2 * float(t.g @ t.pg) else beta * t.d - t.pg


def _hager_zhang(t: Turn) -> np.ndarray | None:
    y, py = t.g - t.old, t.pg - t.pold
    dy, size = float(t.d @ y), float(np.sqrt(t.d @ t.d))
    if dy == 0 or size == 0:
        return None
    beta = (float(y @ t.pg) - 2 * float(y @ py) * float(t.d @ t.g) / dy) / dy
    d: np.ndarray = max(beta, -1 / (size * min(0.01, float(np.sqrt(t.old @ t.old))))) * t.d - t.pg
    return d


DIRECTIONS: dict[str, Callable[[Turn], np.ndarray | None]] = {
    "shanno": _shanno,
    "hz": _hager_zhang,
    "pr+": _polak_ribiere,
    "fr": _fletcher_reeves,
}


class ConjugateGradient(Method):
    """Nonlinear conjugate gradients with a strong Wolfe line search.

    Parameters
    ----------
    beta : {"shanno", "hz", "pr+", "fr"}
        How the last direction counts: Shanno's, or the factors of Hager and Zhang, of Polak and Ribière (at least 0),
        or of Fletcher and Reeves.
    preconditioner : callable, optional
        ``preconditioner(v)``, shape (n,) -> (n,): an approximation of the inverse Hessian times v, symmetric and
        positive definite.
    c1, c2 : float
        Constants of the strong Wolfe conditions, 0 < c1 < c2 < 1. c2 is 0.9 for ``"shanno"`` and 0.1 for the others,
        which need longer searches.

    Notes
    -----
    With the factors, ``d' = -P g' + beta d``. ``"shanno"`` is the step of BFGS from ``theta P``, theta = s'y / y'Py,
    and the last step s = alpha d alone: ``d' = -theta P g' + (theta y'Pg' / s'y - 2 s'g' / s'y) s + theta (s'g' / s'y)
    P y``; where searches are exact it points as the others do, and its natural length is 1, so that most searches end
    at the first call. ``"pr+"`` and ``"fr"`` forget the direction where ``|g . P g'| > 0.2 g' . P g'`` (Powell 1977),
    all of them where it does not go downhill.

    References
    ----------
    Shanno 1978, "Conjugate gradient methods with inexact searches", Mathematics of Operations Research 3.
    Hager and Zhang 2006, "A survey of nonlinear conjugate gradient methods", Pacific J. Optim. 2.

    Examples
    --------
    >>> import gradstep as gs
    >>> p = gs.problems.rosenbrock
    >>> res = gs.minimize(p.value, p.start, jac=p.gradient, method=gs.minimizers.ConjugateGradient())
    >>> res.success, res.x.round(4)
    (True, array([1., 1.]))
    """

    name = "cg"
    trains_models = True
    _learns: ClassVar[dict[str, str]] = {"d": "m", "change": ""}

    def __init__(
        self,
        beta: str = "shanno",
        preconditioner: Callable[[np.ndarray], Any] | None = None,
        c1: float = 1e-4,
        c2: float | None = None,
    ) -> None:
        check_choice("beta", beta, DIRECTIONS)
        if preconditioner is not None and not callable(preconditioner):
            raise TypeError(f"preconditioner must be callable; got {shown(preconditioner)}.")
        self.beta, self.preconditioner = beta, preconditioner
        self.c1, self.c2 = checked_wolfe(c1, c2 if c2 is not None else 0.9 if beta == "shanno" else 0.1)

    def _start(self, objective: Objective, point: Point, seed: int | None) -> None:
        super()._start(objective, point, seed)
        self._direction = DIRECTIONS[self.beta]
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

    def _first(self, line: Line) -> float:
        """The first trial: 1 where the direction has a length, else the minimum of a parabola that falls as f did."""
        if self.beta == "shanno" and line.d is self._d:
            return 1.0
        return self._change / line.slope if self._change < 0 else 1 / float(np.sqrt(line.d @ line.d))

    def _step(self, point: Point) -> Point:
        g = point.g
        assert g is not None
        pg = self._conditioned(g)
        line = Line(self.objective, point, -pg if self._d is None else self._d)
        if not line.slope < 0:
            line, self._change = Line(self.objective, point, -pg), float("nan")
        if not line.slope < 0:
            raise Stop("line_search", f"slope {line.slope:.2g}", 0.0)
        decrease = -line.slope / 2
        while True:
            try:
                new = strong_wolfe(line, self._first(line), self.c1, self.c2)
                break
            except Failed:
                if self._d is None or line.d is not self._d:
                    raise Stop("line_search", f"slope {line.slope:.2g}", decrease) from None
                line, self._d, self._change = Line(self.objective, point, -pg), None, float("nan")
        self._change = 2.02 * (new.f - point.f)
        h = new.g
        assert h is not None
        self._d = self._direction(Turn(h, g, self._conditioned(h), pg, line.d, new.alpha))
        return new
