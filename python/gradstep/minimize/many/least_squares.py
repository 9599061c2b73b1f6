"""Levenberg-Marquardt on many problems: each has its own damping.

References
----------
Madsen, Nielsen and Tingleff 2004, "Methods for non-linear least squares problems", for how the damping changes.
"""

from __future__ import annotations

import numpy as np

from .problems import Rows

__all__ = ["levenberg_marquardt"]

FIRST = 1e-3  # damping, relative to the largest squared column norms
MOST = 1e30  # damping at which no step is left


def levenberg_marquardt(problems: Rows, gtol: float, maxiter: int) -> None:
    """Minimize half the sums of squares of all rows; what is found is in `problems`."""
    X = problems.x.astype(np.float64)
    rows = np.arange(len(X))
    r, J = problems.call(X, rows)
    f, g, A = _normal(r, J)
    problems.keep(rows, X, f, g)
    bad = ~(np.isfinite(f) & np.isfinite(A).all(axis=(1, 2)))
    problems.reason[bad] = "nan"
    problems.reason[~bad & (np.abs(g).max(axis=1) <= gtol)] = "gtol"
    if maxiter == 0:
        problems.reason[problems.reason == ""] = "maxiter"
    scale = _diagonal(A)
    damping, factor = np.full(len(X), FIRST), np.full(len(X), 2.0)
    first = f.copy()
    while True:
        on = problems.reason[rows] == ""
        if not on.all():
            rows, X, f, g, A, first = rows[on], X[on], f[on], g[on], A[on], first[on]
            scale, damping, factor = scale[on], damping[on], factor[on]
        if not len(rows):
            return
        scale = np.maximum(scale, _diagonal(A))
        D = np.where(scale > 0, scale, 1.0)
        # Scaled by the columns' norms, the matrices are well conditioned and their sizes alike.
        root = np.sqrt(D)
        scaled = A / (root[:, :, None] * root[:, None, :])
        scaled[:, np.arange(X.shape[1]), np.arange(X.shape[1])] += damping[:, None]
        p = -np.linalg.solve(scaled, (g / root)[:, :, None])[:, :, 0] / root
        new = (X + p).astype(problems.x.dtype).astype(np.float64)
        with np.errstate(all="ignore"):
            r, J = problems.call(new, rows)
            f_new, g_new, A_new = _normal(r, J)
            gain = 0.5 * np.einsum("ki,ki->k", p, damping[:, None] * D * p - g)
            ratio = (f - f_new) / gain
            good = np.isfinite(f_new) & np.isfinite(A_new).all(axis=(1, 2)) & (f_new < f)
        still = (new == X).all(axis=1) | (damping >= MOST) | (gain <= 4 * problems.eps * f)
        at = np.flatnonzero(good)
        X[at], f[at], g[at], A[at] = new[at], f_new[at], g_new[at], A_new[at]
        took = rows[at]
        problems.nit[took] += 1
        problems.keep(took, X[at], f[at], g[at])
        damping = np.where(good, damping * np.maximum(1 / 3, 1 - (2 * ratio - 1) ** 3), damping * factor)
        damping = np.maximum(damping, 1e-15)
        factor = np.where(good, 2.0, 2 * factor)
        stuck = np.flatnonzero(still & ~good)
        problems.reason[rows[stuck]] = "stalled"
        # At the floor of rounding the model says that nothing is left: solved as far as the numbers go.
        scaled[stuck, :, :] = (A / (root[:, :, None] * root[:, None, :]))[stuck]
        left = _left(scaled[stuck], (g / root)[stuck])
        floor = (left <= problems.eps ** (2 / 3) * f[stuck]) | (f[stuck] <= (4 * problems.eps) ** 2 * first[stuck])
        problems.solved[rows[stuck[floor]]] = True
        problems.reason[took[problems.nit[took] >= maxiter]] = "maxiter"
        problems.reason[rows[np.abs(g).max(axis=1) <= gtol]] = "gtol"


def _left(A: np.ndarray, g: np.ndarray) -> np.ndarray:
    """By how much the model can fall, g' A^-1 g / 2; infinite where A is singular to rounding."""
    w, V = np.linalg.eigh(A)
    a = np.einsum("kji,kj->ki", V, g)
    with np.errstate(all="ignore"):
        return np.where(w[:, 0] > 1e-12 * w[:, -1], 0.5 * (a * a / w).sum(axis=1), np.inf)


def _normal(r: np.ndarray, J: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Half the sums of squares (k,), gradients J'r (k, n) and J'J (k, n, n)."""
    turned = J.transpose(0, 2, 1)
    return 0.5 * np.einsum("km,km->k", r, r), (turned @ r[:, :, None])[:, :, 0], turned @ J


def _diagonal(A: np.ndarray) -> np.ndarray:
    return np.asarray(np.einsum("kii->ki", A))
