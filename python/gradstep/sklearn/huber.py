"""HuberRegressor."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from ..minimize import minimize
from .estimator import Estimator
from .least_squares import read_regression
from .linear import LinearRegressor
from .objective import EPS, Objective, warn_unless

__all__ = ["HuberRegressor"]


class HuberRegressor(LinearRegressor, Estimator):
    """Linear regression by Huber's loss, with a scale of the residuals that is found too.

    scikit-learn's `HuberRegressor`: its objective, parameters, defaults and attributes.

    Parameters
    ----------
    epsilon : float, default 1.35
        Residuals that are more than so many times the scale count linearly; at least 1.
    max_iter : int, default 100
    alpha : float, default 0.0001
        Strength of the l2 penalty, at least 0.
    warm_start : bool, default False
        Whether `fit` begins where the last one ended.
    fit_intercept : bool, default True
    tol : float, default 1e-5
        No component of the gradient, projected on the bound of the scale, is larger at the end.

    Attributes
    ----------
    coef_ : ndarray, (features,)
        Of the dtype of X.
    intercept_, scale_ : float
    n_iter_ : int
    outliers_ : ndarray of bool, (rows,)
        Rows that counted linearly.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Notes
    -----
    Minimized is ``sum_i (scale + H((y_i - x_i w - b) / scale) scale) + alpha |w|^2``, where H(z) is z^2 up to epsilon,
    then its tangent, over scale > 0, by L-BFGS-B.

    References
    ----------
    Huber & Ronchetti 2009, *Robust Statistics*, equation 7.64. Owen 2007, *A robust hybrid of lasso and ridge
    regression*, Contemporary Mathematics 443.

    Examples
    --------
    >>> import numpy as np
    >>> from gradstep.sklearn import HuberRegressor
    >>> X = np.arange(20.0)[:, None]
    >>> y = 3 * X[:, 0] + 1
    >>> y[3] = 500
    >>> model = HuberRegressor().fit(X + 0.01 * np.sin(X), y)
    >>> model.coef_.round(2), int(model.outliers_.argmax())
    (array([3.]), 3)
    """

    coef_: np.ndarray
    scale_: float

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "epsilon": [Interval(Real, 1.0, None, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "warm_start": ["boolean"],
        "fit_intercept": ["boolean"],
        "tol": [Interval(Real, 0.0, None, closed="left")],
    }

    def __init__(
        self,
        *,
        epsilon: float = 1.35,
        max_iter: int = 100,
        alpha: float = 0.0001,
        warm_start: bool = False,
        fit_intercept: bool = True,
        tol: float = 1e-05,
    ) -> None:
        self.epsilon = epsilon
        self.max_iter = max_iter
        self.alpha = alpha
        self.warm_start = warm_start
        self.fit_intercept = fit_intercept
        self.tol = tol

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> HuberRegressor:
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

        Raises
        ------
        ValueError
            Among others where the search ends before a minimum.
        """
        self._validate_params()
        X, Y, weights, _ = read_regression(self, X, y, sample_weight, multi_output=False)
        features = X.shape[1]
        objective = Objective(
            X,
            Y[:, 0],
            weights,
            "huber",
            l2=2 * float(self.alpha),
            fit_intercept=self.fit_intercept,
            loss_at=float(self.epsilon),
        )
        size = features + self.fit_intercept + 1
        start = np.zeros(size)
        start[-1] = 1.0
        if self.warm_start and hasattr(self, "coef_"):
            start[:features], start[-1] = self.coef_, self.scale_
            if self.fit_intercept:
                start[features] = self.intercept_
        lower = np.full(size, -np.inf)
        lower[-1] = 10 * EPS
        result = minimize(
            objective.value,
            start,
            jac=True,
            method="l-bfgs-b",
            bounds=[(low, None) for low in lower],
            gtol=float(self.tol),
            ftol=64 * EPS,
            maxiter=self.max_iter,
            options={"m": 10},  # as scikit-learn's
        )
        if result.reason in ("nan", "diverged"):
            raise ValueError(f"HuberRegressor convergence failed: {result.message}")
        warn_unless(result.reason != "maxiter", "l-bfgs-b", self.max_iter)
        found = result.x
        self.n_iter_ = int(result.nit)
        self.scale_ = float(found[-1])
        self.coef_ = found[:features].astype(X.dtype)
        self.intercept_ = float(found[features]) if self.fit_intercept else 0.0
        residuals = np.abs(Y[:, 0] - objective.margins(found)[0])
        self.outliers_ = residuals > self.scale_ * self.epsilon
        return self
