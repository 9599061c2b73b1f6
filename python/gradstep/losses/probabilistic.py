"""Losses of distributions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .native import NativeLoss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["KLDivergence", "Poisson", "kl_divergence", "poisson"]


class KLDivergence(NativeLoss):
    r"""Kullback-Leibler divergence of predictions from targets, summed over a row.

    Parameters
    ----------
    reduction, name, dtype
        As in `Loss`.

    Notes
    -----
    .. math:: \ell = \textstyle\sum_k t_k \log(t_k / y_k)

    with predictions y and targets t, both clipped to [1e-7, 1]; the gradient of a clipped prediction is 0.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> round(gs.losses.KLDivergence()([[0.5, 0.5]], np.array([[0.25, 0.75]])), 6)
    0.143841
    """

    kind = "kl_divergence"
    target_range = 0.0, 1.0


class Poisson(NativeLoss):
    r"""Poisson loss: negative log-likelihood of counts, averaged over a row.

    Parameters
    ----------
    reduction, name, dtype
        As in `Loss`.

    Notes
    -----
    .. math:: \ell = \tfrac1n \textstyle\sum_k y_k - t_k \log(y_k + 10^{-7})

    with predictions y above 0 and targets t.

    Examples
    --------
    >>> import gradstep as gs
    >>> round(gs.losses.Poisson()([[2.0]], [[1.0]]), 6)
    1.0
    """

    target_range = 0.0, math.inf


def kl_divergence(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """`KLDivergence` of each row.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.kl_divergence([[0.5, 0.5]], [[0.25, 0.75]]).round(4)
    array([0.1438])
    """
    return KLDivergence().call(y_true, y_pred)


def poisson(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """`Poisson` of each row.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.poisson([[1.0, 3.0]], [[2.0, 2.0]]).round(4)
    array([0.6137])
    """
    return Poisson().call(y_true, y_pred)
