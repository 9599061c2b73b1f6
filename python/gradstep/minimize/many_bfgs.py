"""BFGS on many problems: every round is one call, in which each problem has its own trial step.

References
----------
Nocedal and Wright 2006, "Numerical Optimization", chapter 6; the line search brackets a point of the weak Wolfe
conditions.
"""

from __future__ import annotations

import numpy as np

from .many_problems import Rows

__all__ = ["bfgs"]

C1, C2 = 1e-4, 0.9
TRIALS = 40  # of one line search


def bfgs(problems: Rows, gtol: float, maxiter: int) -> None:
    """Minimize all rows; what is found is in `problems`."""
    X = problems.x.astype(np.float64)
    rows = np.arange(len(X))
    f, g = problems.call(X, rows)
    problems.keep(rows, X, f, g)
    bad = ~(np.isfinite(f) & np.isfinite(g).all(axis=1))
    problems.reason[bad] = "nan"
    problems.reason[~bad & (np.abs(g).max(axis=1) <= gtol)] = "gtol"
    if maxiter == 0:
        problems.reason[problems.reason == ""] = "maxiter"
    _rounds(problems, gtol, maxiter, X, f, g)


def _rounds(problems: Rows, gtol: float, maxiter: int, X: np.ndarray, f: np.ndarray, g: np.ndarray) -> None:
    k, n = X.shape
    rows = np.arange(k)
    H = np.broadcast_to(np.eye(n), (k, n, n)).copy()
    fresh = np.ones(k, bool)
    d, slope, alpha = -g, -_dot(g, g), 1 / np.maximum(np.sqrt(_dot(g, g)), 1.0)
    low, low_f, low_m = np.zeros(k), f.copy(), slope.copy()
    high, high_f = np.full(k, np.inf), np.full(k, np.inf)
    trials = np.zeros(k, np.int64)
    while True:
        on = problems.reason[rows] == ""
        if not on.all():
            rows, X, f, g, H, fresh = rows[on], X[on], f[on], g[on], H[on], fresh[on]
            d, slope, alpha, low, low_f = d[on], slope[on], alpha[on], low[on], low_f[on]
            low_m, high, high_f, trials = low_m[on], high[on], high_f[on], trials[on]
        if not len(rows):
            return
        new = (X + alpha[:, None] * d).astype(problems.x.dtype).astype(np.float64)
        with np.errstate(all="ignore"):
            f_new, g_new = problems.call(new, rows)
            m = _dot(g_new, d)
            finite = np.isfinite(f_new) & np.isfinite(m)
            noise = 4 * problems.eps * np.abs(f)
            enough = finite & (f_new <= f + C1 * alpha * slope)
            # Where f resolves no change, slopes decide.
            enough |= finite & (f_new <= f + noise) & (m <= (2 * C1 - 1) * slope) & (-alpha * slope <= 1e4 * noise)
            done = enough & (m >= C2 * slope)
        trials += 1
        # The bracket of those that go on.
        shrink, grow = ~enough, enough & ~done
        high[shrink], high_f[shrink] = alpha[shrink], np.where(finite, f_new, np.inf)[shrink]
        low[grow], low_f[grow], low_m[grow] = alpha[grow], f_new[grow], m[grow]
        alpha = np.where(done, alpha, _trial(low, low_f, low_m, high, high_f, alpha))
        lost = ~done & ((trials >= TRIALS) | (new == X).all(axis=1))
        if lost.any():
            problems.reason[rows[lost & fresh]] = "line_search"
        if done.any():
            at = np.flatnonzero(done)
            _update(H, fresh, at, new[at] - X[at], g_new[at] - g[at])
            X[at], f[at], g[at] = new[at], f_new[at], g_new[at]
            took = rows[at]
            problems.nit[took] += 1
            better = f[at] <= problems.f[took]
            problems.keep(took[better], X[at][better], f[at][better], g[at][better])
            problems.reason[took[problems.nit[took] >= maxiter]] = "maxiter"
            solved = np.abs(g[at]).max(axis=1) <= gtol
            problems.reason[took[solved]] = "gtol"
            same = f[at] <= problems.f[took] + 1e-10 * np.abs(problems.f[took])
            there = solved & same
            problems.keep(took[there], X[at][there], f[at][there], g[at][there])
        again = np.flatnonzero(done | (lost & ~fresh))
        if len(again):
            forget = again[~done[again]]
            H[forget], fresh[forget] = np.eye(n), True
            d[again] = -np.einsum("kij,kj->ki", H[again], g[again])
            slope[again] = _dot(d[again], g[again])
            up = again[~(slope[again] < 0)]
            H[up], fresh[up], d[up] = np.eye(n), True, -g[up]
            slope[up] = -_dot(g[up], g[up])
            alpha[again] = np.where(fresh[again], 1 / np.maximum(np.sqrt(-slope[again]), 1.0), 1.0)
            low[again], low_f[again], low_m[again] = 0.0, f[again], slope[again]
            high[again], high_f[again], trials[again] = np.inf, np.inf, 0


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Inner products by row."""
    return np.asarray(np.einsum("ki,ki->k", a, b))


def _trial(
    low: np.ndarray, low_f: np.ndarray, low_m: np.ndarray, high: np.ndarray, high_f: np.ndarray, alpha: np.ndarray
) -> np.ndarray:
    """The next alpha of each: farther out without a bracket, else the minimum of a parabola within it."""
    with np.errstate(all="ignore"):
        width = high - low
        inside = -low_m * width * width / (2 * (high_f - low_f - low_m * width))
        inside = np.where(np.isfinite(inside), inside, 0.1 * width)
        inside = low + np.minimum(np.maximum(inside, 0.1 * width), 0.9 * width)
        return np.asarray(np.where(np.isfinite(high), inside, 3 * np.maximum(alpha, 1e-300)))


def _update(H: np.ndarray, fresh: np.ndarray, at: np.ndarray, s: np.ndarray, y: np.ndarray) -> None:
    """The update of rank 2 of the inverse Hessians at some rows."""
    ys, yy = _dot(y, s), _dot(y, y)
    good = ys > 1e-10 * np.sqrt(yy * _dot(s, s))
    at, s, y, ys, yy = at[good], s[good], y[good], ys[good], yy[good]
    first = fresh[at]
    inverse = H[at]
    inverse[first] *= np.maximum((ys[first] / yy[first]) ** 0.75, 1e-3)[:, None, None]
    fresh[at] = False
    Hy = np.einsum("kij,kj->ki", inverse, y)
    u = (0.5 * (1 + _dot(y, Hy) / ys) / ys)[:, None] * s - Hy / ys[:, None]
    outer = s[:, :, None] * u[:, None, :]
    H[at] = inverse + outer + outer.transpose(0, 2, 1)
