"""Cross-entropies. In a model that ends in sigmoid or softmax they are computed from its logits, without clipping."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .native import NativeLoss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "SparseCategoricalCrossentropy",
    "binary_crossentropy",
    "categorical_crossentropy",
    "categorical_generalized_cross_entropy",
    "sparse_categorical_crossentropy",
]


class BinaryCrossentropy(NativeLoss):
    r"""Cross-entropy of binary targets, averaged over a row.

    Parameters
    ----------
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
    .. math:: \ell = -\tfrac1n \textstyle\sum_k t_k \log y_k + (1 - t_k) \log (1 - y_k)

    with predictions y, clipped to [1e-7, 1 - 1e-7] as in Keras, and targets t from 0 to 1. Where a prediction is
    clipped its gradient is 0.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> round(gs.losses.BinaryCrossentropy()([[1.0], [0.0]], np.array([[0.9], [0.1]])), 6)
    0.105361
    """

    target_range = 0.0, 1.0

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
        dtype: str | None = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self._take(from_logits=from_logits, label_smoothing=label_smoothing, axis=axis)


class CategoricalCrossentropy(NativeLoss):
    r"""Cross-entropy of class probabilities, such as one-hot rows.

    Parameters
    ----------
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
    .. math:: \ell = -\textstyle\sum_k t_k \log y_k

    with targets t, and predictions y that are divided by their sum and clipped to [1e-7, 1 - 1e-7], as in Keras.
    Where a prediction is clipped its gradient is 0.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> round(gs.losses.CategoricalCrossentropy()([[0, 1, 0]], np.array([[0.2, 0.5, 0.3]])), 6)
    0.693147
    """

    target_range = 0.0, 1.0
    categorical = True

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy",
        dtype: str | None = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self._take(from_logits=from_logits, label_smoothing=label_smoothing, axis=axis)


class SparseCategoricalCrossentropy(NativeLoss):
    r"""`CategoricalCrossentropy` of class numbers, one per row, in place of one-hot rows.

    Parameters
    ----------
    from_logits : bool, default False
        Predictions are z where y = softmax(z).
    ignore_class : int, optional
        Rows of this class number do not count; it need not be in [0, n).
    axis : int, default -1
        The axis that a row lies along.
    reduction, name, dtype
        As in `Loss`.

    Raises
    ------
    ValueError
        From a call: a class number is outside [0, n); the message names its row. Keras gives NaN for it, or ignores it.

    Notes
    -----
    With `ignore_class` a mean is over the rows that count, as in Keras.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> round(gs.losses.SparseCategoricalCrossentropy()([1], np.array([[0.2, 0.5, 0.3]])), 6)
    0.693147
    """

    labels = True
    categorical = True
    ignore_class: int | None

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "sparse_categorical_crossentropy",
        dtype: str | None = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self._take(from_logits=from_logits, ignore_class=ignore_class, axis=axis)

    def _mask(self, targets: np.ndarray) -> np.ndarray | None:
        return None if self.ignore_class is None else targets != self.ignore_class


class CategoricalGeneralizedCrossEntropy(NativeLoss):
    r"""Generalized cross-entropy of class numbers, one per row: robust to wrong labels.

    Parameters
    ----------
    q : float, default 0.5
        How little the rows that fit badly count; above 0, below 1.
    reduction, name, dtype
        As in `Loss`.

    Notes
    -----
    .. math:: \ell = (1 - y_t^q) / q

    with the prediction y for the class t: cross-entropy as q nears 0, absolute error at 1. Class numbers of shape
    (rows, 1) are as good as (rows,), which they are not in Keras.

    References
    ----------
    Zhang & Sabuncu (2018), Generalized cross entropy loss for training deep neural networks with noisy labels.
    arXiv:1805.07836.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> round(gs.losses.CategoricalGeneralizedCrossEntropy()([0], np.array([[0.25, 0.75]])), 6)
    1.0
    """

    labels = True
    categorical = True

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_generalized_cross_entropy",
        dtype: str | None = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self._take(q=q)


def binary_crossentropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> np.ndarray:
    """`BinaryCrossentropy` of each row.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.binary_crossentropy([[1], [0]], [[0.8], [0.4]]).round(4)
    array([0.2231, 0.5108])
    """
    return BinaryCrossentropy(from_logits=from_logits, label_smoothing=label_smoothing, axis=axis).call(y_true, y_pred)


def categorical_crossentropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> np.ndarray:
    """`CategoricalCrossentropy` of each row.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.categorical_crossentropy([[1, 0, 0]], [[0.7, 0.2, 0.1]]).round(4)
    array([0.3567])
    """
    return CategoricalCrossentropy(from_logits=from_logits, label_smoothing=label_smoothing, axis=axis).call(
        y_true, y_pred
    )


def sparse_categorical_crossentropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> np.ndarray:
    """`SparseCategoricalCrossentropy` of each row.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.sparse_categorical_crossentropy([0, 2], [[0.7, 0.2, 0.1], [0.3, 0.3, 0.4]]).round(4)
    array([0.3567, 0.9163])
    """
    return SparseCategoricalCrossentropy(from_logits=from_logits, ignore_class=ignore_class, axis=axis).call(
        y_true, y_pred
    )


def categorical_generalized_cross_entropy(y_true: ArrayLike, y_pred: ArrayLike, q: float = 0.5) -> np.ndarray:
    """`CategoricalGeneralizedCrossEntropy` of each row.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.categorical_generalized_cross_entropy([0, 2], [[0.7, 0.2, 0.1], [0.3, 0.3, 0.4]]).round(4)
    array([0.3267, 0.7351])
    """
    return CategoricalGeneralizedCrossEntropy(q=q).call(y_true, y_pred)
