"""F scores: precision and recall in one number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..checks import check_choice, check_float, numeric
from .base import Metric, spread
from .thresholds import ratio

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["F1Score", "FBetaScore"]

AVERAGES = ("micro", "macro", "weighted")
NOTHING = 1e-9  # a largest prediction that is not above it says no class; Keras's


class FBetaScore(Metric):
    r"""F-beta score: weighted harmonic mean of precision and recall of each class.

    Parameters
    ----------
    average : {None, "micro", "macro", "weighted"}, default None
        None: a score for each class. "micro": one, of the counts of all classes together. "macro": the mean of the
        scores. "weighted": their mean, weighted by how often a class is the target.
    beta : float, default 1.0
        How much more recall counts than precision; above 0.
    threshold : float, optional
        What a prediction must be above to count as yes, in (0, 1]. By default the largest of a row, alone, is yes.
    name : str, default "fbeta_score"
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.

    Notes
    -----
    .. math:: F_\beta = \frac{(1 + \beta^2) TP}{(1 + \beta^2) TP + \beta^2 FN + FP}

    and 0 where the denominator is 0, as scikit-learn's `fbeta_score`. Keras adds 1e-7 to denominators on the way, and
    so gives a little less.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> score = gs.metrics.FBetaScore(beta=2.0, threshold=0.5)
    >>> score(np.array([[1, 1, 1], [1, 0, 0], [1, 1, 0]]), np.array([[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0]]))
    array([0.38461538, 0.90909091, 0.83333333])
    """

    higher_is_better = True
    _settings: ClassVar[tuple[str, ...]] = ("average", "beta", "threshold")
    _counts: np.ndarray | None

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: str | None = None,
    ) -> None:
        if average is not None:
            check_choice("average", average, {name: name for name in AVERAGES})
        self.average = average
        self.beta = check_float("beta", beta)
        if not 0 < self.beta < float("inf"):
            raise ValueError(f"beta must be above 0; got {beta!r}.")
        self.threshold = None if threshold is None else check_float("threshold", threshold)
        if self.threshold is not None and not 0 < self.threshold <= 1:
            raise ValueError(f"threshold must be above 0 and at most 1; got {threshold!r}.")
        super().__init__(dtype, name)

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Add a batch: y_true, 0 or 1, and y_pred, both (rows, classes); sample_weight: one for all, or one a row.

        Raises
        ------
        ValueError
            Arrays of other shapes, or of another number of classes than before.
        """
        known, predicted = numeric(y_true, "y_true"), numeric(y_pred, "y_pred")
        if predicted.ndim != 2 or known.shape != predicted.shape:
            raise ValueError(
                f"y_true and y_pred must have shape (rows, classes); they have {known.shape} and {predicted.shape}."
            )
        classes = predicted.shape[1]
        if self._counts is not None and self._counts.shape[1] != classes:
            raise ValueError(f"y_pred must have {self._counts.shape[1]} classes, as before; it has {classes}.")
        if self.threshold is None:
            largest = predicted == predicted.max(1, keepdims=True)
            says = largest & (np.abs(predicted) > NOTHING)
        else:
            says = predicted > (self.threshold if predicted.dtype.kind != "f" else predicted.dtype.type(self.threshold))
        target = known.astype(np.float64)
        weights = spread(sample_weight, target.shape)
        weighted = target if weights is None else target * weights
        said = says.astype(np.float64) if weights is None else says * weights
        # Of yeses: both, predicted, known.
        counts = np.stack([(weighted * says).sum(0), said.sum(0), weighted.sum(0)])
        self._counts = counts if self._counts is None else self._counts + counts

    def result(self) -> Any:
        """The score so far: an array of one for each class, or with `average` a float; 0.0 before the first batch."""
        if self._counts is None:
            return 0.0
        both, said, known = self._counts.sum(1) if self.average == "micro" else self._counts
        square = self.beta**2
        # TP + FP and TP + FN are what was said and what is known.
        scores = ratio((1 + square) * both, said + square * known)
        if self.average == "weighted":
            scores = ratio(np.sum(scores * known), np.sum(known))
        elif self.average == "macro":
            scores = scores.mean()
        return self._rounded(scores)

    def reset_state(self) -> None:
        """Reset the state, including the number of classes."""
        self._counts = None


class F1Score(FBetaScore):
    r"""F1 score: harmonic mean of precision and recall of each class.

    Parameters
    ----------
    average : {None, "micro", "macro", "weighted"}, default None
        None: a score for each class. "micro": one, of the counts of all classes together. "macro": the mean of the
        scores. "weighted": their mean, weighted by how often a class is the target.
    threshold : float, optional
        What a prediction must be above to count as yes, in (0, 1]. By default the largest of a row, alone, is yes.
    name : str, default "f1_score"
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.

    Notes
    -----
    .. math:: F_1 = \frac{2 TP}{2 TP + FN + FP}

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> score = gs.metrics.F1Score(average="macro", threshold=0.5)
    >>> round(score(np.array([[1, 1, 1], [1, 0, 0]]), np.array([[0.2, 0.6, 0.7], [0.6, 0.6, 0.2]])), 6)
    0.777778
    """

    _settings = ("average", "threshold")

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: str | None = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)
