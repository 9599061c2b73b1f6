"""Cross-entropies. In a model that ends in sigmoid or softmax they are computed from its logits, without clipping."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .base import Loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "SparseCategoricalCrossentropy",
    "binary_crossentropy",
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
]


class BinaryCrossentropy(Loss):
    r"""Cross-entropy of yes-or-no answers, averaged over a row.

    Parameters
    ----------
    from_logits : bool, default False
        Predictions are z where y = sigmoid(z).

    Notes
    -----
    .. math:: \ell = -\tfrac1n \textstyle\sum_k t_k \log y_k + (1 - t_k) \log (1 - y_k)

    with predictions y, clipped to [1e-7, 1 - 1e-7] as in Keras, and targets t from 0 to 1. Where a prediction is
    clipped its slope is 0.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> round(gs.losses.BinaryCrossentropy()([[1.0], [0.0]], np.array([[0.9], [0.1]])), 6)
    0.105361
    """

    def __init__(self, from_logits: bool = False) -> None:
        super().__init__(from_logits)


class CategoricalCrossentropy(Loss):
    r"""Cross-entropy of shares of classes, such as one-hot rows.

    Parameters
    ----------
    from_logits : bool, default False
        Predictions are z where y = softmax(z).

    Notes
    -----
    .. math:: \ell = -\textstyle\sum_k t_k \log y_k

    with targets t, and predictions y that are divided by their sum and clipped to [1e-7, 1 - 1e-7], as in Keras.
    Where a prediction is clipped its own slope is 0.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> round(gs.losses.CategoricalCrossentropy()([[0, 1, 0]], np.array([[0.2, 0.5, 0.3]])), 6)
    0.693147
    """

    def __init__(self, from_logits: bool = False) -> None:
        super().__init__(from_logits)


class SparseCategoricalCrossentropy(Loss):
    """`CategoricalCrossentropy` for class numbers, one a row, instead of one-hot rows.

    Parameters
    ----------
    from_logits : bool, default False
        Predictions are z where y = softmax(z).

    Raises
    ------
    ValueError
        From a call: a class number is outside [0, n); the message names its row. Keras gives NaN for it, or ignores it.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> round(gs.losses.SparseCategoricalCrossentropy()([1], np.array([[0.2, 0.5, 0.3]])), 6)
    0.693147
    """

    labels = True

    def __init__(self, from_logits: bool = False) -> None:
        super().__init__(from_logits)


def binary_crossentropy(y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool = False) -> np.ndarray:
    """`BinaryCrossentropy` of each row."""
    return BinaryCrossentropy(from_logits).rows(y_true, y_pred)


def categorical_crossentropy(y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool = False) -> np.ndarray:
    """`CategoricalCrossentropy` of each row."""
    return CategoricalCrossentropy(from_logits).rows(y_true, y_pred)


def sparse_categorical_crossentropy(y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool = False) -> np.ndarray:
    """`SparseCategoricalCrossentropy` of each row."""
    return SparseCategoricalCrossentropy(from_logits).rows(y_true, y_pred)
