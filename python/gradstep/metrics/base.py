"""Base class of the metrics, and broadcasting of targets, predictions and weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from ..checks import check_choice, numeric
from ..described import check_unsettled
from ..hints import no_attribute
from ..naming import name_for
from ..references import is_ours

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from typing_extensions import Self

__all__ = ["Metric", "larger_is_better", "pair", "spread"]

Function = TypeVar("Function", bound=Callable[..., Any])
# Names of Keras's metrics, and what is here in their place.
ELSEWHERE = dict.fromkeys(
    ("add_weight", "add_variable"), "state is in any attributes, self.total = 0.0, which reset_state() sets again."
)
DTYPES = {"float32": np.float32, "float64": np.float64}


class Metric:
    """Base class of the metrics, which accumulate over batches.

    A custom metric overrides `update_state`, `result` and `reset_state`; its state is in any attributes. A constructor
    calls ``super().__init__(name=name)``.

    Parameters
    ----------
    dtype : {"float32", "float64"}, default "float64"
        What the result is rounded to. Sums are float64 whatever it is, so that they do not depend on how rows were
        shared out into batches.
    name : str, optional
        What it is called in the logs; by default after its class: "precision", "precision_1", ...

    Attributes
    ----------
    higher_is_better : bool or None
        Whether a larger number is better (accuracies), a smaller one (errors), or neither is said (None, the default):
        what ``mode="auto"`` of callbacks goes by. A class or an object may set it.

    Notes
    -----
    A model gives each batch to every metric that its engine does not know, and so comes back to Python at every batch.
    Results are a float, or an array for a metric of many numbers.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> class Largest(gs.metrics.Metric):
    ...     higher_is_better = False
    ...     def reset_state(self):
    ...         self.largest = 0.0
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.largest = max(self.largest, np.abs(y_pred - y_true).max())
    ...     def result(self):
    ...         return self.largest
    >>> largest = Largest(name="largest_error")
    >>> _ = largest(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
    >>> float(largest(np.array([3.0]), np.array([2.0])))
    2.0
    """

    # Whether a larger number is better; None: the metric does not say.
    higher_is_better: bool | None = None
    # What the engine calls the same mean, with default settings; "": it has none.
    _engine: ClassVar[str] = ""
    # Arguments of the constructor beside name and dtype, which attributes of the same names keep.
    _settings: ClassVar[tuple[str, ...]] = ()

    def __init__(self, dtype: str | None = None, name: str | None = None) -> None:
        self._dtype = "float64" if dtype is None else _dtype_name(dtype)
        self.name = name_for(self, name)
        try:
            self.reset_state()
        except AttributeError:
            if is_ours(type(self).__init__):
                raise
            # A constructor, as Keras's, that makes the state when it comes back from here.

    def __setattr__(self, name: str, value: Any) -> None:
        check_unsettled(self, name)
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"

    @property
    def dtype(self) -> str:
        """Name of the dtype that the result is rounded to."""
        return self._dtype

    def __getattr__(self, name: str) -> Any:
        raise no_attribute(self, name, ELSEWHERE)

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Add a batch."""
        raise NotImplementedError(f"{type(self).__name__} must have a method update_state.")

    def result(self) -> Any:
        """The value for everything added since the last `reset_state`."""
        raise NotImplementedError(f"{type(self).__name__} must have a method result.")

    def reset_state(self) -> None:
        """Reset the state. The constructor calls it too."""
        raise NotImplementedError(f"{type(self).__name__} must have a method reset_state.")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Add a batch as `update_state` does, and give the result of all so far."""
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        """Config of the metric: the arguments of its constructor, without state."""
        return {"name": self.name, "dtype": self.dtype} | {key: getattr(self, key) for key in self._settings}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Create a metric from its config."""
        return cls(**config)

    def _rounded(self, value: Any) -> Any:
        """A result in the metric's dtype: a float, or an array."""
        rounded = np.asarray(value).astype(DTYPES[self._dtype])
        return rounded if rounded.ndim else float(rounded)


def larger_is_better(function: Function) -> Function:
    """Mark a function of targets and predictions as one whose means are better when larger."""
    function.higher_is_better = True  # type: ignore[attr-defined]
    return function


def _dtype_name(dtype: Any) -> str:
    if not isinstance(dtype, str):
        dtype = getattr(dtype, "name", None) or getattr(dtype, "__name__", dtype)
    check_choice("dtype", dtype, DTYPES)
    return str(dtype)


def pair(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Targets and predictions of one shape; predictions of float32 or float64, in which they are compared.

    (n,) and (n, 1) are made alike. Any other difference of shapes, which NumPy might broadcast, is a ValueError.
    """
    predicted, known = numeric(y_pred, "y_pred"), numeric(y_true, "y_true")
    if predicted.dtype.type not in (np.float32, np.float64):
        predicted = predicted.astype(np.float64)
    shapes = known.shape, predicted.shape
    if predicted.ndim == known.ndim + 1 and predicted.shape[-1] == 1:
        predicted = predicted[..., 0]
    elif known.ndim == predicted.ndim + 1 and known.shape[-1] == 1:
        known = known[..., 0]
    if known.shape != predicted.shape:
        raise ValueError(f"y_true has shape {shapes[0]}; y_pred has shape {shapes[1]}: they must be equal.")
    return known, predicted


def spread(sample_weight: ArrayLike | None, shape: tuple[int, ...]) -> np.ndarray | None:
    """Weights for each element of an array of this shape, float64: one for all, one a row, or one for each."""
    if sample_weight is None:
        return None
    weights = numeric(sample_weight, "sample_weight")
    given = weights.shape
    if weights.ndim > len(shape) and weights.shape[-1] == 1:
        weights = weights[..., 0]
    try:
        if weights.ndim > len(shape):
            raise ValueError
        weights = weights.reshape(weights.shape + (1,) * (len(shape) - weights.ndim))
        return np.broadcast_to(weights.astype(np.float64), shape)
    except ValueError:
        raise ValueError(
            f"sample_weight has shape {given}; it must have one number for each row, or for each element, of shape "
            f"{shape}."
        ) from None
