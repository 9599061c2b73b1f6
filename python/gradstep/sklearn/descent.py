"""Stochastic gradient descent of one linear model: its epochs, and when they end."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.utils.extmath import safe_sparse_dot

from .. import _core, optimizers

__all__ = ["Descent", "HeldOut", "Progress", "descend"]

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
    optimizer : Optimizer or None
        What steps, with its state, in place of the rule of the settings.
    stepped_intercept : ndarray, (1,)
        The intercept as the optimizer has it.
    """

    coef: np.ndarray
    intercept: float = 0.0
    average_coef: np.ndarray | None = None
    average_intercept: float = 0.0
    optimizer: optimizers.Optimizer | None = None
    stepped_intercept: np.ndarray | None = None

    def take_optimizer(self, given: Any) -> None:
        """Step by an optimizer from now on: by the one there is, with its state, if it has the same settings."""
        found = None if given is None else optimizers.get(given)
        wanted, present = (None if one is None else (type(one), one.get_config()) for one in (found, self.optimizer))
        if wanted != present:
            self.optimizer = None if found is None else type(found).from_config(found.get_config())
            self.stepped_intercept = None
        if self.optimizer is not None and self.stepped_intercept is None:
            self.stepped_intercept = np.zeros(1, self.coef.dtype)

    def outside(self, fit_intercept: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray, Callable[[], None]] | None:
        """What the engine is told of the optimizer: arrays for gradients and intercept, and the step by them."""
        if self.optimizer is None or self.stepped_intercept is None:
            return None
        gradients = [np.zeros_like(self.coef), np.zeros_like(self.stepped_intercept)]
        moved = 2 if fit_intercept else 1
        bound = self.optimizer.bind([self.coef, self.stepped_intercept][:moved])
        step = functools.partial(bound.step, gradients[:moved])
        return gradients[0], self.stepped_intercept, gradients[1], step


@dataclasses.dataclass
class HeldOut:
    """Rows that are not trained on; the descent ends by their score.

    Attributes
    ----------
    left_out : ndarray of bool, (rows,)
        Which rows these are.
    X, y, sample_weight
        Themselves.
    score : function of y, sums and sample_weight
        What is to grow; `sums` are those of X with the coefficients.
    """

    left_out: np.ndarray
    X: Any
    y: np.ndarray
    sample_weight: np.ndarray
    score: Callable[[np.ndarray, np.ndarray, np.ndarray], float]

    def sums(self, coef: np.ndarray, intercept: float) -> np.ndarray:
        """Sums of the rows with the coefficients, (held out,)."""
        return np.asarray(safe_sparse_dot(self.X, coef) + intercept)


@dataclasses.dataclass
class Progress:
    """Mean losses of the epochs of a descent: of the rows, each before its step; and of the rows held out, after."""

    losses: list[float] = dataclasses.field(default_factory=list)
    validation_losses: list[float] = dataclasses.field(default_factory=list)


def _is_finite(coef: np.ndarray) -> bool:
    """Whether all coefficients are: mostly their squares already have a finite sum, which is found faster."""
    return math.isfinite(coef.dot(coef)) or bool(np.isfinite(coef).all())


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
    batch: int = 1,
    held_out: HeldOut | None = None,
) -> Progress:
    """Step along all rows again and again until there is no progress.

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
    batch : int
        Rows of a step.
    held_out : HeldOut, optional
        Rows whose score is to grow; without them the objective is to fall.

    Raises
    ------
    ValueError
        A number has overflowed.
    """
    matrix, intercept_share = rows_of(X)
    needs_objective = held_out is None and (tol is not None or verbose > 0)
    settings = {**settings, "intercept_share": intercept_share, "sums_objective": needs_objective}
    left_out = None if held_out is None else held_out.left_out
    run = _core.LinearDescent(matrix, y, sample_weight, left_out, state.coef, state.average_coef, settings)
    run.intercept, run.average_intercept, run.t = state.intercept, state.average_intercept, t
    outside = state.outside(settings["fit_intercept"])
    trained = max(len(y) if left_out is None else len(y) - int(np.count_nonzero(left_out)), 1)
    best, waited, progress = math.inf, 0, Progress()
    for epoch in range(1, max_iter + 1):
        if batch > 1 or outside:
            run.epoch_of_batches(seed, batch, outside)
        else:
            run.epoch(seed)
        if not (math.isfinite(run.intercept) and _is_finite(state.coef)):
            raise ValueError(
                f"Floating-point under-/overflow occurred at epoch #{epoch}. Scaling input data with StandardScaler or "
                "MinMaxScaler might help."
            )
        progress.losses.append(run.loss / trained)
        value = run.objective / trained
        if held_out is not None:
            run.settle()
            sums = held_out.sums(state.coef, run.intercept)
            losses = _core.linear_losses(settings["loss"], settings["loss_setting"], held_out.y, sums)
            progress.validation_losses.append(float(losses.mean()))
            value = -held_out.score(held_out.y, sums, held_out.sample_weight)
        if verbose > 0:
            print(
                f"Epoch {epoch}: norm {np.linalg.norm(state.coef):.2f}, nonzero {np.count_nonzero(state.coef)}, "
                f"intercept {run.intercept:.6f}, loss {progress.losses[-1]:.6f}, "
                + (f"objective {value:.6f}" if held_out is None else f"validation score {-value:.6f}")
            )
        waited = waited + 1 if tol is not None and value > best - tol else 0
        best = min(best, value)
        if waited >= n_iter_no_change:
            if settings["learning_rate"] != "adaptive" or run.eta <= LEAST_RATE:
                break
            run.eta, waited = run.eta / 5, 0
    run.settle()
    state.intercept, state.average_intercept = run.intercept, run.average_intercept
    return progress
