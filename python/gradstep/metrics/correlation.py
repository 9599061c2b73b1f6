"""Correlations of targets and predictions along a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..checks import check_int
from .base import larger_is_better, pair
from .reduction import FunctionMetric, MeanMetricWrapper

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["ConcordanceCorrelation", "PearsonCorrelation", "concordance_correlation", "pearson_correlation"]

EPSILON = 1e-7  # Keras's


@larger_is_better
def pearson_correlation(y_true: ArrayLike, y_pred: ArrayLike, axis: int = -1) -> np.ndarray:
    """`PearsonCorrelation` of each row: the shape of `y_pred` without `axis`.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.metrics.pearson_correlation([[1.0, 2.0, 3.0]], [[1.0, 2.0, 4.0]]).round(4)
    array([0.982])
    """
    t, y = _centred(y_true, y_pred, axis)
    with np.errstate(invalid="ignore"):
        return np.asarray((t * y).mean(axis) / np.sqrt((t * t).mean(axis) * (y * y).mean(axis)))


@larger_is_better
def concordance_correlation(y_true: ArrayLike, y_pred: ArrayLike, axis: int = -1) -> np.ndarray:
    """`ConcordanceCorrelation` of each row: the shape of `y_pred` without `axis`.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.metrics.concordance_correlation([[1.0, 2.0, 3.0]], [[1.0, 2.0, 4.0]]).round(4)
    array([0.8571])
    """
    t, y = _centred(y_true, y_pred, axis)
    apart = np.mean(np.subtract(*pair(y_true, y_pred), dtype=np.float64), axis)
    return np.asarray(2 * (t * y).mean(axis) / ((t * t).mean(axis) + (y * y).mean(axis) + apart**2 + EPSILON))


def _centred(y_true: ArrayLike, y_pred: ArrayLike, axis: int) -> tuple[np.ndarray, np.ndarray]:
    known, predicted = (array.astype(np.float64) for array in pair(y_true, y_pred))
    if not -known.ndim <= axis < known.ndim:
        raise ValueError(f"axis must be one of y_pred's {known.ndim}; got {axis}.")
    return known - known.mean(axis, keepdims=True), predicted - predicted.mean(axis, keepdims=True)


class PearsonCorrelation(FunctionMetric, MeanMetricWrapper):
    r"""Pearson correlation coefficient along each row, averaged over rows.

    Parameters
    ----------
    name : str, default "pearson_correlation"
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.
    axis : int, default -1
        Along which it is taken. With 0, along the rows of a batch, it depends on how rows are shared out into batches.

    Notes
    -----
    .. math:: \frac{\sum_k (t_k - \bar t)(y_k - \bar y)}{\sqrt{\sum_k (t_k - \bar t)^2 \sum_k (y_k - \bar y)^2}}

    NaN if a row is constant, as in Keras.

    Examples
    --------
    >>> import gradstep as gs
    >>> round(gs.metrics.PearsonCorrelation()([[0, 1, 0.5], [1, 1, 0.2]], [[0.1, 0.9, 0.5], [1, 0.9, 0.2]]), 6)
    0.9967
    """

    higher_is_better = True
    _settings = ("axis",)

    def __init__(self, name: str | None = "pearson_correlation", dtype: str | None = None, axis: int = -1) -> None:
        self.axis = check_int("axis", axis, -64)
        super().__init__(pearson_correlation, name, dtype, axis=self.axis)


class ConcordanceCorrelation(FunctionMetric, MeanMetricWrapper):
    r"""Lin's concordance correlation coefficient along each row, averaged over rows.

    Parameters
    ----------
    name : str, default "concordance_correlation"
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.
    axis : int, default -1
        Along which it is taken. With 0, along the rows of a batch, it depends on how rows are shared out into batches.

    Notes
    -----
    .. math:: \frac{2 \operatorname{cov}(t, y)}{\sigma_t^2 + \sigma_y^2 + (\bar t - \bar y)^2 + 10^{-7}}

    References
    ----------
    L. I.-K. Lin, "A concordance correlation coefficient to evaluate reproducibility", Biometrics 45, 1989.

    Examples
    --------
    >>> import gradstep as gs
    >>> round(gs.metrics.ConcordanceCorrelation()([[0, 1, 0.5], [1, 1, 0.2]], [[0.1, 0.9, 0.5], [1, 0.9, 0.2]]), 6)
    0.981632
    """

    higher_is_better = True
    _settings = ("axis",)

    def __init__(self, name: str | None = "concordance_correlation", dtype: str | None = None, axis: int = -1) -> None:
        self.axis = check_int("axis", axis, -64)
        super().__init__(concordance_correlation, name, dtype, axis=self.axis)
