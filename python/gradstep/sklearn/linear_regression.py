"""LinearRegression."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.linalg
import scipy.sparse
from sklearn.base import MultiOutputMixin
from sklearn.utils._param_validation import Interval, StrOptions

from .estimator import Estimator
from .least_squares import Centred, nonnegative, read_regression
from .linear import LinearRegressor
from .objective import Objective, warn_unless

__all__ = ["LinearRegression"]

SMALL = 1000  # features of a sparse X up to which a matrix of them is made
# Singular values below this share of the largest lose too many digits in the products of columns.
WORST = 3e-5


class LinearRegression(LinearRegressor, MultiOutputMixin, Estimator):
    """Ordinary least squares, exactly or by gradient descent.

    scikit-learn's `LinearRegression`: its minimum, parameters, defaults and attributes; and `solver`.

    Parameters
    ----------
    fit_intercept : bool, default True
    copy_X : bool, default True
        X is not written in either case.
    tol : float, default 1e-6
        Singular values of a dense X below this share of the largest count as 0. For sparse X with many features, the
        precision of the solution; with "gd", the largest component of the gradient of half the mean squared error at
        the end.
    n_jobs : None or -1, default None
        All threads that `gradstep.set_num_threads` allows, in either case.
    positive : bool, default False
        Whether coefficients must be at least 0.
    solver : {"exact", "gd"}, default "exact"
        "gd" is gradient descent from 0, as in textbooks.
    learning_rate : float, optional
        Of "gd"; by default 1 / L, L the largest eigenvalue of the Hessian.
    max_iter : int, default 1000
        Of "gd".

    Attributes
    ----------
    coef_ : ndarray, (features,), or (targets, features)
        Of the dtype of X.
    intercept_ : float or ndarray, (targets,)
    rank_ : int
        Of X, centred if there is an intercept; for dense X and "exact" alone.
    singular_ : ndarray, (min(rows, features),)
        Singular values of the same, falling.
    n_iter_ : int or list of int
        Steps of "gd"; 1 for "exact".
    loss_curve_ : list of float, or of such lists for several targets
        With "gd": half the mean squared error before each step, and at the end.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Notes
    -----
    Where the columns are far from dependent, the minimum follows from their products, summed in one pass without a copy
    of X, and one step of refinement; otherwise from a singular value decomposition of a copy, as in scikit-learn.
    Nonnegative coefficients are found by active sets.

    Examples
    --------
    >>> import numpy as np
    >>> from gradstep.sklearn import LinearRegression
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([1.0, 3.0, 5.0, 7.0])
    >>> model = LinearRegression().fit(X, y)
    >>> model.coef_.round(6), round(float(model.intercept_), 6)
    (array([2.]), 1.0)
    >>> slow = LinearRegression(solver="gd", tol=1e-4).fit(X, y)
    >>> slow.coef_.round(2), round(slow.loss_curve_[0], 2)
    (array([2.]), 10.5)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "fit_intercept": ["boolean"],
        "copy_X": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "n_jobs": [None, Integral],
        "positive": ["boolean"],
        "solver": [StrOptions({"exact", "gd"})],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), None],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        tol: float = 1e-6,
        n_jobs: int | None = None,
        positive: bool = False,
        solver: str = "exact",
        learning_rate: float | None = None,
        max_iter: int = 1000,
    ) -> None:
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.tol = tol
        self.n_jobs = n_jobs
        self.positive = positive
        self.solver = solver
        self.learning_rate = learning_rate
        self.max_iter = max_iter

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LinearRegression:
        """Fit the model.

        Parameters
        ----------
        X : array or SciPy sparse matrix, (rows, features)
        y : array, (rows,) or (rows, targets)
        sample_weight : array, (rows,), optional
            What each row counts for.

        Returns
        -------
        self
        """
        self._validate_params()
        if self.n_jobs not in (None, -1):
            raise ValueError(f"n_jobs must be None or -1: gradstep.set_num_threads says how many; got {self.n_jobs}.")
        if self.solver == "gd" and self.positive:
            raise ValueError('positive=True is for solver="exact"; got "gd".')
        if self.solver == "exact" and self.learning_rate is not None:
            raise ValueError('learning_rate is for solver="gd"; got "exact".')
        X, Y, weights, is_flat = read_regression(self, X, y, sample_weight)
        found: dict[str, Any]
        if self.solver == "gd":
            coef, intercepts, found = self._descend(X, Y, weights, is_flat)
        else:
            data = Centred(X, Y, weights, self.fit_intercept)
            coef, known = self._minimum(X, data)
            found = {"n_iter_": 1, **known}
            intercepts = data.intercepts(coef)
        coef, intercepts = np.ascontiguousarray(coef.T.astype(X.dtype)), intercepts.astype(X.dtype)
        self.coef_ = coef[0] if is_flat else coef
        self.intercept_ = (intercepts[0] if is_flat else intercepts) if self.fit_intercept else 0.0
        for name in ("rank_", "singular_", "n_iter_", "loss_curve_"):
            if name in found:
                setattr(self, name, found[name])
            elif hasattr(self, name):
                delattr(self, name)
        return self

    def _minimum(self, X: Any, data: Centred) -> tuple[np.ndarray, dict[str, Any]]:
        """Coefficients (features, targets), and what else is known."""
        rows, features = X.shape
        is_sparse = scipy.sparse.issparse(X)
        if self.positive:
            a, b, _ = data.squares()
            return np.stack([nonnegative(a, column) for column in b.T], axis=1), {}
        if features <= rows and (not is_sparse or features <= SMALL):
            a, b, _ = data.squares()
            values, vectors = np.linalg.eigh(a)
            if values[0] > max(self.tol, WORST) ** 2 * values[-1]:
                inverse = (vectors / values) @ vectors.T
                coef = inverse @ b
                coef += inverse @ data.correlations(data.residuals(coef))
                if is_sparse:
                    return coef, {}
                return coef, {"rank_": features, "singular_": np.sqrt(values[::-1]).astype(X.dtype)}
        if is_sparse:
            return self._by_lsqr(X, data), {}
        x, y = data.rooted(X)
        coef, _, rank, singular = scipy.linalg.lstsq(x, y, cond=self.tol, overwrite_a=True)
        return coef, {"rank_": rank, "singular_": singular.astype(X.dtype)}

    def _by_lsqr(self, X: Any, data: Centred) -> np.ndarray:
        root = np.ones(X.shape[0]) if data.weights is None else np.sqrt(data.weights)
        x = scipy.sparse.linalg.LinearOperator(
            X.shape,
            matvec=lambda v: root * (X @ v.ravel() - data.mean @ v.ravel()),
            rmatvec=lambda r: X.T @ (root * r.ravel()) - data.mean * (root @ r.ravel()),
            dtype=np.float64,
        )
        y = root[:, None] * (data.Y - data.target_mean)
        each = [scipy.sparse.linalg.lsqr(x, column, atol=self.tol, btol=self.tol)[0] for column in y.T]
        return np.stack(each, axis=1)

    def _descend(
        self, X: Any, Y: np.ndarray, weights: np.ndarray | None, is_flat: bool
    ) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
        total = float(X.shape[0]) if weights is None else float(weights.sum())
        coefs, curves, converged = [], [], True
        for column in Y.T:
            objective = Objective(
                X,
                column,
                weights,
                "squared_error",
                scale=1 / total,
                fit_intercept=self.fit_intercept,
                keeps_curvature=self.learning_rate is None,
            )
            w = np.zeros(objective.shape[1])
            f, g = objective.value(w)
            rate = _one_over_l(objective) if self.learning_rate is None else self.learning_rate
            curve = [f]
            while np.abs(g).max() > self.tol and len(curve) <= self.max_iter:
                w = w - rate * g
                f, g = objective.value(w)
                curve.append(f)
                if not np.isfinite(f):
                    raise ValueError(
                        f"gradient descent with learning_rate={rate:g} has diverged at iteration {len(curve) - 1}: "
                        "scale the data, or take a smaller one."
                    )
            converged &= bool(np.abs(g).max() <= self.tol)
            coefs.append(w)
            curves.append(curve)
        warn_unless(converged, "gradient descent", self.max_iter)
        table = np.stack(coefs, axis=1)
        steps = [len(curve) - 1 for curve in curves]
        found = {"n_iter_": steps[0] if is_flat else steps, "loss_curve_": curves[0] if is_flat else curves}
        intercepts = table[-1] if self.fit_intercept else np.zeros(len(curves))
        return table[: X.shape[1]], intercepts, found


def _one_over_l(objective: Objective) -> float:
    """The inverse of the largest eigenvalue of the Hessian, by power iterations from a fixed start."""
    v = np.random.default_rng(0).standard_normal(objective.shape[1])
    largest = 0.0
    for _ in range(100):
        v /= np.sqrt(v @ v)
        product = objective.hessian_product(v)
        before, largest = largest, float(v @ product)
        v = product
        if largest <= 0 or abs(largest - before) <= 1e-3 * largest:
            break
    return 1 / (1.01 * largest) if largest > 0 else 1.0
