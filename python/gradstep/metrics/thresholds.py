"""Counts of right and wrong answers at many thresholds, from one histogram."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import brief, check_float, check_int, describe
from .base import Metric, pair, spread

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Thresholded", "ratio"]

OUT = -1e10  # what a prediction outside the top k counts as; Keras's


def ratio(share: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """share / whole, 0 where whole is 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(whole != 0, share / whole, 0.0)


def threshold_list(thresholds: Any, default: float) -> list[float]:
    """The ``thresholds`` argument of the counting metrics as a list."""
    if thresholds is None:
        return [default]
    if isinstance(thresholds, (str, bytes)) or (isinstance(thresholds, np.ndarray) and thresholds.ndim != 1):
        raise TypeError(f"thresholds must be a number or a list of numbers; got {describe(thresholds)}.")
    several = isinstance(thresholds, (Sequence, np.ndarray))
    values = [
        check_float(f"thresholds[{i}]" if several else "thresholds", t)
        for i, t in enumerate(thresholds if several else [thresholds])
    ]
    if not values or not all(0 <= t <= 1 for t in values):
        raise ValueError(f"thresholds must be numbers in [0, 1], at least one; got {brief(thresholds)}.")
    return values


def grid(number: int) -> list[float]:
    """Evenly spaced thresholds from 0 to 1."""
    return [i / (number - 1) for i in range(number)]


def is_even(thresholds: Sequence[float]) -> bool:
    """Whether thresholds, at least three, are those of a grid; within the rounding of float32, as in Keras."""
    return len(thresholds) > 2 and bool(np.allclose(thresholds, grid(len(thresholds)), atol=1e-7))


class Thresholded(Metric):
    """Base class of the metrics of true and false positives and negatives at thresholds.

    The state is one histogram, of targets (0 or not) and of how many thresholds lie below a prediction; the four counts
    at every threshold are its sums from one side or the other. An update takes one pass over the batch, however many
    thresholds there are.
    """

    _tally: np.ndarray  # (2, thresholds + 1, columns)

    def __init__(
        self,
        thresholds: Sequence[float],
        dtype: str | None,
        name: str | None,
        *,
        top_k: int | None = None,
        class_id: int | None = None,
    ) -> None:
        given = np.asarray(thresholds, np.float64)
        self._order = np.argsort(given, kind="stable")
        self._sorted = given[self._order]
        # As in Keras: predictions are then clipped to [0, 1], and the thresholds below one are computed, not searched.
        self._even = is_even(thresholds)
        self.top_k = None if top_k is None else check_int("top_k", top_k, 1)
        self.class_id = None if class_id is None else check_int("class_id", class_id, 0)
        super().__init__(dtype, name)

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Add a batch.

        Parameters
        ----------
        y_true : array_like
            Targets of the shape of `y_pred`: 0 is no, anything else yes.
        y_pred : array_like
            Predictions. One that is NaN is above no threshold.
        sample_weight : array_like, optional
            One number for all, one a row, or one for each prediction.

        Raises
        ------
        ValueError
            Shapes that do not fit.
        """
        known, predicted = pair(y_true, y_pred)
        weights = spread(sample_weight, known.shape)
        if self.top_k is not None:
            predicted = _only_top(predicted, self.top_k)
        if self.class_id is not None:
            if predicted.ndim < 2 or self.class_id >= predicted.shape[-1]:
                raise ValueError(
                    f"y_pred must have shape (rows, classes) with a class {self.class_id}; its shape is "
                    f"{predicted.shape}."
                )
            known, predicted = known[..., self.class_id], predicted[..., self.class_id]
            weights = None if weights is None else weights[..., self.class_id]
        self._tally = self._tally + self._histogram(known, predicted, weights)

    def _histogram(self, known: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        """(2, thresholds + 1, columns): what one batch adds."""
        columns, buckets = self._tally.shape[2], self._tally.shape[1]
        index = self._bucket(predicted)
        index += buckets * (known != 0)
        if columns > 1:
            index *= columns
            index += np.arange(columns)
        flat = None if weights is None else weights.ravel()
        tally: np.ndarray = np.bincount(index.ravel(), flat, 2 * buckets * columns)
        return tally.reshape(2, buckets, columns)

    def _bucket(self, predicted: np.ndarray) -> np.ndarray:
        """How many thresholds lie below each prediction, compared in the predictions' dtype."""
        if self._even:
            steps = len(self._sorted) - 1
            inside = np.fmin(np.fmax(predicted, 0), 1)  # NaN becomes 0
            return np.asarray(np.ceil(inside * inside.dtype.type(steps)), np.intp)
        thresholds = self._sorted.astype(predicted.dtype)
        if len(thresholds) == 1:
            return np.asarray(predicted > thresholds[0], np.intp)
        return np.asarray(np.searchsorted(thresholds, np.fmax(predicted, -np.inf)), np.intp)

    def reset_state(self) -> None:
        """Reset the state."""
        self._tally = np.zeros((2, len(self._sorted) + 1, 1))

    # -- counts, in the order of the thresholds ------------------------------------------------------------------------

    @property
    def true_positives(self) -> np.ndarray:
        """Weight of the positives above each threshold."""
        return self._above(1)

    @property
    def false_positives(self) -> np.ndarray:
        """Weight of the negatives above each threshold."""
        return self._above(0)

    @property
    def true_negatives(self) -> np.ndarray:
        """Weight of the negatives at or below each threshold."""
        return self._below(0)

    @property
    def false_negatives(self) -> np.ndarray:
        """Weight of the positives at or below each threshold."""
        return self._below(1)

    def _above(self, known: int) -> np.ndarray:
        return self._arranged(np.cumsum(self._tally[known, ::-1], 0)[-2::-1])

    def _below(self, known: int) -> np.ndarray:
        return self._arranged(np.cumsum(self._tally[known], 0)[:-1])

    def _arranged(self, counts: np.ndarray) -> np.ndarray:
        given = np.empty_like(counts)
        given[self._order] = counts
        return given[:, 0] if given.shape[1] == 1 else given

    def _one_or_all(self, values: np.ndarray) -> Any:
        """A number for a single threshold, else an array."""
        return self._rounded(values[0] if len(values) == 1 else values)


def _only_top(predicted: np.ndarray, k: int) -> np.ndarray:
    """Predictions outside the k largest of their row replaced; of equal ones the first counts as larger."""
    if predicted.ndim == 0 or k > predicted.shape[-1]:
        raise ValueError(f"y_pred must have at least top_k={k} classes; its shape is {predicted.shape}.")
    top = np.argsort(-predicted, axis=-1, kind="stable")[..., :k]
    kept = np.full_like(predicted, OUT)
    np.put_along_axis(kept, top, np.take_along_axis(predicted, top, -1), -1)
    return kept
