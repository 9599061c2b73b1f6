"""Ridge regression, and classifiers by it."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.linalg
import scipy.sparse
from sklearn.base import MultiOutputMixin
from sklearn.utils import column_or_1d, compute_sample_weight
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted

from .estimator import Estimator
from .least_squares import Centred, as_before, check_finite, nonnegative, read_regression
from .linear import LinearClassifier, LinearRegressor, labels_in
from .objective import solve, warn_unless
from .reading import validate_data
from .sample_weights import check_sample_weight
from .sgd_base import READ

__all__ = ["Ridge", "RidgeClassifier"]

SMALL = 1000  # features of a sparse X up to which "auto" makes a matrix of them


class _RidgeBase(Estimator):
    """The parameters of both, and their minimum."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "alpha": [Interval(Real, 0, None, closed="left"), "array-like"],
        "fit_intercept": ["boolean"],
        "copy_X": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left"), None],
        "tol": [Interval(Real, 0, None, closed="left")],
        "solver": [StrOptions({"auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga", "lbfgs"})],
        "positive": ["boolean"],
        "random_state": ["random_state"],
    }
    alpha: Any
    fit_intercept: bool
    copy_X: bool
    max_iter: int | None
    tol: float
    solver: str
    positive: bool
    random_state: Any

    def _solver_for(self, X: Any) -> str:
        is_sparse, (rows, features) = scipy.sparse.issparse(X), X.shape
        if self.solver in ("sag", "saga"):
            raise ValueError(
                f"solver={self.solver!r} is stochastic, and not available: 'auto' finds the same minimum exactly."
            )
        if self.positive:
            if self.solver not in ("auto", "lbfgs"):
                raise ValueError(
                    f"solver='{self.solver}' does not support positive fitting. Please set the solver to 'auto' or "
                    "'lbfgs', or set `positive=False`"
                )
            return "nnls"
        if self.solver == "lbfgs":
            raise ValueError("'lbfgs' solver can be used only when positive=True. Please use another solver.")
        if self.solver == "svd" and is_sparse:
            raise ValueError("solver='svd' does not support sparse data: use 'auto', 'sparse_cg' or 'lsqr'.")
        if self.solver != "auto":
            return self.solver
        if is_sparse:
            return "cholesky" if features <= min(SMALL, rows) else "sparse_cg"
        return "cholesky"

    def _minimum(self, X: Any, Y: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients (targets, features) and intercepts (targets,); sets solver_ and n_iter_."""
        alphas = np.atleast_1d(np.asarray(self.alpha, np.float64)).ravel()
        targets = Y.shape[1]
        if len(alphas) not in (1, targets):
            raise ValueError(f"Number of targets and number of penalties do not correspond: {targets} != {len(alphas)}")
        if (alphas < 0).any():
            raise ValueError(f"alpha must be at least 0; got {alphas.min():g}.")
        alphas = np.broadcast_to(alphas, targets)
        solver = self._solver_for(X)
        is_product = solver in ("cholesky", "nnls") and X.shape[1] <= X.shape[0]
        if weights is not None or not is_product:  # rows that count nothing are not in the products
            check_finite(X, type(self).__name__)
        data = Centred(X, Y, weights, self.fit_intercept, type(self).__name__)
        n_iter: np.ndarray | None = None
        if solver == "svd":
            coef = _by_svd(X, data, alphas)
        elif solver in ("lsqr", "sparse_cg"):
            coef, n_iter = self._by_iterations(data, alphas, self.tol)
        elif solver == "cholesky" and X.shape[1] > X.shape[0]:
            coef = _by_kernel(X, data, alphas)
        else:
            a, b, _ = data.squares()
            coef = np.empty_like(b)
            for alpha in np.unique(alphas):
                these = alphas == alpha
                matrix = a.copy()
                np.einsum("ii->i", matrix)[...] += alpha
                if solver == "nnls":
                    for k in np.flatnonzero(these):
                        coef[:, k] = nonnegative(matrix, b[:, k])
                else:
                    coef[:, these] = solve(matrix, b[:, these])
        self.solver_ = "lbfgs" if solver == "nnls" and self.solver == "lbfgs" else solver
        self.n_iter_ = n_iter
        return coef.T, data.intercepts(coef)

    def _by_iterations(self, data: Centred, alphas: np.ndarray, tol: float) -> tuple[np.ndarray, np.ndarray]:
        b = data.correlations(data.Y - data.target_mean)
        most = 10 * data.features if self.max_iter is None else self.max_iter
        found = [data.conjugate_gradients(float(alphas[k]), b[:, k].copy(), tol, most) for k in range(b.shape[1])]
        warn_unless(all(good for _, _, good in found), self.solver, most)
        return np.stack([w for w, _, _ in found], axis=1), np.array([n for _, n, _ in found], np.int32)


def _by_svd(X: np.ndarray, data: Centred, alphas: np.ndarray) -> np.ndarray:
    x, y = data.rooted(X)
    u, s, vt = scipy.linalg.svd(x, full_matrices=False)
    kept = s > 1e-15
    uty = u.T[kept] @ y
    return np.asarray(vt[kept].T @ (s[kept, None] / (s[kept, None] ** 2 + alphas) * uty))


def _by_kernel(X: Any, data: Centred, alphas: np.ndarray) -> np.ndarray:
    """For more features than rows: X' (X X' + alpha)^-1 Y."""
    x, y = data.rooted(X.toarray() if scipy.sparse.issparse(X) else X)
    kernel = x @ x.T
    coef = np.empty((data.features, y.shape[1]))
    for alpha in np.unique(alphas):
        these = alphas == alpha
        matrix = kernel.copy()
        np.einsum("ii->i", matrix)[...] += alpha
        coef[:, these] = x.T @ solve(matrix, y[:, these])
    return coef


class Ridge(LinearRegressor, MultiOutputMixin, _RidgeBase):
    """Linear least squares with an l2 penalty.

    scikit-learn's `Ridge`: its objective, parameters, defaults and attributes. The products of the centred columns are
    summed in one pass over X, which is not copied.

    Parameters
    ----------
    alpha : float or array, (targets,), default 1.0
        Strength of the penalty, at least 0.
    fit_intercept : bool, default True
    copy_X : bool, default True
        X is not written in either case.
    max_iter : int, optional
        Of "lsqr" and "sparse_cg"; by default ten times the features.
    tol : float, default 1e-4
        Of "lsqr" and "sparse_cg": the residual of the normal equations, relative to that of 0.
    solver : {"auto", "svd", "cholesky", "lsqr", "sparse_cg", "lbfgs"}, default "auto"
        See Notes.
    positive : bool, default False
        Whether coefficients must be at least 0.
    random_state : int, RandomState or None
        Of scikit-learn's stochastic solvers: nothing is drawn here, results do not depend on it.

    Attributes
    ----------
    coef_ : ndarray, (features,), or (targets, features)
        Of the dtype of X.
    intercept_ : float or ndarray, (targets,)
    n_iter_ : None or ndarray, (targets,)
        Iterations of "lsqr" and "sparse_cg".
    solver_ : str
        What was used: one of `solver`, or "nnls".
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Raises
    ------
    ValueError
        Among others for "sag" and "saga", which draw rows: "auto" has their minimum exactly.

    Notes
    -----
    Minimized is ``|y - X w - b|^2 + alpha |w|^2``, rows weighted by `sample_weight`. "auto" is "cholesky", which is of
    the rows where there are fewer of them than features; for sparse X with many features "sparse_cg". "lsqr" and
    "sparse_cg" are conjugate gradients. With `positive`, active sets on the products of the columns; "lbfgs" is another
    name for it.

    References
    ----------
    Hoerl & Kennard 1970, *Ridge regression: biased estimation for nonorthogonal problems*, Technometrics 12.

    Examples
    --------
    >>> import numpy as np
    >>> from gradstep.sklearn import Ridge
    >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0])
    >>> model = Ridge(alpha=0.5).fit(X, y)
    >>> model.coef_.round(3), round(float(model.intercept_), 3)
    (array([1.6]), 1.4)
    """

    def __init__(
        self,
        alpha: Any = 1.0,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        max_iter: int | None = None,
        tol: float = 1e-4,
        solver: str = "auto",
        positive: bool = False,
        random_state: Any = None,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.solver = solver
        self.positive = positive
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Ridge:
        """Fit the model.

        Parameters
        ----------
        X : array or SciPy sparse matrix, (rows, features)
        y : array, (rows,) or (rows, targets)
        sample_weight : float or array, (rows,), optional
            What each row counts for.

        Returns
        -------
        self
        """
        self._validate_params()
        with as_before(self):
            X, Y, weights, is_flat = read_regression(self, X, y, sample_weight, is_finite=False)
            coef, intercepts = self._minimum(X, Y, weights)
        coef, intercepts = coef.astype(X.dtype), intercepts.astype(X.dtype)
        self.coef_ = np.ascontiguousarray(coef[0] if is_flat or len(coef) == 1 else coef)
        self.intercept_ = (intercepts[0] if is_flat else intercepts) if self.fit_intercept else 0.0
        return self


class RidgeClassifier(LinearClassifier, _RidgeBase):
    """Classifier by ridge regression of -1 and 1.

    scikit-learn's `RidgeClassifier`: its objective, parameters, defaults and attributes.

    Parameters
    ----------
    alpha, fit_intercept, copy_X, max_iter, tol, solver, positive, random_state
        As those of `Ridge`.
    class_weight : dict or "balanced", optional
        What rows count for by their class.

    Attributes
    ----------
    classes_ : ndarray, (classes,)
    coef_ : ndarray, (features,) for two classes, otherwise (classes, features)
    intercept_ : ndarray, (1,) or (classes,); or 0.0 without one
    n_iter_, solver_, n_features_in_, feature_names_in_
        As those of `Ridge`.

    Notes
    -----
    Several labels a row, an indicator of 0 and 1, are as many classifiers.

    Examples
    --------
    >>> from gradstep.sklearn import RidgeClassifier
    >>> from sklearn.datasets import load_breast_cancer
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> round(RidgeClassifier().fit(X, y).score(X, y), 2)
    0.96
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **_RidgeBase._parameter_constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        alpha: Any = 1.0,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        max_iter: int | None = None,
        tol: float = 1e-4,
        class_weight: Any = None,
        solver: str = "auto",
        positive: bool = False,
        random_state: Any = None,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.class_weight = class_weight
        self.solver = solver
        self.positive = positive
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> RidgeClassifier:
        """Fit the model.

        Parameters
        ----------
        X : array or SciPy sparse matrix, (rows, features)
        y : array, (rows,), or an indicator of 0 and 1, (rows, labels)
        sample_weight : float or array, (rows,), optional
            What each row counts for, times its class's weight.

        Returns
        -------
        self
        """
        self._validate_params()
        X, y = validate_data(self, X, y, multi_output=True, y_numeric=False, **READ)
        check_classification_targets(y)
        is_multilabel = type_of_target(y).startswith("multilabel")
        if is_multilabel:
            dense = y.toarray() if scipy.sparse.issparse(y) else y
            classes, Y = np.arange(dense.shape[1]), np.where(dense > 0, 1.0, -1.0)
        else:
            y = column_or_1d(y, warn=True)
            classes = labels_in(y)
            columns = classes if len(classes) > 2 else classes[1:]
            Y = np.empty((len(y), max(1, len(columns))))
            Y[:] = -1.0  # of one class, all
            for k, label in enumerate(columns):
                Y[y == label, k] = 1.0
        weights = None
        if sample_weight is not None:
            weights = check_sample_weight(sample_weight, X, dtype=np.float64)
        if self.class_weight:
            of_classes = compute_sample_weight(self.class_weight, y)
            weights = of_classes if weights is None else weights * of_classes
        coef, intercepts = self._minimum(X, Y, weights)
        self.classes_, self._is_multilabel = classes, is_multilabel
        self.coef_ = np.ascontiguousarray(coef[0] if len(coef) == 1 else coef, X.dtype)
        self.intercept_ = intercepts.astype(X.dtype) if self.fit_intercept else 0.0
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The class of each row, (rows,), of X, (rows, features); or an indicator, (rows, labels)."""
        check_is_fitted(self)
        if self._is_multilabel:
            return (self.decision_function(X) > 0).astype(int)
        return super().predict(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
