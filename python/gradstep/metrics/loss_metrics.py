"""Losses as metrics: means over rows of functions of `gradstep.losses`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import losses
from ..checks import check_int
from .reduction import FunctionMetric, MeanMetricWrapper

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "CategoricalHinge",
    "CosineSimilarity",
    "Hinge",
    "KLDivergence",
    "LogCoshError",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SquaredHinge",
]


class LossMetric(FunctionMetric):
    """Mixin, before `MeanMetricWrapper` among the bases, of metrics that are losses."""

    higher_is_better: bool | None = False
    _is_loss = True


class MeanSquaredError(LossMetric, MeanMetricWrapper):
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


class MeanAbsoluteError(LossMetric, MeanMetricWrapper):
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


class MeanAbsolutePercentageError(LossMetric, MeanMetricWrapper):
    """The mean over rows of `gradstep.losses.mean_absolute_percentage_error`.

    Parameters
    ----------
    name : str, default "mean_absolute_percentage_error"
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> round(gs.metrics.MeanAbsolutePercentageError()([[1.0, 2.0], [4.0, 5.0]], np.array([[1.5, 2.0], [3.0, 5.0]])), 6)
    18.75
    """

    _engine = "mean_absolute_percentage_error"

    def __init__(self, name: str | None = "mean_absolute_percentage_error", dtype: str | None = None) -> None:
        super().__init__(losses.mean_absolute_percentage_error, name, dtype)


class MeanSquaredLogarithmicError(LossMetric, MeanMetricWrapper):
    """The mean over rows of `gradstep.losses.mean_squared_logarithmic_error`.

    Parameters
    ----------
    name : str, default "mean_squared_logarithmic_error"
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> round(gs.metrics.MeanSquaredLogarithmicError()([[0.0, 1.0], [1.0, 0.0]], np.array([[0.6, 0.4], [0.4, 0.6]])), 6)
    0.17406
    """

    _engine = "mean_squared_logarithmic_error"

    def __init__(self, name: str | None = "mean_squared_logarithmic_error", dtype: str | None = None) -> None:
        super().__init__(losses.mean_squared_logarithmic_error, name, dtype)


class LogCoshError(LossMetric, MeanMetricWrapper):
    """The mean over rows of `gradstep.losses.log_cosh`.

    Parameters
    ----------
    name : str, default "logcosh"
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> round(gs.metrics.LogCoshError()([[0.0, 1.0], [1.0, 0.0]], np.array([[0.6, 0.4], [0.4, 0.6]])), 6)
    0.170135
    """

    _engine = "log_cosh"

    def __init__(self, name: str | None = "logcosh", dtype: str | None = None) -> None:
        super().__init__(losses.log_cosh, name, dtype)


class Poisson(LossMetric, MeanMetricWrapper):
    """The mean over rows of `gradstep.losses.poisson`.

    Parameters
    ----------
    name : str, default "poisson"
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> round(gs.metrics.Poisson()([[0.0, 1.0], [1.0, 0.0]], np.array([[0.6, 0.4], [0.4, 0.6]])), 6)
    0.958145
    """

    _engine = "poisson"

    def __init__(self, name: str | None = "poisson", dtype: str | None = None) -> None:
        super().__init__(losses.poisson, name, dtype)


class KLDivergence(LossMetric, MeanMetricWrapper):
    """The mean over rows of `gradstep.losses.kl_divergence`.

    Parameters
    ----------
    name : str, default "kl_divergence"
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> round(gs.metrics.KLDivergence()([[0.0, 1.0], [1.0, 0.0]], np.array([[0.6, 0.4], [0.4, 0.6]])), 6)
    0.916289
    """

    _engine = "kl_divergence"

    def __init__(self, name: str | None = "kl_divergence", dtype: str | None = None) -> None:
        super().__init__(losses.kl_divergence, name, dtype)


class Hinge(LossMetric, MeanMetricWrapper):
    """The mean over rows of `gradstep.losses.hinge`.

    Parameters
    ----------
    name : str, default "hinge"
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> round(gs.metrics.Hinge()([[0.0, 1.0], [1.0, 0.0]], np.array([[0.6, 0.4], [0.4, 0.6]])), 6)
    1.1
    """

    _engine = "hinge"

    def __init__(self, name: str | None = "hinge", dtype: str | None = None) -> None:
        super().__init__(losses.hinge, name, dtype)


class SquaredHinge(LossMetric, MeanMetricWrapper):
    """The mean over rows of `gradstep.losses.squared_hinge`.

    Parameters
    ----------
    name : str, default "squared_hinge"
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> round(gs.metrics.SquaredHinge()([[0.0, 1.0], [1.0, 0.0]], np.array([[0.6, 0.4], [0.4, 0.6]])), 6)
    1.46
    """

    _engine = "squared_hinge"

    def __init__(self, name: str | None = "squared_hinge", dtype: str | None = None) -> None:
        super().__init__(losses.squared_hinge, name, dtype)


class CategoricalHinge(LossMetric, MeanMetricWrapper):
    """The mean over rows of `gradstep.losses.categorical_hinge`.

    Parameters
    ----------
    name : str, default "categorical_hinge"
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> round(gs.metrics.CategoricalHinge()([[0.0, 1.0], [1.0, 0.0]], np.array([[0.6, 0.4], [0.4, 0.6]])), 6)
    1.2
    """

    _engine = "categorical_hinge"

    def __init__(self, name: str | None = "categorical_hinge", dtype: str | None = None) -> None:
        super().__init__(losses.categorical_hinge, name, dtype)


class CosineSimilarity(LossMetric, MeanMetricWrapper):
    """The mean over rows of the cosine of the angle between targets and predictions: 1 where they point alike.

    Parameters
    ----------
    name : str, default "cosine_similarity"
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to.
    axis : int, default -1
        Along which they are vectors.

    Notes
    -----
    The loss of this name, `gradstep.losses.cosine_similarity`, is its negative.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> round(gs.metrics.CosineSimilarity()([[0.0, 1.0], [1.0, 1.0]], np.array([[1.0, 0.0], [1.0, 1.0]])), 6)
    0.5
    """

    higher_is_better = True
    _settings = ("axis",)

    def __init__(self, name: str | None = "cosine_similarity", dtype: str | None = None, axis: int = -1) -> None:
        self.axis = check_int("axis", axis, -64)
        super().__init__(_cosine, name, dtype, axis=self.axis)


def _cosine(y_true: ArrayLike, y_pred: ArrayLike, axis: int) -> np.ndarray:
    return -losses.cosine_similarity(y_true, y_pred, axis=axis)
