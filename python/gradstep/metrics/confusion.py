"""Right and wrong answers at thresholds: their counts, precision and recall."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .thresholds import OUT, Thresholded, ratio, threshold_list

__all__ = ["FalseNegatives", "FalsePositives", "Precision", "Recall", "TrueNegatives", "TruePositives"]


class Counts(Thresholded):
    """Base class of the four counts."""

    _counted: str

    def __init__(
        self, thresholds: float | Sequence[float] | None = None, name: str | None = None, dtype: str | None = None
    ) -> None:
        self._given = thresholds
        self.thresholds = threshold_list(thresholds, 0.5)
        super().__init__(self.thresholds, dtype, name)

    def result(self) -> Any:
        """The count so far: a float, or with several thresholds an array of one for each."""
        return self._one_or_all(getattr(self, self._counted))

    def get_config(self) -> dict[str, Any]:
        """Config of the metric: the arguments of its constructor, without state."""
        return {"thresholds": self._given} | super().get_config()


class TruePositives(Counts):
    """Number (weight) of true positives.

    Parameters
    ----------
    thresholds : float or sequence of float, optional
        What a prediction must be above to count as yes, in [0, 1]; 0.5 by default. Several give several counts. For
        predictions that are logits use 0.
    name : str, optional
        By default "true_positives".
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.metrics.TruePositives()([0, 1, 1, 0, 1], [0.1, 0.9, 0.4, 0.8, 0.7])
    2.0
    """

    higher_is_better = True
    _counted = "true_positives"


class TrueNegatives(Counts):
    """Number (weight) of true negatives.

    Parameters
    ----------
    thresholds : float or sequence of float, optional
        What a prediction must be above to count as yes, in [0, 1]; 0.5 by default. Several give several counts. For
        predictions that are logits use 0.
    name : str, optional
        By default "true_negatives".
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.metrics.TrueNegatives()([0, 1, 1, 0, 1], [0.1, 0.9, 0.4, 0.8, 0.7])
    1.0
    """

    higher_is_better = True
    _counted = "true_negatives"


class FalsePositives(Counts):
    """Number (weight) of false positives.

    Parameters
    ----------
    thresholds : float or sequence of float, optional
        What a prediction must be above to count as yes, in [0, 1]; 0.5 by default. Several give several counts. For
        predictions that are logits use 0.
    name : str, optional
        By default "false_positives".
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.metrics.FalsePositives()([0, 1, 1, 0, 1], [0.1, 0.9, 0.4, 0.8, 0.7])
    1.0
    """

    higher_is_better = False
    _counted = "false_positives"


class FalseNegatives(Counts):
    """Number (weight) of false negatives.

    Parameters
    ----------
    thresholds : float or sequence of float, optional
        What a prediction must be above to count as yes, in [0, 1]; 0.5 by default. Several give several counts. For
        predictions that are logits use 0.
    name : str, optional
        By default "false_negatives".
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.metrics.FalseNegatives()([0, 1, 1, 0, 1], [0.1, 0.9, 0.4, 0.8, 0.7])
    1.0
    """

    higher_is_better = False
    _counted = "false_negatives"


class Precision(Thresholded):
    r"""Precision: fraction of positive predictions that are right.

    Parameters
    ----------
    thresholds : float or sequence of float, optional
        What a prediction must be above to count as yes, in [0, 1]. By default 0.5, or none with `top_k`. Several give
        several results. For predictions that are logits use 0.
    top_k : int, optional
        Only the `top_k` largest predictions of a row may count as yes.
    class_id : int, optional
        Only this column of targets and predictions counts.
    name : str, optional
        By default "precision".
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.

    Notes
    -----
    .. math:: \frac{TP}{TP + FP}

    and 0 where the denominator is 0.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.metrics.Precision()([0, 1, 1, 1], [1, 0, 1, 1], sample_weight=[1, 2, 2, 1])
    0.75
    """

    higher_is_better = True
    _settings = ("top_k", "class_id")

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        self._given = thresholds
        self.thresholds = threshold_list(thresholds, 0.5 if top_k is None else OUT)
        super().__init__(self.thresholds, dtype, name, top_k=top_k, class_id=class_id)

    def result(self) -> Any:
        """The share so far: a float, or with several thresholds an array of one for each."""
        return self._one_or_all(ratio(self.true_positives, self.true_positives + self.false_positives))

    def get_config(self) -> dict[str, Any]:
        """Config of the metric: the arguments of its constructor, without state."""
        return {"thresholds": self._given} | super().get_config()


class Recall(Thresholded):
    r"""Recall: fraction of the positives that are predicted.

    Parameters
    ----------
    thresholds : float or sequence of float, optional
        What a prediction must be above to count as yes, in [0, 1]. By default 0.5, or none with `top_k`. Several give
        several results. For predictions that are logits use 0.
    top_k : int, optional
        Only the `top_k` largest predictions of a row may count as yes.
    class_id : int, optional
        Only this column of targets and predictions counts.
    name : str, optional
        By default "recall".
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.

    Notes
    -----
    .. math:: \frac{TP}{TP + FN}

    and 0 where the denominator is 0.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.metrics.Recall()([0, 1, 1, 1], [1, 0, 1, 1], sample_weight=[1, 2, 2, 1])
    0.6
    """

    higher_is_better = True
    _settings = ("top_k", "class_id")

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        self._given = thresholds
        self.thresholds = threshold_list(thresholds, 0.5 if top_k is None else OUT)
        super().__init__(self.thresholds, dtype, name, top_k=top_k, class_id=class_id)

    def result(self) -> Any:
        """The share so far: a float, or with several thresholds an array of one for each."""
        return self._one_or_all(ratio(self.true_positives, self.true_positives + self.false_negatives))

    def get_config(self) -> dict[str, Any]:
        """Config of the metric: the arguments of its constructor, without state."""
        return {"thresholds": self._given} | super().get_config()
