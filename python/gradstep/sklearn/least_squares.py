"""Sums of squares of centred data, from which least-squares models follow without a copy of the data."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import scipy.optimize
import scipy.sparse
from sklearn.utils.validation import assert_all_finite

from .objective import Objective, conjugate_gradients
from .reading import validate_data
from .sample_weights import check_sample_weight
from .sgd_base import READ

__all__ = ["Centred", "as_before", "check_finite", "nonnegative", "read_regression"]

NEARBY = 1024  # rows whose mean is near enough to that of all


def read_regression(
    estimator: Any, X: Any, y: Any, sample_weight: Any, multi_output: bool = True, is_finite: bool = True
) -> tuple[Any, np.ndarray, np.ndarray | None, bool]:
    """X, y (rows, targets) and weights, checked together, and whether y was a vector; y is float64.

    is_finite: whether numbers of X are looked at now, which is a pass; or later, by `check_finite`.
    """
    X, y = validate_data(
        estimator, X, y, y_numeric=True, multi_output=multi_output, ensure_all_finite=is_finite, **READ
    )
    if sample_weight is not None:
        sample_weight = check_sample_weight(sample_weight, X, dtype=np.float64)
    return X, np.ascontiguousarray(y, np.float64).reshape(len(y), -1), sample_weight, y.ndim == 1


def check_finite(X: Any, estimator: str) -> None:
    """Refuse nan and infinity in X as scikit-learn does."""
    assert_all_finite(X.data if scipy.sparse.issparse(X) else X, estimator_name=estimator, input_name="X")


@contextmanager
def as_before(estimator: Any) -> Iterator[None]:
    """What reading data sets in an estimator is as it was if a fit fails, within a ``with`` statement."""
    names, found = ("n_features_in_", "feature_names_in_"), vars(estimator)
    before = {name: found[name] for name in names if name in found}
    try:
        yield
    except BaseException:
        for name in names:
            found.pop(name, None)
        found.update(before)
        raise


class Centred:
    """X and Y less their weighted means, or as they are where there is no intercept.

    Parameters
    ----------
    X : ndarray or SciPy CSR matrix, (rows, features)
    Y : ndarray, (rows, targets), float64
    sample_weight : ndarray, (rows,), or None
    estimator : str
        Whose X it is, in errors.

    Attributes
    ----------
    mean, target_mean : ndarray, (features,) and (targets,)
    total : float
        The sum of the weights.
    """

    def __init__(
        self, X: Any, Y: np.ndarray, sample_weight: np.ndarray | None, fit_intercept: bool, estimator: str = ""
    ) -> None:
        self.estimator = estimator
        rows, self.features = X.shape
        self.X, self.Y, self.weights = X, Y, sample_weight
        self.objective = Objective(
            X, Y[:, 0], sample_weight, "squared_error", fit_intercept=fit_intercept, keeps_curvature=True
        )
        self.fit_intercept = fit_intercept
        self.total = float(rows) if sample_weight is None else float(sample_weight.sum())
        self.is_centred = fit_intercept and self.total > 0
        self.target_mean = np.zeros(Y.shape[1])
        if self.is_centred:
            self.target_mean = np.average(Y, axis=0, weights=sample_weight)

    @functools.cached_property
    def mean(self) -> np.ndarray:
        """By a pass over X, unless `squares` has found it."""
        if not self.is_centred:
            return np.zeros(self.features)
        weights = np.ones(len(self.Y)) if self.weights is None else self.weights
        return np.asarray(self.objective.transposed(weights) / self.total)

    def squares(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """X'X (features, features), X'Y (features, targets), and the diagonal of Y'Y, in one pass.

        It centres at the mean of some rows, and sums what these numbers are off by: their squares, which are taken off,
        are as small as the variance.
        """
        n, targets = self.features, self.Y.shape[1]
        nearby = self._mean_nearby() if self.is_centred else None
        if nearby is None:
            found = self.objective.gram(None, self.Y, targets, np.concatenate([self.mean, self.target_mean]))
        else:
            extra = np.column_stack([self.Y, np.ones(len(self.Y))])
            found = self.objective.gram(None, extra, targets + 1, np.concatenate([nearby, self.target_mean, [0.0]]))
        if not np.isfinite(np.diag(found)).all():
            check_finite(self.X, self.estimator)
        if nearby is not None:
            off = found[-1, :-1] / self.total
            found = found[:-1, :-1] - np.outer(off, off * self.total)
            self.mean = nearby + off[:n]
        return np.ascontiguousarray(found[:n, :n]), np.ascontiguousarray(found[:n, n:]), np.diag(found)[n:].copy()

    def _mean_nearby(self) -> np.ndarray | None:
        """The mean of rows that are spread over a dense X; None where it is not known to be near that of all."""
        some = slice(None, None, len(self.Y) // NEARBY or 1)
        if scipy.sparse.issparse(self.X) or self.weights is not None or len(self.Y) < 2 * NEARBY:
            return None
        with np.errstate(invalid="ignore", over="ignore"):  # X may not have been looked at
            return np.asarray(self.X[some].mean(axis=0, dtype=np.float64))

    def correlations(self, residuals: np.ndarray) -> np.ndarray:
        """X' diag(weights) R, (features, targets), of R (rows, targets)."""
        weighted = residuals if self.weights is None else residuals * self.weights[:, None]
        sums = weighted.sum(axis=0)
        each = [self.objective.transposed(np.ascontiguousarray(column)) for column in weighted.T]
        return np.stack(each, axis=1) - np.outer(self.mean, sums)

    def residuals(self, coef: np.ndarray) -> np.ndarray:
        """Y - X coef, (rows, targets), of coef (features, targets)."""
        intercepts = self.intercepts(coef)
        made = np.empty_like(self.Y)
        for k in range(self.Y.shape[1]):
            w = np.append(coef[:, k], intercepts[k]) if self.fit_intercept else np.ascontiguousarray(coef[:, k])
            made[:, k] = self.Y[:, k] - self.objective.margins(w)[0]
        return made

    def intercepts(self, coef: np.ndarray) -> np.ndarray:
        """The intercepts (targets,) that coefficients (features, targets) leave."""
        return self.target_mean - self.mean @ coef

    def rooted(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Centred copies of a dense X and of Y, their rows times the roots of the weights."""
        x, y = X - self.mean, self.Y - self.target_mean
        if self.weights is None:
            return x, y
        root = np.sqrt(self.weights)[:, None]
        return x * root, y * root

    def product(self, v: np.ndarray) -> np.ndarray:
        """X' diag(weights) X v."""
        b = -float(self.mean @ v)
        w = np.append(v, b) if self.fit_intercept else v
        sums = self.objective.margins(w)[0]
        return self.correlations(sums[:, None])[:, 0]

    def conjugate_gradients(
        self, alpha: float, b: np.ndarray, tol: float, most: int, start: np.ndarray | None = None
    ) -> tuple[np.ndarray, int, bool]:
        """w with (X'X + alpha) w = b, to a residual of `tol` times that of 0; iterations; whether it came so far."""
        size = float(np.sqrt(b @ b))
        return conjugate_gradients(lambda v: self.product(v) + alpha * v, b, tol * size, most, start)


def nonnegative(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """w >= 0 with the least w' a w / 2 - b' w, for a positive semidefinite a.

    References
    ----------
    Lawson & Hanson 1974, *Solving least squares problems*.
    """
    values, vectors = np.linalg.eigh(a)
    kept = values > len(values) * np.finfo(float).eps * max(float(values[-1]), 0.0)
    root = np.sqrt(values[kept])
    if not kept.any():
        return np.zeros(len(b))
    return np.asarray(scipy.optimize.nnls(root[:, None] * vectors[:, kept].T, vectors[:, kept].T @ b / root)[0])
