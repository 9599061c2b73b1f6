"""LogisticRegression."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.special
from sklearn.utils import compute_class_weight
from sklearn.utils._param_validation import Hidden, Interval, StrOptions

from .estimator import Estimator
from .l1 import proximal_newton
from .linear import LinearClassifier, classes_of
from .objective import (
    Objective,
    from_nearby,
    lbfgs,
    lbfgs_by_sample,
    newton,
    newton_cg_direction,
    newton_cholesky_direction,
    warn_unless,
)
from .reading import validate_data
from .sample_weights import check_sample_weight
from .sgd_base import READ

__all__ = ["LogisticRegression"]

LBFGS = "lbfgs", "sag", "saga"
DENSE_HESSIAN = 2000  # features up to which Newton's method makes a matrix


class LogisticRegression(LinearClassifier, Estimator):
    """Logistic regression: linear models of the logarithms of classes' odds.

    scikit-learn's `LogisticRegression`: its objective, parameters, defaults and attributes. Each pass over X finds the
    sums of a block of rows, their losses and what these add to the gradient while the block is in cache, on all threads
    and with the same bits on any number of them; X is not copied.

    Parameters
    ----------
    penalty : {"l1", "l2", "elasticnet", None, "deprecated"}, default "deprecated"
        As in scikit-learn before 1.8; by default it follows from `l1_ratio` and `C`.
    C : float, default 1.0
        Inverse of the strength of the penalty, in (0, inf]; inf for none.
    l1_ratio : float, default 0.0
        Share of the penalty that is l1's, in [0, 1].
    dual : bool, default False
        With "liblinear" and l2 only. The minimum is the same.
    tol : float, default 1e-4
        No component of the gradient of the mean loss is larger at the end; nor, with L-BFGS, four times what a Newton
        step by the diagonal of the Hessian would take from that loss.
    fit_intercept : bool, default True
    intercept_scaling : float, default 1
        With "liblinear" the intercept divided by it is penalized as the coefficients are; larger than 0.
    class_weight : dict or "balanced", optional
        What rows count for by their class.
    random_state : int, RandomState or None
        Nothing is drawn: results do not depend on it.
    solver : {"lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga"}, default "lbfgs"
        See Notes.
    max_iter : int, default 100
    verbose : int, default 0
        From 1 on `fit` prints a line when it ends.
    warm_start : bool, default False
        Whether `fit` begins where the last one ended.
    n_jobs : None or -1, default None
        All threads that `gradstep.set_num_threads` allows, in either case.

    Attributes
    ----------
    classes_ : ndarray, (classes,)
    coef_ : ndarray, (1, features) for two classes, otherwise (classes, features)
        Of the dtype of X.
    intercept_ : ndarray, (1,) or (classes,)
    n_iter_ : ndarray of int32, (1,)
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Notes
    -----
    Minimized is the mean of the rows' losses, -log of the probability of their class, plus
    ``((1 - l1_ratio) |w|^2 / 2 + l1_ratio |w|_1) / (C sum of weights)``. Of three classes and more the probabilities
    are a softmax.

    Each solver stands for scikit-learn's minimum, and may take another way there. l2: "lbfgs", "sag" and "saga" are
    L-BFGS, in units in which the diagonal of the Hessian is 1 at the start: features need not be of one size;
    "newton-cg" Newton's method by conjugate gradients, which also stands in where the matrix of
    "newton-cholesky" would be too large; "liblinear" is "newton-cholesky", with a penalty of the intercept. l1 and
    elastic net ("saga", and "liblinear" with l1): proximal Newton steps by coordinate descent, on working sets. Without
    l1 a fit to many rows of few features begins at the minimum of the first eighth of them, whose iterations
    `n_iter_` does not count; for two classes the Hessian there is what L-BFGS begins from.

    References
    ----------
    Liu & Nocedal 1989, *On the limited memory BFGS method*, Math. Programming 45. Friedman, Hastie & Tibshirani 2010,
    *Regularization paths for generalized linear models via coordinate descent*, J. Stat. Softw. 33.

    Examples
    --------
    >>> from gradstep.sklearn import LogisticRegression
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = LogisticRegression(max_iter=200).fit(X, y)
    >>> model.predict(X[[0, 60, 120]])
    array([0, 1, 2])
    >>> round(model.score(X, y), 2)
    0.97
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "penalty": [StrOptions({"l1", "l2", "elasticnet"}), None, Hidden(StrOptions({"deprecated"}))],
        "C": [Interval(Real, 0, None, closed="right")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both"), None],
        "dual": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "fit_intercept": ["boolean"],
        "intercept_scaling": [Interval(Real, 0, None, closed="neither")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "random_state": ["random_state"],
        "solver": [StrOptions({"lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga"})],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        penalty: str | None = "deprecated",
        *,
        C: float = 1.0,
        l1_ratio: float | None = 0.0,
        dual: bool = False,
        tol: float = 1e-4,
        fit_intercept: bool = True,
        intercept_scaling: float = 1,
        class_weight: Any = None,
        random_state: Any = None,
        solver: str = "lbfgs",
        max_iter: int = 100,
        verbose: int = 0,
        warm_start: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        self.penalty = penalty
        self.C = C
        self.l1_ratio = l1_ratio
        self.dual = dual
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.class_weight = class_weight
        self.random_state = random_state
        self.solver = solver
        self.max_iter = max_iter
        self.verbose = verbose
        self.warm_start = warm_start
        self.n_jobs = n_jobs

    def _strengths(self) -> tuple[float, float]:
        """Of the l1 and the l2 penalty, of a sum of rows' losses; checks that the solver has them."""
        name: str | None
        ratio = 0.0 if self.l1_ratio is None else float(self.l1_ratio)
        if self.penalty == "deprecated":
            name = None if np.isinf(self.C) else "l2" if ratio == 0 else "l1" if ratio == 1 else "elasticnet"
        else:
            name = self.penalty
            if name == "elasticnet" and self.l1_ratio is None:
                raise ValueError("l1_ratio must be specified when penalty is elasticnet.")
            ratio = {"l1": 1.0, "l2": 0.0, "elasticnet": ratio, None: 0.0}[name]
        if self.solver not in ("liblinear", "saga") and name not in ("l2", None):
            raise ValueError(f"Solver {self.solver} supports only 'l2' or None penalties, got {name} penalty.")
        if self.solver != "liblinear" and self.dual:
            raise ValueError(f"Solver {self.solver} supports only dual=False, got dual={self.dual}")
        if name == "elasticnet" and self.solver != "saga":
            raise ValueError(f"Only 'saga' solver supports elasticnet penalty, got solver={self.solver}.")
        if self.solver == "liblinear" and name is None:
            raise ValueError("penalty=None is not supported for the liblinear solver")
        if self.dual and name == "l1":
            raise ValueError("dual=True is for the l2 penalty; got l1.")
        strength = 0.0 if name is None else 1 / self.C
        return strength * ratio, strength * (1 - ratio)

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LogisticRegression:
        """Fit the model.

        Parameters
        ----------
        X : array or SciPy sparse matrix, (rows, features)
            float32 and float64 are read where they lie, in C order or as CSR.
        y : array, (rows,)
            Classes, numbers or strings.
        sample_weight : array, (rows,), optional
            What each row counts for, times its class's weight.

        Returns
        -------
        self
        """
        self._validate_params()
        if self.n_jobs not in (None, -1):
            raise ValueError(f"n_jobs must be None or -1: gradstep.set_num_threads says how many; got {self.n_jobs}.")
        l1, l2 = self._strengths()
        X, y = validate_data(self, X, y, **READ)
        classes = classes_of(y)
        is_liblinear = self.solver == "liblinear"
        if is_liblinear and len(classes) > 2:
            raise ValueError(
                "The 'liblinear' solver does not support multiclass classification (n_classes >= 3). Either use "
                "another solver or wrap the estimator in a OneVsRestClassifier to keep applying a one-versus-rest "
                "scheme."
            )
        weights = self._weights(sample_weight, X, y, classes)
        total = float(X.shape[0]) if weights is None else float(weights.sum())
        if len(classes) == 2:
            targets, loss, outputs = np.where(y == classes[1], 1.0, -1.0), "log_loss", 1
        else:
            targets, loss, outputs = np.searchsorted(classes, y).astype(np.float64), "softmax", len(classes)
        scaling = float(self.intercept_scaling)
        objective = Objective(
            X,
            targets,
            weights,
            loss,
            scale=1 / total,
            l2=l2 / total,
            l2_intercept=l2 / total / scaling**2 if is_liblinear else 0.0,
            fit_intercept=self.fit_intercept,
            outputs=outputs,
            keeps_curvature=l1 > 0 or self.solver in ("liblinear", "newton-cg", "newton-cholesky"),
        )
        w = self._start(objective, classes)
        l1_intercept = l1 / total / scaling if is_liblinear else 0.0
        w, n_iter, converged = self._minimize(objective, w, l1 / total, l1_intercept)
        warn_unless(converged, f"{self.solver}", self.max_iter)
        if self.verbose:
            print(f"{self.solver}: {n_iter} iterations, converged: {converged}")
        table = w.reshape(objective.shape).astype(X.dtype)
        self.classes_ = classes
        self.n_iter_ = np.array([n_iter], np.int32)
        self.coef_ = table[:, : X.shape[1]].copy()
        self.intercept_ = table[:, -1].copy() if self.fit_intercept else np.zeros(outputs, X.dtype)
        return self

    def _weights(self, sample_weight: Any, X: Any, y: np.ndarray, classes: np.ndarray) -> np.ndarray | None:
        weights = None
        if sample_weight is not None:
            weights = check_sample_weight(sample_weight, X, dtype=np.float64)
        if self.class_weight is not None:
            table = compute_class_weight(self.class_weight, classes=classes, y=y, sample_weight=weights)
            of_rows = table[np.searchsorted(classes, y)]
            weights = of_rows if weights is None else weights * of_rows
        return weights

    def _start(self, objective: Objective, classes: np.ndarray) -> np.ndarray:
        w = np.zeros(objective.shape)
        coef = getattr(self, "coef_", None)
        if self.warm_start and coef is not None and self.solver != "liblinear":
            coef = coef.toarray() if hasattr(coef, "toarray") else coef
            if coef.shape != (w.shape[0], objective.columns) or not np.array_equal(self.classes_, classes):
                raise ValueError(
                    f"with warm_start, X and y must have the features and classes of the last fit: {coef.shape[1]} and "
                    f"{self.classes_}; got {objective.columns} and {classes}."
                )
            w[:, : objective.columns] = coef
            if self.fit_intercept:
                w[:, -1] = self.intercept_
        return w.ravel()

    def _minimize(
        self, objective: Objective, w: np.ndarray, l1: float, l1_intercept: float
    ) -> tuple[np.ndarray, int, bool]:
        if l1 > 0:
            return proximal_newton(objective, w, l1, l1_intercept, self.tol, self.max_iter)
        w, sample = from_nearby(objective, w, self._method, self.tol, 1e-3)
        if sample is not None and self.solver in LBFGS:
            return lbfgs_by_sample(objective, sample, w, self.tol, self.max_iter)
        return self._method(objective, w, self.tol)

    def _method(self, objective: Objective, w: np.ndarray, tol: float) -> tuple[np.ndarray, int, bool]:
        if self.solver in LBFGS:
            return lbfgs(objective, w, tol, self.max_iter)
        is_small = objective.shape[0] == 1 and objective.columns <= DENSE_HESSIAN
        by_matrix = is_small and self.solver != "newton-cg"
        direction = (newton_cholesky_direction if by_matrix else newton_cg_direction)(objective)
        return newton(objective, w, direction, tol, self.max_iter)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of the classes, (rows, classes), of X, (rows, features)."""
        scores = self.decision_function(X)
        if scores.ndim == 1:
            p = scipy.special.expit(scores)
            return np.stack([1 - p, p], axis=1)
        return np.asarray(scipy.special.softmax(scores, axis=1))

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithms of the probabilities of the classes, (rows, classes), of X, (rows, features)."""
        return np.log(self.predict_proba(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if self.solver == "liblinear":
            tags.classifier_tags.multi_class = False
        return tags
