"""Metrics of numbers that are no means over rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import check_choice, check_int
from ..hints import warn
from .base import Metric, pair, spread
from .reduction import Mean

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["R2Score", "RootMeanSquaredError"]


class RootMeanSquaredError(Mean):
    """Root mean squared error.

    Parameters
    ----------
    name : str, default "root_mean_squared_error"
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.metrics.RootMeanSquaredError()([[0.0, 0.0]], [[3.0, 3.0]])
    3.0
    """

    higher_is_better = False

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: str | None = None) -> None:
        super().__init__(name, dtype)

    def update_state(  # type: ignore[override]
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Add a batch; sample_weight: one for all, one a row, or one for each number."""
        known, predicted = pair(y_true, y_pred)
        super().update_state(np.square(np.subtract(predicted, known, dtype=np.float64)), sample_weight)

    def result(self) -> float:
        """The root so far."""
        return float(self._rounded(math.sqrt(self._mean())))


class R2Score(Metric):
    r"""Coefficient of determination R^2; 1 is best.

    Parameters
    ----------
    class_aggregation : {"uniform_average", "variance_weighted_average", None}, default "uniform_average"
        How the scores of several outputs become one; None keeps them apart.
    num_regressors : int, default 0
        How many inputs to adjust the score for; 0: none.
    name : str, default "r2_score"
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.

    Notes
    -----
    .. math:: R^2 = 1 - \frac{\sum_i w_i (t_i - y_i)^2}{\sum_i w_i (t_i - \bar t)^2}, \qquad
              R^2_{adj} = 1 - (1 - R^2) \frac{n - 1}{n - p - 1}

    with p regressors and n targets, numbers, not rows, as Keras counts them. An output with a constant target scores 0,
    or NaN if it was predicted without error. The variance is gathered about the mean (Chan, Golub and LeVeque), so that
    targets far from 0 lose no digits, as they do in Keras's sums of squares.

    References
    ----------
    T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample variance", The American Statistician
    37, 1983.

    Examples
    --------
    >>> import gradstep as gs
    >>> round(gs.metrics.R2Score()([[1], [4], [3]], [[2], [4], [4]]), 6)
    0.571429
    """

    higher_is_better = True
    _settings = ("class_aggregation", "num_regressors")
    count: np.ndarray | None  # weight of the rows added, by output

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: str | None = None,
    ) -> None:
        if class_aggregation is not None:
            check_choice("class_aggregation", class_aggregation, {name: name for name in AGGREGATIONS if name})
        self.class_aggregation = class_aggregation
        self.num_regressors = check_int("num_regressors", num_regressors, 0)
        super().__init__(dtype, name)

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Add a batch (rows, outputs); sample_weight: one for all, one a row, or one for each number.

        Raises
        ------
        ValueError
            Arrays of other shapes, or of another number of outputs than before.
        """
        known, predicted = (array.astype(np.float64) for array in pair(y_true, y_pred))
        if known.ndim == 1:
            known, predicted = known[:, None], predicted[:, None]
        if known.ndim != 2:
            raise ValueError(f"y_true must have shape (rows, outputs); its shape is {known.shape}.")
        if self.count is not None and len(self.count) != known.shape[1]:
            raise ValueError(f"y_pred must have {len(self.count)} outputs, as before; its shape is {predicted.shape}.")
        weights = spread(sample_weight, known.shape)
        weights = np.ones(known.shape) if weights is None else weights
        count = weights.sum(0)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(count != 0, (weights * known).sum(0) / count, 0.0)
        squares = (weights * (known - mean) ** 2).sum(0)
        residual = (weights * (known - predicted) ** 2).sum(0)
        self.num_samples += known.size
        if self.count is None:
            self.count, self.mean, self.squares, self.residual = count, mean, squares, residual
            return
        whole_count, apart = self.count + count, mean - self.mean
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(whole_count != 0, count / whole_count, 0.0)
        self.squares = self.squares + squares + apart**2 * self.count * share
        self.mean = self.mean + apart * share
        self.count, self.residual = whole_count, self.residual + residual

    def result(self) -> float | np.ndarray:
        """The score so far, or one for each output; NaN before the first batch."""
        if self.count is None:
            return float("nan")
        with np.errstate(invalid="ignore", divide="ignore"):
            scores = 1 - self.residual / self.squares
            scores[np.isinf(scores)] = 0.0
            score = AGGREGATIONS[self.class_aggregation](scores, self.squares)
        # What is left of the numbers after the mean and the regressors took theirs.
        free = self.num_samples - self.num_regressors - 1
        if self.num_regressors and free <= 0:
            warn(
                f"R2Score with num_regressors={self.num_regressors} needs at least {self.num_regressors + 2} targets; "
                f"it has seen {self.num_samples} and is not adjusted.",
            )
        elif self.num_regressors:
            score = 1 - (1 - score) * (self.num_samples - 1) / free
        return self._rounded(score)  # type: ignore[no-any-return]

    def reset_state(self) -> None:
        """Reset the state, including the number of outputs."""
        self.num_samples = 0
        self.count = None


AGGREGATIONS: dict[str | None, Callable[[np.ndarray, np.ndarray], Any]] = {
    None: lambda scores, squares: scores,
    "uniform_average": lambda scores, squares: np.mean(scores),
    "variance_weighted_average": lambda scores, squares: np.sum(squares * scores) / np.sum(squares),
}
