"""Linear regressors trained by stochastic gradient descent: their training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from sklearn.metrics import r2_score
from sklearn.utils import check_random_state

from .descent import Descent, Epochs, descend
from .linear import LinearRegressor
from .reading import validate_data
from .sample_weights import check_sample_weight
from .sgd_base import LARGEST_SEED, READ, StochasticDescent

__all__ = ["REGRESSION_LOSSES", "DescentRegressor"]

REGRESSION_LOSSES: dict[str, tuple[str, float | None]] = {
    "squared_error": ("squared_error", 0.0),
    "huber": ("huber", None),
    "epsilon_insensitive": ("epsilon_insensitive", None),
    "squared_epsilon_insensitive": ("squared_epsilon_insensitive", None),
}


class DescentRegressor(LinearRegressor, StochasticDescent):
    """Base of linear regressors trained by stochastic descent."""

    loss_functions = REGRESSION_LOSSES
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **StochasticDescent._parameter_constraints,
        **StochasticDescent._stopping_constraints,
    }

    def fit(self, X: Any, y: Any, coef_init: Any = None, intercept_init: Any = None, sample_weight: Any = None) -> Any:
        """Fit the model.

        Parameters
        ----------
        X : array or SciPy sparse matrix, (rows, features)
        y : array, (rows,)
            Numbers.
        coef_init : array, (features,), optional
            Coefficients to begin with.
        intercept_init : array, (1,), optional
        sample_weight : array, (rows,), optional
            What each row counts for.

        Returns
        -------
        self
        """
        models, finish = self._prepare_fit(X, y, coef_init, intercept_init, sample_weight)
        descend(models)
        finish()
        self._warn()
        return self

    def _prepare_fit(
        self, X: Any, y: Any, coef_init: Any = None, intercept_init: Any = None, sample_weight: Any = None
    ) -> tuple[list[Epochs], Callable[[], None]]:
        """What `fit` trains, and what it does then: a search trains models of several estimators side by side."""
        self._check()
        X, y = validate_data(self, X, y, y_numeric=True, **READ)
        descents = self._start((1, X.shape[1]), X.dtype, coef_init, intercept_init)
        models = self._models(descents, X, y, self._weights_in_fit(sample_weight, X), 1.0, self.max_iter)
        return models, lambda: self._become(models, 1.0)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Go on with one epoch over some rows, given as in `fit`. Returns self."""
        self._check(once=True)
        first = "_descents" not in vars(self)
        X, y = validate_data(self, X, y, y_numeric=True, reset=first, **READ)
        descents = self._going_on((1, X.shape[1]), X.dtype)
        weights, t = check_sample_weight(sample_weight, X, allow_all_zero=True), getattr(self, "t_", 1.0)
        models = self._models(descents, X, y, weights, t, 1)
        descend(models)
        self._become(models, t)
        return self

    def _models(
        self, descents: list[Descent], X: Any, y: np.ndarray, weights: np.ndarray, t: float, max_iter: int
    ) -> list[Epochs]:
        y = np.ascontiguousarray(y, X.dtype)
        held_out = self._held_out(X, y, weights)
        seed = int(check_random_state(self.random_state).randint(0, LARGEST_SEED))
        held = None if held_out is None else held_out(y)
        return [self._epochs(descents[0], X, lambda: (y, held), weights, t, seed, max_iter)]

    def _publish(self) -> None:
        self.coef_, intercept = self._found(self._descents[0])
        self.intercept_ = np.array([intercept], self.coef_.dtype)

    @staticmethod
    def _score_of_sums(y: np.ndarray, sums: np.ndarray, sample_weight: np.ndarray) -> float:
        return float(r2_score(y, sums, sample_weight=sample_weight))
