"""Losses with a margin: 0 where a prediction is right by 1 or more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .native import NativeLoss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["CategoricalHinge", "Hinge", "SquaredHinge", "categorical_hinge", "hinge", "squared_hinge"]


class Hinge(NativeLoss):
    r"""Hinge loss: max(1 - t y, 0), averaged over a row.

    Parameters
    ----------
    reduction, name, dtype
        As in `Loss`.

    Notes
    -----
    .. math:: \ell = \tfrac1n \textstyle\sum_k \max(1 - t_k y_k, 0)

    with predictions y and targets t of -1 and 1. Where all targets of a call, or of a batch, are 0 or 1, the 0 stand
    for -1.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.Hinge()([[1.0], [-1.0]], [[0.5], [-2.0]])
    0.25
    """

    target_range = -1.0, 1.0


class SquaredHinge(NativeLoss):
    r"""Squared hinge loss: max(1 - t y, 0)^2, averaged over a row.

    Parameters
    ----------
    reduction, name, dtype
        As in `Loss`.

    Notes
    -----
    .. math:: \ell = \tfrac1n \textstyle\sum_k \max(1 - t_k y_k, 0)^2

    with predictions y and targets t of -1 and 1. Where all targets of a call, or of a batch, are 0 or 1, the 0 stand
    for -1.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.SquaredHinge()([[1.0], [-1.0]], [[0.5], [-2.0]])
    0.125
    """

    target_range = -1.0, 1.0


class CategoricalHinge(NativeLoss):
    r"""Categorical hinge loss: the margin of 1 of the right class over the best other one.

    Parameters
    ----------
    reduction, name, dtype
        As in `Loss`.

    Notes
    -----
    .. math:: \ell = \max\bigl(\max_k (1 - t_k) y_k - \textstyle\sum_k t_k y_k + 1, 0\bigr)

    with predictions y and one-hot targets t.

    References
    ----------
    Crammer & Singer (2001), On the algorithmic implementation of multiclass kernel-based vector machines. JMLR 2.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.CategoricalHinge()([[1, 0]], [[1.0, 0.5]])
    0.5
    """


def hinge(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """`Hinge` of each row.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.hinge([[1.0], [-1.0]], [[0.5], [-2.0]]).round(4)
    array([0.5, 0. ])
    """
    return Hinge().call(y_true, y_pred)


def squared_hinge(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """`SquaredHinge` of each row.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.squared_hinge([[1.0], [-1.0]], [[0.5], [-2.0]]).round(4)
    array([0.25, 0.  ])
    """
    return SquaredHinge().call(y_true, y_pred)


def categorical_hinge(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """`CategoricalHinge` of each row.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.categorical_hinge([[1, 0]], [[1.0, 0.5]]).round(4)
    array([0.5])
    """
    return CategoricalHinge().call(y_true, y_pred)
