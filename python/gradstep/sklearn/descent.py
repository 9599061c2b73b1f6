"""Stochastic gradient descent of one linear model: its epochs, and when they end."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse

from .. import _core

__all__ = ["Descent", "descend"]

LEAST_RATE = 1e-6  # of the schedule "adaptive"


@dataclasses.dataclass
class Descent:
    """Where a descent is, between calls of `partial_fit` too; arrays are moved in place.

    Attributes
    ----------
    coef : ndarray, (features,)
    intercept : float
    average_coef : ndarray, (features,), or None where nothing is averaged
    average_intercept : float
    """

    coef: np.ndarray
    intercept: float = 0.0
    average_coef: np.ndarray | None = None
    average_intercept: float = 0.0


def rows_of(X: Any) -> tuple[Any, float]:
    """X as the loops read it, and the share of a step that the intercept takes: as scikit-learn, less for sparse."""
    if not scipy.sparse.issparse(X):
        return X, 1.0
    return (X.data, X.indices.astype(np.int32, copy=False), X.indptr.astype(np.int32, copy=False)), 0.01


def descend(
    state: Descent,
    X: Any,
    y: np.ndarray,
    sample_weight: np.ndarray,
    *,
    settings: dict[str, Any],
    t: float,
    seed: int | None,
    max_iter: int,
    tol: float | None,
    n_iter_no_change: int,
    verbose: int,
    left_out: np.ndarray | None = None,
    score: Callable[[np.ndarray, float], float] | None = None,
) -> int:
    """Step along all rows again and again until there is no progress; return how many epochs that took.

    Parameters
    ----------
    state : Descent
        Moved in place.
    X : ndarray or SciPy CSR matrix, (rows, features), float32 or float64
    y, sample_weight : ndarray, (rows,), of the same dtype
        Classes are -1 and 1.
    settings : dict
        Of the loss, the penalty and the step length, by the names that the engine knows.
    t : float
        The number of the first step.
    seed : int or None
        Of the shuffle of each epoch; None keeps the order.
    tol, n_iter_no_change
        It ends where so many epochs in a row were not better than the best by `tol`; never if that is None.
    left_out : ndarray of bool, (rows,), optional
        Rows that are not trained on.
    score : function of coefficients and intercept, optional
        What is to grow, in place of the objective, which is to fall.

    Raises
    ------
    ValueError
        A number has overflowed.
    """
    matrix, intercept_share = rows_of(X)
    settings = {**settings, "intercept_share": intercept_share, "watch_objective": score is None or verbose > 0}
    run = _core.LinearDescent(matrix, y, sample_weight, left_out, state.coef, state.average_coef, settings)
    run.intercept, run.average_intercept, run.t = state.intercept, state.average_intercept, t
    trained = len(y) if left_out is None else len(y) - int(np.count_nonzero(left_out))
    best, waited = math.inf, 0
    for epoch in range(1, max_iter + 1):
        run.epoch(seed)
        if not (math.isfinite(run.intercept) and np.isfinite(state.coef).all()):
            raise ValueError(
                f"Floating-point under-/overflow occurred at epoch #{epoch}. Scaling input data with StandardScaler or "
                "MinMaxScaler might help."
            )
        if score is not None:
            run.settle()
        value = run.objective / max(trained, 1) if score is None else -score(state.coef, run.intercept)
        if verbose > 0:
            print(
                f"Epoch {epoch}: norm {np.linalg.norm(state.coef):.2f}, nonzero {np.count_nonzero(state.coef)}, "
                f"intercept {run.intercept:.6f}, loss {run.loss / max(trained, 1):.6f}, "
                + (f"objective {value:.6f}" if score is None else f"validation score {-value:.6f}")
            )
        waited = waited + 1 if tol is not None and value > best - tol else 0
        best = min(best, value)
        if waited >= n_iter_no_change:
            if settings["learning_rate"] != "adaptive" or run.eta <= LEAST_RATE:
                break
            run.eta, waited = run.eta / 5, 0
    run.settle()
    state.intercept, state.average_intercept = run.intercept, run.average_intercept
    return epoch
