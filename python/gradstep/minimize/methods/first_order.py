"""Every optimizer of the package as a method: it steps an array against the gradient of the whole function."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ... import _core
from ...checks import check_choice, describe
from ...optimizers import Optimizer, deserialize, serialize
from ...optimizers.base.without_state import without_state
from ..objectives.objective import Objective
from ..point import Point
from ..stop import Stop
from .base import Method
from .linesearch import Failed, Line, armijo, strong_wolfe

__all__ = ["SEARCHES", "FirstOrder"]

SEARCHES = {name: name for name in ("armijo", "strong-wolfe", "barzilai-borwein")}
MEMORY = 10  # values among which the largest bounds the next one, after a Barzilai-Borwein step


class FirstOrder(Method):
    """An optimizer of the package on a function: fixed learning rate, schedule, or a line search along its steps.

    Parameters
    ----------
    optimizer : Optimizer
        It is copied: a run begins with fresh state, and the one that was given stays as it is.
    line_search : {"armijo", "strong-wolfe", "barzilai-borwein"}, optional
        How far to go along the optimizer's step. Without, the step is taken as it is, and f may rise.
        ``"barzilai-borwein"`` is gradient descent with the step s's / s'y, whatever the optimizer.

    Notes
    -----
    With bounds, each step is projected onto them.

    References
    ----------
    Armijo 1966, "Minimization of functions having Lipschitz continuous first partial derivatives", Pacific J. Math. 16.
    Barzilai and Borwein 1988, "Two-point step size gradient methods", IMA J. Numer. Anal. 8; made to converge as in
    Raydan 1997, "The Barzilai and Borwein gradient method for the large scale unconstrained minimization problem",
    SIAM J. Optim. 7.

    Examples
    --------
    >>> import gradstep as gs
    >>> method = gs.minimizers.FirstOrder(gs.optimizers.SGD(0.1), line_search="armijo")
    >>> p = gs.problems.booth
    >>> res = gs.minimize(p.value, p.start, jac=p.gradient, method=method)
    >>> res.success, res.x.round(3)
    (True, array([1., 3.]))
    """

    takes_bounds = True
    is_first_order = True

    def __init__(self, optimizer: Optimizer, line_search: str | None = None) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"optimizer must be an Optimizer; got {describe(optimizer)}.")
        self.optimizer = optimizer
        self.line_search = None if line_search is None else check_choice("line_search", line_search, SEARCHES)

    @property
    def name(self) -> str:  # type: ignore[override]
        """The optimizer's class, in small letters."""
        return type(self.optimizer).__name__.lower()

    # -- training a model: in batches, with the optimizer itself ----

    @property
    def trains_models(self) -> bool:  # type: ignore[override]
        """Whether there is no line search, which models do without."""
        return self.line_search is None

    def _stage(self, state: Mapping[str, Any] | None = None) -> Optimizer:
        return self.optimizer

    def _optimizers(self) -> list[Any]:
        return list(self.optimizer._rated_optimizers()) or [self.optimizer]

    @property
    def iterations(self) -> int:  # type: ignore[override]
        """Steps that the optimizer has taken."""
        return self.optimizer.iterations

    def get_config(self) -> dict[str, Any]:
        """The arguments, the optimizer as `gradstep.optimizers.serialize` gives it."""
        return {"optimizer": serialize(self.optimizer), "line_search": self.line_search}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Any = None) -> FirstOrder:
        """A method from the dict that `get_config` gives."""
        return cls(deserialize(config["optimizer"], custom_objects), config["line_search"])

    # -- on a function ----

    def _start(self, objective: Objective, point: Point, seed: int | None) -> None:
        super()._start(objective, point, seed)
        for leaf in self.optimizer._leaves():
            if leaf._follows_curvature:
                raise ValueError(f"{type(leaf).__name__} trains the layers of models; a function has none.")
        self._own: Optimizer = without_state(self.optimizer)
        self._w: np.ndarray = _core.aligned_zeros(point.x.shape, point.x.dtype.name)  # with room for whole vectors
        self._w[...] = point.x
        self._bound = self._own.bind(self._w)
        self._native = None if self.line_search else self._made(point.f)
        self._same_dtype = point.x.dtype == np.float64
        self._recent = [point.f]  # the last values
        self._before: Point | None = None
        self._search = self._spectral if self.line_search == "barzilai-borwein" else self._searched

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_native": None}  # it steps an array of the core's

    def _made(self, first: float) -> Any:
        """The method in the core, which takes the optimizer's steps as they are: without Python, if it has one rule."""
        core = getattr(self._own, "_core", None)
        is_rule = type(self._bound._core) is _core.Bound and isinstance(core, _core.Optimizer)
        index = self._bound._indices[0] if is_rule else 0
        return _core.Descent(self._w, core if is_rule else None, index, self._bound.step, self._own, first)

    def _step(self, point: Point) -> Point:
        return self._search(point) if self._native is None else self._native.step(self.objective, point)

    def _default_maxiter(self, n: int) -> int:
        return 10_000

    def _moved(self, point: Point) -> np.ndarray:
        """Where the optimizer goes from here, in its own array."""
        assert point.g is not None
        self._bound.step(point.g if self._same_dtype else point.g.astype(self._w.dtype))
        if self.objective.bounds is not None:
            self._w[...] = self.objective.bounds.clip(self._w)
        return self._w

    def _searched(self, point: Point) -> Point:
        g = point.g
        assert g is not None
        d = self._moved(point).astype(np.float64) - point.x
        line = Line(self.objective, point, d)
        if not line.slope < 0:
            d = self._inside(point, -g)
            line = Line(self.objective, point, d)
        try:
            if not line.slope < 0:
                raise Failed(None)
            # Within the bounds at both ends of the step, and so between them.
            longest = math.inf if self.objective.bounds is None else 1.0
            search = armijo if self.line_search == "armijo" else strong_wolfe
            new = search(line, 1.0) if search is armijo else strong_wolfe(line, 1.0, longest=longest)
        except Failed:
            raise Stop("line_search", f"slope {line.slope:.2g}", -line.slope / 2) from None
        self._w[...] = new.x
        return new

    def _inside(self, point: Point, d: np.ndarray) -> np.ndarray:
        bounds = self.objective.bounds
        return d if bounds is None else bounds.clip(point.x + d).astype(np.float64) - point.x

    def _spectral(self, point: Point) -> Point:
        g = point.g
        assert g is not None
        alpha = self._spectral_length(point)
        d = self._inside(point, -alpha * g)
        line = Line(self.objective, point, d)
        if not line.slope < 0:
            raise Stop("line_search", f"slope {line.slope:.2g}", 0.0)
        line.f0 = max(self._recent)
        try:
            new = armijo(line)
        except Failed:
            raise Stop("line_search", f"slope {line.slope:.2g}", -line.slope / 2) from None
        new.alpha *= alpha
        self._before = point
        self._recent = [*self._recent[1 - MEMORY :], new.f]
        return new

    def _spectral_length(self, point: Point) -> float:
        g, before = point.g, self._before
        assert g is not None
        if before is not None:
            s, y = point.x.astype(np.float64) - before.x, g - before.g
            sy = float(s @ y)
            if sy > 0:
                return float(np.clip(float(s @ s) / sy, 1e-10, 1e10))
        return 1 / float(np.sqrt(g @ g))

    def _extras(self, point: Point) -> dict[str, Any]:
        return {"optimizer": self._own}
