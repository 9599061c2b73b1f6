"""PassiveAggressiveClassifier and PassiveAggressiveRegressor."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval, StrOptions

from .classification import DescentClassifier
from .regression import DescentRegressor

__all__ = ["PassiveAggressiveClassifier", "PassiveAggressiveRegressor"]


class PassiveAggressive:
    """Mixin: each row moves the coefficients just so far that its loss is 0, by at most C or softened by it."""

    C: float
    loss: str
    penalty: str | None = None
    plain: ClassVar[str]  # the loss of PA-I

    @property
    def _step_length(self) -> tuple[str, float]:
        return ("pa1" if self.loss == self.plain else "pa2"), self.C


class PassiveAggressiveClassifier(PassiveAggressive, DescentClassifier):
    """Passive-aggressive classifier.

    scikit-learn's `PassiveAggressiveClassifier` (deprecated there, not here): its parameters, its steps, and with the
    same `random_state` its coefficients.

    Parameters
    ----------
    C : float, default 1.0
        How far a step goes at most ("hinge"), or how little it is softened ("squared_hinge").
    fit_intercept, max_iter, tol, early_stopping, validation_fraction, n_iter_no_change, shuffle, verbose
        As those of `SGDClassifier`.
    loss : {"hinge", "squared_hinge"}, default "hinge"
        PA-I and PA-II of the paper.
    n_jobs, random_state, warm_start, class_weight, average
        As those of `SGDClassifier`.

    Attributes
    ----------
    coef_, intercept_, classes_, n_iter_, t_, n_features_in_, feature_names_in_
        As those of `SGDClassifier`.

    References
    ----------
    Crammer, Dekel, Keshet, Shalev-Shwartz & Singer 2006, *Online passive-aggressive algorithms*, JMLR 7.

    Examples
    --------
    >>> import numpy as np
    >>> from gradstep.sklearn import PassiveAggressiveClassifier
    >>> X = np.array([[-2.0, -1.0], [-1.0, -1.0], [1.0, 1.0], [2.0, 1.0]])
    >>> PassiveAggressiveClassifier(random_state=0).fit(X, [0, 0, 1, 1]).score(X, [0, 0, 1, 1])
    1.0
    """

    plain = "hinge"
    loss_functions: ClassVar[dict[str, tuple[str, float | None]]] = {
        "hinge": ("hinge", 1.0),
        "squared_hinge": ("hinge", 1.0),
    }
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **{name: of for name, of in DescentClassifier._parameter_constraints.items() if name != "eta0"},
        "loss": [StrOptions({"hinge", "squared_hinge"})],
        "C": [Interval(Real, 0, None, closed="right")],
    }

    def __init__(
        self,
        *,
        C: float = 1.0,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        shuffle: bool = True,
        verbose: int = 0,
        loss: str = "hinge",
        n_jobs: int | None = None,
        random_state: Any = None,
        warm_start: bool = False,
        class_weight: Any = None,
        average: bool | int = False,
    ) -> None:
        self.C = C
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.shuffle = shuffle
        self.verbose = verbose
        self.loss = loss
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.warm_start = warm_start
        self.class_weight = class_weight
        self.average = average


class PassiveAggressiveRegressor(PassiveAggressive, DescentRegressor):
    """Passive-aggressive regressor.

    scikit-learn's `PassiveAggressiveRegressor` (deprecated there, not here): its parameters, its steps, and with the
    same `random_state` its coefficients.

    Parameters
    ----------
    C : float, default 1.0
        How far a step goes at most ("epsilon_insensitive"), or how little it is softened (its square).
    fit_intercept, max_iter, tol, early_stopping, validation_fraction, n_iter_no_change, shuffle, verbose
        As those of `SGDRegressor`.
    loss : {"epsilon_insensitive", "squared_epsilon_insensitive"}, default "epsilon_insensitive"
        PA-I and PA-II of the paper.
    epsilon : float, default 0.1
        Errors up to it are none.
    random_state, warm_start, average
        As those of `SGDRegressor`.

    Attributes
    ----------
    coef_, intercept_, n_iter_, t_, n_features_in_, feature_names_in_
        As those of `SGDRegressor`.

    References
    ----------
    Crammer, Dekel, Keshet, Shalev-Shwartz & Singer 2006, *Online passive-aggressive algorithms*, JMLR 7.

    Examples
    --------
    >>> import numpy as np
    >>> from gradstep.sklearn import PassiveAggressiveRegressor
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> model = PassiveAggressiveRegressor(C=0.1, random_state=0).fit(X, 3 * X[:, 0] + 1)
    >>> bool(model.score(X, 3 * X[:, 0] + 1) > 0.99)
    True
    """

    plain = "epsilon_insensitive"
    loss_functions: ClassVar[dict[str, tuple[str, float | None]]] = {
        "epsilon_insensitive": ("epsilon_insensitive", None),
        "squared_epsilon_insensitive": ("epsilon_insensitive", None),
    }
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **{name: of for name, of in DescentRegressor._parameter_constraints.items() if name != "eta0"},
        "loss": [StrOptions({"epsilon_insensitive", "squared_epsilon_insensitive"})],
        "C": [Interval(Real, 0, None, closed="right")],
        "epsilon": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        *,
        C: float = 1.0,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        shuffle: bool = True,
        verbose: int = 0,
        loss: str = "epsilon_insensitive",
        epsilon: float = 0.1,
        random_state: Any = None,
        warm_start: bool = False,
        average: bool | int = False,
    ) -> None:
        self.C = C
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.shuffle = shuffle
        self.verbose = verbose
        self.loss = loss
        self.epsilon = epsilon
        self.random_state = random_state
        self.warm_start = warm_start
        self.average = average
