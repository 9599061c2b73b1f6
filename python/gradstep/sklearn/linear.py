"""What linear estimators have in common: predictions from coefficients."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

__all__ = ["LinearClassifier", "LinearModel", "LinearRegressor", "classes_of"]


def classes_of(y: np.ndarray) -> np.ndarray:
    """The classes of labels, of which there must be two."""
    check_classification_targets(y)
    classes = np.unique(y)
    if len(classes) < 2:
        raise ValueError(
            "This solver needs samples of at least 2 classes in the data, but the data contains only one class: "
            f"{classes[0]!r}"
        )
    return classes


class LinearModel:
    """Mixin: the sums of rows with `coef_` and `intercept_`."""

    coef_: Any
    intercept_: Any

    def _sums(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", reset=False)
        sums = safe_sparse_dot(X, self.coef_.T, dense_output=True) + self.intercept_
        return sums.ravel() if sums.ndim > 1 and sums.shape[1] == 1 else sums

    def sparsify(self) -> Any:
        """Keep the coefficients as a SciPy CSR matrix: smaller where most are 0. Returns self.

        `fit` and `partial_fit` make an array of them again.
        """
        check_is_fitted(self)
        self.coef_ = scipy.sparse.csr_matrix(self.coef_)
        return self

    def densify(self) -> Any:
        """Keep the coefficients as an array. Returns self."""
        check_is_fitted(self)
        if scipy.sparse.issparse(self.coef_):
            self.coef_ = self.coef_.toarray()
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.sparse = True
        return tags


class LinearClassifier(LinearModel, ClassifierMixin):
    """Mixin of linear classifiers."""

    classes_: np.ndarray

    def decision_function(self, X: Any) -> np.ndarray:
        """Signed distances to the hyperplanes, times the length of their coefficients.

        Parameters
        ----------
        X : array or SciPy sparse matrix, (rows, features)

        Returns
        -------
        ndarray, (rows,) for two classes, otherwise (rows, classes)
        """
        return self._sums(X)

    def predict(self, X: Any) -> np.ndarray:
        """The class of each row, (rows,), of X, (rows, features)."""
        scores = self.decision_function(X)
        chosen = (scores > 0).astype(np.intp) if scores.ndim == 1 else scores.argmax(axis=1)
        return self.classes_[chosen]


class LinearRegressor(LinearModel, RegressorMixin):
    """Mixin of linear regressors."""

    def predict(self, X: Any) -> np.ndarray:
        """The target of each row, (rows,), of X, (rows, features)."""
        return self._sums(X)
