"""What linear models minimize over all rows at once, and the methods that do."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.exceptions import ConvergenceWarning

from .. import _core
from .descent import rows_of

__all__ = [
    "Objective",
    "from_nearby",
    "lbfgs",
    "lbfgs_by_sample",
    "newton",
    "newton_cg_direction",
    "newton_cholesky_direction",
    "solve",
    "warn_unless",
]

# A sample is one row in so many, at least so many rows, and so many for each coefficient; its minimum is found to so
# much more than the tolerance.
SAMPLE, LEAST_SAMPLE, ROWS_PER_COEFFICIENT, SAMPLE_TOL = 8, 1024, 16, 10
# Coefficients up to which the Hessian of half a sample costs less than the passes over all rows that it saves; and the
# pairs of a step and its change of the gradient that L-BFGS remembers.
SAMPLE_HESSIAN, PAIRS = 400, 10
EPS = float(np.finfo(np.float64).eps)


class Objective:
    """``scale sum_i s_i L(y_i, x_i w + b) + l2 |w|^2 / 2 + l2_intercept b^2 / 2`` and its derivatives.

    Coefficients are float64, (outputs, features + 1) in C order with the intercepts behind, or (outputs, features)
    without them; the scale of "huber" comes last. A pass reads X where it lies.

    Parameters
    ----------
    X : ndarray or SciPy CSR matrix, (rows, features), float32 or float64
    y : ndarray, (rows,)
        Classes are -1 and 1, or numbers for "softmax".
    sample_weight : ndarray, (rows,), or None
    loss : {"log_loss", "squared_hinge", "squared_error", "squared_epsilon_insensitive", "huber", "softmax"}
    """

    def __init__(
        self,
        X: Any,
        y: np.ndarray,
        sample_weight: np.ndarray | None,
        loss: str,
        *,
        scale: float = 1.0,
        l2: float = 0.0,
        l2_intercept: float = 0.0,
        fit_intercept: bool = True,
        outputs: int = 1,
        loss_at: float = 0.0,
        keeps_curvature: bool = False,
    ) -> None:
        self.X, self.y, self.sample_weight = X, y, sample_weight
        self.settings: dict[str, Any] = {
            "loss": loss,
            "loss_at": loss_at,
            "scale": scale,
            "l2": l2,
            "l2_intercept": l2_intercept,
            "fit_intercept": fit_intercept,
            "outputs": outputs,
            "keeps_curvature": keeps_curvature,
        }
        self.columns = X.shape[1]
        self.shape = (outputs, self.columns + fit_intercept)
        weights = None if sample_weight is None else np.ascontiguousarray(sample_weight, np.float64)
        self._core = _core.LinearObjective(
            rows_of(X)[0], self.columns, np.ascontiguousarray(y, np.float64), weights, self.settings
        )
        self.value: Callable[[np.ndarray], tuple[float, np.ndarray]] = self._core.value
        self.hessian_product: Callable[[np.ndarray], np.ndarray] = self._core.hessian_product

    def restricted(self, columns: np.ndarray) -> Objective:
        """The objective of these features alone."""
        names = {name: value for name, value in self.settings.items() if name != "loss"}
        X = self.X[:, columns]
        X = X.tocsr() if scipy.sparse.issparse(X) else np.ascontiguousarray(X)
        return Objective(X, self.y, self.sample_weight, self.settings["loss"], **names)

    def sample(self) -> Objective | None:
        """The objective of the first eighth of the rows, read where they lie, which has its minimum nearby.

        None where that is not to be expected: of few rows for the coefficients, or where classes or weights differ much
        between these rows and all.
        """
        rows, y, weights = len(self.y), self.y, self.sample_weight
        count = rows // SAMPLE
        if count < max(LEAST_SAMPLE, ROWS_PER_COEFFICIENT * self.shape[0] * self.shape[1]):
            return None
        if self.settings["loss"] not in ("log_loss", "squared_hinge", "softmax"):
            return None
        numbers = y if self.settings["loss"] == "softmax" else y > 0
        of_sample, of_all = (np.bincount(some.astype(np.intp), minlength=2) for some in (numbers[:count], numbers))
        if len(of_sample) < len(of_all) or (of_sample * SAMPLE < of_all / 2).any():
            return None
        share = 1 / SAMPLE if weights is None else float(weights[:count].sum() / weights.sum())
        if not share > 0.5 / SAMPLE:
            return None
        return self._first(count, share)

    def _first(self, count: int, share: float, keeps_curvature: bool | None = None) -> Objective:
        """The objective of the first rows, which have this share of all weights."""
        X, weights = self.X, self.sample_weight
        if scipy.sparse.issparse(X):
            end = X.indptr[count]
            parts = X.data[:end], X.indices[:end], X.indptr[: count + 1]
            X = scipy.sparse.csr_matrix(parts, shape=(count, self.columns), copy=False)
        else:
            X = X[:count]
        names = {name: value for name, value in self.settings.items() if name != "loss"}
        names["scale"] *= (len(self.y) / count) if weights is None else 1 / share
        if keeps_curvature is not None:
            names["keeps_curvature"] = keeps_curvature
        own = None if weights is None else weights[:count]
        return Objective(X, self.y[:count], own, self.settings["loss"], **names)

    def hessian_factor(self, w: np.ndarray) -> np.ndarray | None:
        """The Cholesky factor of the Hessian of one output at w over the first half of the rows.

        None where there are several outputs or many coefficients, or where it is not positive definite, as of rows
        that count nothing.
        """
        if self.shape[0] > 1 or self.shape[1] > SAMPLE_HESSIAN:
            return None
        count, weights = len(self.y) // 2, self.sample_weight
        share = 0.5 if weights is None else float(weights[:count].sum() / weights.sum())
        if not share > 0:
            return None
        half = self._first(count, share, keeps_curvature=True)
        half.value(w)
        found = half.hessian()
        return found if np.isfinite(found).all() and _core.cholesky(found) == len(found) else None

    def margins(self, w: np.ndarray) -> np.ndarray:
        """The sums of the rows with w, (outputs, rows)."""
        return self._core.margins(w).reshape(self.shape[0], -1)

    def transposed(self, r: np.ndarray) -> np.ndarray:
        """X' r."""
        return self._core.transposed(r)

    def gram(self, d: Any = None, extra: np.ndarray | None = None, extras: int = 0, centre: Any = None) -> np.ndarray:
        """Z' diag(d) Z, Z = [X, extra] - centre: d is the sample weights by default, True the curvature."""
        centre = np.zeros(self.columns + extras) if centre is None else centre
        return self._core.gram(d, extra, extras, centre)

    def hessian(self, d: Any = True) -> np.ndarray:
        """The Hessian of one output at the w of the last value."""
        intercept = int(self.settings["fit_intercept"])
        found = self.gram(d, None, intercept)
        found *= self.settings["scale"]
        diagonal = np.einsum("ii->i", found)
        diagonal[: self.columns] += self.settings["l2"]
        if intercept:
            diagonal[-1] += self.settings["l2_intercept"]
        return found


def lbfgs(objective: Objective, w: np.ndarray, gtol: float, max_iter: int) -> tuple[np.ndarray, int, bool]:
    """L-BFGS from w: the coefficients, iterations, and whether no component of the gradient is above `gtol`."""
    found, f, iterations, _, reason = objective._core.lbfgs(w, gtol, 64 * EPS, float(max_iter), 10)
    return found, iterations, reason in ("gtol", "ftol") or _is_flat(objective, found, f, reason)


def lbfgs_by_sample(
    objective: Objective, sample: Objective, w: np.ndarray, gtol: float, max_iter: int
) -> tuple[np.ndarray, int, bool]:
    """L-BFGS from the minimum w of a sample, from whose Hessian the first steps follow: what `lbfgs` gives.

    That Hessian differs much from the one of all rows in few directions, which the steps find: few passes are left.
    After a step that was too long plain L-BFGS goes on.
    """
    factor = sample.hessian_factor(w)
    if factor is None:
        return lbfgs(objective, w, gtol, max_iter)
    w, done, is_flat = _steps_by(factor, objective, w, gtol, max_iter)
    if is_flat or done == max_iter:
        return w, done, is_flat
    w, more, converged = lbfgs(objective, w, gtol, max_iter - done)
    return w, done + more, converged


def _steps_by(
    factor: np.ndarray, objective: Objective, w: np.ndarray, gtol: float, max_iter: int
) -> tuple[np.ndarray, int, bool]:
    """L-BFGS with a Hessian to begin from, by its Cholesky factor, in whole steps as long as those lower the value."""
    pairs: deque[tuple[np.ndarray, np.ndarray, float]] = deque(maxlen=PAIRS)
    f, g = objective.value(w)
    for iteration in range(max_iter):
        if np.abs(g).max() <= gtol:
            return w, iteration, True
        d, along = -g, []
        for s, y, ys in reversed(pairs):
            along.append((s @ d) / ys)
            d -= along[-1] * y
        _core.cholesky_solve(factor, d.reshape(-1, 1))
        for s, y, ys in pairs:
            d += (along.pop() - (y @ d) / ys) * s
        f1, g1 = objective.value(w + d)
        if not f1 <= f + 1e-4 * float(g @ d):
            return w, iteration, False
        y = g1 - g
        ys = float(d @ y)
        if ys > 1e-10 * float(np.sqrt((d @ d) * (y @ y))):
            pairs.append((d, y, ys))
        w, f, g = w + d, f1, g1
    return w, max_iter, bool(np.abs(g).max() <= gtol)


def _is_flat(objective: Objective, w: np.ndarray, f: float, reason: str) -> bool:
    """Whether what is left is below rounding, where a line search has found nothing lower."""
    if reason == "maxiter":
        return False
    return float(np.abs(objective.value(w)[1]).max()) <= np.sqrt(EPS) * max(1.0, abs(f))


Method = Callable[[Objective, np.ndarray, float], tuple[np.ndarray, int, bool]]


def from_nearby(
    objective: Objective, w: np.ndarray, method: Method, gtol: float, least: float = 0.0
) -> tuple[np.ndarray, Objective | None]:
    """Where to begin in place of zeros w: at the minimum of the sample, if there is one; and that sample.

    least: of the tolerance. As many rows as decide more or less where the minimum is cost an eighth of a pass, and save
    half of the passes.
    """
    sample = None if w.any() else objective.sample()
    if sample is None:
        return w, None
    found = method(sample, w, max(SAMPLE_TOL * gtol, least))[0]
    return (found, sample) if np.isfinite(found).all() else (w, None)


Direction = Callable[[np.ndarray, float], np.ndarray]


def newton_cholesky_direction(objective: Objective) -> Direction:
    """Newton's direction by the Cholesky factor of the Hessian."""

    def direction(g: np.ndarray, gtol: float) -> np.ndarray:
        return -solve(objective.hessian(), g)

    return direction


def newton_cg_direction(objective: Objective) -> Direction:
    """Newton's direction by conjugate gradients, as far as the gradient is worth it (Dembo & Steihaug 1983)."""

    def direction(g: np.ndarray, gtol: float) -> np.ndarray:
        size = float(np.sqrt(g @ g))
        return conjugate_gradients(
            objective.hessian_product, -g, min(0.1, np.sqrt(size)) * size, 20 * len(g), indefinite=True
        )[0]

    return direction


def conjugate_gradients(
    product: Callable[[np.ndarray], np.ndarray],
    b: np.ndarray,
    tol: float,
    most: int,
    x: np.ndarray | None = None,
    indefinite: bool = False,
) -> tuple[np.ndarray, int, bool]:
    """x with A x = b to a residual of length `tol`, the iterations, and whether it came so far."""
    x = np.zeros_like(b) if x is None else x.copy()
    r = b - product(x) if x.any() else b.copy()
    p, rr = r.copy(), float(r @ r)
    for k in range(most):
        if rr <= tol * tol:
            return x, k, True
        ap = product(p)
        bend = float(p @ ap)
        if bend <= 3 * EPS * float(p @ p):
            return (b.copy() if indefinite and not x.any() else x), k, False
        x += (rr / bend) * p
        r -= (rr / bend) * ap
        before, rr = rr, float(r @ r)
        p = r + (rr / before) * p
    return x, most, rr <= tol * tol


def solve(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """x with a x = b, for a positive semidefinite a, which is overwritten; b (n,) or (n, m)."""
    diagonal = np.einsum("ii->i", a).copy()
    added, largest = 0.0, float(diagonal.max(initial=0.0)) or 1.0
    factor = a.copy()
    while _core.cholesky(factor) < len(a):
        added = max(10 * added, 1e-12 * largest)
        factor = a.copy()
        np.einsum("ii->i", factor)[...] += added
    x = np.ascontiguousarray(b.reshape(len(b), -1)).copy()
    _core.cholesky_solve(factor, x)
    return x.reshape(b.shape)


def newton(
    objective: Objective, w: np.ndarray, direction_at: Direction, gtol: float, max_iter: int
) -> tuple[np.ndarray, int, bool]:
    """Newton's method with a line search that halves: what `lbfgs` gives."""
    f, g = objective.value(w)
    for iteration in range(max_iter):
        if np.abs(g).max() <= gtol:
            return w, iteration, True
        d = direction_at(g, gtol)
        slope, step = float(d @ g), 1.0
        while True:
            near = w + step * d
            f1, g1 = objective.value(near)
            if f1 <= f + 1e-4 * step * slope:
                break
            if abs(f1 - f) <= 16 * EPS * abs(f) and np.abs(g1).max() < np.abs(g).max():
                break  # rounding hides what the step gains
            step *= 0.5
            if step < 1e-10:
                objective.value(w)
                return w, iteration, bool(np.abs(g).max() <= np.sqrt(EPS) * max(1.0, abs(f)))
        w, f, g = near, f1, g1
    return w, max_iter, bool(np.abs(g).max() <= gtol)


def warn_unless(converged: bool, what: str, max_iter: int) -> None:
    """Warn as scikit-learn does where a method has used up its iterations."""
    if not converged:
        warnings.warn(
            f"{what} failed to converge after {max_iter} iterations. Increase max_iter, or scale the data "
            "(sklearn.preprocessing.StandardScaler).",
            ConvergenceWarning,
            stacklevel=4,
        )
