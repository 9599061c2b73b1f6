"""Sums of squares: the residuals, their Jacobian, and losses that grow slower than squares."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from ... import _core
from ...checks import check_choice, check_float
from ..stop import Stop
from . import differences
from .objective import Objective

__all__ = ["LOSSES", "Residuals"]

# rho, rho' and rho'' of z = (r / scale)^2, of which the objective is half the sum, times scale^2.
Loss = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]


def _linear(z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return z, np.ones_like(z), np.zeros_like(z)


def _huber(z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    root = np.sqrt(np.maximum(z, 1.0))
    near = z <= 1
    return np.where(near, z, 2 * root - 1), np.where(near, 1.0, 1 / root), np.where(near, 0.0, -0.5 / root**3)


def _soft_l1(z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    root = np.sqrt(1 + z)
    return 2 * (root - 1), 1 / root, -0.5 / root**3


def _cauchy(z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.log1p(z), 1 / (1 + z), -1 / (1 + z) ** 2


LOSSES: dict[str, Loss] = {"linear": _linear, "huber": _huber, "soft_l1": _soft_l1, "cauchy": _cauchy}


class Residuals(Objective):
    """The objective ``sum(rho(r_i(x)^2)) / 2`` of residuals r.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args)`` gives the residuals, shape (m,).
    jac : callable, True, or a scheme of finite differences
        ``jac(x, *args)`` gives their Jacobian, shape (m, n).
    layout : Layout
    loss : {"linear", "huber", "soft_l1", "cauchy"}
    loss_scale : float
        The residual from which on a loss grows slower than its square.
    **given
        As `Objective`.
    """

    def __init__(
        self, fun: Any, jac: Any, layout: Any, *, loss: Any = "linear", loss_scale: Any = 1.0, **given: Any
    ) -> None:
        super().__init__(fun, jac, layout, **given)
        self.loss, self._rho = loss, check_choice("loss", loss, LOSSES)
        self.loss_scale = check_float("loss_scale", loss_scale)
        if not 0 < self.loss_scale < math.inf:
            raise ValueError(f"loss_scale must be more than 0 and finite; got {self.loss_scale:g}.")
        self._r: np.ndarray | None = None
        self._J: np.ndarray | None = None
        self._at: np.ndarray | None = None  # the point of both, which are kept also when it is not the last
        self.best_r: np.ndarray | None = None
        self.best_J: np.ndarray | None = None

    def _residuals(self, found: Any) -> np.ndarray:
        try:
            r = np.asarray(found)
        except (TypeError, ValueError):
            r = np.empty(0, object)
        if r.dtype.kind not in "fiub" or r.ndim > 1 or not r.size:
            raise TypeError(
                f"fun must give the residuals, real numbers of shape (m,), with residual=True; got shape {r.shape} of "
                f"dtype {r.dtype}."
            )
        if self._r is not None and r.size != self._r.size:
            raise ValueError(f"fun must always return the same number of residuals; got {r.size} after {self._r.size}.")
        if r.dtype == np.float32:
            self.eps = max(self.eps, float(np.finfo(np.float32).eps))
        return np.array(r, np.float64).reshape(-1)

    def _matrix(self, found: Any, m: int) -> np.ndarray:
        J = np.asarray(found.toarray() if hasattr(found, "toarray") else found)  # of a sparse matrix
        n = self.layout.size
        if J.shape != (m, n) or J.dtype.kind not in "fiub":
            raise ValueError(f"jac(x) must have shape {(m, n)}, residuals by variables; got {J.shape} of {J.dtype}.")
        return np.array(J, np.float64)

    def value(self, x: np.ndarray) -> float:
        """Half the sum of the losses at a point."""
        if x is self._x:
            return self._f
        self._spend()
        found = self.fun(self.layout.restore(x), *self.args)
        J = None
        if self.is_pair:
            found, J = self._split(found)
        r = self._residuals(found)
        if J is not None:
            self.njev += 1
            J = self._matrix(J, len(r))
        self._r, self._J, self._at = r, J, x
        with np.errstate(over="ignore", invalid="ignore"):
            rho = self._rho((r / self.loss_scale) ** 2)[0]
            f = 0.5 * self.loss_scale**2 * float(rho.sum())
        was = self.best_x
        try:
            return self._saw(x, f, None)
        finally:
            if self.best_x is x and was is not x:
                self.best_r, self.best_J = r, J

    def residuals_and_jacobian(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """r (m,) and J (m, n) at a point, as `fun` and `jac` give them."""
        if x is self.best_x and self.best_r is not None and self.best_J is not None:
            return self.best_r, self.best_J
        if x is not self._at:
            self._x = None
            self.value(x)
        r = self._r
        assert r is not None
        if self._J is None:
            if self.is_differences:
                self._J = differences.difference(self._vectors, x, r, self.jac, self.eps, self.step, self.bounds)
            else:
                if perf_counter() - self.limits.begin > self.limits.maxtime:
                    raise Stop("maxtime")
                self._J = self._matrix(self.jac(self.layout.restore(x), *self.args), len(r))
                self.njev += 1
            if x is self.best_x:
                self.best_J = self._J
        return r, self._J

    def _vectors(self, points: Any) -> list[Any]:
        self._spend(len(points))
        found = [self.fun(self.layout.restore(point), *self.args) for point in points]
        return found if self.jac == "cs" else [self._residuals(one) for one in found]

    def values_beside(self, points: Sequence[np.ndarray]) -> list[float]:
        """Half the sum of the losses at points that are no candidates."""
        with np.errstate(over="ignore", invalid="ignore"):
            return [
                0.5 * self.loss_scale**2 * float(self._rho((self.residuals_beside(x) / self.loss_scale) ** 2)[0].sum())
                for x in points
            ]

    def residuals_beside(self, x: np.ndarray) -> np.ndarray:
        """The residuals at a point that is no candidate."""
        self._spend()
        found = self.fun(self.layout.restore(x), *self.args)
        return self._residuals(self._split(found)[0] if self.is_pair else found)

    def weighted(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """r and J scaled so that J'r is the gradient and J'J the model's Hessian with the loss (Triggs et al. 2000)."""
        r, J = self.residuals_and_jacobian(x)
        if self.loss == "linear":
            return r, J
        z = (r / self.loss_scale) ** 2
        _, first, second = self._rho(z)
        scale = np.sqrt(np.maximum(first + 2 * second * z, 1e-8))
        return r * first / scale, J * scale[:, None]

    def normal_equations(self, x: np.ndarray) -> np.ndarray:
        """J'J, shape (n, n), with the loss."""
        J = np.ascontiguousarray(self.weighted(x)[1])
        found = np.empty((J.shape[1], J.shape[1]))
        _core.matmul(J.T, J, found)
        return found

    def gradient(self, x: np.ndarray) -> np.ndarray:
        """J'r, with the loss."""
        r, J = self.residuals_and_jacobian(x)
        if self.loss != "linear":
            r = r * self._rho((r / self.loss_scale) ** 2)[1]
        g: np.ndarray = J.T @ r
        if x is self.best_x:
            self.best_g = g
        return g

    def extras(self, x: np.ndarray) -> dict[str, Any]:
        """The residuals, their Jacobian, the gradient, and the inverse of J'J where it has one."""
        if self._x is not x and self.best_x is not x:
            return {}
        r, J = self.residuals_and_jacobian(x)
        _, s, V = np.linalg.svd(J, full_matrices=False)
        regular = len(s) == J.shape[1] and s[-1] > 1e-14 * s[0]
        cov = (V.T / s**2) @ V if regular else None
        return {"residual": r, "jac": J, "grad": self.layout.restore(self.gradient(x)), "cov_x": cov}
