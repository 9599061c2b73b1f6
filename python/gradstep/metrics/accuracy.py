"""Accuracies: the share of what is predicted right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..checks import check_bool, check_float, check_int, class_numbers, numeric
from .base import larger_is_better, pair
from .reduction import FunctionMetric, MeanMetricWrapper

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "Accuracy",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "SparseCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy",
    "TopKCategoricalAccuracy",
    "binary_accuracy",
    "categorical_accuracy",
    "sparse_categorical_accuracy",
    "sparse_top_k_categorical_accuracy",
    "top_k_categorical_accuracy",
]


@larger_is_better
def accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """1 where a prediction equals its target, else 0."""
    known, predicted = pair(y_true, y_pred)
    return np.asarray(known.astype(predicted.dtype, copy=False) == predicted, np.float64)


@larger_is_better
def binary_accuracy(y_true: ArrayLike, y_pred: ArrayLike, threshold: float = 0.5) -> np.ndarray:
    """1 where a prediction is above `threshold` and its target 1, or neither, else 0; of the shape of `y_pred`.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.metrics.binary_accuracy([1, 0, 1], [0.9, 0.6, 0.4])
    array([1., 0., 0.])
    """
    known, predicted = pair(y_true, y_pred)
    return np.asarray(known == (predicted > predicted.dtype.type(threshold)), np.float64)


@larger_is_better
def categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """1 for a row whose largest prediction is where its largest target is, else 0. The first of equals counts.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.metrics.categorical_accuracy([[0, 1], [1, 0]], [[0.2, 0.8], [0.4, 0.6]])
    array([1., 0.])
    """
    known, predicted = _of_classes(y_true, y_pred)
    return np.asarray(known.argmax(-1) == predicted.argmax(-1), np.float64)


@larger_is_better
def sparse_categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """`categorical_accuracy` for class numbers, (rows,) or (rows, 1), instead of one-hot rows.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.metrics.sparse_categorical_accuracy([1, 0], [[0.2, 0.8], [0.4, 0.6]])
    array([1., 0.])
    """
    labels, predicted = _of_labels(y_true, y_pred)
    return np.asarray(labels == predicted.argmax(-1), np.float64)


@larger_is_better
def top_k_categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike, k: int = 5) -> np.ndarray:
    """1 for a row where fewer than `k` predictions are above that of its largest target, else 0.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.metrics.top_k_categorical_accuracy([[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.5, 0.1, 0.4]], k=2)
    array([1., 0.])
    """
    known, predicted = _of_classes(y_true, y_pred)
    return _among_top(known.argmax(-1), predicted, check_int("k", k, 1))


@larger_is_better
def sparse_top_k_categorical_accuracy(
    y_true: ArrayLike, y_pred: ArrayLike, k: int = 5, from_sorted_ids: bool = False
) -> np.ndarray:
    """`top_k_categorical_accuracy` for class numbers instead of one-hot rows.

    With `from_sorted_ids` predictions are class numbers, the likeliest first.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.metrics.sparse_top_k_categorical_accuracy([2, 1], [[0.1, 0.9, 0.8], [0.5, 0.1, 0.4]], k=2)
    array([1., 0.])
    >>> gs.metrics.sparse_top_k_categorical_accuracy([2, 1], [[1, 2, 0], [0, 2, 1]], k=2, from_sorted_ids=True)
    array([1., 0.])
    """
    labels, predicted = _of_labels(y_true, y_pred)
    if from_sorted_ids:
        return np.asarray((labels[..., None] == predicted[..., : check_int("k", k, 1)]).any(-1), np.float64)
    return _among_top(labels, predicted, check_int("k", k, 1))


def _of_classes(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    known, predicted = numeric(y_true, "y_true"), numeric(y_pred, "y_pred")
    if known.shape != predicted.shape or known.ndim == 0:
        raise ValueError(
            f"y_true has shape {known.shape}; y_pred has shape {predicted.shape}: they must be equal, (..., classes)."
        )
    return known, predicted


def _of_labels(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    labels, predicted = class_numbers(y_true, "y_true"), numeric(y_pred, "y_pred")
    shape = labels.shape
    if labels.ndim == predicted.ndim and shape[-1:] == (1,):
        labels = labels[..., 0]
    elif shape[-1:] == (1,) and labels.size and labels.shape != predicted.shape[:-1]:
        # A column of labels for predictions of more axes: in order. Keras compares each label with each row.
        rows = predicted.shape[:-1]
        labels = labels.reshape(rows) if labels.size == np.prod(rows) else labels
    if predicted.ndim == 0 or labels.shape != predicted.shape[:-1]:
        raise ValueError(
            f"y_true has shape {shape}; the class numbers of y_pred's rows have shape {predicted.shape[:-1]}: they "
            "must be equal."
        )
    return labels, predicted


def _among_top(labels: np.ndarray, predicted: np.ndarray, k: int) -> np.ndarray:
    """Whether fewer than k predictions are above that of the label; not where it is NaN or no class."""
    inside = (labels >= 0) & (labels < predicted.shape[-1])
    own = np.take_along_axis(predicted, np.where(inside, labels, 0)[..., None], -1)
    return np.asarray(inside & ((predicted > own).sum(-1) < k) & np.isfinite(own[..., 0]), np.float64)


class Accuracy(FunctionMetric, MeanMetricWrapper):
    """Fraction of predictions that equal their targets.

    Parameters
    ----------
    name : str, default "accuracy"
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.

    Notes
    -----
    The string "accuracy" in ``compile(metrics=["accuracy"])`` means another one: see `gradstep.metrics`.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.metrics.Accuracy()([1, 2, 3, 4], [0, 2, 3, 4])
    0.75
    """

    higher_is_better = True

    def __init__(self, name: str | None = "accuracy", dtype: str | None = None) -> None:
        super().__init__(accuracy, name, dtype)


class BinaryAccuracy(FunctionMetric, MeanMetricWrapper):
    """Fraction of predictions on the right side of `threshold`, for targets 0 and 1.

    Parameters
    ----------
    name : str, default "binary_accuracy"
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.
    threshold : float, default 0.5
        What a prediction of 1 is above.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.metrics.BinaryAccuracy()([1, 1, 0, 0], [0.98, 1, 0, 0.6])
    0.75
    """

    higher_is_better = True
    _settings = ("threshold",)
    _engine = "binary_accuracy"

    def __init__(self, name: str | None = "binary_accuracy", dtype: str | None = None, threshold: float = 0.5) -> None:
        self.threshold = check_float("threshold", threshold)
        super().__init__(binary_accuracy, name, dtype, threshold=self.threshold)

    def _engine_name(self) -> str:
        return self._engine if self.threshold == 0.5 else ""


class CategoricalAccuracy(FunctionMetric, MeanMetricWrapper):
    """Fraction of rows whose largest prediction is at their largest target.

    Parameters
    ----------
    name : str, default "categorical_accuracy"
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.metrics.CategoricalAccuracy()([[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]])
    0.5
    """

    higher_is_better = True
    _engine = "categorical_accuracy"

    def __init__(self, name: str | None = "categorical_accuracy", dtype: str | None = None) -> None:
        super().__init__(categorical_accuracy, name, dtype)


class SparseCategoricalAccuracy(FunctionMetric, MeanMetricWrapper):
    """`CategoricalAccuracy` of class numbers in place of one-hot rows.

    Parameters
    ----------
    name : str, default "sparse_categorical_accuracy"
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.metrics.SparseCategoricalAccuracy()([2, 1], [[0.1, 0.6, 0.3], [0.05, 0.95, 0]])
    0.5
    """

    higher_is_better = True
    _engine = "sparse_categorical_accuracy"

    def __init__(self, name: str | None = "sparse_categorical_accuracy", dtype: str | None = None) -> None:
        super().__init__(sparse_categorical_accuracy, name, dtype)


class TopKCategoricalAccuracy(FunctionMetric, MeanMetricWrapper):
    """Fraction of rows whose class is among the `k` largest predictions.

    Parameters
    ----------
    k : int, default 5
        At least 1.
    name : str, default "top_k_categorical_accuracy"
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.

    Notes
    -----
    Classes with equal predictions share a place: all of them are among the top `k`, or none.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.metrics.TopKCategoricalAccuracy(k=2)([[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.5, 0.1, 0.4]])
    0.5
    """

    higher_is_better = True
    _settings = ("k",)

    def __init__(self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: str | None = None) -> None:
        self.k = check_int("k", k, 1)
        super().__init__(top_k_categorical_accuracy, name, dtype, k=self.k)


class SparseTopKCategoricalAccuracy(FunctionMetric, MeanMetricWrapper):
    """`TopKCategoricalAccuracy` of class numbers in place of one-hot rows.

    Parameters
    ----------
    k : int, default 5
        At least 1.
    name : str, default "sparse_top_k_categorical_accuracy"
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.
    from_sorted_ids : bool, default False
        Whether predictions are class numbers, the likeliest first.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.metrics.SparseTopKCategoricalAccuracy(k=2)([2, 1], [[0.1, 0.9, 0.8], [0.5, 0.1, 0.4]])
    0.5
    """

    higher_is_better = True
    _settings = ("k", "from_sorted_ids")

    def __init__(
        self,
        k: int = 5,
        name: str | None = "sparse_top_k_categorical_accuracy",
        dtype: str | None = None,
        from_sorted_ids: bool = False,
    ) -> None:
        self.k, self.from_sorted_ids = check_int("k", k, 1), check_bool("from_sorted_ids", from_sorted_ids)
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, k=self.k, from_sorted_ids=self.from_sorted_ids)
