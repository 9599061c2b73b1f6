"""Sums and means of numbers, and of what a function gives for each row."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import describe, numeric
from ..losses.registry import is_own
from .base import Metric, spread

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Mean", "MeanMetricWrapper", "Sum"]


class Sum(Metric):
    """Weighted sum of values.

    Parameters
    ----------
    name : str, default "sum"
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.

    Examples
    --------
    >>> import gradstep as gs
    >>> total = gs.metrics.Sum()
    >>> total([1, 3]), total([5, 7], sample_weight=[1, 0])
    (4.0, 9.0)
    """

    def __init__(self, name: str | None = "sum", dtype: str | None = None) -> None:
        super().__init__(dtype, name)

    def update_state(self, values: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Add numbers of any shape; sample_weight: one for all, one a row, or one for each."""
        numbers = numeric(values, "values").astype(np.float64)
        weights = spread(sample_weight, numbers.shape)
        self.total += float(np.sum(numbers if weights is None else numbers * weights))

    def result(self) -> float:
        """The sum so far."""
        return float(self._rounded(self.total))

    def reset_state(self) -> None:
        """Reset the state."""
        self.total = 0.0


class Mean(Metric):
    r"""Weighted mean over rows; a row of several numbers counts as their mean.

    Parameters
    ----------
    name : str, default "mean"
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.

    Notes
    -----
    .. math:: \frac{\sum_i w_i v_i}{\sum_i w_i}

    and 0 where no weight was added. A weight for all rows counts for each of them; Keras counts such a batch as one
    row.

    Examples
    --------
    >>> import gradstep as gs
    >>> mean = gs.metrics.Mean()
    >>> mean([1, 3, 5, 7]), mean([0, 8], sample_weight=[0, 4])
    (4.0, 6.0)
    """

    def __init__(self, name: str | None = "mean", dtype: str | None = None) -> None:
        super().__init__(dtype, name)

    def update_state(self, values: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Add rows: values (rows, ...), or one number; sample_weight: one for all, one a row, or one for each number.

        Raises
        ------
        ValueError
            Weights of another shape.
        """
        numbers = np.atleast_1d(numeric(values, "values").astype(np.float64))
        weights = None if sample_weight is None else numeric(sample_weight, "sample_weight").astype(np.float64)
        # Axes without weights are averaged first.
        inner = tuple(range(1 if weights is None else max(weights.ndim, 1), numbers.ndim))
        if inner:
            numbers = numbers.mean(axis=inner)
        if weights is None:
            total, count = np.sum(numbers), float(len(numbers))
        else:
            each = spread(weights, numbers.shape)
            assert each is not None
            size = max(numbers[:1].size, 1)  # of a row
            total, count = np.sum(numbers * each) / size, np.sum(each) / size
        self.total += float(total)
        self.count += float(count)

    def result(self) -> float:
        """The mean so far."""
        return float(self._rounded(self._mean()))

    def reset_state(self) -> None:
        """Reset the state."""
        self.total = self.count = 0.0

    def _mean(self) -> float:
        return self.total / self.count if self.count else 0.0


class MeanMetricWrapper(Mean):
    """Mean over rows of a function of targets and predictions.

    Parameters
    ----------
    fn : callable
        ``fn(y_true, y_pred, **kwargs)``: a number for each row, or an array of them for each row.
    name : str, optional
        By default "mean_metric_wrapper".
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.
    **kwargs
        Further arguments of `fn`.

    Notes
    -----
    `higher_is_better` is False for a function of `gradstep.losses`; otherwise it is the function's own attribute of
    that name, if it has one.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> error = gs.metrics.MeanMetricWrapper(lambda t, y: np.abs(t - y), name="error")
    >>> error(np.array([[0.0, 0.0]]), np.array([[1.0, 3.0]]))
    2.0
    """

    _is_loss = False  # whether the function is a loss

    def __init__(
        self, fn: Callable[..., Any], name: str | None = None, dtype: str | None = None, **kwargs: Any
    ) -> None:
        if not callable(fn):
            raise TypeError(f"fn must be a function of y_true and y_pred; got {describe(fn)}.")
        self._fn, self._arguments = fn, kwargs
        self._is_loss = self._is_loss or is_own(fn)
        if self.higher_is_better is None:
            self.higher_is_better = False if self._is_loss else _direction(fn)
        super().__init__(name, dtype)

    def update_state(  # type: ignore[override]
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Add a batch; sample_weight: one for all, one a row, or one for each number that the function gives."""
        if not self._is_loss or len(numeric(y_pred, "y_pred")):  # a loss needs at least one row
            super().update_state(self._fn(y_true, y_pred, **self._arguments), sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Config of the metric, with the function itself, which no file can hold."""
        return {"fn": self._fn} | super().get_config() | self._arguments

    # -- what the engine computes instead ------------------------------------------------------------------------------

    def _engine_name(self) -> str:
        """The engine's name of the same mean; "" if it has none."""
        return self._engine

    def _take(self, mean: float, rows: int) -> None:
        """Hold what the engine found."""
        self.total, self.count = mean * rows, float(rows)


def _direction(fn: Callable[..., Any]) -> bool | None:
    """Whether a mean of what a function gives is better when larger; None if the function does not say."""
    declared = getattr(fn, "higher_is_better", None)  # functions of users may have it
    return None if declared is None else bool(declared)


class FunctionMetric:
    """Mixin, before `MeanMetricWrapper` among the bases, of metrics with a fixed function, which no config needs."""

    def get_config(self) -> dict[str, Any]:
        """Config of the metric: the arguments of its constructor, without state."""
        return Metric.get_config(self)  # type: ignore[arg-type]
