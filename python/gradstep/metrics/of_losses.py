"""Losses as metrics: means over rows of functions of `gradstep.losses`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import losses
from ..checks import flag, numeric
from .reduction import FunctionMetric

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
]


class LossMetric(FunctionMetric):
    """Base of all of them."""

    def update_state(  # type: ignore[override]
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Add a batch; sample_weight: one for all, one a row, or one for each number that the function gives."""
        if len(numeric(y_pred, "y_pred")):  # losses are of at least one row
            super().update_state(y_true, y_pred, sample_weight)


class MeanSquaredError(LossMetric):
    """The mean over rows of `gradstep.losses.mean_squared_error`.

    Parameters
    ----------
    name : str, default "mean_squared_error"
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.metrics.MeanSquaredError()([[0.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 0.0]])
    0.5
    """

    _engine = "mean_squared_error"

    def __init__(self, name: str | None = "mean_squared_error", dtype: str | None = None) -> None:
        super().__init__(losses.mean_squared_error, name, dtype)


class MeanAbsoluteError(LossMetric):
    """The mean over rows of `gradstep.losses.mean_absolute_error`.

    Parameters
    ----------
    name : str, default "mean_absolute_error"
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.metrics.MeanAbsoluteError()([[0.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [2.0, 1.0]])
    1.0
    """

    _engine = "mean_absolute_error"

    def __init__(self, name: str | None = "mean_absolute_error", dtype: str | None = None) -> None:
        super().__init__(losses.mean_absolute_error, name, dtype)


class Crossentropy(LossMetric):
    """Base of the cross-entropies: of outputs or of logits."""

    _settings = ("from_logits",)

    def __init__(self, name: str | None, dtype: str | None, from_logits: bool) -> None:
        self.from_logits = flag("from_logits", from_logits)
        super().__init__(getattr(losses, self._engine), name, dtype, from_logits=self.from_logits)

    def _engine_name(self) -> str:
        return "" if self.from_logits else self._engine


class BinaryCrossentropy(Crossentropy):
    """The mean over rows of `gradstep.losses.binary_crossentropy`.

    Parameters
    ----------
    name : str, default "binary_crossentropy"
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.
    from_logits : bool, default False
        Whether predictions are z where y = sigmoid(z).

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> round(gs.metrics.BinaryCrossentropy()([[1.0]], np.array([[0.5]])), 6)
    0.693147
    """

    _engine = "binary_crossentropy"

    def __init__(
        self, name: str | None = "binary_crossentropy", dtype: str | None = None, from_logits: bool = False
    ) -> None:
        super().__init__(name, dtype, from_logits)


class CategoricalCrossentropy(Crossentropy):
    """The mean over rows of `gradstep.losses.categorical_crossentropy`.

    Parameters
    ----------
    name : str, default "categorical_crossentropy"
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.
    from_logits : bool, default False
        Whether predictions are z where y = softmax(z).

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> round(gs.metrics.CategoricalCrossentropy()([[0, 1, 0]], np.array([[0.2, 0.5, 0.3]])), 6)
    0.693147
    """

    _engine = "categorical_crossentropy"

    def __init__(
        self, name: str | None = "categorical_crossentropy", dtype: str | None = None, from_logits: bool = False
    ) -> None:
        super().__init__(name, dtype, from_logits)


class SparseCategoricalCrossentropy(Crossentropy):
    """The mean over rows of `gradstep.losses.sparse_categorical_crossentropy`.

    Parameters
    ----------
    name : str, default "sparse_categorical_crossentropy"
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.
    from_logits : bool, default False
        Whether predictions are z where y = softmax(z).

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> round(gs.metrics.SparseCategoricalCrossentropy()([1], np.array([[0.2, 0.5, 0.3]])), 6)
    0.693147
    """

    _engine = "sparse_categorical_crossentropy"

    def __init__(
        self, name: str | None = "sparse_categorical_crossentropy", dtype: str | None = None, from_logits: bool = False
    ) -> None:
        super().__init__(name, dtype, from_logits)
