"""The best of one rate where another is at least as good as wanted."""

from __future__ import annotations

import numpy as np

from ..checks import check_float, check_int
from .thresholds import Thresholded, grid, ratio

__all__ = ["PrecisionAtRecall", "RecallAtPrecision", "SensitivityAtSpecificity", "SpecificityAtSensitivity"]


class Constrained(Thresholded):
    """Base class of the metrics that hold one rate at a given value."""

    higher_is_better = True

    def __init__(
        self,
        constraint: str,
        least: float,
        num_thresholds: int,
        class_id: int | None,
        name: str | None,
        dtype: str | None,
    ) -> None:
        self._least = check_float(constraint, least)
        if not 0 <= self._least <= 1:
            raise ValueError(f"{constraint} must be in [0, 1]; got {least!r}.")
        setattr(self, constraint, self._least)
        self.num_thresholds = check_int("num_thresholds", num_thresholds, 1)
        self.thresholds = [0.5] if num_thresholds == 1 else grid(self.num_thresholds)
        super().__init__(self.thresholds, dtype, name, class_id=class_id)

    def _best(self, constrained: np.ndarray, wanted: np.ndarray) -> float:
        return float(self._rounded(np.max(wanted, where=constrained >= self._least, initial=0)))

    def _recall(self) -> np.ndarray:
        return ratio(self.true_positives, self.true_positives + self.false_negatives)

    def _precision(self) -> np.ndarray:
        return ratio(self.true_positives, self.true_positives + self.false_positives)

    def _specificity(self) -> np.ndarray:
        return ratio(self.true_negatives, self.true_negatives + self.false_positives)


class SensitivityAtSpecificity(Constrained):
    """Largest sensitivity at thresholds with at least the given specificity; 0 if there is none.

    Parameters
    ----------
    specificity : float
        In [0, 1].
    num_thresholds : int, default 200
        Evenly spaced from 0 to 1; a single one is 0.5. Predictions are clipped to [0, 1].
    class_id : int, optional
        Only this column of targets and predictions counts.
    name : str, optional
        By default "sensitivity_at_specificity".
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.

    Notes
    -----
    Sensitivity, TP / (TP + FN), is another name of recall; specificity is TN / (TN + FP).

    Examples
    --------
    >>> import gradstep as gs
    >>> round(gs.metrics.SensitivityAtSpecificity(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]), 6)
    0.5
    """

    _settings = ("num_thresholds", "specificity", "class_id")

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__("specificity", specificity, num_thresholds, class_id, name, dtype)

    def result(self) -> float:
        """The largest sensitivity so far."""
        return self._best(self._specificity(), self._recall())


class SpecificityAtSensitivity(Constrained):
    """Largest specificity at thresholds with at least the given sensitivity; 0 if there is none.

    Parameters
    ----------
    sensitivity : float
        In [0, 1].
    num_thresholds : int, default 200
        Evenly spaced from 0 to 1; a single one is 0.5. Predictions are clipped to [0, 1].
    class_id : int, optional
        Only this column of targets and predictions counts.
    name : str, optional
        By default "specificity_at_sensitivity".
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.

    Notes
    -----
    Sensitivity, TP / (TP + FN), is another name of recall; specificity is TN / (TN + FP).

    Examples
    --------
    >>> import gradstep as gs
    >>> round(gs.metrics.SpecificityAtSensitivity(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]), 6)
    0.666667
    """

    _settings = ("num_thresholds", "sensitivity", "class_id")

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__("sensitivity", sensitivity, num_thresholds, class_id, name, dtype)

    def result(self) -> float:
        """The largest specificity so far."""
        return self._best(self._recall(), self._specificity())


class PrecisionAtRecall(Constrained):
    """Largest precision at thresholds with at least the given recall; 0 if there is none.

    Parameters
    ----------
    recall : float
        In [0, 1].
    num_thresholds : int, default 200
        Evenly spaced from 0 to 1; a single one is 0.5. Predictions are clipped to [0, 1].
    class_id : int, optional
        Only this column of targets and predictions counts.
    name : str, optional
        By default "precision_at_recall".
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.

    Notes
    -----
    Precision is TP / (TP + FP), recall TP / (TP + FN).

    Examples
    --------
    >>> import gradstep as gs
    >>> round(gs.metrics.PrecisionAtRecall(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]), 6)
    0.5
    """

    _settings = ("num_thresholds", "recall", "class_id")

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__("recall", recall, num_thresholds, class_id, name, dtype)

    def result(self) -> float:
        """The largest precision so far."""
        return self._best(self._recall(), self._precision())


class RecallAtPrecision(Constrained):
    """Largest recall at thresholds with at least the given precision; 0 if there is none.

    Parameters
    ----------
    precision : float
        In [0, 1].
    num_thresholds : int, default 200
        Evenly spaced from 0 to 1; a single one is 0.5. Predictions are clipped to [0, 1].
    class_id : int, optional
        Only this column of targets and predictions counts.
    name : str, optional
        By default "recall_at_precision".
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.

    Notes
    -----
    Precision is TP / (TP + FP), recall TP / (TP + FN).

    Examples
    --------
    >>> import gradstep as gs
    >>> round(gs.metrics.RecallAtPrecision(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]), 6)
    1.0
    """

    _settings = ("num_thresholds", "precision", "class_id")

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__("precision", precision, num_thresholds, class_id, name, dtype)

    def result(self) -> float:
        """The largest recall so far."""
        return self._best(self._precision(), self._recall())
