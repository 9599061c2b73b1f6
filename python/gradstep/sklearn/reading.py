"""scikit-learn's `validate_data`, which lets plain arrays pass at once.

scikit-learn's asks an array in some twenty ways whether it is a table of another library, and takes 0.2 ms: longer than
an epoch over a few hundred rows. What is not plain, or not valid, goes to it, and gets its errors.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from sklearn.utils import validation

__all__ = ["validate_data"]

FLOATS = (np.dtype(np.float64), np.dtype(np.float32))
# Arguments that say nothing that a plain array is not.
KNOWN = {"accept_sparse", "accept_large_sparse", "dtype", "order", "multi_output", "y_numeric"}


def validate_data(estimator: Any, X: Any, *y: Any, reset: bool = True, **asked: Any) -> Any:
    """X, or X and y, as scikit-learn's function of this name gives them."""
    is_plain = KNOWN.issuperset(asked) and len(y) < 2 and _is_plain(X, asked.get("dtype"))
    if is_plain and (not y or _fits(y[0], len(X))) and _is_known(estimator, X.shape[1], reset):
        return (X, y[0]) if y else X
    return validation.validate_data(estimator, X, *y, reset=reset, **asked)


def _is_plain(X: Any, dtype: Any) -> bool:
    """Whether X is a matrix of finite numbers in C order, of a dtype that is asked for."""
    if type(X) is not np.ndarray or X.ndim != 2 or X.size == 0 or X.dtype not in FLOATS:
        return False
    is_asked = dtype is None or (X.dtype in dtype if isinstance(dtype, (list, tuple)) else X.dtype == dtype)
    return is_asked and X.flags.c_contiguous and _is_finite(X)


def _fits(y: Any, rows: int) -> bool:
    """Whether y is a vector of so many finite numbers."""
    is_vector = type(y) is np.ndarray and y.ndim == 1 and len(y) == rows and y.dtype.kind in "biuf"
    return is_vector and (y.dtype.kind != "f" or _is_finite(y))


def _is_finite(x: np.ndarray) -> bool:
    """False also for finite numbers whose sum is too large for their type."""
    with np.errstate(over="ignore", invalid="ignore"):
        return math.isfinite(x.sum())


def _is_known(estimator: Any, features: int, reset: bool) -> bool:
    """Whether an estimator without names of features takes so many; reset: it does from now on."""
    found = vars(estimator)
    if not reset:
        return "feature_names_in_" not in found and found.get("n_features_in_") == features
    found.pop("feature_names_in_", None)
    estimator.n_features_in_ = features
    return True
