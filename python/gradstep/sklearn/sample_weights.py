"""Sample weights of estimators."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils import check_array

__all__ = ["check_sample_weight"]


def check_sample_weight(sample_weight: Any, X: Any, allow_all_zero: bool = False, dtype: Any = None) -> np.ndarray:
    """Sample weights (rows,); ones for None. scikit-learn's errors, in every release that is taken.

    Parameters
    ----------
    sample_weight : array, (rows,), a number, or None
    X : ndarray or SciPy sparse matrix, (rows, features)
    allow_all_zero : bool
        Whether none of the rows need count.
    dtype : dtype, optional
        Of the weights; by default that of X.
    """
    rows, dtype = X.shape[0], X.dtype if dtype is None else dtype
    if sample_weight is None:
        return np.ones(rows, dtype)
    if isinstance(sample_weight, Real):
        weights = np.full(rows, sample_weight, dtype)
    else:
        weights = check_array(sample_weight, ensure_2d=False, dtype=dtype, order="C", input_name="sample_weight")
    if weights.ndim != 1:
        raise ValueError(
            f"Sample weights must be 1D array or scalar, got {weights.ndim}D array. Expected either a scalar value or "
            f"a 1D array of length {rows}."
        )
    if weights.shape != (rows,):
        raise ValueError(f"sample_weight.shape == {weights.shape}, expected {(rows,)}!")
    if not (allow_all_zero or weights.any()):
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weights
