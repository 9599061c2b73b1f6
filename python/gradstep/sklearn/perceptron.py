"""Perceptron."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval, StrOptions

from .classification import DescentClassifier

__all__ = ["Perceptron"]


class Perceptron(DescentClassifier):
    """Linear perceptron classifier: steps of one length along the rows that are on the wrong side.

    scikit-learn's `Perceptron`: its parameters, its steps, and with the same `random_state` its coefficients.

    Parameters
    ----------
    penalty : {"l2", "l1", "elasticnet", None}, default None
    alpha, l1_ratio, fit_intercept, max_iter, tol, shuffle, verbose, n_jobs
        As those of `SGDClassifier`.
    eta0 : float, default 1.0
        The step length.
    random_state : int, RandomState or None, default 0
    early_stopping, validation_fraction, n_iter_no_change, class_weight, warm_start
        As those of `SGDClassifier`.

    Attributes
    ----------
    coef_, intercept_, classes_, n_iter_, t_, n_features_in_, feature_names_in_
        As those of `SGDClassifier`.

    References
    ----------
    Rosenblatt 1958, *The perceptron*, Psychological Review 65.

    Examples
    --------
    >>> import numpy as np
    >>> from gradstep.sklearn import Perceptron
    >>> X = np.array([[-2.0, -1.0], [-1.0, -1.0], [1.0, 1.0], [2.0, 1.0]])
    >>> Perceptron().fit(X, [0, 0, 1, 1]).score(X, [0, 0, 1, 1])
    1.0
    """

    loss = "perceptron"
    learning_rate = "constant"
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **{name: of for name, of in DescentClassifier._parameter_constraints.items() if name != "average"},
        "penalty": [StrOptions({"l2", "l1", "elasticnet"}), None],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(
        self,
        *,
        penalty: str | None = None,
        alpha: float = 0.0001,
        l1_ratio: float = 0.15,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        shuffle: bool = True,
        verbose: int = 0,
        eta0: float = 1.0,
        n_jobs: int | None = None,
        random_state: Any = 0,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        class_weight: Any = None,
        warm_start: bool = False,
    ) -> None:
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.shuffle = shuffle
        self.verbose = verbose
        self.eta0 = eta0
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.class_weight = class_weight
        self.warm_start = warm_start
