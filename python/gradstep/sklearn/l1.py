"""Minima with an l1 penalty: proximal Newton steps by coordinate descent, over the features that may count."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.special

from .. import _core
from .objective import EPS, Objective

__all__ = ["proximal_newton"]

WHOLE = 1000  # features up to which no working set is made
INNER = 1000  # passes of coordinate descent for a step


def proximal_newton(
    objective: Objective, w: np.ndarray, l1: float, l1_intercept: float, tol: float, max_iter: int
) -> tuple[np.ndarray, int, bool]:
    """Minimize the objective plus ``l1 sum |w| + l1_intercept sum |b|``.

    Ends where no component of the least subgradient is above `tol`. Coefficients that do not count are exactly 0. Many
    features are taken by working sets: of those that are not 0, and those whose slope exceeds `l1` at 0.

    Returns
    -------
    coefficients, iterations, converged

    References
    ----------
    Friedman, Hastie & Tibshirani 2010, J. Stat. Softw. 33. Lee, Sun & Saunders 2014, SIAM J. Optim. 24.
    """
    if objective.columns <= WHOLE:
        return _steps(objective, w, l1, l1_intercept, tol, max_iter)
    columns, wide = objective.columns, w.reshape(objective.shape).copy()
    held = np.zeros(columns, bool)
    done = 0
    while True:
        slopes = objective.value(wide.ravel())[1].reshape(objective.shape)
        beyond = np.abs(slopes[:, :columns]).max(axis=0) - l1
        used = np.any(wide[:, :columns] != 0, axis=0)
        new = (beyond > tol) & ~(held | used)
        if (done and not new.any()) or done >= max_iter:
            return wide.ravel(), done, not new.any()
        most = max(100, int(used.sum()))
        if new.sum() > most:
            new &= beyond >= np.partition(beyond[new], -most)[-most]
        held = held | used | new
        chosen = np.flatnonzero(held)
        part = objective.restricted(chosen)
        at = np.append(chosen, np.arange(columns, objective.shape[1]))
        found, steps, converged = _steps(part, wide[:, at].ravel(), l1, l1_intercept, tol, max_iter - done)
        wide[:, at] = found.reshape(part.shape)
        done += max(steps, 1)
        if not converged:
            return wide.ravel(), done, False


def _subgradient(w: np.ndarray, g: np.ndarray, l1: np.ndarray) -> np.ndarray:
    """The least subgradient."""
    return np.where(w == 0, np.sign(g) * np.maximum(np.abs(g) - l1, 0), g + l1 * np.sign(w))


def _steps(
    objective: Objective, w: np.ndarray, l1: float, l1_intercept: float, tol: float, max_iter: int
) -> tuple[np.ndarray, int, bool]:
    outputs, size = objective.shape
    penalty = np.full(size, l1)
    penalty[objective.columns :] = l1_intercept
    every = np.tile(penalty, outputs)

    def whole(at: np.ndarray) -> tuple[float, np.ndarray]:
        f, g = objective.value(at)
        return f + float(every @ np.abs(at)), g

    f, g = whole(w)
    for iteration in range(max_iter):
        worst = float(np.abs(_subgradient(w, g, every)).max())
        if worst <= tol:
            return w, iteration, True
        before = f
        for k in range(outputs):
            part = slice(k * size, (k + 1) * size)
            hessian = objective.hessian(_curvature(objective, w, k))
            np.einsum("ii->i", hessian)[...] += 1e-12 * float(np.einsum("ii->i", hessian).max())
            aim = w[part].copy()
            q = hessian @ aim - g[part]
            exact = min(1e-3, 0.01 * worst)
            _core.coordinate_descent(
                hessian, q, penalty, 0.0, 0.0, False, aim, INNER, max(exact, 4 * EPS), -1.0, False, 1
            )
            w, f, g = _line(whole, w, f, g, every, part, aim)
        if before - f <= 2 * EPS * abs(f):
            least = float(np.abs(_subgradient(w, g, every)).max())
            return w, iteration + 1, least <= max(tol, np.sqrt(EPS) * max(1.0, abs(f)))
    return w, max_iter, bool(np.abs(_subgradient(w, g, every)).max() <= tol)


def _curvature(objective: Objective, w: np.ndarray, k: int) -> np.ndarray | bool:
    """s L'' of the rows in the sums of output k."""
    if objective.shape[0] == 1:
        return True
    p = scipy.special.softmax(objective.margins(w), axis=0)[k]
    p *= 1 - p
    if objective.sample_weight is not None:
        p *= objective.sample_weight
    return p


def _line(
    whole: Callable[[np.ndarray], tuple[float, np.ndarray]],
    w: np.ndarray,
    f: float,
    g: np.ndarray,
    every: np.ndarray,
    part: slice,
    aim: np.ndarray,
) -> tuple[np.ndarray, float, np.ndarray]:
    """The first of w + d, w + d / 2, ... that is low enough, as far as the slope along d and the penalty promise."""
    d = np.zeros_like(w)
    d[part] = aim - w[part]
    promised = float(g @ d) + float(every @ (np.abs(w + d) - np.abs(w)))
    step = 1.0
    while step > 1e-10:
        near = w + step * d
        if step == 1:
            near[part] = aim
        f1, g1 = whole(near)
        if f1 <= f + 1e-4 * step * promised + 4 * EPS * abs(f):
            return near, f1, g1
        step *= 0.5
    whole(w)
    return w, f, g
