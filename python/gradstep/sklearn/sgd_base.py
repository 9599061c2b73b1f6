"""What estimators trained by stochastic gradient descent have in common."""

from __future__ import annotations

import copy
import functools
import inspect
import warnings
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit
from sklearn.utils._param_validation import Interval, StrOptions

from .. import _core, optimizers
from .descent import Descent, Epochs, HeldOut, Progress, descend
from .estimator import Estimator
from .sample_weights import check_sample_weight

__all__ = ["LARGEST_SEED", "READ", "StochasticDescent", "second_draw", "second_draw_of"]

LARGEST_SEED = np.iinfo(np.int32).max
# How rows are read: as scikit-learn reads them.
READ: dict[str, Any] = {
    "accept_sparse": "csr",
    "dtype": [np.float64, np.float32],
    "order": "C",
    "accept_large_sparse": False,
}
PASSIVE_AGGRESSIVE = {"pa1", "pa2"}
SCHEDULES = set(_core.linear_step_lengths)
OPTIMIZER_BATCH = 32  # rows of an optimizer's step by default


@functools.lru_cache(1024)
def second_draw(seed: int) -> int:
    """The seed of shuffles: the second draw of a generator of this seed, as scikit-learn's data set takes the first."""
    return second_draw_of(np.random.RandomState(seed))


def second_draw_of(draws: np.random.RandomState) -> int:
    """The same of a generator, which goes on."""
    draws.randint(1, LARGEST_SEED)
    return int(draws.randint(LARGEST_SEED))


class StochasticDescent(Estimator):
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
    batch_size: int | None = None
    optimizer: Any = None

    # Of the loss of each name: that of the engine, and its margin or width; None for `epsilon`.
    loss_functions: ClassVar[dict[str, tuple[str, float | None]]] = {}
    # Trains what `_prepare_fit` gives, of several estimators too.
    _descend_together = staticmethod(descend)
    # By how much the engine's intercept is above `intercept_`.
    _above_intercept: ClassVar[float] = 0.0
    _descents: list[Descent]
    coef_: Any
    intercept_: Any
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
    _batch_constraints: ClassVar[dict[str, Any]] = {
        "batch_size": [Interval(Integral, 1, None, closed="left"), None],
        "optimizer": [str, dict, optimizers.Optimizer, None],
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
        if rate in PASSIVE_AGGRESSIVE and self.loss != needed:
            raise ValueError(f"Learning rate {rate!r} only works with loss {needed!r}.")
        if rate in PASSIVE_AGGRESSIVE and self._rows_of_step > 1:
            raise ValueError(
                f"Learning rate {rate!r} only works with batch_size=1: its steps are those of single rows."
            )
        if self.penalty == "elasticnet" and self.l1_ratio is None:
            raise ValueError("l1_ratio must be set when penalty is 'elasticnet'")

        if self.optimizer is not None:
            self._check_optimizer()

    def _check_optimizer(self) -> None:
        """Step lengths are the optimizer's: others must not be asked for."""
        optimizers.get(self.optimizer)
        defaults = inspect.signature(type(self)).parameters
        for name in ("learning_rate", "eta0", "power_t"):
            given = getattr(self, name)
            if given != defaults[name].default:
                raise ValueError(
                    f"{name} must be {defaults[name].default!r}, its default, where there is an optimizer, which has a "
                    f"learning rate itself, as in optimizers.Adam(0.01); got {given!r}."
                )

    @property
    def _rows_of_step(self) -> int:
        if self.batch_size is not None:
            return int(self.batch_size)
        return 1 if self.optimizer is None else OPTIMIZER_BATCH

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
            "loss_setting": self.epsilon if at is None else at,
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

    def _start(self, shape: tuple[int, int], dtype: Any, coef: Any, intercept: Any) -> list[Descent]:
        """Where the descent of each of `shape[0]` models begins.

        At coefficients that are given; in a warm start at those found so far, with the state of their optimizers; at
        zeros.
        """
        models, features = shape
        if self.warm_start and hasattr(self, "coef_"):
            fits = [one.coef.shape for one in getattr(self, "_descents", [])] == [(features,)] * models
            if self.optimizer is not None and fits and coef is None and intercept is None:
                return self._going_on(shape, dtype)
            coef = self._dense_coef() if coef is None else coef
            intercept = self.intercept_ if intercept is None else intercept
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

    def _going_on(self, shape: tuple[int, int], dtype: Any) -> list[Descent]:
        """The descents so far, apart: those of this estimator stay as they are until the new ones have succeeded.

        They go on from `coef_` and the intercepts, which the program may have set, also before any descent.
        """
        coef = self._dense_coef()
        if "_descents" not in vars(self):
            intercept = getattr(self, "intercept_", np.zeros(shape[0]))
            return self._start(shape, dtype, coef, intercept + self._above_intercept)
        descents, found = copy.deepcopy(self._descents), copy.copy(self)
        found._publish()
        if not np.array_equal(coef, found.coef_):
            if np.shape(coef) != found.coef_.shape:
                raise ValueError(f"coef_ must have shape {found.coef_.shape}, as it was fitted; got {np.shape(coef)}.")
            for one, given in zip(descents, np.reshape(coef, (len(descents), -1)), strict=True):
                one.coef[...] = given
                if one.average_coef is not None:
                    one.average_coef[...] = given
        if not np.array_equal(self.intercept_, found.intercept_):
            each = np.broadcast_to(self.intercept_ + self._above_intercept, len(descents))
            for one, start in zip(descents, each, strict=True):
                one.intercept = one.average_intercept = float(start)
        return descents

    def _dense_coef(self) -> Any:
        coef: Any = getattr(self, "coef_", None)
        return coef.toarray() if hasattr(coef, "toarray") else coef

    def _publish(self) -> None:
        """Show what the descents have found."""
        raise NotImplementedError

    def _weights_in_fit(self, sample_weight: Any, X: Any) -> np.ndarray:
        """Sample weights, not all 0; early stopping has an error of its own for that."""
        return check_sample_weight(sample_weight, X, allow_all_zero=self.early_stopping)

    def _held_out(self, X: Any, y: np.ndarray, sample_weight: np.ndarray) -> Callable[[np.ndarray], HeldOut] | None:
        """For early stopping, what makes the validation part of targets (rows,)."""
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
        rows, weights, score = X[mask], sample_weight[mask], self._score_of_sums
        return lambda targets: HeldOut(mask, rows, targets[mask], weights, score)

    @staticmethod
    def _score_of_sums(y: np.ndarray, sums: np.ndarray, sample_weight: np.ndarray) -> float:
        raise NotImplementedError

    def _epochs(
        self,
        state: Descent,
        X: Any,
        targets: Callable[[], tuple[np.ndarray, HeldOut | None]],
        sample_weight: np.ndarray,
        t: float,
        seed: int,
        max_iter: int,
        **settings: Any,
    ) -> Epochs:
        """What will move the state."""
        if sample_weight.any():
            state.take_optimizer(self.optimizer)
        return Epochs(
            state,
            X,
            targets,
            sample_weight,
            settings={**self._settings(), **settings},
            t=t,
            seed=seed if self.shuffle else None,
            max_iter=max_iter,
            tol=self.tol,
            n_iter_no_change=self.n_iter_no_change,
            verbose=self.verbose,
            batch=self._rows_of_step,
        )

    def _become(self, models: Sequence[Epochs], t: float) -> None:
        """Be what the models, trained from step t on, have found.

        Raises
        ------
        ValueError
            Numbers of one have overflowed; nothing has changed.
        """
        for one in models:
            if one.error is not None:
                raise one.error
        self._note([one.progress for one in models], t, int(models[0].X.shape[0]))
        self._descents = [one.state for one in models]
        self._publish()

    def _note(self, courses: Sequence[Progress], t: float, rows: int) -> None:
        """Counts and curves after a descent of each model from step t on; rows: of an epoch."""
        self.n_iter_ = max(len(one.losses) for one in courses)
        self.t_ = t + self.n_iter_ * -(-rows // self._rows_of_step)
        self.loss_curve_ = self._curve([one.losses for one in courses])
        self.validation_loss_curve_ = (
            self._curve([one.validation_losses for one in courses]) if self.early_stopping else None
        )

    @staticmethod
    def _curve(curves: list[list[float]]) -> np.ndarray:
        """(epochs,), or (epochs, models) with nan after the end of one."""
        table = np.full((max(map(len, curves)), len(curves)), np.nan)
        for k, curve in enumerate(curves):
            table[: len(curve), k] = curve
        return table if len(curves) > 1 else table[:, 0]

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
