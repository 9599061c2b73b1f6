"""Newton's method in a trust region: the quadratic model is minimized where it can be trusted."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from ...checks import check_float
from ..objectives.objective import Objective
from ..point import Point
from ..stop import Stop
from .base import Method
from .conjugate import truncated
from .linesearch import given_gradient

__all__ = ["TrustExact", "TrustNCG"]

SMALLEST = 1e-14  # of the radius, relative to x: below it no step is left


class _TrustRegion(Method):
    """What the two have in common: the radius follows how well the model foretells f."""

    scipy_names: ClassVar[dict[str, str]] = {"initial_trust_radius": "radius", "max_trust_radius": "largest_radius"}

    def __init__(self, radius: float = 1.0, largest_radius: float = math.inf, eta: float = 1e-4) -> None:
        self.radius, self.largest_radius, self.eta = (
            check_float("radius", radius),
            check_float("largest_radius", largest_radius),
            check_float("eta", eta),
        )
        if not 0 < self.radius <= self.largest_radius:
            raise ValueError(
                f"radius must be more than 0 and at most largest_radius; got {self.radius:g}, {self.largest_radius:g}."
            )
        if not 0 <= self.eta < 0.25:
            raise ValueError(f"eta must be at least 0 and less than 0.25; got {self.eta:g}.")

    def _start(self, objective: Objective, point: Point, seed: int | None) -> None:
        super()._start(objective, point, seed)
        self._radius = self.radius
        self.curvature = math.nan  # the lowest curvature that was met at the last point

    def _model(self, point: Point) -> None:
        """Look at the curvature of f here."""
        raise NotImplementedError(f"{type(self).__name__} must define _model(point).")

    def _inside(self, point: Point, radius: float) -> tuple[np.ndarray, float, float]:
        """The step to the lowest point of the model within a radius, the fall of the model, and the step's size."""
        raise NotImplementedError(f"{type(self).__name__} must define _inside(point, radius).")

    def _step(self, point: Point) -> Point:
        self._model(point)
        noise = 4 * self.objective.eps * abs(point.f)
        while True:
            radius = self._radius
            p, decrease, size = self._inside(point, radius)
            left = decrease if size < 0.99 * radius else self._beyond()
            x = (point.x + p).astype(point.x.dtype)
            if not decrease > 0 or np.array_equal(x, point.x):
                raise Stop("stalled", "the model of second order finds no lower point", math.inf)
            f = self.objective.value(x)
            fell = point.f - f
            ratio = fell / decrease if f == f and abs(f) < math.inf else -math.inf
            if decrease <= noise and abs(fell) <= noise:
                ratio = 1.0  # f does not resolve the change: the model counts, and the gradient is the judge
            if ratio < 0.25:
                shrunk = 0.25 if ratio == -math.inf else max(0.1, min(0.5, 0.5 / (1 - ratio)))
                self._radius = shrunk * min(size, self._radius)
            elif ratio > 0.75 and size > 0.8 * self._radius:
                self._radius = min(max(self._radius, (3.0 if ratio > 0.9 else 2.0) * size), self.largest_radius)
            if ratio > self.eta:
                g = self.objective.gradient(x)
                if fell < 0 and not float(g @ g) < float(given_gradient(point) @ given_gradient(point)):
                    raise Stop("stalled", "f no longer resolves the steps, and the gradient falls no more", left)
                return Point(x, f, g, size)
            if self._radius <= SMALLEST * max(1.0, float(np.abs(x).max())) * self._unit():
                raise Stop("stalled", "the trust region has shrunk to nothing", left)

    def _beyond(self) -> float:
        """How far the model falls without a radius; infinitely, where that is not known."""
        return math.inf

    def _unit(self) -> float:
        """What a change of 1 measures in the radius's units, at least."""
        return 1.0


class TrustExact(_TrustRegion):
    """Newton's method in a trust region, each model minimized exactly, by eigenvalues; ``"newton"`` means this one too.

    Parameters
    ----------
    radius : float
        First radius of the region, in variables scaled by the square root of their curvature.
    largest_radius : float
        Which it never exceeds.
    eta : float
        A step is taken if f falls by at least this share of what the model says.

    Notes
    -----
    The Hessian is ``hess(x)``, or is made of ``hessp`` or n differences of the gradient; its eigenvalues cost O(n^3).
    Variables are scaled by the largest ``sqrt(|H_ii|)`` met, so that units do not matter. Directions of negative
    curvature are followed to the region's edge: a saddle point is left.

    References
    ----------
    Moré and Sorensen 1983, "Computing a trust region step", SIAM J. Sci. Stat. Comput. 4.

    Examples
    --------
    >>> import gradstep as gs
    >>> p = gs.problems.rosenbrock
    >>> res = gs.minimize(p.value, p.start, jac=p.gradient, method=gs.minimizers.TrustExact())
    >>> res.success, res.x.round(4)
    (True, array([1., 1.]))
    """

    name = "trust-exact"

    def _start(self, objective: Objective, point: Point, seed: int | None) -> None:
        super()._start(objective, point, seed)
        self._scale = np.zeros(len(point.x))

    def _model(self, point: Point) -> None:
        H = self.objective.hessian(point.x, point.g)
        if not np.isfinite(H).all():
            raise Stop("nan", "the Hessian is not finite")
        first = not self._scale.any()
        diagonal = np.sqrt(np.abs(np.diag(H)))
        self._scale = np.maximum(self._scale, diagonal)
        low = 1e-8 * float(self._scale.max())
        self._d = np.maximum(self._scale, low) if low > 0 else np.ones(len(diagonal))
        if first:
            size = math.sqrt(float(np.sum((self._d * point.x) ** 2)))
            self._radius = min(
                self.radius * max(size, math.sqrt(float(np.sum(self._d**2)) / len(self._d))), self.largest_radius
            )
        w, V = np.linalg.eigh(H / np.outer(self._d, self._d))
        self._w, self._V = w, V
        self._a = V.T @ (given_gradient(point) / self._d)
        self.curvature = float(w[0])
        self.direction = V[:, 0] / self._d

    def _unit(self) -> float:
        return float(self._d.min())

    def _beyond(self) -> float:
        w, a = self._w, self._a
        return 0.5 * float((a * a / w).sum()) if w[0] > 0 else math.inf

    def _inside(self, point: Point, radius: float) -> tuple[np.ndarray, float, float]:
        w, a = self._w, self._a
        q = boundary_step(w, a, radius)
        size = math.sqrt(float(q @ q))
        decrease = -float(a @ q) - 0.5 * float(w @ (q * q))
        return (self._V @ q) / self._d, decrease, size


def boundary_step(w: np.ndarray, a: np.ndarray, radius: float) -> np.ndarray:
    """The minimum of ``a . q + sum(w q^2) / 2`` with ``|q| <= radius``; w ascending."""
    tiny = 1e-14 * max(abs(float(w[0])), abs(float(w[-1])), 1e-300)
    if w[0] > tiny:
        q = -a / w
        if float(q @ q) <= radius * radius:
            return np.asarray(q)
    lowest = max(0.0, -float(w[0]))
    # The hard case: the gradient has no part along the lowest curvature.
    shifted = w + lowest
    flat = shifted <= tiny
    if flat.any() and float(np.abs(a[flat]).max()) <= 1e-13 * max(1e-300, float(np.abs(a).max())):
        q = np.where(flat, 0.0, -a / np.where(flat, 1.0, shifted))
        rest = radius * radius - float(q @ q)
        if rest >= 0:
            if w[0] < -tiny:
                q[0] = math.sqrt(rest)
            return np.asarray(q)
    low, high = lowest, lowest + math.sqrt(float(a @ a)) / radius
    shift = max(low, min(high, low + 1e-3 * (high - low)))
    for _ in range(60):
        with np.errstate(all="ignore"):
            q = -a / (w + shift)
            size = math.sqrt(float(q @ q))
        if not size < math.inf:
            low, shift = shift, 0.5 * (shift + high) if shift < high else high
            continue
        if abs(size - radius) <= 1e-6 * radius:
            break
        low, high = (shift, high) if size > radius else (low, shift)
        slope = float((q * q / (w + shift)).sum())
        better = shift + (size - radius) / radius * size * size / slope if slope > 0 else math.nan
        shift = better if low < better < high else 0.5 * (low + high)
    return np.asarray(q * min(1.0, radius / size))


class TrustNCG(_TrustRegion):
    """Newton's method in a trust region, each model minimized by conjugate gradients up to the region's edge.

    Parameters
    ----------
    radius : float
        First radius of the region.
    largest_radius : float
        Which it never exceeds.
    eta : float
        A step is taken if f falls by at least this share of what the model says.

    Notes
    -----
    Only products with the Hessian are needed: from ``hessp`` or ``hess``, or by differences of the gradient, one for
    each inner iteration.

    References
    ----------
    Steihaug 1983, "The conjugate gradient method and trust regions in large scale optimization",
    SIAM J. Numer. Anal. 20.

    Examples
    --------
    >>> import gradstep as gs
    >>> p = gs.problems.rosenbrock
    >>> res = gs.minimize(p.value, p.start, jac=p.gradient, method=gs.minimizers.TrustNCG())
    >>> res.success, res.x.round(4)
    (True, array([1., 1.]))
    """

    name = "trust-ncg"

    def _model(self, point: Point) -> None:
        self._product = self.objective.hessian_products(point.x, given_gradient(point))

    def _inside(self, point: Point, radius: float) -> tuple[np.ndarray, float, float]:
        g = given_gradient(point)
        size = math.sqrt(float(g @ g))
        found = truncated(self._product, g, min(0.1, math.sqrt(size)) * size, 20 * len(g), radius)
        self.curvature = found.curvature
        return found.p, found.decrease, math.sqrt(float(found.p @ found.p))
