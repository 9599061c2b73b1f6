"""SGDClassifier and SGDRegressor."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if

from .classification import CLASSIFICATION_LOSSES, DescentClassifier
from .regression import REGRESSION_LOSSES, DescentRegressor
from .sgd_base import StochasticDescent

__all__ = ["SGDClassifier", "SGDRegressor"]


def _has_probabilities(estimator: Any) -> bool:
    if estimator.loss not in ("log_loss", "modified_huber"):
        raise AttributeError(f"probability estimates are not available for loss={estimator.loss!r}")
    return True


class SGDClassifier(DescentClassifier):
    """Linear classifier trained by stochastic gradient descent: SVM, logistic regression and others.

    scikit-learn's `SGDClassifier`: its parameters, its steps, and with the same `random_state` its coefficients.

    Parameters
    ----------
    loss : {"hinge", "log_loss", "modified_huber", "squared_hinge", "perceptron", "squared_error", "huber", \
"epsilon_insensitive", "squared_epsilon_insensitive"}, default "hinge"
    penalty : {"l2", "l1", "elasticnet", None}, default "l2"
        l1 by the truncated gradient, which gives exact zeros.
    alpha : float, default 1e-4
        Strength of the penalty, >= 0; the step length "optimal" follows from it.
    l1_ratio : float, default 0.15
        The share of "elasticnet" that is l1's, in [0, 1].
    fit_intercept : bool, default True
    max_iter : int, default 1000
        Epochs at most.
    tol : float or None, default 1e-3
        It ends where `n_iter_no_change` epochs in a row were not better than the best by this.
    shuffle : bool, default True
    verbose : int, default 0
    epsilon : float, default 0.1
        The width of the losses that have one.
    n_jobs : int or None, default None
        Threads over classes.
    random_state : int, RandomState or None, default None
    learning_rate : {"constant", "optimal", "invscaling", "adaptive", "pa1", "pa2"}, default "optimal"
        eta0; 1 / (alpha (t + t0)); eta0 / t^power_t; eta0, and a fifth of it where there is no progress; the last two
        are the passive-aggressive ones.
    eta0 : float, default 0.01
    power_t : float, default 0.5
    early_stopping : bool, default False
        Whether to hold out `validation_fraction` of the rows, and to end by their accuracy.
    validation_fraction : float, default 0.1
    n_iter_no_change : int, default 5
    class_weight : dict, "balanced" or None, default None
    warm_start : bool, default False
        Whether `fit` begins where the last one ended.
    average : bool or int, default False
        Whether `coef_` is the mean over the steps; from step `average` on if it is a number.
    batch_size : int or None, default None
        Rows of a step, whose mean gradient it goes along; on all threads where it is worth it, with the same numbers on
        one. None: 1, as in scikit-learn, or 32 with an optimizer.
    optimizer : str, dict, `gradstep.optimizers.Optimizer` or None, default None
        What steps, with its own learning rate, in place of `learning_rate`, `eta0` and `power_t`, which must then be
        left alone; l1's penalty then comes by its slope, without exact zeros. `partial_fit` and a warm start go on with
        its state.

    Attributes
    ----------
    coef_ : ndarray, (1, features) for two classes, otherwise (classes, features)
    intercept_ : ndarray, (1,) or (classes,)
    classes_ : ndarray, (classes,)
    n_iter_ : int
        Epochs; the most of any class.
    t_ : float
        Steps, and 1.
    loss_curve_ : ndarray, (epochs,); of more than two classes (epochs, classes), nan after the end of one
        Mean loss of the rows, each before its step, without the penalty; of the last call.
    validation_loss_curve_ : ndarray of the same shape, or None
        Mean loss of the rows that early stopping holds out, after each epoch.
    n_features_in_ : int
    feature_names_in_ : ndarray of str, (features,)
        If X has names.

    Notes
    -----
    The same as scikit-learn but where that seems a slip: early stopping scores the weights themselves (there they lack
    a factor), with the right labels for "log_loss".

    References
    ----------
    Bottou 2012, *Stochastic gradient descent tricks*. Tsuruoka, Tsujii & Ananiadou 2009, *Stochastic gradient descent
    training for L1-regularized log-linear models with cumulative penalty*, ACL.

    Examples
    --------
    >>> import numpy as np
    >>> from gradstep.sklearn import SGDClassifier
    >>> X = np.array([[-2.0, -1.0], [-1.0, -1.0], [1.0, 1.0], [2.0, 1.0]])
    >>> SGDClassifier(loss="log_loss", random_state=0).fit(X, ["no", "no", "yes", "yes"]).predict([[3.0, 2.0]])
    array(['yes'], dtype='<U3')
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **DescentClassifier._parameter_constraints,
        **StochasticDescent._penalty_constraints,
        **StochasticDescent._batch_constraints,
        "loss": [StrOptions(set(CLASSIFICATION_LOSSES))],
        "epsilon": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        loss: str = "hinge",
        *,
        penalty: str | None = "l2",
        alpha: float = 0.0001,
        l1_ratio: float | None = 0.15,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        shuffle: bool = True,
        verbose: int = 0,
        epsilon: float = 0.1,
        n_jobs: int | None = None,
        random_state: Any = None,
        learning_rate: str = "optimal",
        eta0: float = 0.01,
        power_t: float = 0.5,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        class_weight: Any = None,
        warm_start: bool = False,
        average: bool | int = False,
        batch_size: int | None = None,
        optimizer: Any = None,
    ) -> None:
        self.loss = loss
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.shuffle = shuffle
        self.verbose = verbose
        self.epsilon = epsilon
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.power_t = power_t
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.average = average
        self.batch_size = batch_size
        self.optimizer = optimizer

    @available_if(_has_probabilities)
    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of the classes, (rows, classes), of X, (rows, features); for "log_loss" and "modified_huber".

        The logistic function of `decision_function`, or (clip(it, -1, 1) + 1) / 2 for the modified Huber loss; of more
        than two classes those of each against the others, divided by their sum (Zadrozny & Elkan 2002, KDD).
        """
        scores = self.decision_function(X)
        positive = np.exp(-np.logaddexp(0, -scores)) if self.loss == "log_loss" else (np.clip(scores, -1, 1) + 1) / 2
        if scores.ndim == 1:
            return np.column_stack([1 - positive, positive])
        positive[positive.sum(axis=1) == 0] = 1
        return positive / positive.sum(axis=1, keepdims=True)

    @available_if(_has_probabilities)
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithms of `predict_proba`; -inf where that is 0."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))


class SGDRegressor(DescentRegressor):
    """Linear regressor trained by stochastic gradient descent.

    scikit-learn's `SGDRegressor`: its parameters, its steps, and with the same `random_state` its coefficients.

    Parameters
    ----------
    loss : {"squared_error", "huber", "epsilon_insensitive", "squared_epsilon_insensitive"}, default "squared_error"
    penalty, alpha, l1_ratio, fit_intercept, max_iter, tol, shuffle, verbose, epsilon, random_state
        As those of `SGDClassifier`.
    learning_rate : {"constant", "optimal", "invscaling", "adaptive", "pa1", "pa2"}, default "invscaling"
    eta0 : float, default 0.01
    power_t : float, default 0.25
    early_stopping, validation_fraction, n_iter_no_change, warm_start, average, batch_size, optimizer
        As those of `SGDClassifier`; early stopping goes by R^2.

    Attributes
    ----------
    coef_ : ndarray, (features,)
    intercept_ : ndarray, (1,)
    n_iter_ : int
        Epochs.
    t_ : float
        Steps, and 1.
    loss_curve_, validation_loss_curve_ : ndarray, (epochs,)
        As those of `SGDClassifier`.
    n_features_in_ : int
    feature_names_in_ : ndarray of str, (features,)
        If X has names.

    Examples
    --------
    >>> import numpy as np
    >>> from gradstep.sklearn import SGDRegressor
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> SGDRegressor(random_state=0).fit(X, 3 * X[:, 0] + 1).predict([[0.5]]).round(1)
    array([2.3])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **DescentRegressor._parameter_constraints,
        **StochasticDescent._penalty_constraints,
        **StochasticDescent._batch_constraints,
        "loss": [StrOptions(set(REGRESSION_LOSSES))],
        "epsilon": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        loss: str = "squared_error",
        *,
        penalty: str | None = "l2",
        alpha: float = 0.0001,
        l1_ratio: float | None = 0.15,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        shuffle: bool = True,
        verbose: int = 0,
        epsilon: float = 0.1,
        random_state: Any = None,
        learning_rate: str = "invscaling",
        eta0: float = 0.01,
        power_t: float = 0.25,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        warm_start: bool = False,
        average: bool | int = False,
        batch_size: int | None = None,
        optimizer: Any = None,
    ) -> None:
        self.loss = loss
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.shuffle = shuffle
        self.verbose = verbose
        self.epsilon = epsilon
        self.random_state = random_state
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.power_t = power_t
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.average = average
        self.batch_size = batch_size
        self.optimizer = optimizer
