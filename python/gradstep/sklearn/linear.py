"""What linear estimators have in common: predictions from coefficients."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import compute_class_weight
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.multiclass import check_classification_targets, unique_labels
from sklearn.utils.validation import check_is_fitted

from .reading import validate_data

__all__ = ["LinearClassifier", "LinearModel", "LinearRegressor", "class_weights_of", "classes_of", "labels_in"]

PLAIN = "biuU"  # kinds of labels that are classes, whatever they are


def labels_in(y: np.ndarray, keeps_objects: bool = False) -> np.ndarray:
    """The classes of labels (rows,), sorted; what `check_classification_targets` refuses is refused.

    keeps_objects: whether strings in an array of objects stay objects; scikit-learn's classes differ in this.
    """
    classes: np.ndarray
    if y.dtype.kind in PLAIN:
        classes = _numbers_in(y)
        if 2 * len(classes) <= len(y):  # of more it warns
            return classes
    check_classification_targets(y)
    classes = unique_labels(y) if y.dtype == object and not keeps_objects else np.unique(y)
    return classes


def _numbers_in(y: np.ndarray) -> np.ndarray:
    """`numpy.unique` of whole numbers, counted where they are near each other, which takes a tenth of the time."""
    if y.dtype.kind == "i" and len(y):
        low, high = int(y.min()), int(y.max())
        if high - low < min(len(y), 2**16):
            return (np.flatnonzero(np.bincount(y.astype(np.int64) - low)) + low).astype(y.dtype)
    return np.unique(y)


def class_weights_of(class_weight: Any, classes: np.ndarray, y: np.ndarray, sample_weight: Any = None) -> np.ndarray:
    """What rows of each class count for, (classes,)."""
    if class_weight is None:
        return np.ones(len(classes))
    found: np.ndarray = compute_class_weight(class_weight, classes=classes, y=y, sample_weight=sample_weight)
    return found


def classes_of(y: np.ndarray) -> np.ndarray:
    """The classes of labels, of which there must be two."""
    classes = labels_in(y, keeps_objects=True)
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

    def _sums(self, X: Any, keeps_column: bool = False) -> np.ndarray:
        """(rows,) or (rows, columns); one column is made flat, but where `coef_` has two axes if `keeps_column`."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", reset=False)
        sums: np.ndarray = safe_sparse_dot(X, self.coef_.T, dense_output=True) + self.intercept_
        is_flat = not keeps_column or np.ndim(self.coef_) == 1 or scipy.sparse.issparse(self.coef_)
        return sums.ravel() if is_flat and sums.ndim > 1 and sums.shape[1] == 1 else sums

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

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy: the share of rows whose class is predicted.

        Parameters
        ----------
        X : array or SciPy sparse matrix, (rows, features)
        y : array, (rows,)
        sample_weight : array, (rows,), optional
            What each row counts for.
        """
        made = self.predict(X)
        if sample_weight is None and isinstance(y, np.ndarray) and y.shape == made.shape and y.ndim == 1 and len(y):
            kind = y.dtype.kind
            if kind == made.dtype.kind and kind in PLAIN:  # accuracy_score looks at the labels four times before
                return float(np.mean(made == y))
        return float(accuracy_score(y, made, sample_weight=sample_weight))

    def predict(self, X: Any) -> np.ndarray:
        """The class of each row, (rows,), of X, (rows, features)."""
        scores = self.decision_function(X)
        chosen = (scores > 0).astype(np.intp) if scores.ndim == 1 else scores.argmax(axis=1)
        return self.classes_[chosen]


class LinearRegressor(LinearModel, RegressorMixin):
    """Mixin of linear regressors."""

    def predict(self, X: Any) -> np.ndarray:
        """The target of each row, (rows,), of X, (rows, features)."""
        return self._sums(X, keeps_column=True)
