"""A given range."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..checks import check_bool
from .base import Scaler, fraction

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["MinMaxScaler"]


class MinMaxScaler(Scaler):
    """Scale features to a range, by their smallest and largest values.

    Parameters
    ----------
    feature_range : (float, float), default (0, 1)
    clip : bool, default False
        Whether values beyond those of `fit` are cut off at the ends of the range.

    Attributes
    ----------
    data_min_, data_max_, data_range_ : ndarray, shape (features,)
    scale_, min_ : ndarray, shape (features,)
        Scaled data are ``x * scale_ + min_``. A constant feature is shifted to the beginning of the range.
    n_samples_seen_, n_features_in_ : int

    Notes
    -----
    scikit-learn's `MinMaxScaler`, for dense finite data.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.scalers.MinMaxScaler().fit_transform([[0.0], [5.0], [20.0]]).ravel()
    array([0.  , 0.25, 1.  ])
    """

    def __init__(self, feature_range: tuple[float, float] = (0, 1), clip: bool = False) -> None:
        fraction("feature_range", feature_range)
        self.feature_range, self.clip = feature_range, check_bool("clip", clip)

    data_min_: np.ndarray
    data_max_: np.ndarray
    data_range_: np.ndarray
    scale_: np.ndarray
    min_: np.ndarray

    def _measure(self, x: np.ndarray) -> None:
        low: np.ndarray = x.min(axis=0)
        high: np.ndarray = x.max(axis=0)
        if hasattr(self, "data_min_"):
            low, high = np.minimum(low, self.data_min_), np.maximum(high, self.data_max_)
        begin, end = fraction("feature_range", self.feature_range)
        self.data_min_, self.data_max_, self.data_range_ = low, high, high - low
        # As scikit-learn: a range of less than 10 roundings is none.
        constant = self.data_range_ < 10 * np.finfo(np.float64).eps
        self.scale_ = (end - begin) / np.where(constant, 1.0, self.data_range_)
        self.min_ = begin - low * self.scale_
        self.n_samples_seen_ = getattr(self, "n_samples_seen_", 0) + len(x)

    def _moments(self) -> tuple[np.ndarray, np.ndarray]:
        return -self.min_ / self.scale_, 1 / self.scale_

    def transform(self, x: ArrayLike) -> np.ndarray:
        """Scaled data, of the dtype of `x` if that is float32 or float64. Raises as `fit` does."""
        array = self._rows(x)
        scaled = array * self.scale_.astype(array.dtype) + self.min_.astype(array.dtype)
        return np.asarray(np.clip(scaled, *fraction("feature_range", self.feature_range)) if self.clip else scaled)

    def inverse_transform(self, x: ArrayLike) -> np.ndarray:
        """Data in their own units again. Raises as `fit` does."""
        array = self._rows(x)
        return np.asarray((array - self.min_.astype(array.dtype)) / self.scale_.astype(array.dtype))
