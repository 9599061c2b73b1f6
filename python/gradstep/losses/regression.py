"""Losses of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .base import Loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["MeanAbsoluteError", "MeanSquaredError", "mean_absolute_error", "mean_squared_error"]


class MeanSquaredError(Loss):
    r"""The squared difference, averaged over a row.

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

    def __init__(self) -> None:
        super().__init__()


class MeanAbsoluteError(Loss):
    r"""The absolute difference, averaged over a row.

    Notes
    -----
    .. math:: \ell = \tfrac1n \textstyle\sum_k |y_k - t_k|

    with predictions y and targets t; the slope is 0 where they are equal.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.MeanAbsoluteError()([[0.0], [3.0]], [[1.0], [1.0]])
    1.5
    """

    def __init__(self) -> None:
        super().__init__()


def mean_squared_error(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """`MeanSquaredError` of each row."""
    return MeanSquaredError().rows(y_true, y_pred)


def mean_absolute_error(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """`MeanAbsoluteError` of each row."""
    return MeanAbsoluteError().rows(y_true, y_pred)
