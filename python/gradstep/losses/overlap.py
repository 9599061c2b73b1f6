"""Losses of how much predictions and targets have in common, as of areas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .native import NativeLoss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Dice", "Tversky", "dice", "tversky"]


class Dice(NativeLoss):
    r"""Dice loss: one minus twice the overlap of targets and predictions over their sum.

    Parameters
    ----------
    axis : int or tuple of int, optional
        The axes to sum over; by default all, the rows of a batch too. In a model None or -1.
    reduction, name, dtype
        As in `Loss`.

    Notes
    -----
    .. math:: \ell = 1 - \frac{2 \sum t y}{\sum t + \sum y + 10^{-7}}

    with predictions y and targets t from 0 to 1. A batch is one row, unless `axis` says otherwise: its loss is not the
    mean of those of its parts.

    References
    ----------
    Milletari, Navab & Ahmadi (2016), V-Net. arXiv:1606.04797.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> round(gs.losses.Dice()([[1.0, 0.0]], np.array([[0.5, 0.5]])), 6)
    0.5
    """

    target_range = 0.0, 1.0

    def __init__(
        self,
        axis: int | Sequence[int] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "dice",
        dtype: str | None = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self._take(axis=axis)

    def _kind_of_rows(self) -> str:
        return f"{self.kind}_of_rows"

    def _specification(self) -> dict[str, Any] | None:
        if self._axes(2) not in ((0, 1), (1, 0)):
            return super()._specification()
        self._must_reduce()
        return self._spec() | {"kind": self.kind}


class Tversky(NativeLoss):
    r"""Tversky loss: one minus the overlap over itself plus weighted false positives and negatives.

    Parameters
    ----------
    alpha : float, default 0.5
        Weight of what is in the targets alone; at least 0.
    beta : float, default 0.5
        Weight of what is in the predictions alone; at least 0.
    axis : int or tuple of int, optional
        The axes to sum over; by default all, the rows of a batch too. In a model None or -1.
    reduction, name, dtype
        As in `Loss`.

    Notes
    -----
    .. math:: \ell = 1 - \frac{\sum t y}{\sum t y + \alpha \sum t (1 - y) + \beta \sum (1 - t) y + 10^{-7}}

    with predictions y and targets t from 0 to 1. A batch is one row, unless `axis` says otherwise. Keras's
    documentation calls what alpha weighs false positives; what it computes is this.

    References
    ----------
    Salehi, Erdogmus & Gholipour (2017), Tversky loss function for image segmentation. arXiv:1706.05721.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> round(gs.losses.Tversky(alpha=1.0, beta=0.0)([[1.0, 1.0]], np.array([[0.5, 0.5]])), 6)
    0.5
    """

    target_range = 0.0, 1.0

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        axis: int | Sequence[int] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "tversky",
        dtype: str | None = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self._take(alpha=alpha, beta=beta, axis=axis)

    def _kind_of_rows(self) -> str:
        return f"{self.kind}_of_rows"

    def _specification(self) -> dict[str, Any] | None:
        if self._axes(2) not in ((0, 1), (1, 0)):
            return super()._specification()
        self._must_reduce()
        return self._spec() | {"kind": self.kind}


def dice(y_true: ArrayLike, y_pred: ArrayLike, axis: int | Sequence[int] | None = None) -> np.ndarray:
    """`Dice` of each row.

    Examples
    --------
    >>> import gradstep as gs
    >>> round(float(gs.losses.dice([[1.0, 0.0]], [[0.8, 0.4]])), 4)
    0.2727
    """
    return Dice(axis=axis).call(y_true, y_pred)


def tversky(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    alpha: float = 0.5,
    beta: float = 0.5,
    axis: int | Sequence[int] | None = None,
) -> np.ndarray:
    """`Tversky` of each row.

    Examples
    --------
    >>> import gradstep as gs
    >>> round(float(gs.losses.tversky([[1.0, 0.0]], [[0.8, 0.4]])), 4)
    0.2727
    """
    return Tversky(alpha=alpha, beta=beta, axis=axis).call(y_true, y_pred)
