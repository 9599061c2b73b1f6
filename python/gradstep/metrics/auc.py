"""The area under a curve of two rates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from ..checks import check_bool, check_choice, check_int, numeric
from .base import pair, spread
from .thresholds import Thresholded, grid, is_even, ratio, threshold_list

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["AUC"]

EPSILON = 1e-7  # Keras's: how far the outer thresholds lie outside [0, 1]
CURVES = {"ROC": "ROC", "roc": "ROC", "PR": "PR", "pr": "PR", "PRGAIN": "PRGAIN", "prgain": "PRGAIN"}
METHODS = ("interpolation", "majoring", "minoring")
HEIGHTS: dict[str, Callable[..., Any]] = {
    "interpolation": lambda a, b: (a + b) / 2,
    "majoring": np.maximum,
    "minoring": np.minimum,
}


class AUC(Thresholded):
    r"""Area under the ROC or precision-recall curve, from points at a number of thresholds.

    Parameters
    ----------
    num_thresholds : int, default 200
        Evenly spaced, the first just below 0 and the last just above 1; at least 2.
    curve : {"ROC", "PR", "PRGAIN"}, default "ROC"
        Recall over the false positives' rate; precision over recall; or their gains.
    summation_method : {"interpolation", "majoring", "minoring"}, default "interpolation"
        What lies between two points: a trapezium, or for "PR" what interpolated counts give; the higher of the two; the
        lower.
    name : str, optional
        By default "auc".
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.
    thresholds : sequence of float, optional
        In [0, 1], instead of the even ones; one below 0 and one above 1 are added.
    multi_label : bool, default False
        Whether each column is a separate binary classification: the result is the mean of their areas. Otherwise all
        predictions are taken together.
    num_labels : int, optional
        How many columns there are, for `multi_label`; by default the number in the first batch.
    label_weights : sequence of float, optional
        What the columns weigh: in the mean of the areas with `multi_label`, else in the counts.
    from_logits : bool, default False
        Whether predictions are z where y = sigmoid(z); otherwise they are clipped to [0, 1].

    Notes
    -----
    A trapezium is too large or too small by at most half of the product of its sides. Between two thresholds with n
    yeses and m noes of all N and M, the area is therefore wrong by at most n m / (2 N M): with many thresholds it is
    that of scikit-learn's `roc_auc_score`.

    References
    ----------
    J. Davis, M. Goadrich, "The relationship between precision-recall and ROC curves", ICML 2006.
    P. Flach, M. Kull, "Precision-recall-gain curves: PR analysis done right", NeurIPS 2015.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.metrics.AUC(num_thresholds=3)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9])
    0.75
    """

    higher_is_better = True
    _settings = ("num_thresholds", "curve", "summation_method", "multi_label", "num_labels", "from_logits")

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: str | None = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
    ) -> None:
        self._own = None if thresholds is None else sorted(threshold_list(thresholds, 0.5))
        number = check_int("num_thresholds", num_thresholds, 2)
        inner = grid(number)[1:-1] if self._own is None else self._own
        self.num_thresholds = len(inner) + 2
        self.curve = check_choice("curve", curve, CURVES)
        self.summation_method = check_choice("summation_method", summation_method, {name: name for name in METHODS})
        self.multi_label, self.from_logits = (
            check_bool("multi_label", multi_label),
            check_bool("from_logits", from_logits),
        )
        self.num_labels = None if num_labels is None else check_int("num_labels", num_labels, 1)
        if self.num_labels and not self.multi_label:
            raise ValueError(f"num_labels is for multi_label=True; got {num_labels} without it.")
        weights = None if label_weights is None else numeric(label_weights, "label_weights").astype(np.float64)
        if weights is not None and weights.ndim != 1:
            raise ValueError(f"label_weights must have shape (labels,); got {weights.shape}.")
        self.label_weights = weights
        self.thresholds = [-EPSILON, *inner, 1 + EPSILON]
        super().__init__(self.thresholds, dtype, name)
        self._even = self._own is None or is_even([0.0, *inner, 1.0])

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Add a batch.

        Parameters
        ----------
        y_true : array_like
            Targets of the shape of `y_pred`: 0 is no, anything else yes.
        y_pred : array_like
            Predictions; (rows, labels) with `multi_label` or `label_weights`. NaN counts as the lowest.
        sample_weight : array_like, optional
            One number for all, one a row, or one for each prediction.

        Raises
        ------
        ValueError
            Shapes that do not fit.
        """
        known, predicted = pair(y_true, y_pred)
        labels = self._labels
        if self.multi_label or self.label_weights is not None:
            if predicted.ndim != 2 or labels not in (None, predicted.shape[1]):
                raise ValueError(
                    f"y_pred must have shape (rows, {labels or 'labels'}); its shape is {predicted.shape}."
                )
            labels = predicted.shape[1]
        weights = spread(sample_weight, known.shape)
        if self.label_weights is not None and not self.multi_label:
            weights = np.broadcast_to(self.label_weights, known.shape) * (1.0 if weights is None else weights)
        if self.from_logits:
            predicted = _core.activation("sigmoid", np.ascontiguousarray(predicted))
        if self.multi_label and self._tally.shape[2] != labels:
            self._tally = np.zeros((2, self._tally.shape[1], predicted.shape[1]))
        self._tally = self._tally + self._histogram(known, predicted, weights)

    def _bucket(self, predicted: np.ndarray) -> np.ndarray:
        index = super()._bucket(predicted)
        # The first threshold lies below 0.
        return np.maximum(index, 1, out=index) if self._even else index

    @property
    def _labels(self) -> int | None:
        """How many columns there must be; None: any number."""
        if self.label_weights is not None:
            return len(self.label_weights)
        return self.num_labels or self._seen

    @property
    def _seen(self) -> int | None:
        columns = self._tally.shape[2]
        return columns if self.multi_label and self._tally.any() else None

    def result(self) -> float:
        """The area so far; 0 before the first batch."""
        tp, fp = self._both(self.true_positives), self._both(self.false_positives)
        tn, fn = self._both(self.true_negatives), self._both(self.false_negatives)
        if self.curve == "PR" and self.summation_method == "interpolation":
            terms = _interpolated(tp, fp, fn)
        else:
            x, y = _curve(self.curve, tp, fp, tn, fn)
            terms = (x[:-1] - x[1:]) * HEIGHTS[self.summation_method](y[:-1], y[1:])
        areas = terms.sum(0)
        if not self.multi_label or self.label_weights is None:
            return float(self._rounded(areas.mean()))
        return float(self._rounded(ratio((areas * self.label_weights).sum(), self.label_weights.sum())))

    def get_config(self) -> dict[str, Any]:
        """Config of the metric: the arguments of its constructor, without state."""
        config = super().get_config()
        config["label_weights"] = None if self.label_weights is None else self.label_weights.tolist()
        return config if self._own is None else config | {"thresholds": self._own}

    @staticmethod
    def _both(counts: np.ndarray) -> np.ndarray:
        """(thresholds, labels), also for one label."""
        return counts if counts.ndim == 2 else counts[:, None]


def _curve(curve: str, tp: np.ndarray, fp: np.ndarray, tn: np.ndarray, fn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points of a curve, from the lowest threshold to the highest: x falls."""
    recall = ratio(tp, tp + fn)
    if curve == "ROC":
        return ratio(fp, fp + tn), recall
    if curve == "PR":
        return recall, ratio(tp, tp + fp)
    odds = ratio(tp + fn, tn + fp)
    recall_gain = np.where(tp == 0, 0.0, 1 - odds * ratio(fn, tp))
    return np.maximum(recall_gain, 0), np.where(tp == 0, 1.0, 1 - odds * ratio(fp, tp))


def _interpolated(tp: np.ndarray, fp: np.ndarray, fn: np.ndarray) -> np.ndarray:
    """Areas under precision over recall, the counts between two points being on a line (Davis and Goadrich)."""
    p = tp + fp
    gained, more = tp[:-1] - tp[1:], p[:-1] - p[1:]
    slope = ratio(gained, np.maximum(more, 0))
    intercept = tp[1:] - slope * p[1:]
    grown = np.where((p[:-1] > 0) & (p[1:] > 0), ratio(p[:-1], p[1:]), 1.0)
    return ratio(slope * (gained + intercept * np.log(grown)), np.maximum(tp[1:] + fn[1:], 0))
