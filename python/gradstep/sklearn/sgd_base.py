"""What estimators trained by stochastic gradient descent have in common."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval, StrOptions

from .descent import Descent, descend

__all__ = ["LARGEST_SEED", "READ", "StochasticDescent"]

LARGEST_SEED = np.iinfo(np.int32).max
# How rows are read: as scikit-learn reads them.
READ = {"accept_sparse": "csr", "dtype": [np.float64, np.float32], "order": "C", "accept_large_sparse": False}
SCHEDULES = {"constant", "optimal", "invscaling", "adaptive", "pa1", "pa2"}


class StochasticDescent(BaseEstimator):
    """Base of estimators that descend row by row."""

    # Parameters that not every estimator has, where it has not.
    loss: str = "hinge"
    penalty: str | None = "l2"
    alpha: float = 1.0
    l1_ratio: float | None = 0.0
    learning_rate: str = "optimal"
    power_t: float = 0.5
    epsilon: float = 0.1
    early_stopping: bool = False
    validation_fraction: float = 0.1
    n_iter_no_change: int = 5
    average: bool | int = False

    # Of the loss of each name: that of the engine, and its margin or width; None for `epsilon`.
    loss_functions: ClassVar[dict[str, tuple[str, float | None]]] = {}
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "fit_intercept": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left"), None],
        "shuffle": ["boolean"],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
        "warm_start": ["boolean"],
        "average": [Interval(Integral, 0, None, closed="neither"), "boolean"],
        "eta0": [Interval(Real, 0, None, closed="neither")],
    }
    _penalty_constraints: ClassVar[dict[str, Any]] = {
        "penalty": [StrOptions({"l2", "l1", "elasticnet"}), None],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both"), None],
        "learning_rate": [StrOptions(SCHEDULES)],
        "power_t": [Interval(Real, 0, None, closed="left")],
    }
    _stopping_constraints: ClassVar[dict[str, Any]] = {
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
    }

    def _check(self, once: bool = False) -> None:
        """Check the parameters; once: for `partial_fit`."""
        self._validate_params()
        if once and self.early_stopping:
            raise ValueError("early_stopping should be False with partial_fit")
        rate = self.learning_rate
        if rate == "optimal" and self.alpha == 0:
            raise ValueError(
                "alpha must be > 0 since learning_rate is 'optimal'. alpha is used to compute the optimal learning "
                "rate."
            )
        needed = "hinge" if is_classifier(self) else "epsilon_insensitive"
        if rate in ("pa1", "pa2") and self.loss != needed:
            raise ValueError(f"Learning rate {rate!r} only works with loss {needed!r}.")
        if self.penalty == "elasticnet" and self.l1_ratio is None:
            raise ValueError("l1_ratio must be set when penalty is 'elasticnet'")

    @property
    def _step_length(self) -> tuple[str, float]:
        """The schedule, and its `eta0`."""
        return self.learning_rate, self.eta0

    def _settings(self) -> dict[str, Any]:
        """What the engine is told of the loss, the penalty and the step length."""
        loss, at = self.loss_functions[self.loss]
        penalty = self.penalty
        ratio = {"l2": 0.0, "l1": 1.0, "elasticnet": self.l1_ratio, None: 0.0}[penalty]
        schedule, eta0 = self._step_length
        return {
            "loss": loss,
            "loss_at": self.epsilon if at is None else at,
            "penalized": penalty is not None,
            "alpha": self.alpha,
            "l1_ratio": ratio,
            "learning_rate": schedule,
            "eta0": eta0,
            "power_t": self.power_t,
            "fit_intercept": bool(self.fit_intercept),
            "one_class": False,
            "positive_weight": 1.0,
            "negative_weight": 1.0,
            "average_from": float(self.average),
        }

    def _start(self, shape: tuple[int, ...], dtype: Any, coef: Any, intercept: Any) -> list[Descent]:
        """Where the descent of each of `shape[0]` models begins: at zeros, or at coefficients that are given."""
        models, features = shape
        if coef is None:
            coef = np.zeros(shape, dtype)
        else:
            coef = np.array(coef, dtype=dtype, order="C")
            if coef.size != models * features or coef.shape[-1:] != (features,):
                raise ValueError("Provided coef_init does not match dataset.")
        intercept = np.zeros(models) if intercept is None else np.array(intercept, dtype=float).reshape(-1)
        if intercept.shape != (models,):
            raise ValueError("Provided intercept_init does not match dataset.")
        coef = coef.reshape(shape)
        average = np.zeros(shape, dtype) if self.average else [None] * models
        return [Descent(coef[k], float(intercept[k]), average[k]) for k in range(models)]

    def _copies(self) -> list[Descent]:
        """The descents so far, apart: those of this estimator stay as they are until the new ones have succeeded."""
        return [
            Descent(
                one.coef.copy(),
                one.intercept,
                None if one.average_coef is None else one.average_coef.copy(),
                one.average_intercept,
            )
            for one in self._descents
        ]

    def _weights_of_rows(self, sample_weight: Any, X: Any) -> np.ndarray:
        """Sample weights (rows,) of the dtype of X."""
        rows = X.shape[0]
        if sample_weight is None:
            return np.ones(rows, X.dtype)
        if isinstance(sample_weight, Real):
            return np.full(rows, sample_weight, X.dtype)
        weights = check_array(sample_weight, ensure_2d=False, dtype=X.dtype, order="C", input_name="sample_weight")
        if weights.ndim != 1:
            raise ValueError(f"Sample weights must be 1D array or scalar, got {weights.ndim}D array.")
        if weights.shape != (rows,):
            raise ValueError(f"sample_weight.shape == {weights.shape}, expected {(rows,)}!")
        return weights

    def _weights_in_fit(self, sample_weight: Any, X: Any) -> np.ndarray:
        """The same, and not all 0: early stopping has an error of its own for that."""
        weights = self._weights_of_rows(sample_weight, X)
        if not (weights.any() or self.early_stopping):
            raise ValueError("Sample weights must contain at least one non-zero number.")
        return weights

    def _left_out(self, y: np.ndarray, sample_weight: np.ndarray) -> np.ndarray | None:
        """Rows of the validation part, for early stopping."""
        if not self.early_stopping:
            return None
        split = (StratifiedShuffleSplit if is_classifier(self) else ShuffleSplit)(
            test_size=self.validation_fraction, random_state=self.random_state
        )
        _, held = next(split.split(np.zeros((len(y), 1)), y))
        if not np.any(sample_weight[held] > 0):
            raise ValueError(
                "The sample weights for validation set are all zero, consider using a different random state."
            )
        mask = np.zeros(len(y), bool)
        mask[held] = True
        return mask

    def _descend(
        self,
        state: Descent,
        X: Any,
        y: np.ndarray,
        sample_weight: np.ndarray,
        t: float,
        seed: int,
        max_iter: int,
        left_out: np.ndarray | None,
        score: Callable[[np.ndarray, float], float] | None,
        **settings: Any,
    ) -> int:
        """Move the state; returns the number of epochs: 0 where no row counts."""
        if not sample_weight.any():
            return 0
        return descend(
            state,
            X,
            y,
            sample_weight,
            settings={**self._settings(), **settings},
            t=t,
            seed=seed if self.shuffle else None,
            max_iter=max_iter,
            tol=self.tol,
            n_iter_no_change=self.n_iter_no_change,
            verbose=self.verbose,
            left_out=left_out,
            score=score,
        )

    def _found(self, one: Descent) -> tuple[np.ndarray, float]:
        """Coefficients and intercept of one model, or their averages where these count by now."""
        if one.average_coef is not None and self._averages():
            return one.average_coef.copy(), one.average_intercept
        return one.coef.copy(), one.intercept

    def _averages(self) -> bool:
        """Whether the averages count by now."""
        average = self.average
        return bool(average) and average <= self.t_ - 1

    def _warn(self) -> None:
        if self.tol is not None and self.n_iter_ == self.max_iter:
            warnings.warn(
                "Maximum number of iteration reached before convergence. Consider increasing max_iter to improve the "
                "fit.",
                ConvergenceWarning,
                stacklevel=3,
            )
