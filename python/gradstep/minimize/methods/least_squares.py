"""Least squares: Levenberg and Marquardt's method, Gauss and Newton's, and the diagonal natural gradient."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from ...checks import check_bool, check_float
from ..objectives.objective import Objective
from ..objectives.residuals import Residuals
from ..point import Point
from ..stop import Stop
from .base import Method
from .damped import Damping, damped_step, solved
from .linesearch import Failed, Line, armijo, given_gradient

__all__ = ["GaussNewton", "LevenbergMarquardt", "NaturalGradient"]


def _residuals(objective: Objective) -> Residuals:
    assert isinstance(objective, Residuals)
    return objective


class LevenbergMarquardt(Method):
    """Levenberg-Marquardt: Gauss-Newton steps in a trust region whose axes follow the columns of the Jacobian.

    Parameters
    ----------
    factor : float
        The first radius is this times the length of the scaled x0.
    damping : float, optional
        Steps of the normal equations instead, ``(J'J + lambda I) p = -J'r``, in n^3/3 multiplications whatever the
        number of residuals: lambda is at first this times the largest number on the diagonal of J'J, and follows the
        steps as in Nielsen 1999. Models are always trained so, by default with 1e-3.
    geodesic : bool
        Whether a step is bent by the second derivative of the residuals along it, for one more call of `fun`
        (Transtrum and Sethna 2012).

    Notes
    -----
    Needs ``residual=True``. The step solves ``(J'J + lambda D^2) p = -J'r`` by the singular values of J D^-1, with a
    lambda such that ``|D p|`` is at most the radius; D has the largest column norms of J that were met. Variables at a
    bound that the gradient pushes against stay there, the others are clipped. The objective, ``res.fun``, is half the
    sum of squares, or of the `loss`.

    ``model.compile(optimizer="levenberg-marquardt", loss="mse")`` trains a model of up to 3,000 weights, with all rows
    in each step: J is made of them row by row. The logs have ``nfev``, ``gnorm`` and ``damping``, lambda for the next
    step.

    References
    ----------
    Moré 1978, "The Levenberg-Marquardt algorithm: implementation and theory", Lecture Notes in Mathematics 630.
    Nielsen 1999, "Damping parameter in Marquardt's method", IMM report 1999-05, Technical University of Denmark.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> t = np.linspace(0, 1, 20)
    >>> fun = lambda p: p[0] * np.exp(-p[1] * t) - 2 * np.exp(-t)
    >>> res = gs.minimize(fun, [1.5, 0.5], residual=True, method=gs.minimizers.LevenbergMarquardt())
    >>> res.x.round(3)
    array([2., 1.])
    """

    name = "levenberg-marquardt"
    needs = "residual"
    takes_bounds = True
    scipy_names: ClassVar[dict[str, str]] = {}

    trains_models = True
    log_names = ("nfev", "gnorm", "damping")
    _learns: ClassVar[dict[str, str]] = {"damping": "", "growth": ""}

    def __init__(self, factor: float = 100.0, geodesic: bool = False, damping: float | None = None) -> None:
        self.factor, self.geodesic = check_float("factor", factor), check_bool("geodesic", geodesic)
        if not 0 < self.factor < math.inf:
            raise ValueError(f"factor must be more than 0 and finite; got {self.factor:g}.")
        self.damping = None if damping is None else check_float("damping", damping)
        if self.damping is not None and not 0 < self.damping < math.inf:
            raise ValueError(f"damping must be more than 0 and finite; got {self.damping:g}.")
        if self.geodesic and self.damping is not None:
            raise ValueError("damping must be None with geodesic=True.")

    def _learned(self) -> dict[str, np.ndarray]:
        return {"damping": np.array(self._damping.value), "growth": np.array(self._damping.growth)}

    def _relearn(self, learned: dict[str, np.ndarray]) -> None:
        self._damping.value, self._damping.growth = float(learned["damping"]), float(learned["growth"])

    def _logs(self, point: Point) -> dict[str, float]:
        logs = super()._logs(point) | {"damping": self._damping.value}
        return {name: logs[name] for name in self.log_names}

    def _start(self, objective: Objective, point: Point, seed: int | None) -> None:
        super()._start(objective, point, seed)
        self._damping = Damping(1e-3 if self.damping is None else self.damping)
        self._scale = np.zeros(len(point.x))
        self._radius, self._steps, self._first = math.nan, 0, point.f

    def _step(self, point: Point) -> Point:
        if self.damping is not None or not isinstance(self.objective, Residuals):
            if self.objective.bounds is not None:
                raise ValueError("damping must be None with bounds.")
            return damped_step(self.objective, point, self._damping)
        objective = _residuals(self.objective)
        r, J = objective.weighted(point.x)
        if not np.isfinite(J).all():
            raise Stop("nan", "the Jacobian is not finite")
        norms = np.sqrt((J * J).sum(axis=0))
        self._scale = np.maximum(self._scale, norms)
        d = np.where(self._scale > 0, self._scale, 1.0)
        if self._radius != self._radius:
            size = math.sqrt(float(np.sum((d * point.x) ** 2)))
            self._radius = self.factor * size if size > 0 else self.factor
        loose = self._loose(point)
        U, s, V = np.linalg.svd((J / d)[:, loose], full_matrices=False)
        a = U.T @ r
        noise = 4 * objective.eps * abs(point.f)
        first = not self._steps
        while True:
            shift = _shift(s, a, self._radius)
            p = np.zeros(len(d))
            p[loose] = V.T @ _damped(s, a, shift)
            p /= d
            x = (point.x + p).astype(point.x.dtype)
            if objective.bounds is not None:
                x = objective.bounds.clip(x)
            moved = x.astype(np.float64) - point.x
            change = J @ moved
            if self.geodesic:
                x = (x + self._acceleration(point, p, r, U, s, V, d, loose, shift)).astype(x.dtype)
            decrease = -float(change @ (r + 0.5 * change))
            size = math.sqrt(float(np.sum((d * moved) ** 2)))
            if first:
                self._radius = min(self._radius, size)
            if not decrease > 0 or not moved.any():
                raise Stop("stalled", "the model finds no lower point", self._remaining(point, s, a))
            f = objective.value(x)
            fell = point.f - f
            ratio = fell / decrease if abs(f) < math.inf else -math.inf
            if decrease <= noise and abs(fell) <= noise:
                g, old = objective.gradient(x), given_gradient(point)
                if float(g @ g) < 0.81 * float(old @ old):  # the gradient still tells what f does not
                    self._steps += 1
                    return Point(x, f, g, size)
                raise Stop("stalled", "f no longer resolves the steps", self._remaining(point, s, a))
            if ratio <= 0.25:
                slope = float(change @ r)
                shrink = 0.5 if fell >= 0 else max(0.1, slope / (2 * (slope + fell))) if f < 100 * point.f else 0.1
                self._radius = shrink * min(self._radius, 10 * size)
            elif ratio >= 0.75 or shift == 0:
                self._radius = 2 * size
            if ratio > 1e-4:
                self._steps += 1
                return Point(x, f, objective.gradient(x), size)
            if self._radius <= 1e-15 * float(np.sqrt(np.sum((d * x) ** 2)) + 1e-300):
                raise Stop("stalled", "the trust region has shrunk to nothing", self._remaining(point, s, a))

    def _remaining(self, point: Point, s: np.ndarray, a: np.ndarray) -> float:
        """How much lower the linear model of the residuals can get; nothing, where they are 0 to rounding.

        Where the residuals are at a right angle to each column of J, to half the digits, it is what the best of the
        variables alone would gain: MINPACK's test, which also holds where J has no full rank.
        """
        if point.f <= (4 * self.objective.eps) ** 2 * self._first:
            return 0.0
        if self.lost(point.x).any():
            return math.inf
        g = given_gradient(point)
        gain = (g / self._scale)[self._scale > 0]
        alone = float((gain * gain).max()) / 2 if len(gain) else 0.0
        # A relative change of one variable changes f by next to nothing, too, whatever the units.
        if alone <= 100 * self.objective.eps * point.f and float(np.abs(g * point.x).max()) <= 1e-5 * point.f:
            return alone
        return 0.5 * float(a @ a) if len(s) and s[-1] > 1e-12 * s[0] else math.inf

    def lost(self, x: np.ndarray) -> np.ndarray:
        """Variables on which the residuals no longer depend at x, though they did before: a plateau."""
        gone: np.ndarray = (self._scale > 0) & ~np.any(_residuals(self.objective).weighted(x)[1], axis=0)
        return gone

    def _loose(self, point: Point) -> np.ndarray:
        """Which variables are not held at a bound by the gradient."""
        bounds, g = self.objective.bounds, given_gradient(point)
        if bounds is None:
            return np.ones(len(g), bool)
        return ~(((point.x <= bounds.lower) & (g > 0)) | ((point.x >= bounds.upper) & (g < 0)))

    def _acceleration(
        self,
        point: Point,
        p: np.ndarray,
        r: np.ndarray,
        U: np.ndarray,
        s: np.ndarray,
        V: np.ndarray,
        d: np.ndarray,
        loose: np.ndarray,
        shift: float,
    ) -> np.ndarray:
        """Half the geodesic acceleration along the step p; 0 where it is not much shorter than the step."""
        objective = _residuals(self.objective)
        none = np.zeros(len(p))
        if objective.loss != "linear" or objective.bounds is not None:
            return none
        h = 0.1
        beside = objective.residuals_beside((point.x + h * p).astype(point.x.dtype))
        bend = (2 / h) * ((beside - r) / h - (U * s) @ (V @ (d * p)[loose]))
        if not np.isfinite(bend).all():
            return none
        acceleration = none.copy()
        acceleration[loose] = V.T @ _damped(s, U.T @ bend, shift)
        acceleration /= d
        short = float(np.sum((d * acceleration) ** 2)) <= 0.75**2 * float(np.sum((d * p) ** 2))
        return 0.5 * acceleration if short else none


def _shift(s: np.ndarray, a: np.ndarray, radius: float) -> float:
    """The lambda at least 0 for which ``|s a / (s^2 + lambda)|`` is at most the radius."""
    good = s > 1e-15 * max(float(s[0]), 1e-300) if len(s) else s > 0
    b, w = (s * a)[good], (s * s)[good]
    if not len(b) or float(np.sum((b / w) ** 2)) <= (1.1 * radius) ** 2:
        return 0.0
    low, high = 0.0, math.sqrt(float(b @ b)) / radius
    shift = 1e-3 * high
    for _ in range(60):
        q = b / (w + shift)
        size = math.sqrt(float(q @ q))
        if abs(size - radius) <= 0.1 * radius:
            break
        low, high = (shift, high) if size > radius else (low, shift)
        slope = float((q * q / (w + shift)).sum())
        if slope == 0:  # underflow: the step is 0, whatever the shift
            break
        better = shift + (size - radius) / radius * size * size / slope
        shift = better if low < better < high else max(0.001 * high, math.sqrt(low * high))
    return shift


def _damped(s: np.ndarray, a: np.ndarray, shift: float) -> np.ndarray:
    """-s a / (s^2 + lambda); 0 along singular values that are 0 to rounding."""
    good = s > 1e-15 * max(float(s[0]), 1e-300) if len(s) else s > 0
    return np.where(good, -s * a / np.where(good, s * s + shift, 1.0), 0.0)


class GaussNewton(Method):
    """Gauss-Newton: the linear least-squares problem of the residuals' first order, and a line search.

    Notes
    -----
    Needs ``residual=True``. Fast where residuals are small at the solution, or nearly linear; from far away, or where
    columns of the Jacobian depend on each other, ``"levenberg-marquardt"`` is the safe one. In ``model.compile`` the
    problem is solved by the normal equations, of up to 3,000 weights.

    References
    ----------
    Nocedal and Wright 2006, "Numerical Optimization", section 10.3.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> t = np.linspace(0, 1, 20)
    >>> fun = lambda p: p[0] * np.exp(-p[1] * t) - 2 * np.exp(-t)
    >>> res = gs.minimize(fun, [1.5, 0.5], residual=True, method=gs.minimizers.GaussNewton())
    >>> res.x.round(3)
    array([2., 1.])
    """

    name = "gauss-newton"
    needs = "residual"
    trains_models = True

    def _step(self, point: Point) -> Point:
        if not isinstance(self.objective, Residuals):
            return self._step_of_model(point)
        r, J = _residuals(self.objective).weighted(point.x)
        d = -np.linalg.lstsq(J, r, rcond=1e-14)[0]
        return _down(self.objective, point, d)

    def _step_of_model(self, point: Point) -> Point:
        """The same by the normal equations, with as little damping as they need."""
        objective: Any = self.objective
        matrix = objective.normal_equations(point.x)
        if not np.isfinite(matrix).all():
            raise Stop("nan", "the Jacobian is not finite")
        shift = 1e-12 * max(float(matrix.diagonal().max()), 1e-300)
        while (d := solved(matrix, shift, given_gradient(point))) is None:
            shift *= 10
        return _down(objective, point, d)


class NaturalGradient(Method):
    """Gradient divided by the diagonal of the Fisher information of the residuals, and a line search.

    Parameters
    ----------
    damping : float
        What is added to the diagonal, relative to its mean; more than 0.

    Notes
    -----
    Needs ``residual=True``: with residuals of normal errors the Fisher information is J'J. ``d = -g / (F + damping
    mean(F))``, F the diagonal of J'J: units of variables do not matter, and a step costs O(m n).

    References
    ----------
    Amari 1998, "Natural gradient works efficiently in learning", Neural Computation 10.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> t = np.linspace(0, 1, 20)
    >>> fun = lambda p: p[0] * np.exp(-p[1] * t) - 2 * np.exp(-t)
    >>> res = gs.minimize(fun, [1.5, 0.5], residual=True, method=gs.minimizers.NaturalGradient())
    >>> res.x.round(3)
    array([2., 1.])
    """

    name = "natural-gradient"
    needs = "residual"

    def __init__(self, damping: float = 1e-8) -> None:
        self.damping = check_float("damping", damping)
        if not 0 < self.damping < math.inf:
            raise ValueError(f"damping must be more than 0 and finite; got {self.damping:g}.")

    def _step(self, point: Point) -> Point:
        _, J = _residuals(self.objective).weighted(point.x)
        fisher = (J * J).sum(axis=0)
        g = given_gradient(point)
        return _down(self.objective, point, -g / (fisher + self.damping * float(fisher.mean()) + 1e-300))


def _down(objective: Objective, point: Point, d: np.ndarray) -> Point:
    line = Line(objective, point, d)
    try:
        if not line.slope < 0:
            raise Failed(None)
        return armijo(line)
    except Failed:
        raise Stop("line_search", f"slope {line.slope:.2g}", max(-line.slope / 2, 0.0)) from None
