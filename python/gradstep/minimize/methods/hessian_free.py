"""Hessian-free optimization: Gauss-Newton steps by damped conjugate gradients, for models."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ...checks import check_bool, check_float, check_int
from ..objectives.objective import Objective
from ..point import Point
from ..stop import Stop
from .base import Method
from .linesearch import given_gradient

__all__ = ["HessianFree"]

TRIES = 12  # times that the damping grows within a step before there is no lower loss
SHORTER, SHORTEST = 0.8, 60  # the line search: factor of the step, and how often


def dot(a: np.ndarray, b: np.ndarray) -> float:
    """The scalar product, in an order that does not depend on threads."""
    return float(np.add.reduce(a * b))


class Solution(NamedTuple):
    """A direction that conjugate gradients came to, and what the damped model says of the loss there."""

    p: np.ndarray
    model: float


def _damped(curvature: Any, damping: float, v: np.ndarray) -> np.ndarray:
    """(G + damping I) v."""
    product: np.ndarray = curvature.product(v)
    product += damping * v
    return product


def solve(
    product: Callable[[np.ndarray], np.ndarray],
    g: np.ndarray,
    start: np.ndarray,
    conditioner: np.ndarray,
    most: int,
    tolerance: float,
) -> tuple[list[Solution], int]:
    """Directions p that make p.Ap/2 + g.p small, from `start` on, ever better; and how many products they took.

    It ends where the last k = max(10, i/10) of i iterations made the model less by less than k `tolerance` of it.
    """
    p = start.copy()
    r = product(p) + g if p.any() else g.copy()
    products = int(p.any())
    y = r / conditioner
    d, ry = -y, dot(r, y)
    models = [(dot(r, p) + dot(g, p)) / 2]
    found: list[Solution] = []
    kept = 1.0
    for i in range(1, most + 1):
        if not ry > 0:
            break
        Ad = product(d)
        products += 1
        curvature = dot(d, Ad)
        if not curvature > 0:  # rounding, or numbers that are none
            break
        alpha = ry / curvature
        p = p + alpha * d
        r = r + alpha * Ad
        models.append((dot(r, p) + dot(g, p)) / 2)
        last = max(10, i // 10)
        done = i > last and models[-1] < 0 and models[-1 - last] - models[-1] < -last * tolerance * models[-1]
        if i >= kept or done or i == most:
            found.append(Solution(p, models[-1]))
            kept = max(kept * 1.3, i + 1.0)
        if done:
            break
        y = r / conditioner
        ry, before = dot(r, y), ry
        d = (ry / before) * d - y
    if not found or found[-1].p is not p:
        found.append(Solution(p, models[-1]))
    return found, products


class HessianFree(Method):
    """Hessian-free optimization (truncated Newton) for ``model.compile(optimizer="newton-cg")``.

    Each step minimizes a quadratic model of the loss, with the Gauss-Newton matrix G in place of its Hessian, by
    preconditioned conjugate gradients, which only need products G v: a tangent pass and a backward pass through the
    model, summed over chunks of the rows, so that memory does not grow with the data.

    Parameters
    ----------
    damping : float, default 1.0
        The first lambda, at least 0, of the model p.(G + lambda I)p/2 + g.p. It follows how well the model predicts the
        loss (Levenberg and Marquardt): times 3/2 where the loss falls by less than 1/4 of what the model says, times
        2/3 where it falls by more than 3/4.
    cg_iterations : int, default 250
        Most conjugate gradient iterations of a step, at least 1.
    cg_tolerance : float, default 5e-4
        They end where an iteration makes the model less by a smaller part of it than this, on average over the last
        ones. At least 0, below 1.
    warm_start : float, default 0.95
        They begin at this multiple, in [0, 1], of where the last step's ended.
    preconditioner : bool, default True
        Whether they are preconditioned by (D + lambda)^0.75, D an estimate of the diagonal of G that costs one forward
        and one backward pass.
    curvature_rows : int, optional
        How many rows, drawn anew for each step, G is of; by default all. Loss and gradient are those of all rows.

    Attributes
    ----------
    iterations, nfev : int
        Steps, and times that the loss and its gradient were computed.

    Notes
    -----
    The directions that conjugate gradients went through are tried from the last one back as long as the loss falls; a
    line search then shortens the step until the loss falls by 1 % of what the slope says. Logs of an epoch have
    ``nfev``, ``gnorm``, ``alpha`` (of that search), ``damping`` and ``cg_iterations``.

    A checkpoint has the damping and the last direction; training goes on from it bit for bit.

    References
    ----------
    Martens 2010, "Deep learning via Hessian-free optimization", ICML. Martens & Sutskever 2012, "Training deep and
    recurrent networks with Hessian-free optimization". Chapelle & Erhan 2011, "Improved preconditioner for Hessian free
    optimization".

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> x = np.linspace(-1, 1, 64)[:, None]
    >>> gs.utils.set_random_seed(1)
    >>> layers = [gs.Input((1,)), gs.layers.Dense(8, "tanh"), gs.layers.Dense(1)]
    >>> model = gs.Sequential(layers)
    >>> model.compile("newton-cg", "mse")
    >>> history = model.fit(x, np.sin(3 * x), epochs=30, verbose=0).history
    >>> history["loss"][-1] < 1e-3
    True
    """

    name = "hessian-free"
    trains_models = True
    log_names = ("nfev", "gnorm", "alpha", "damping", "cg_iterations")
    _learns: ClassVar[dict[str, str]] = {"d": "m", "damping": ""}

    def __init__(
        self,
        damping: float = 1.0,
        cg_iterations: int = 250,
        cg_tolerance: float = 5e-4,
        warm_start: float = 0.95,
        preconditioner: bool = True,
        curvature_rows: int | None = None,
    ) -> None:
        self.damping = check_float("damping", damping)
        self.cg_iterations = check_int("cg_iterations", cg_iterations, 1)
        self.cg_tolerance = check_float("cg_tolerance", cg_tolerance)
        self.warm_start = check_float("warm_start", warm_start)
        if not 0 <= self.damping < math.inf:
            raise ValueError(f"damping must be at least 0 and finite; got {self.damping}.")
        if not 0 <= self.cg_tolerance < 1:
            raise ValueError(f"cg_tolerance must be at least 0 and below 1; got {self.cg_tolerance}.")
        if not 0 <= self.warm_start <= 1:
            raise ValueError(f"warm_start must be from 0 to 1; got {self.warm_start}.")
        self.preconditioner = check_bool("preconditioner", preconditioner)
        self.curvature_rows = None if curvature_rows is None else check_int("curvature_rows", curvature_rows, 1)

    def _prepare(self, objective: Objective) -> None:
        if not hasattr(objective, "curvature"):
            raise ValueError(f'"{self.name}" trains models: minimize a function with "newton-cg" or "trust-ncg".')

    def _start(self, objective: Objective, point: Point, seed: int | None) -> None:
        super()._start(objective, point, seed)
        self._d: np.ndarray | None = None
        self._damping, self._products = self.damping, 0

    def _learned(self) -> dict[str, np.ndarray]:
        d = np.empty(0) if self._d is None else self._d.copy()
        return {"d": d, "damping": np.array(self._damping)}

    def _relearn(self, learned: dict[str, np.ndarray]) -> None:
        self._d = learned["d"] if len(learned["d"]) else None
        self._damping = float(learned["damping"])

    def _logs(self, point: Point) -> dict[str, float]:
        return {**super()._logs(point), "damping": self._damping, "cg_iterations": self._products}

    def _step(self, point: Point) -> Point:
        objective: Any = self.objective
        g, n = given_gradient(point), len(point.x)
        curvature = objective.curvature(point.x, self.curvature_rows, self.iterations)
        diagonal = curvature.diagonal(n, self.iterations + 1) if self.preconditioner else None
        for _ in range(TRIES):
            damping = self._damping
            conditioner = np.ones(n) if diagonal is None else (diagonal + max(damping, 1e-10)) ** 0.75
            start = np.zeros(n) if self._d is None else self.warm_start * self._d
            damped = partial(_damped, curvature, damping)
            found, self._products = solve(damped, g, start, conditioner, self.cg_iterations, self.cg_tolerance)
            new = self._chosen(point, g, found, damping)
            if new is not None:
                return new
            self._damping, self._d = max(4 * damping, 1e-6), None
            objective.scatter(point.x)  # where the products are to be
        raise Stop("line_search", f"slope {dot(g, found[-1].p):.2g}", max(-found[-1].model, 0.0))

    def _chosen(self, point: Point, g: np.ndarray, found: list[Solution], damping: float) -> Point | None:
        """The point of a lower loss along the directions that were found, and the next damping; None: there is none."""
        best = self._tried(point, found[-1].p, 1.0)
        solution = found[-1]
        for other in reversed(found[:-1]):
            new = self._tried(point, other.p, 1.0)
            if not new.f < best.f and math.isfinite(best.f):
                break
            best, solution = new, other
        p = solution.p
        # The model without its damping, which is no part of what is predicted.
        predicted = solution.model - damping * dot(p, p) / 2
        ratio = (best.f - point.f) / predicted if predicted < 0 else -math.inf
        slope, alpha = dot(g, p), 1.0
        if not slope < 0:
            return None
        for _ in range(SHORTEST):
            if best.f <= point.f + 0.01 * alpha * slope and np.isfinite(given_gradient(best)).all():
                break
            alpha *= SHORTER
            best = self._tried(point, p, alpha)
        else:
            return None
        self._d = p
        if not ratio >= 0.25:
            self._damping = damping * 1.5
        elif ratio > 0.75:
            self._damping = damping / 1.5
        return best

    def _tried(self, point: Point, p: np.ndarray, alpha: float) -> Point:
        x = (point.x + alpha * p).astype(point.x.dtype)
        f = self.objective.value(x)
        return Point(x, f, self.objective.gradient(x), alpha)
