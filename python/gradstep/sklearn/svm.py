"""Linear support vector machines."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.utils import check_random_state, compute_class_weight
from sklearn.utils._param_validation import Interval, StrOptions

from .. import _core
from .descent import rows_of
from .estimator import Estimator
from .l1 import proximal_newton
from .linear import LinearClassifier, LinearRegressor, classes_of
from .objective import Objective, from_nearby, newton, newton_cg_direction, newton_cholesky_direction, warn_unless
from .reading import validate_data
from .sample_weights import check_sample_weight
from .sgd_base import READ

__all__ = ["LinearSVC", "LinearSVR"]

DENSE_HESSIAN = 1000  # features up to which Newton's method makes a matrix


class _LinearSVM(Estimator):
    """The parameters of both, and the minimum of one problem."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "dual": ["boolean", StrOptions({"auto"})],
        "tol": [Interval(Real, 0.0, None, closed="neither")],
        "C": [Interval(Real, 0.0, None, closed="neither")],
        "fit_intercept": ["boolean"],
        "intercept_scaling": [Interval(Real, 0, None, closed="neither")],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
    }
    dual: bool | str
    loss: str
    tol: float
    C: float
    fit_intercept: bool
    intercept_scaling: float
    verbose: int
    random_state: Any
    max_iter: int

    def _check_dual(self, primal: bool, dual: bool, what: str) -> None:
        """Whether `dual` fits loss and penalty: which of the two problems scikit-learn has for them."""
        if (self.dual is True and not dual) or (self.dual is False and not primal):
            raise ValueError(f"Unsupported set of arguments: {what} are not supported with dual={self.dual}")

    def _primal(
        self, X: Any, y: np.ndarray, weights: np.ndarray | None, loss: str, l1: bool = False, loss_at: float = 0.0
    ) -> tuple[np.ndarray, int, bool]:
        """The minimum of a loss with a slope: coefficients, the intercept behind; iterations; converged."""
        scaling = float(self.intercept_scaling)
        objective = Objective(
            X,
            y,
            weights,
            loss,
            scale=float(self.C),
            l2=0.0 if l1 else 1.0,
            l2_intercept=0.0 if l1 else 1 / scaling**2,
            fit_intercept=self.fit_intercept,
            loss_at=loss_at,
            keeps_curvature=True,
        )
        w = np.zeros(objective.shape[1])
        # Relative to the slope at 0, and where one class is rare to its share, as LIBLINEAR.
        tol = self.tol * float(np.abs(objective.value(w)[1]).max())
        if loss == "squared_hinge":
            rare = int(min((y > 0).sum(), (y < 0).sum()))
            tol *= max(rare, 1) / len(y)
        if l1:
            w, n_iter, converged = proximal_newton(objective, w, 1.0, 1 / scaling, tol, self.max_iter)
        else:
            w, _ = from_nearby(objective, w, self._newton, 10 * tol)
            w, n_iter, converged = self._newton(objective, w, tol)
        return (w if self.fit_intercept else np.append(w, 0.0)), n_iter, converged

    def _newton(self, objective: Objective, w: np.ndarray, tol: float) -> tuple[np.ndarray, int, bool]:
        by_matrix = objective.columns <= DENSE_HESSIAN
        direction = (newton_cholesky_direction if by_matrix else newton_cg_direction)(objective)
        return newton(objective, w, direction, tol, self.max_iter)

    def _by_dual(
        self, X: Any, y: np.ndarray, weights: np.ndarray | None, epsilon: float, random: np.random.RandomState
    ) -> tuple[np.ndarray, int, bool]:
        """The same of a loss with a kink, by coordinate descent of the dual; epsilon < 0: the hinge."""
        rows, features = X.shape
        upper = np.full(rows, float(self.C)) if weights is None else self.C * weights
        beta, w = np.zeros(rows), np.zeros(features + 1)
        bias = float(self.intercept_scaling) if self.fit_intercept else 0.0
        passes, _, converged = _core.dual_descent(
            rows_of(X)[0],
            features,
            np.ascontiguousarray(y, np.float64),
            np.ascontiguousarray(upper, np.float64),
            epsilon,
            bias,
            beta,
            w,
            self.max_iter,
            self.tol,
            int(random.randint(1, 2**31 - 1)),
        )
        w[-1] *= bias
        return w, passes, converged

    def _keep(self, found: list[tuple[np.ndarray, int, bool]], dtype: Any) -> np.ndarray:
        warn_unless(all(good for _, _, good in found), type(self).__name__, self.max_iter)
        self.n_iter_ = max(n for _, n, _ in found)
        if self.verbose:
            print(f"{type(self).__name__}: {self.n_iter_} iterations")
        return np.stack([w for w, _, _ in found]).astype(dtype)


class LinearSVC(LinearClassifier, _LinearSVM):
    """Linear support vector machine: one for two classes, otherwise one a class against the rest.

    scikit-learn's `LinearSVC`: its objective, parameters, defaults and attributes.

    Parameters
    ----------
    penalty : {"l2", "l1"}, default "l2"
    loss : {"squared_hinge", "hinge"}, default "squared_hinge"
        "hinge" is with l2 alone.
    dual : bool or "auto", default "auto"
        Whether scikit-learn would solve the dual problem; the minimum is the same. True is not for l1, False not for
        "hinge".
    tol : float, default 1e-4
        Of the gradient at the end, relative to that at 0; for "hinge" of the dual variables' projected gradients.
    C : float, default 1.0
        Weight of the losses, larger than 0.
    multi_class : "ovr"
        "crammer_singer" is not available.
    fit_intercept : bool, default True
    intercept_scaling : float, default 1
        The intercept divided by it is penalized as the coefficients are; larger than 0.
    class_weight : dict or "balanced", optional
        What the rows of a class count for where it stands against the rest.
    verbose : int, default 0
    random_state : int, RandomState or None
        Of the order of the rows with "hinge"; nothing else is drawn.
    max_iter : int, default 1000

    Attributes
    ----------
    classes_ : ndarray, (classes,)
    coef_ : ndarray, (1, features) for two classes, otherwise (classes, features)
        Of the dtype of X.
    intercept_ : ndarray, (1,) or (classes,); or 0.0 without one
    n_iter_ : int
        The most of a class.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Notes
    -----
    Minimized is ``|w|^2 / 2 + (b / intercept_scaling)^2 / 2 + C sum max(0, 1 - y (x w + b))^2``, or without the last
    square. The squared hinge goes by Newton's method, with l1 by proximal Newton steps; "hinge" by coordinate descent
    of the dual.

    References
    ----------
    Keerthi & DeCoste 2005, *A modified finite Newton method for fast solution of large scale linear SVMs*, JMLR 6.
    Hsieh, Chang, Lin, Keerthi & Sundararajan 2008, *A dual coordinate descent method for large-scale linear SVM*, ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from gradstep.sklearn import LinearSVC
    >>> X = np.array([[-2.0, -1.0], [-1.0, -1.0], [1.0, 1.0], [2.0, 1.0]])
    >>> LinearSVC().fit(X, [0, 0, 1, 1]).predict([[-0.8, -1.0]])
    array([0])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **_LinearSVM._parameter_constraints,
        "penalty": [StrOptions({"l1", "l2"})],
        "loss": [StrOptions({"hinge", "squared_hinge"})],
        "multi_class": [StrOptions({"ovr", "crammer_singer"})],
        "class_weight": [None, dict, StrOptions({"balanced"})],
    }

    def __init__(
        self,
        penalty: str = "l2",
        loss: str = "squared_hinge",
        *,
        dual: bool | str = "auto",
        tol: float = 1e-4,
        C: float = 1.0,
        multi_class: str = "ovr",
        fit_intercept: bool = True,
        intercept_scaling: float = 1,
        class_weight: Any = None,
        verbose: int = 0,
        random_state: Any = None,
        max_iter: int = 1000,
    ) -> None:
        self.penalty = penalty
        self.loss = loss
        self.dual = dual
        self.tol = tol
        self.C = C
        self.multi_class = multi_class
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.class_weight = class_weight
        self.verbose = verbose
        self.random_state = random_state
        self.max_iter = max_iter

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LinearSVC:
        """Fit the model.

        Parameters
        ----------
        X : array or SciPy sparse matrix, (rows, features)
        y : array, (rows,)
            Classes, numbers or strings.
        sample_weight : array, (rows,), optional
            What each row counts for, times its class's weight.

        Returns
        -------
        self
        """
        self._validate_params()
        if self.multi_class == "crammer_singer":
            raise ValueError("multi_class='crammer_singer' is not available: 'ovr' has one model a class.")
        if self.penalty == "l1" and self.loss == "hinge":
            raise ValueError(
                "Unsupported set of arguments: The combination of penalty='l1' and loss='hinge' is not supported"
            )
        what = f"penalty={self.penalty!r} and loss={self.loss!r}"
        self._check_dual(self.loss != "hinge", self.penalty != "l1", what)
        X, y = validate_data(self, X, y, **READ)
        classes = classes_of(y)
        weights = None if sample_weight is None else check_sample_weight(sample_weight, X, dtype=np.float64)
        table = None
        if self.class_weight is not None:
            table = compute_class_weight(self.class_weight, classes=classes, y=y, sample_weight=weights)
        random = check_random_state(self.random_state)
        found = []
        for k in range(1, 2) if len(classes) == 2 else range(len(classes)):
            is_class = y == classes[k]
            signs = np.where(is_class, 1.0, -1.0)
            counts = weights
            if table is not None:
                of_rows = np.where(is_class, table[k], table[0] if len(classes) == 2 else 1.0)
                counts = of_rows if weights is None else weights * of_rows
            if self.loss == "hinge":
                found.append(self._by_dual(X, signs, counts, -1.0, random))
            else:
                found.append(self._primal(X, signs, counts, "squared_hinge", self.penalty == "l1"))
        made = self._keep(found, X.dtype)
        self.classes_ = classes
        self.coef_ = made[:, :-1].copy()
        self.intercept_ = made[:, -1].copy() if self.fit_intercept else 0.0
        return self


class LinearSVR(LinearRegressor, _LinearSVM):
    """Linear support vector regression.

    scikit-learn's `LinearSVR`: its objective, parameters, defaults and attributes.

    Parameters
    ----------
    epsilon : float, default 0.0
        Residuals up to it cost nothing.
    tol, C, fit_intercept, intercept_scaling, dual, verbose, random_state, max_iter
        As those of `LinearSVC`; dual=False is for "squared_epsilon_insensitive" alone.
    loss : {"epsilon_insensitive", "squared_epsilon_insensitive"}, default "epsilon_insensitive"

    Attributes
    ----------
    coef_ : ndarray, (features,)
    intercept_ : ndarray, (1,); or 0.0 without one
    n_iter_, n_features_in_, feature_names_in_
        As those of `LinearSVC`.

    Notes
    -----
    Minimized is ``|w|^2 / 2 + (b / intercept_scaling)^2 / 2 + C sum max(0, |y - x w - b| - epsilon)``, or its square.
    The square goes by Newton's method, the other loss by coordinate descent of the dual.

    References
    ----------
    Ho & Lin 2012, *Large-scale linear support vector regression*, JMLR 13.

    Examples
    --------
    >>> import numpy as np
    >>> from gradstep.sklearn import LinearSVR
    >>> X = np.arange(6.0)[:, None]
    >>> model = LinearSVR(C=100, max_iter=10_000, random_state=0).fit(X, 2 * X[:, 0] + 1)
    >>> model.predict([[10.0]]).round(1)
    array([21.])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **_LinearSVM._parameter_constraints,
        "epsilon": [Interval(Real, 0.0, None, closed="left")],
        "loss": [StrOptions({"epsilon_insensitive", "squared_epsilon_insensitive"})],
    }

    def __init__(
        self,
        *,
        epsilon: float = 0.0,
        tol: float = 1e-4,
        C: float = 1.0,
        loss: str = "epsilon_insensitive",
        fit_intercept: bool = True,
        intercept_scaling: float = 1.0,
        dual: bool | str = "auto",
        verbose: int = 0,
        random_state: Any = None,
        max_iter: int = 1000,
    ) -> None:
        self.epsilon = epsilon
        self.tol = tol
        self.C = C
        self.loss = loss
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.dual = dual
        self.verbose = verbose
        self.random_state = random_state
        self.max_iter = max_iter

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LinearSVR:
        """Fit the model.

        Parameters
        ----------
        X : array or SciPy sparse matrix, (rows, features)
        y : array, (rows,)
        sample_weight : array, (rows,), optional
            What each row counts for.

        Returns
        -------
        self
        """
        self._validate_params()
        self._check_dual(self.loss != "epsilon_insensitive", True, f"penalty='l2' and loss={self.loss!r}")
        X, y = validate_data(self, X, y, y_numeric=True, **READ)
        weights = None if sample_weight is None else check_sample_weight(sample_weight, X, dtype=np.float64)
        if self.loss == "epsilon_insensitive":
            found = self._by_dual(X, y, weights, float(self.epsilon), check_random_state(self.random_state))
        else:
            found = self._primal(X, y, weights, self.loss, loss_at=float(self.epsilon))
        made = self._keep([found], X.dtype)
        self.coef_ = made[0, :-1].copy()
        self.intercept_ = made[:, -1].copy() if self.fit_intercept else 0.0
        return self
