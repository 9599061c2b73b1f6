"""Cross-entropies in which what is predicted well counts little."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .native import NativeLoss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "BinaryFocalCrossentropy",
    "CategoricalFocalCrossentropy",
    "binary_focal_crossentropy",
    "categorical_focal_crossentropy",
]


class BinaryFocalCrossentropy(NativeLoss):
    r"""Focal cross-entropy of binary targets: times (1 - p)^gamma, averaged over a row.

    Parameters
    ----------
    apply_class_balancing : bool, default False
        Whether `alpha` counts.
    alpha : float, default 0.25
        Weight of class 1; class 0 has 1 - alpha. From 0 to 1.
    gamma : float, default 2.0
        How little counts what is predicted well; at least 0.
    from_logits : bool, default False
        Predictions are z where y = sigmoid(z).
    label_smoothing : float, default 0.0
        Share s of the targets, from 0 to 1, that is moved: t becomes t (1 - s) + s / 2.
    axis : int, default -1
        The axis that a row lies along.
    reduction, name, dtype
        As in `Loss`.

    Notes
    -----
    .. math:: \ell = -\tfrac1n \textstyle\sum_k w_k (1 - p_k)^\gamma (t_k \log y_k + (1 - t_k) \log (1 - y_k))

    with predictions y, clipped in the logarithms as in `BinaryCrossentropy`, targets t from 0 to 1, and the probability
    p = t y + (1 - t)(1 - y) of what is true. The weight w is 1, or with `apply_class_balancing`
    alpha t + (1 - alpha)(1 - t).

    References
    ----------
    Lin et al. (2017), Focal loss for dense object detection. arXiv:1708.02002.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> round(gs.losses.BinaryFocalCrossentropy()([[1.0]], np.array([[0.5]])), 6)
    0.173287
    """

    target_range = 0.0, 1.0

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_focal_crossentropy",
        dtype: str | None = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self._take(
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalFocalCrossentropy(NativeLoss):
    r"""Focal cross-entropy of class probabilities: times alpha (1 - y)^gamma.

    Parameters
    ----------
    alpha : float, default 0.25
        Factor of the loss; at least 0.
    gamma : float, default 2.0
        How little counts what is predicted well; at least 0.
    from_logits : bool, default False
        Predictions are z where y = softmax(z).
    label_smoothing : float, default 0.0
        Share s of the targets, from 0 to 1, that is spread out: t becomes t (1 - s) + s / n.
    axis : int, default -1
        The axis that a row lies along.
    reduction, name, dtype
        As in `Loss`.

    Notes
    -----
    .. math:: \ell = -\alpha \textstyle\sum_k (1 - y_k)^\gamma t_k \log y_k

    with targets t, and predictions y that are divided by their sum and clipped to [1e-7, 1 - 1e-7].

    References
    ----------
    Lin et al. (2017), Focal loss for dense object detection. arXiv:1708.02002.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> round(gs.losses.CategoricalFocalCrossentropy(alpha=1.0)([[0, 1]], np.array([[0.5, 0.5]])), 6)
    0.173287
    """

    target_range = 0.0, 1.0
    categorical = True

    def __init__(
        self,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_focal_crossentropy",
        dtype: str | None = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self._take(
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


def binary_focal_crossentropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> np.ndarray:
    """`BinaryFocalCrossentropy` of each row.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.binary_focal_crossentropy([[1], [0]], [[0.8], [0.4]]).round(4)
    array([0.0089, 0.0817])
    """
    return BinaryFocalCrossentropy(
        apply_class_balancing=apply_class_balancing,
        alpha=alpha,
        gamma=gamma,
        from_logits=from_logits,
        label_smoothing=label_smoothing,
        axis=axis,
    ).call(y_true, y_pred)


def categorical_focal_crossentropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> np.ndarray:
    """`CategoricalFocalCrossentropy` of each row.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.categorical_focal_crossentropy([[1, 0, 0]], [[0.7, 0.2, 0.1]]).round(4)
    array([0.008])
    """
    return CategoricalFocalCrossentropy(
        alpha=alpha, gamma=gamma, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis
    ).call(y_true, y_pred)
