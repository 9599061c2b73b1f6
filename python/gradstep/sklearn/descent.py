"""Stochastic gradient descent of one linear model: its epochs, and when they end."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.utils.extmath import safe_sparse_dot

from .. import _core, optimizers

__all__ = ["Descent", "Epochs", "HeldOut", "Progress", "descend"]

LEAST_RATE = 1e-6  # of the schedule "adaptive"
SIDE_BY_SIDE, FEW_ROWS = 8, 2**15  # models that are trained side by side, each on so many rows at most


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


class Epochs:
    """Steps of one model along all rows, again and again until there is no progress.

    Parameters
    ----------
    state : Descent
        Moved in place.
    X : ndarray or SciPy CSR matrix, (rows, features), float32 or float64
    targets : function
        Makes y, (rows,), of the dtype of X, and the rows held out or None. Classes are -1 and 1.
    sample_weight : ndarray, (rows,), of the dtype of X
        Where no row counts there is no epoch.
    settings : dict
        Of the loss, the penalty and the step length, by the names that the engine knows.
    t : float
        The number of the first step.
    seed : int or None
        Of the shuffle of each epoch; None keeps the order.
    tol, n_iter_no_change
        It ends where so many epochs in a row were not better than the best by `tol`; never if that is None. Better is
        a larger score of the rows held out, or without them a lower objective.
    batch : int
        Rows of a step.

    Attributes
    ----------
    progress : Progress
    is_over : bool
    error : ValueError or None
        A number has overflowed, or the matrix is none.
    """

    def __init__(
        self,
        state: Descent,
        X: Any,
        targets: Callable[[], tuple[np.ndarray, HeldOut | None]],
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
    ) -> None:
        self.state, self.X, self._targets, self._weights = state, X, targets, sample_weight
        self.settings, self._t, self.seed, self.batch = settings, t, seed, batch
        self._max_iter, self._tol, self._patience, self._verbose = max_iter, tol, n_iter_no_change, verbose
        self.progress = Progress()
        self.is_over = not sample_weight.any()
        self.error: ValueError | None = None
        self.run: Any = None  # the engine's, from `begin` to `end`
        self._best, self._waited = math.inf, 0

    @property
    def is_small(self) -> bool:
        """Whether what a model needs beside X may be there for several at once, of rows that caches hold."""
        return int(self.X.shape[0]) <= FEW_ROWS and self._verbose <= 0

    def begin(self) -> None:
        """Make what the epochs need."""
        y, self._held_out = self._targets()
        matrix, intercept_share = rows_of(self.X)
        needs_objective = self._held_out is None and (self._tol is not None or self._verbose > 0)
        settings = {**self.settings, "intercept_share": intercept_share, "sums_objective": needs_objective}
        left_out = None if self._held_out is None else self._held_out.left_out
        state = self.state
        self.run = _core.LinearDescent(matrix, y, self._weights, left_out, state.coef, state.average_coef, settings)
        self.run.intercept, self.run.average_intercept = state.intercept, state.average_intercept
        self.run.t = self._t
        self._outside = state.outside(settings["fit_intercept"])
        self._trained = max(len(y) if left_out is None else len(y) - int(np.count_nonzero(left_out)), 1)

    @property
    def goes_by_rows(self) -> bool:
        """Whether each row is a step, by the engine's rule."""
        return self.batch <= 1 and not self._outside

    def step(self) -> None:
        """One epoch of this model alone."""
        if self.goes_by_rows:
            self.run.epoch(self.seed)
        else:
            self.run.epoch_of_batches(self.seed, self.batch, self._outside)

    def look(self) -> None:
        """Note the epoch, and whether it was the last."""
        run, progress = self.run, self.progress
        epoch = len(progress.losses) + 1
        if not (math.isfinite(run.intercept) and _is_finite(self.state.coef)):
            self.error = ValueError(
                f"Floating-point under-/overflow occurred at epoch #{epoch}. Scaling input data with StandardScaler or "
                "MinMaxScaler might help."
            )
            self.is_over = True
            return
        progress.losses.append(run.loss / self._trained)
        value = self._score_held_out(self._held_out) if self._held_out else run.objective / self._trained
        if self._verbose > 0:
            self._print(epoch, value)
        self._waited = self._waited + 1 if self._tol is not None and value > self._best - self._tol else 0
        self._best = min(self._best, value)
        self.is_over = epoch == self._max_iter
        if self._waited >= self._patience:
            if self.settings["learning_rate"] == "adaptive" and run.eta > LEAST_RATE:
                run.eta, self._waited = run.eta / 5, 0
            else:
                self.is_over = True

    def _score_held_out(self, held_out: HeldOut) -> float:
        """Minus the score, which is to fall; and the losses."""
        self.run.settle()
        sums = held_out.sums(self.state.coef, self.run.intercept)
        losses = _core.linear_losses(self.settings["loss"], self.settings["loss_setting"], held_out.y, sums)
        self.progress.validation_losses.append(float(losses.mean()))
        return -held_out.score(held_out.y, sums, held_out.sample_weight)

    def _print(self, epoch: int, value: float) -> None:
        coef = self.state.coef
        print(
            f"Epoch {epoch}: norm {np.linalg.norm(coef):.2f}, nonzero {np.count_nonzero(coef)}, "
            f"intercept {self.run.intercept:.6f}, loss {self.progress.losses[-1]:.6f}, "
            + (f"objective {value:.6f}" if self._held_out is None else f"validation score {-value:.6f}")
        )

    def end(self) -> None:
        """Put the numbers into the state, and let go of what is not needed any more."""
        if self.error is None:
            self.run.settle()
            self.state.intercept, self.state.average_intercept = self.run.intercept, self.run.average_intercept
        self.run = self._held_out = self._outside = None


def descend(models: Sequence[Epochs]) -> None:
    """Train models until they are over: each gets what it would get alone.

    Models of few rows go side by side: a step of one is done while another's waits for its sum.
    """
    waiting = [one for one in models if not one.is_over]
    while waiting:
        count = SIDE_BY_SIDE if all(one.is_small for one in waiting[:SIDE_BY_SIDE]) else 1
        group, waiting = waiting[:count], waiting[count:]
        for one in group:
            one.begin()
        while going := [one for one in group if not one.is_over]:
            together = [one for one in going if one.goes_by_rows]
            if len(together) > 1:
                _step(together, _core.linear_epochs, [one.run for one in together], [one.seed for one in together])
            for one in going:
                if len(together) < 2 or not one.goes_by_rows:
                    _step([one], one.step)
                if not one.is_over:
                    one.look()
        for one in group:
            one.end()


def _step(models: Sequence[Epochs], epoch: Callable[..., None], *given: Any) -> None:
    """An epoch of some models; an error, as of a matrix that has changed meanwhile, is theirs."""
    try:
        epoch(*given)
    except ValueError as error:
        for one in models:
            one.error, one.is_over = error, True
