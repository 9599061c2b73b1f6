"""Intersection over union of predicted and known classes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..checks import brief, check_bool, check_float, check_int, class_numbers, numeric, shown
from .base import Metric, pair, spread
from .thresholds import ratio

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU"]


class IoU(Metric):
    r"""Intersection over union of given classes, averaged over those that occur.

    Parameters
    ----------
    num_classes : int
        How many classes there are.
    target_class_ids : sequence of int
        The classes that count, in [0, num_classes).
    name : str, optional
        By default "io_u", as in Keras.
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.
    ignore_class : int, optional
        A class number, such as -1 or 255, whose elements do not count where it is the target.
    sparse_y_true, sparse_y_pred : bool, default True
        Whether targets, or predictions, are class numbers; otherwise the class is the place of the largest along
        `axis`.
    axis : int, default -1
        Where the classes are in what is not sparse.

    Notes
    -----
    .. math:: \mathrm{IoU} = \frac{TP}{TP + FP + FN}

    Elements whose target or prediction is no class do not count. Weights count as they are; Keras cuts them to whole
    numbers unless it is given another dtype, and adds 1e-7 to denominators.

    Examples
    --------
    >>> import gradstep as gs
    >>> round(gs.metrics.IoU(num_classes=2, target_class_ids=[0])([0, 0, 1, 1], [0, 1, 0, 1]), 6)
    0.333333
    """

    higher_is_better = True
    _settings: ClassVar[tuple[str, ...]] = (
        "num_classes",
        "target_class_ids",
        "ignore_class",
        "sparse_y_true",
        "sparse_y_pred",
        "axis",
    )

    _tally: np.ndarray  # (known, predicted)

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: str | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        self.num_classes = check_int("num_classes", num_classes, 1)
        if not isinstance(target_class_ids, Iterable):
            raise TypeError(f"target_class_ids must be a sequence of int; got {shown(target_class_ids)}.")
        self.target_class_ids = [check_int(f"target_class_ids[{i}]", c, 0) for i, c in enumerate(target_class_ids)]
        if not self.target_class_ids or max(self.target_class_ids) >= self.num_classes:
            raise ValueError(
                f"target_class_ids must be classes in [0, {num_classes}), at least one; got "
                f"{brief(self.target_class_ids)}."
            )
        self.ignore_class = None if ignore_class is None else check_int("ignore_class", ignore_class, -(2**31))
        self.sparse_y_true = check_bool("sparse_y_true", sparse_y_true)
        self.sparse_y_pred = check_bool("sparse_y_pred", sparse_y_pred)
        self.axis = check_int("axis", axis, -64)
        super().__init__(dtype, name)

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Add a batch; sample_weight: one number for all, one a row, or one for each target.

        Raises
        ------
        ValueError
            Shapes that do not fit, or class numbers that are not whole.
        """
        known = self._classes(y_true, "y_true", self.sparse_y_true)
        predicted = self._classes(y_pred, "y_pred", self.sparse_y_pred)
        if known.ndim != predicted.ndim and 1 in (known.shape[-1:] + predicted.shape[-1:]):
            known, predicted = (array.astype(np.int64) for array in pair(known, predicted))
        if known.shape != predicted.shape:
            raise ValueError(f"y_true has classes of shape {known.shape}, y_pred of shape {predicted.shape}.")
        counted = (known >= 0) & (known < self.num_classes) & (predicted >= 0) & (predicted < self.num_classes)
        if self.ignore_class is not None:
            counted &= known != self.ignore_class
        weights = spread(sample_weight, known.shape)
        index = known[counted] * self.num_classes + predicted[counted]
        tally = np.bincount(index, None if weights is None else weights[counted], self.num_classes**2)
        self._tally = self._tally + tally.reshape(self.num_classes, self.num_classes)

    def _classes(self, values: ArrayLike, name: str, sparse: bool) -> np.ndarray:
        if sparse:
            return class_numbers(values, name)
        array = numeric(values, name)
        if not -array.ndim <= self.axis < array.ndim:
            raise ValueError(f"axis must be one of {name}'s {array.ndim}; got {self.axis}.")
        return np.asarray(array.argmax(self.axis))

    def result(self) -> float:
        """The mean so far; 0 where none of the classes occurred."""
        both = np.diagonal(self._tally)
        either = self._tally.sum(0) + self._tally.sum(1) - both
        both, either = both[self.target_class_ids], either[self.target_class_ids]
        occur = either > 1e-9  # as in Keras
        scores = ratio(both, either)[occur]
        return float(self._rounded(scores.mean() if len(scores) else 0.0))

    def reset_state(self) -> None:
        """Reset the state."""
        self._tally = np.zeros((self.num_classes, self.num_classes))


class BinaryIoU(IoU):
    """Intersection over union of binary predictions, by a threshold.

    Parameters
    ----------
    target_class_ids : sequence of int, default (0, 1)
        Of 0 and 1 those that count.
    threshold : float, default 0.5
        What a prediction of class 1 is at least.
    name : str, optional
        By default "binary_io_u", as in Keras.
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.

    Examples
    --------
    >>> import gradstep as gs
    >>> round(gs.metrics.BinaryIoU(threshold=0.3)([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7]), 6)
    0.333333
    """

    _settings = ("target_class_ids", "threshold")

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        self.threshold = check_float("threshold", threshold)
        super().__init__(2, target_class_ids, name, dtype)

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Add a batch of numbers; sample_weight: one number for all, one a row, or one for each target."""
        known, predicted = pair(y_true, y_pred)
        super().update_state(known, predicted >= predicted.dtype.type(self.threshold), sample_weight)


class MeanIoU(IoU):
    """Mean intersection over union of all classes.

    Parameters
    ----------
    num_classes : int
        How many classes there are.
    name : str, optional
        By default "mean_io_u", as in Keras.
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.
    ignore_class, sparse_y_true, sparse_y_pred, axis
        As of `IoU`.

    Examples
    --------
    >>> import gradstep as gs
    >>> round(gs.metrics.MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1]), 6)
    0.333333
    """

    _settings: ClassVar[tuple[str, ...]] = ("num_classes", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis")

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: str | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        ids = range(check_int("num_classes", num_classes, 1))
        super().__init__(num_classes, ids, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)


class OneHotIoU(IoU):
    """`IoU` where targets are one-hot and predictions numbers for each class.

    Parameters
    ----------
    num_classes : int
        How many classes there are.
    target_class_ids : sequence of int
        The classes that count, in [0, num_classes).
    name : str, optional
        By default "one_hot_io_u", as in Keras.
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.
    ignore_class : int, optional
        A class whose elements do not count where it is the target.
    sparse_y_pred : bool, default False
        Whether predictions are class numbers.
    axis : int, default -1
        Where the classes are.

    Examples
    --------
    >>> import gradstep as gs
    >>> metric = gs.metrics.OneHotIoU(num_classes=2, target_class_ids=[1])
    >>> metric([[0, 1], [0, 1], [1, 0]], [[0.2, 0.8], [0.6, 0.4], [0.9, 0.1]])
    0.5
    """

    _settings = ("num_classes", "target_class_ids", "ignore_class", "sparse_y_pred", "axis")

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: str | None = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)


class OneHotMeanIoU(MeanIoU):
    """`OneHotIoU` of all classes.

    Parameters
    ----------
    num_classes : int
        How many classes there are.
    name : str, optional
        By default "one_hot_mean_io_u", as in Keras.
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.
    ignore_class, sparse_y_pred, axis
        As of `OneHotIoU`.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.metrics.OneHotMeanIoU(num_classes=2)([[0, 1], [0, 1], [1, 0]], [[0.2, 0.8], [0.6, 0.4], [0.9, 0.1]])
    0.5
    """

    _settings = ("num_classes", "ignore_class", "sparse_y_pred", "axis")

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: str | None = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
