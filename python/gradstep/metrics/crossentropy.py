"""Cross-entropies as metrics: means over rows of functions of `gradstep.losses`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import losses
from ..checks import check_bool, check_float, check_int, class_numbers
from .base import spread
from .loss_metrics import LossMetric
from .reduction import MeanMetricWrapper

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy"]


class BinaryCrossentropy(LossMetric, MeanMetricWrapper):
    """The mean over rows of `gradstep.losses.binary_crossentropy`.

    Parameters
    ----------
    name : str, default "binary_crossentropy"
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.
    from_logits : bool, default False
        Whether predictions are z where y = sigmoid(z).
    label_smoothing : float, default 0
        How far targets are moved towards 1/2, from 0 to 1.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> round(gs.metrics.BinaryCrossentropy()([[1.0]], np.array([[0.5]])), 6)
    0.693147
    """

    _settings = ("from_logits", "label_smoothing")
    _engine = "binary_crossentropy"

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: str | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        self.from_logits, self.label_smoothing = check_bool("from_logits", from_logits), _smoothing(label_smoothing)
        settings = {"from_logits": self.from_logits, "label_smoothing": self.label_smoothing}
        super().__init__(losses.binary_crossentropy, name, dtype, **settings)

    def _engine_name(self) -> str:
        return "" if self.from_logits or self.label_smoothing else self._engine


class CategoricalCrossentropy(LossMetric, MeanMetricWrapper):
    """The mean over rows of `gradstep.losses.categorical_crossentropy`.

    Parameters
    ----------
    name : str, default "categorical_crossentropy"
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.
    from_logits : bool, default False
        Whether predictions are z where y = softmax(z).
    label_smoothing : float, default 0
        Which share of the targets is spread over all classes, from 0 to 1.
    axis : int, default -1
        Where the classes are.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> round(gs.metrics.CategoricalCrossentropy()([[0, 1, 0]], np.array([[0.2, 0.5, 0.3]])), 6)
    0.693147
    """

    _settings = ("from_logits", "label_smoothing", "axis")
    _engine = "categorical_crossentropy"

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: str | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ) -> None:
        self.from_logits, self.label_smoothing = check_bool("from_logits", from_logits), _smoothing(label_smoothing)
        self.axis = check_int("axis", axis, -64)
        settings = {"from_logits": self.from_logits, "label_smoothing": self.label_smoothing, "axis": self.axis}
        super().__init__(losses.categorical_crossentropy, name, dtype, **settings)

    def _engine_name(self) -> str:
        return "" if self.from_logits or self.label_smoothing or self.axis != -1 else self._engine


class SparseCategoricalCrossentropy(LossMetric, MeanMetricWrapper):
    """The mean over rows of `gradstep.losses.sparse_categorical_crossentropy`.

    Parameters
    ----------
    name : str, default "sparse_categorical_crossentropy"
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.
    from_logits : bool, default False
        Whether predictions are z where y = softmax(z).
    ignore_class : int, optional
        A class number, such as -1 or 255, whose rows do not count.
    axis : int, default -1
        Where the classes are.

    Notes
    -----
    Without sample weights Keras counts the rows of `ignore_class` in the mean, as 0.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> round(gs.metrics.SparseCategoricalCrossentropy()([1], np.array([[0.2, 0.5, 0.3]])), 6)
    0.693147
    """

    _settings = ("from_logits", "ignore_class", "axis")
    _engine = "sparse_categorical_crossentropy"

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: str | None = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        self.from_logits, self.axis = check_bool("from_logits", from_logits), check_int("axis", axis, -64)
        self.ignore_class = None if ignore_class is None else check_int("ignore_class", ignore_class, -(2**31))
        settings = {"from_logits": self.from_logits, "ignore_class": self.ignore_class, "axis": self.axis}
        super().__init__(losses.sparse_categorical_crossentropy, name, dtype, **settings)

    def update_state(  # type: ignore[override]
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Add a batch; sample_weight: one for all, one a row, or one for each number that the function gives."""
        if self.ignore_class is not None:
            labels = class_numbers(y_true, "y_true")
            if labels.ndim == np.ndim(y_pred) and labels.shape[self.axis] == 1:
                labels = labels.squeeze(self.axis)
            weights = spread(1.0 if sample_weight is None else sample_weight, labels.shape)
            assert weights is not None
            sample_weight = np.where(labels == self.ignore_class, 0.0, weights)
        super().update_state(y_true, y_pred, sample_weight)

    def _engine_name(self) -> str:
        return "" if self.from_logits or self.ignore_class is not None or self.axis != -1 else self._engine


def _smoothing(value: float) -> float:
    share = check_float("label_smoothing", value)
    if not 0 <= share <= 1:
        raise ValueError(f"label_smoothing must be in [0, 1]; got {value!r}.")
    return share
