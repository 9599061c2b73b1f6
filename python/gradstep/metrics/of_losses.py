"""Losses as metrics: means over rows of functions of `gradstep.losses`."""

from __future__ import annotations

from .. import losses
from ..checks import flag
from .reduction import FunctionMetric

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
]


class MeanSquaredError(FunctionMetric):
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

    def __init__(self, name: str | None = "mean_squared_error", dtype: str | None = None) -> None:
        super().__init__(losses.mean_squared_error, name, dtype)

    def _engine_name(self) -> str | None:
        return "mean_squared_error"


class MeanAbsoluteError(FunctionMetric):
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

    def __init__(self, name: str | None = "mean_absolute_error", dtype: str | None = None) -> None:
        super().__init__(losses.mean_absolute_error, name, dtype)

    def _engine_name(self) -> str | None:
        return "mean_absolute_error"


class Crossentropy(FunctionMetric):
    """Base of the cross-entropies: of outputs or of logits."""

    _settings = ("from_logits",)
    _entropy: str

    def __init__(self, name: str | None, dtype: str | None, from_logits: bool) -> None:
        self.from_logits = flag("from_logits", from_logits)
        super().__init__(getattr(losses, self._entropy), name, dtype, from_logits=self.from_logits)

    def _engine_name(self) -> str | None:
        return None if self.from_logits else self._entropy


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

    _entropy = "binary_crossentropy"

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

    _entropy = "categorical_crossentropy"

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

    _entropy = "sparse_categorical_crossentropy"

    def __init__(
        self, name: str | None = "sparse_categorical_crossentropy", dtype: str | None = None, from_logits: bool = False
    ) -> None:
        super().__init__(name, dtype, from_logits)
