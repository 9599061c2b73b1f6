"""Mean 0 and variance 1."""

from __future__ import annotations

import numpy as np

from ..checks import check_bool
from ..preprocessing.moments import RunningMoments
from .base import Scaler

__all__ = ["StandardScaler"]


class StandardScaler(Scaler):
    """Scale features to mean 0 and variance 1.

    Parameters
    ----------
    with_mean, with_std : bool, default True
        Whether to subtract the mean, and to divide by the standard deviation.

    Attributes
    ----------
    mean_, var_, scale_ : ndarray, shape (features,)
        Mean, variance (divided by the number of rows) and what is divided by: 1 for a feature that is constant.
    n_samples_seen_, n_features_in_ : int

    Notes
    -----
    scikit-learn's `StandardScaler`, for dense finite data without weights. `partial_fit` over chunks gives the numbers
    of `fit` on all rows to rounding.

    Examples
    --------
    >>> import gradstep as gs
    >>> scaler = gs.scalers.StandardScaler()
    >>> for chunk in ([[1.0, 10.0]], [[3.0, 30.0]]):
    ...     _ = scaler.partial_fit(chunk)
    >>> scaler.transform([[1.0, 20.0]])
    array([[-1.,  0.]])
    """

    def __init__(self, with_mean: bool = True, with_std: bool = True) -> None:
        self.with_mean, self.with_std = check_bool("with_mean", with_mean), check_bool("with_std", with_std)

    def _measure(self, x: np.ndarray) -> None:
        self._seen = getattr(self, "_seen", None) or RunningMoments()
        self._seen.add(x, (0,))
        self.n_samples_seen_ = self._seen.count
        self.mean_, self.var_ = np.asarray(self._seen.mean), self._seen.variance
        # Of constant features rounding leaves a variance that is not quite 0.
        noise = (10 * np.finfo(np.float64).eps * np.abs(self.mean_)) ** 2 * self.n_samples_seen_
        self.scale_ = np.where(self.var_ <= noise, 1.0, np.sqrt(self.var_))

    def _moments(self) -> tuple[np.ndarray, np.ndarray]:
        return (
            self.mean_ if self.with_mean else np.zeros_like(self.mean_),
            self.scale_ if self.with_std else np.ones_like(self.scale_),
        )
