"""Lasso and ElasticNet."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse
from sklearn.base import MultiOutputMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from .. import _core
from .estimator import Estimator
from .least_squares import Centred, read_regression
from .linear import LinearRegressor

__all__ = ["ElasticNet", "Lasso"]

WHOLE = 1500  # features up to which all products of columns are made at once


class ElasticNet(LinearRegressor, MultiOutputMixin, Estimator):
    """Linear least squares with an l1 and an l2 penalty.

    scikit-learn's `ElasticNet`: its objective, parameters, defaults and attributes; it ends by the same duality gap.

    Parameters
    ----------
    alpha : float, default 1.0
        Strength of the penalty, at least 0.
    l1_ratio : float, default 0.5
        Share of the penalty that is l1's, in [0, 1].
    fit_intercept : bool, default True
    precompute : bool or array, (features, features), default False
        X'X of the centred X, for those who have it. True: it is made even where there are many features.
    max_iter : int, default 1000
        Passes over the coefficients. None: 1000.
    copy_X : bool, default True
        X is not written in either case.
    tol : float, default 1e-4
        The duality gap at the end, relative to the squares of y less its mean.
    warm_start : bool, default False
        Whether `fit` begins where the last one ended.
    positive : bool, default False
        Whether coefficients must be at least 0.
    random_state : int, RandomState or None
        Of ``selection="random"``.
    selection : {"cyclic", "random"}, default "cyclic"
        The order in which coefficients are moved.

    Attributes
    ----------
    coef_ : ndarray, (features,), or (targets, features)
        Of the dtype of X; those that do not count are exactly 0.
    sparse_coef_ : SciPy CSR array
    intercept_ : float or ndarray, (targets,)
    dual_gap_ : float or ndarray, (targets,)
        How far the objective is from its minimum at most.
    n_iter_ : int or list of int
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Notes
    -----
    Minimized is ``|y - X w - b|^2 / (2 rows) + alpha (l1_ratio |w|_1 + (1 - l1_ratio) |w|^2 / 2)``. Coordinate descent
    goes over products of columns, which are summed in one pass over X, so that X need be neither copied nor stored by
    columns; with many features, over those of working sets.

    References
    ----------
    Friedman, Hastie & Tibshirani 2010, *Regularization paths for generalized linear models via coordinate descent*,
    J. Stat. Softw. 33. Kim, Koh, Lustig, Boyd & Gorinevsky 2007, IEEE J. Sel. Topics Signal Process. 1 (duality gap).

    Examples
    --------
    >>> import numpy as np
    >>> from gradstep.sklearn import ElasticNet
    >>> X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0]])
    >>> ElasticNet(alpha=0.1).fit(X, X[:, 0]).coef_.round(3)
    array([0.923, 0.   ])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "fit_intercept": ["boolean"],
        "precompute": ["boolean", "array-like"],
        "max_iter": [Interval(Integral, 1, None, closed="left"), None],
        "copy_X": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "warm_start": ["boolean"],
        "positive": ["boolean"],
        "random_state": ["random_state"],
        "selection": [StrOptions({"cyclic", "random"})],
    }
    l1_ratio: float = 1.0

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        l1_ratio: float = 0.5,
        fit_intercept: bool = True,
        precompute: Any = False,
        max_iter: int | None = 1000,
        copy_X: bool = True,
        tol: float = 1e-4,
        warm_start: bool = False,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
    ) -> None:
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.copy_X = copy_X
        self.tol = tol
        self.warm_start = warm_start
        self.positive = positive
        self.random_state = random_state
        self.selection = selection

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
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
        if self.alpha == 0:
            warnings.warn(
                "With alpha=0, this algorithm does not converge well. You are advised to use the LinearRegression "
                "estimator",
                stacklevel=2,
            )
        X, Y, weights, is_flat = read_regression(self, X, y, None if isinstance(sample_weight, Real) else sample_weight)
        rows, features = X.shape
        if weights is not None:
            weights = weights * (rows / weights.sum())
        data = Centred(X, Y, weights, self.fit_intercept)
        coef = np.zeros((Y.shape[1], features))
        if self.warm_start and hasattr(self, "coef_"):
            coef[:] = self.coef_
        solve = _WholeGram if self._takes_all(X) else _WorkingSet
        problem = solve(self, X, data)
        ended = [problem.run(k, coef[k]) for k in range(Y.shape[1])]
        if not all(converged for _, _, converged in ended):
            worst = max(range(len(ended)), key=lambda k: ended[k][1])
            warnings.warn(
                f"Objective did not converge. You might want to increase the number of iterations, check the scale of "
                f"the features or consider increasing regularisation. Duality gap: {ended[worst][1]:.3e}, tolerance: "
                f"{self.tol * problem.squares[worst]:.3e}",
                ConvergenceWarning,
                stacklevel=2,
            )
        if not np.isfinite(coef).all():
            raise ValueError(
                "Coordinate descent iterations resulted in non-finite parameter values. The input data may contain "
                "large values and need to be preprocessed."
            )
        intercepts = data.intercepts(coef.T).astype(X.dtype)
        gaps = np.array([gap / rows for _, gap, _ in ended], X.dtype)
        made = coef.astype(X.dtype)
        is_one = len(made) == 1  # target, as a vector or a column
        self.coef_ = made[0] if is_one else made
        self.dual_gap_ = gaps[0] if is_one else gaps
        self.n_iter_ = ended[0][0] if is_one else [n for n, _, _ in ended]
        self.intercept_ = (intercepts[0] if is_flat else intercepts) if self.fit_intercept else 0.0
        return self

    def _takes_all(self, X: Any) -> bool:
        rows, features = X.shape
        return self.precompute is not False or features <= min(WHOLE, max(rows, 200))

    def _given_gram(self, features: int) -> np.ndarray | None:
        if isinstance(self.precompute, bool):
            return None
        gram = check_array(self.precompute, dtype=np.float64, order="C")
        if gram.shape != (features, features):
            raise ValueError(f"precompute must have shape {(features, features)}; got {gram.shape}.")
        return gram

    @property
    def sparse_coef_(self) -> Any:
        """The coefficients as a SciPy CSR array, (targets, features)."""
        return scipy.sparse.csr_array(np.atleast_2d(self.coef_))


class _WholeGram:
    """Coordinate descent with all products of columns."""

    def __init__(self, model: ElasticNet, X: Any, data: Centred) -> None:
        self.model, self.rows = model, X.shape[0]
        given = model._given_gram(X.shape[1])
        if given is None:
            self.gram, b, self.squares = data.squares()
        else:
            residuals = data.Y - data.target_mean
            weights = 1 if data.weights is None else data.weights[:, None]
            self.gram, b = given, data.correlations(residuals)
            self.squares = (weights * residuals**2).sum(axis=0)
        self.b = np.ascontiguousarray(b.T)

    def run(self, k: int, w: np.ndarray) -> tuple[int, float, bool]:
        """Move the coefficients of a target; passes, the duality gap, whether it is small enough."""
        most = 1000 if self.model.max_iter is None else self.model.max_iter
        limit = self.model.tol * float(self.squares[k])
        return descend(self.model, self.gram, self.b[k], float(self.squares[k]), self.rows, w, most, limit)


def descend(
    model: ElasticNet,
    gram: np.ndarray,
    b: np.ndarray,
    yy: float,
    rows: int,
    w: np.ndarray,
    passes: int,
    limit: float,
) -> tuple[int, float, bool]:
    """Coordinate descent of w in place, to a duality gap of `limit`."""
    l1 = np.full(len(b), model.alpha * model.l1_ratio * rows)
    l2 = model.alpha * (1 - model.l1_ratio) * rows
    random = model.selection == "random"
    seed = int(check_random_state(model.random_state).randint(1, 2**31 - 1)) if random else 1
    return _core.coordinate_descent(
        gram, b, l1, l2, yy, bool(model.positive), w, passes, float(model.tol), limit, random, seed
    )


class _WorkingSet:
    """The same over the features that are not 0 or want to be: X is read whole for the gap alone."""

    def __init__(self, model: ElasticNet, X: Any, data: Centred) -> None:
        self.model, self.X, self.data = model, X, data
        residuals = data.Y - data.target_mean
        weights = 1 if data.weights is None else data.weights[:, None]
        self.squares = (weights * residuals**2).sum(axis=0)

    def run(self, k: int, w: np.ndarray) -> tuple[int, float, bool]:
        """As that of `_WholeGram`."""
        model, data, rows = self.model, self.data, self.X.shape[0]
        l1, l2 = model.alpha * model.l1_ratio * rows, model.alpha * (1 - model.l1_ratio) * rows
        most = 1000 if model.max_iter is None else model.max_iter
        yy = float(self.squares[k])
        held, done = w != 0, 0
        one = Centred(self.X, np.ascontiguousarray(data.Y[:, k : k + 1]), data.weights, data.fit_intercept)
        while True:
            residuals = one.residuals(w[:, None])
            slopes = one.correlations(residuals)[:, 0] - l2 * w
            sizes = slopes if model.positive else np.abs(slopes)
            if l1 == 0 and l2 > 0:
                gap = float((slopes**2)[~((w == 0) & (slopes < 0) & model.positive)].sum()) / (2 * l2)
            else:
                gap = _gap(one, residuals[:, 0], w, float(sizes.max()), l1, l2)
            new = (sizes > l1) & ~held
            if gap <= model.tol * yy or done >= most or not (new.any() or done == 0):
                return done, gap, gap <= model.tol * yy
            limit = max(100, 2 * int(np.count_nonzero(w)))
            if new.sum() > limit:
                new &= sizes >= np.partition(sizes[new], -limit)[-limit]
            held = (w != 0) | new | held
            chosen = np.flatnonzero(held)
            part = self.X[:, chosen]
            part = part.tocsr() if scipy.sparse.issparse(part) else np.ascontiguousarray(part)
            gram, b, _ = Centred(part, one.Y, one.weights, one.fit_intercept).squares()
            at = w[chosen].copy()
            passes, _, _ = descend(model, gram, b[:, 0].copy(), yy, rows, at, most - done, 0.3 * model.tol * yy)
            w[chosen] = at
            done += max(passes, 1)


def _gap(data: Centred, residuals: np.ndarray, w: np.ndarray, over: float, l1: float, l2: float) -> float:
    """The duality gap of all features, by the residual scaled into the dual's bounds."""
    y = data.Y[:, 0] - data.target_mean[0]
    weighted = residuals if data.weights is None else residuals * data.weights
    rr, ry = float(weighted @ residuals), float(weighted @ y)
    scale = l1 / over if over > l1 else 1.0
    return (
        0.5 * rr * (1 + scale**2) + l1 * float(np.abs(w).sum()) - scale * ry + 0.5 * l2 * (1 + scale**2) * float(w @ w)
    )


class Lasso(ElasticNet):
    """Linear least squares with an l1 penalty.

    scikit-learn's `Lasso`: `ElasticNet` with ``l1_ratio=1``.

    Parameters
    ----------
    alpha, fit_intercept, precompute, copy_X, max_iter, tol, warm_start, positive, random_state, selection
        As those of `ElasticNet`.

    Attributes
    ----------
    coef_, sparse_coef_, intercept_, dual_gap_, n_iter_, n_features_in_, feature_names_in_
        As those of `ElasticNet`.

    References
    ----------
    Tibshirani 1996, *Regression shrinkage and selection via the lasso*, J. R. Stat. Soc. B 58.

    Examples
    --------
    >>> from gradstep.sklearn import Lasso
    >>> model = Lasso(alpha=0.1).fit([[0, 0], [1, 1], [2, 2]], [0, 1, 2])
    >>> model.coef_.round(3), round(float(model.intercept_), 3)
    (array([0.85, 0.  ]), 0.15)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        name: kinds for name, kinds in ElasticNet._parameter_constraints.items() if name != "l1_ratio"
    }

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        fit_intercept: bool = True,
        precompute: Any = False,
        copy_X: bool = True,
        max_iter: int | None = 1000,
        tol: float = 1e-4,
        warm_start: bool = False,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.positive = positive
        self.random_state = random_state
        self.selection = selection
