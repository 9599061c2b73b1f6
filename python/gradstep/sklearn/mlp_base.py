"""Training of `MLPClassifier` and `MLPRegressor`."""

from __future__ import annotations

import copy
import math
import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from ..callbacks.base import Callback
from ..minimize import minimize
from ..models import Sequential
from .base import NetworkMixin, non_finite
from .convergence import Convergence
from .estimator import Estimator
from .network import WrittenList, build_network, check_parameters, dense_layers, hidden_sizes, initialize

__all__ = ["MLPBase"]


class MLPBase(NetworkMixin, Estimator):
    """Base class of the estimators around a stack of dense layers."""

    model_: Sequential
    n_features_in_: int

    # -- what a subclass gives -----------------------------------------------------------------------------------------

    def _problem(self, y: np.ndarray) -> tuple[int, str, Any, float]:
        """Outputs, their activation, loss and its weight."""
        raise NotImplementedError(f"{type(self).__name__} must define _problem(y).")

    def _targets(self, y: np.ndarray) -> np.ndarray:
        """Targets of the network."""
        raise NotImplementedError(f"{type(self).__name__} must define _targets(y).")

    def _validation_score(self, model: Any, X: Any, y: np.ndarray, weights: Any) -> float:
        """The score on validation rows."""
        raise NotImplementedError(f"{type(self).__name__} must define _validation_score(...).")

    def _row_weights(self, y: np.ndarray, sample_weight: Any) -> Any:
        """Weights of the rows, with those of their classes."""
        return sample_weight

    def _strata(self, y: np.ndarray) -> np.ndarray | None:
        """Labels by which validation rows are drawn in proportion."""
        return None

    # -- training ------------------------------------------------------------------------------------------------------

    def _begin(self, X: Any, y: np.ndarray) -> None:
        """Build the network anew, and forget what was trained."""
        batch = self._batch(X.shape[0])
        outputs, last, loss, weight = self._problem(y)
        self._random = self._generator()
        dtype = str(X.dtype)
        # Of a copy: the first numbers of the generator itself are the weights', as in scikit-learn.
        with self._draws(copy.deepcopy(self._random)):
            self.model_ = build_network(self, X.shape[1], outputs, dtype, last, loss, weight, batch)
        initialize(self.model_, self._random, self.activation)
        self.n_outputs_, self.n_layers_ = outputs, len(dense_layers(self.model_)) + 1
        self.out_activation_ = {"linear": "identity", "sigmoid": "logistic"}.get(last, last)
        self.t_ = self.n_iter_ = 0
        self.best_loss_: float | None = math.inf
        self.loss_curve_: list[float] = []
        self.validation_loss_curve_: list[float] | None = None
        self.validation_scores_: list[float] | None = None
        self.best_validation_score_: float | None = None

    def _batch(self, rows: int) -> int:
        size: Any = self.batch_size
        if size == "auto":
            return min(200, rows)
        if size > rows:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped", stacklevel=4
            )
        return min(int(size), rows)

    def _train(self, X: Any, y: np.ndarray, sample_weight: Any, begins: bool, incremental: bool) -> Any:
        me: Any = self
        check_parameters(self)
        hidden_sizes(me.hidden_layer_sizes)
        weights = self._row_weights(y, sample_weight)
        if begins:
            self._begin(X, y)
        elif str(X.dtype) != self.model_.dtype:
            X = X.astype(self.model_.dtype)
        if me.solver == "lbfgs":
            self._minimize(X, self._targets(y), weights)
        else:
            self._descend(X, y, weights, incremental)
        if non_finite(self.model_):
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
                "preprocessed."
            )
        return self

    def _descend(self, X: Any, y: np.ndarray, weights: Any, incremental: bool) -> None:
        """Mini-batches, for one epoch or until it converges."""
        me: Any = self
        score, held = None, None
        if me.early_stopping:
            if incremental:
                raise ValueError("partial_fit does not support early_stopping=True")
            X, y, weights, held = self._held_out(X, y, weights)
            score = lambda model: self._validation_score(model, *held)  # noqa: E731
        rows = X.shape[0]
        rule = me.learning_rate if me.solver == "sgd" and me.optimizer is None else "constant"
        best = math.inf if self.best_loss_ is None else self.best_loss_
        watch = Convergence(
            me.tol, me.n_iter_no_change, rule, me.learning_rate_init, me.power_t, rows, self.t_, best, score
        )
        epochs = 1 if incremental else me.max_iter
        given = [copy.deepcopy(one) for one in _callbacks(me.callbacks)]
        try:
            with self._draws(self._random):
                history = self.model_.fit(
                    X,
                    self._targets(y),
                    batch_size=self._batch(rows),
                    epochs=epochs,
                    verbose=2 if me.verbose else 0,
                    callbacks=[*given, watch],
                    shuffle=bool(me.shuffle),
                    sample_weight=weights,
                    validation_data=None if held is None else (held[0], self._targets(held[1])),
                )
            self.history_ = history.history
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=4)
        self._note(watch)
        if len(watch.losses) == epochs > 1 and not watch.converged:
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({epochs}) reached and the optimization hasn't converged "
                "yet.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _held_out(self, X: Any, y: np.ndarray, weights: Any) -> tuple[Any, Any, Any, Any]:
        """Rows to train on, and those to validate with."""
        parts = [X, y] if weights is None else [X, y, weights]
        share = self.validation_fraction
        split = train_test_split(*parts, random_state=self._random, test_size=share, stratify=self._strata(y))
        train, test = split[::2], split[1::2]
        if test[0].shape[0] < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
            )
        none = [None] if weights is None else []
        train, test = [*train, *none], [*test, *none]
        return train[0], train[1], train[2], tuple(test)

    def _note(self, watch: Convergence) -> None:
        """Take over what was seen in training."""
        self.n_iter_, self.t_ = len(watch.losses), watch.seen
        self.loss_curve_ += watch.losses
        if watch.losses:
            self.loss_ = watch.losses[-1]
        if watch.score is None:
            self.best_loss_ = watch.best_loss
            return
        self.validation_scores_ = (self.validation_scores_ or []) + watch.scores
        self.validation_loss_curve_ = (self.validation_loss_curve_ or []) + watch.validation_losses
        self.best_validation_score_, self.best_loss_ = watch.best_score, None
        if watch.best_weights is not None:
            self.model_.set_weights(watch.best_weights)

    def _minimize(self, X: Any, targets: np.ndarray, weights: Any) -> None:
        """Quasi-Newton steps on all rows."""
        me: Any = self
        model = self.model_
        dense = X.toarray() if hasattr(X, "toarray") else X

        def loss(values: list[np.ndarray]) -> tuple[float, list[np.ndarray]]:
            model.set_weights(values)
            return model.value_and_grad(dense, targets, sample_weight=weights)

        result = minimize(
            loss, model.get_weights(), jac=True, method="l-bfgs", maxiter=me.max_iter, maxfev=me.max_fun, gtol=me.tol
        )
        model.set_weights(result.x)
        self.n_iter_, self.loss_ = int(result.nit), float(result.fun)
        self.t_ += self.n_iter_ * X.shape[0]
        self.loss_curve_.append(self.loss_)
        if not result.success and result.nit >= me.max_iter:
            warnings.warn(f"lbfgs failed to converge: {result.message}", ConvergenceWarning, stacklevel=5)

    # -- what was trained ----------------------------------------------------------------------------------------------

    @property
    def coefs_(self) -> list[np.ndarray]:
        """Weight matrices of the dense layers, (inputs, units) each. Setting them, or one, changes the network."""
        return self._of_dense_layers("coefs_", 0)

    @coefs_.setter
    def coefs_(self, value: Any) -> None:
        self.coefs_[:] = value

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """Biases of the dense layers, (units,) each. Setting them, or one, changes the network."""
        return self._of_dense_layers("intercepts_", 1)

    @intercepts_.setter
    def intercepts_(self, value: Any) -> None:
        self.intercepts_[:] = value

    def _of_dense_layers(self, name: str, place: int) -> WrittenList:
        if "model_" not in vars(self):
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r} before fit.")
        return WrittenList(name, [layer.weights[place] for layer in dense_layers(self.model_)])

    def lr_find(self, X: Any, y: Any, **options: Any) -> Any:
        """Find ``learning_rate_init``: as `Model.lr_find`, on the network that `fit` would train.

        Parameters
        ----------
        X, y : array_like
            As in `fit`.
        **options
            Arguments of `Model.lr_find`, as ``start`` and ``stop``.

        Returns
        -------
        LRFindResult
            Its ``suggestion`` is a rate, or None with a ``reason``.
        """
        twin = copy.copy(self)
        X, y, _ = twin._checked(X, y, None)
        check_parameters(twin)
        twin._begin(X, y)
        with twin._draws(twin._random):
            return twin.model_.lr_find(
                X,
                twin._targets(y),
                batch_size=twin._batch(X.shape[0]),
                sample_weight=twin._row_weights(y, None),
                **options,
            )

    def _checked(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, np.ndarray, Any]:
        """Data of a new fit."""
        raise NotImplementedError(f"{type(self).__name__} must define _checked(X, y, sample_weight).")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _check_partial(self) -> bool:
        """Whether the solver trains a part of the data at a time."""
        if self.solver == "lbfgs":
            raise AttributeError("partial_fit is only available for stochastic optimizers. lbfgs is not stochastic.")
        return True


def _callbacks(given: Any) -> list[Callback]:
    if given is None:
        return []
    return [given] if isinstance(given, Callback) else list(given)
