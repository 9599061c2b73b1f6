"""Losses of numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .native import NativeLoss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "CosineSimilarity",
    "Huber",
    "LogCosh",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Quantile",
    "cosine_similarity",
    "huber",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "quantile",
]


class MeanSquaredError(NativeLoss):
    r"""Mean squared difference of predictions and targets over a row.

    Parameters
    ----------
    reduction, name, dtype
        As in `Loss`.

    Notes
    -----
    .. math:: \ell = \tfrac1n \textstyle\sum_k (y_k - t_k)^2

    with predictions y and targets t.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.MeanSquaredError()([[0.0], [3.0]], [[1.0], [1.0]])
    2.5
    """


class MeanAbsoluteError(NativeLoss):
    r"""Mean absolute difference of predictions and targets over a row.

    Parameters
    ----------
    reduction, name, dtype
        As in `Loss`.

    Notes
    -----
    .. math:: \ell = \tfrac1n \textstyle\sum_k |y_k - t_k|

    with predictions y and targets t; the gradient is 0 where they are equal.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.MeanAbsoluteError()([[0.0], [3.0]], [[1.0], [1.0]])
    1.5
    """


class MeanAbsolutePercentageError(NativeLoss):
    r"""Mean absolute difference in percent of the targets over a row.

    Parameters
    ----------
    reduction, name, dtype
        As in `Loss`.

    Notes
    -----
    .. math:: \ell = \tfrac{100}n \textstyle\sum_k |y_k - t_k| / \max(|t_k|, 10^{-7})

    with predictions y and targets t.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.MeanAbsolutePercentageError()([[2.0], [4.0]], [[1.0], [5.0]])
    37.5
    """


class MeanSquaredLogarithmicError(NativeLoss):
    r"""Mean squared difference of log(1 + predictions) and log(1 + targets) over a row.

    Parameters
    ----------
    reduction, name, dtype
        As in `Loss`.

    Notes
    -----
    .. math:: \ell = \tfrac1n \textstyle\sum_k (\log(1 + y_k) - \log(1 + t_k))^2

    with predictions y and targets t, of which those below 1e-7 count as 1e-7; there the gradient is 0.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> round(gs.losses.MeanSquaredLogarithmicError()([[0.0]], np.array([[np.e - 1]])), 6)
    1.0
    """

    target_range = 0.0, math.inf


class CosineSimilarity(NativeLoss):
    r"""Negative cosine similarity of predictions and targets: -1 for the same direction.

    Parameters
    ----------
    axis : int, default -1
        The axis that a row lies along.
    reduction, name, dtype
        As in `Loss`.

    Notes
    -----
    .. math:: \ell = - \frac{\sum_k t_k y_k}{\lVert t \rVert \lVert y \rVert}

    with predictions y and targets t; a row shorter than 1e-7 is divided by 1e-7.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.CosineSimilarity()([[1.0, 0.0], [0.0, 2.0]], [[0.0, 3.0], [0.0, 4.0]])
    -0.5
    """

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "cosine_similarity",
        dtype: str | None = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self._take(axis=axis)


class Huber(NativeLoss):
    r"""Huber loss: quadratic for small differences, linear for large ones; averaged over a row.

    Parameters
    ----------
    delta : float, default 1.0
        Where the square becomes a line; above 0.
    reduction, name, dtype
        As in `Loss`.

    Notes
    -----
    .. math:: \ell = \tfrac1n \textstyle\sum_k
            \begin{cases} e_k^2 / 2 & |e_k| \le \delta \\ \delta |e_k| - \delta^2 / 2 & \text{else} \end{cases}

    with e = y - t, of predictions y and targets t. Keras's `get_config` leaves `delta` out; this one has it.

    References
    ----------
    Huber (1964), Robust estimation of a location parameter. Annals of Mathematical Statistics 35.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.Huber(delta=1.0)([[0.0], [0.0]], [[1.0], [3.0]])
    1.5
    """

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "huber_loss",
        dtype: str | None = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self._take(delta=delta)


class LogCosh(NativeLoss):
    r"""Logarithm of the hyperbolic cosine of the difference, averaged over a row.

    Parameters
    ----------
    reduction, name, dtype
        As in `Loss`.

    Notes
    -----
    .. math:: \ell = \tfrac1n \textstyle\sum_k \log \cosh(y_k - t_k)

    with predictions y and targets t: about half the square of a small difference, and the size of a large one.
    Small differences keep their digits, which in Keras they lose.

    Examples
    --------
    >>> import gradstep as gs
    >>> round(gs.losses.LogCosh()([[0.0]], [[1.0]]), 6)
    0.433781
    """


class Quantile(NativeLoss):
    r"""Pinball loss of quantile regression; minimal at the quantile q of the targets. Not in Keras.

    Parameters
    ----------
    q : float, default 0.5
        Which quantile of the targets is to be predicted; above 0, below 1.
    reduction, name, dtype
        As in `Loss`.

    Notes
    -----
    .. math:: \ell = \tfrac1n \textstyle\sum_k \max\bigl(q (t_k - y_k), (q - 1) (t_k - y_k)\bigr)

    with predictions y and targets t; the gradient is 0 where they are equal. With q = 1/2 half of `MeanAbsoluteError`.

    References
    ----------
    Koenker & Bassett (1978), Regression quantiles. Econometrica 46.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.Quantile(0.75)([[0.0], [0.0]], [[1.0], [-1.0]])
    0.5
    """

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "quantile",
        dtype: str | None = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self._take(q=q)


def mean_squared_error(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """`MeanSquaredError` of each row.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.mean_squared_error([[0.0, 1.0]], [[0.5, 3.0]]).round(4)
    array([2.125])
    """
    return MeanSquaredError().call(y_true, y_pred)


def mean_absolute_error(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """`MeanAbsoluteError` of each row.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.mean_absolute_error([[0.0, 1.0]], [[0.5, 3.0]]).round(4)
    array([1.25])
    """
    return MeanAbsoluteError().call(y_true, y_pred)


def mean_absolute_percentage_error(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """`MeanAbsolutePercentageError` of each row.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.mean_absolute_percentage_error([[2.0, 4.0]], [[1.0, 5.0]]).round(4)
    array([37.5])
    """
    return MeanAbsolutePercentageError().call(y_true, y_pred)


def mean_squared_logarithmic_error(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """`MeanSquaredLogarithmicError` of each row.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.mean_squared_logarithmic_error([[2.0, 4.0]], [[1.0, 5.0]]).round(4)
    array([0.0988])
    """
    return MeanSquaredLogarithmicError().call(y_true, y_pred)


def cosine_similarity(y_true: ArrayLike, y_pred: ArrayLike, axis: int = -1) -> np.ndarray:
    """`CosineSimilarity` of each row.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.cosine_similarity([[1.0, 0.0]], [[3.0, 4.0]]).round(4)
    array([-0.6])
    """
    return CosineSimilarity(axis=axis).call(y_true, y_pred)


def huber(y_true: ArrayLike, y_pred: ArrayLike, delta: float = 1.0) -> np.ndarray:
    """`Huber` of each row.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.huber([[0.0, 1.0]], [[0.5, 3.0]], delta=1.0).round(4)
    array([0.8125])
    """
    return Huber(delta=delta).call(y_true, y_pred)


def log_cosh(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """`LogCosh` of each row.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.log_cosh([[0.0, 1.0]], [[0.5, 3.0]]).round(4)
    array([0.7226])
    """
    return LogCosh().call(y_true, y_pred)


def quantile(y_true: ArrayLike, y_pred: ArrayLike, q: float = 0.5) -> np.ndarray:
    """`Quantile` of each row.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.quantile([[0.0], [0.0]], [[1.0], [-1.0]], q=0.9).round(4)
    array([0.1, 0.9])
    """
    return Quantile(q=q).call(y_true, y_pred)
