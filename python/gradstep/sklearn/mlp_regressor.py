"""`MLPRegressor`: scikit-learn's parameters, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.metaestimators import available_if

from .losses import resolve_loss
from .mlp_base import MLPBase

__all__ = ["MLPRegressor"]


class MLPRegressor(RegressorMixin, MLPBase):
    """Multi-layer perceptron regressor, with scikit-learn's parameters, defaults and attributes.

    Parameters
    ----------
    loss : str, Loss or function, default "squared_error"
        "squared_error" (half of it, summed over the outputs), "poisson" (outputs are then exponentials); or what
        `gradstep.losses.get` takes, as "huber", "mae" and `Quantile`.
    hidden_layer_sizes, activation, solver, alpha, batch_size, learning_rate, learning_rate_init, power_t, max_iter
        As in `MLPClassifier`, as those that follow.
    shuffle, random_state, tol, verbose, warm_start, momentum, nesterovs_momentum, early_stopping, validation_fraction
    beta_1, beta_2, epsilon, n_iter_no_change, max_fun, dropout, batch_norm, optimizer, callbacks

    Attributes
    ----------
    coefs_, intercepts_, loss_, best_loss_, loss_curve_, validation_loss_curve_, best_validation_score_, history_
    model_
        As of `MLPClassifier`.
    validation_scores_ : list of float or None
        With `early_stopping`: R2 on the held-out rows.

    Examples
    --------
    >>> import numpy as np
    >>> from gradstep.sklearn import MLPRegressor
    >>> x = np.linspace(-2, 2, 200)[:, None]
    >>> network = MLPRegressor("huber", (32,), "tanh", learning_rate_init=0.01, max_iter=400, tol=0, random_state=0)
    >>> bool(network.fit(x, np.sin(2 * x[:, 0])).score(x, np.sin(2 * x[:, 0])) > 0.98)
    True
    """

    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int = 10,
        max_fun: int = 15000,
        dropout: float = 0.0,
        batch_norm: bool = False,
        optimizer: Any = None,
        callbacks: Any = None,
    ) -> None:
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.optimizer = optimizer
        self.callbacks = callbacks

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Train the network.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (rows, features)
        y : array_like, shape (rows,) or (rows, outputs)
        sample_weight : array_like, shape (rows,), optional
            What rows count for.

        Returns
        -------
        MLPRegressor
            This object.

        Raises
        ------
        ValueError
            A parameter is outside its range, data are not finite, or training diverged.

        Warns
        -----
        ConvergenceWarning
            `max_iter` epochs were not enough for `tol`.
        """
        goes_on = self.warm_start and "model_" in vars(self)
        X, y, sample_weight = self._data(X, y, sample_weight, not goes_on, True)
        self._check_columns(y, goes_on)
        return self._train(X, y, sample_weight, not goes_on, False)

    @available_if(MLPBase._check_partial)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Train for one epoch on these rows, from where the last call ended; as `fit` otherwise."""
        begins = "model_" not in vars(self)
        X, y, sample_weight = self._data(X, y, sample_weight, begins, True)
        self._check_columns(y, not begins)
        return self._train(X, y, sample_weight, begins, True)

    def _check_columns(self, y: np.ndarray, goes_on: bool) -> None:
        columns = 1 if y.ndim == 1 else y.shape[1]
        if goes_on and columns != self.n_outputs_:
            raise ValueError(f"y must have {self.n_outputs_} columns, as in the previous call; it has {columns}.")
        self._flat = y.ndim == 1

    def _checked(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, np.ndarray, Any]:
        return self._data(X, y, sample_weight, True, True)

    def _problem(self, y: np.ndarray) -> tuple[int, str, Any, float]:
        outputs = 1 if y.ndim == 1 else y.shape[1]
        is_squared = isinstance(self.loss, str) and self.loss == "squared_error"
        is_poisson = isinstance(self.loss, str) and self.loss == "poisson"
        if is_poisson and (y < 0).any():
            raise ValueError("Some value(s) of y are out of the valid range of the loss 'poisson'.")
        loss = resolve_loss("mse" if is_squared else self.loss, None)
        # scikit-learn steps by the gradient of the sum over the outputs.
        weight = 0.5 * outputs if is_squared else 1.0
        return outputs, "exponential" if is_poisson else "linear", loss, weight

    def _targets(self, y: np.ndarray) -> np.ndarray:
        return np.asarray(y, self.model_.dtype).reshape(len(y), -1)

    def _validation_score(self, model: Any, X: Any, y: np.ndarray, weights: Any) -> float:
        return float(r2_score(y, model.predict(X, verbose=0).reshape(y.shape), sample_weight=weights))

    def predict(self, X: Any) -> np.ndarray:
        """Predictions, (rows,), or (rows, outputs) if `y` had several columns."""
        made = self._outputs(X)
        return made[:, 0] if self._flat else made
