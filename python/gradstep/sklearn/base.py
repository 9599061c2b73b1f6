"""What all estimators around networks share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, column_or_1d

from .. import seeds
from ..checks import describe
from .reading import validate_data
from .sample_weights import check_sample_weight

__all__ = ["NetworkMixin", "build_function", "non_finite"]

ROWS = 1024  # of a batch of predictions


class NetworkMixin:
    """Data in scikit-learn's ways, for a network in ``model_``."""

    def _rows(self, X: Any, reset: bool = False) -> Any:
        """X as the network takes it: float32 and float64 as they are."""
        return validate_data(self, X, accept_sparse="csr", dtype=(np.float64, np.float32), order="C", reset=reset)

    def _data(self, X: Any, y: Any, sample_weight: Any, reset: bool, y_numeric: bool) -> tuple[Any, np.ndarray, Any]:
        """X, y and weights, checked together; y of one column is made flat."""
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            multi_output=True,
            y_numeric=y_numeric,
            dtype=(np.float64, np.float32),
            order="C",
            reset=reset,
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, X)
        return X, y, sample_weight

    def _outputs(self, X: Any) -> np.ndarray:
        """The outputs of the network, (rows, outputs)."""
        check_is_fitted(self, "model_")
        made = self.model_.predict(self._rows(X), batch_size=ROWS, verbose=0)  # type: ignore[attr-defined]
        return np.asarray(made).reshape(len(made), -1)

    @contextmanager
    def _draws(self, random: np.random.RandomState) -> Iterator[None]:
        """Weights, shuffles and dropout follow from a draw of this generator, within a ``with`` statement."""
        with seeds.within(seeds.Sequence(int(random.randint(2**31 - 1)))):
            yield

    def _generator(self) -> np.random.RandomState:
        """The generator of ``random_state``."""
        found: np.random.RandomState = check_random_state(self.random_state)  # type: ignore[attr-defined]
        return found


def non_finite(model: Any) -> bool:
    """Whether a weight is nan or infinite."""
    return not all(np.isfinite(weight).all() for weight in model.weights)


def build_function(build_fn: Any) -> Callable[..., Any]:
    """The function that makes a model, checked: a model itself is none, though it can be called."""
    if not callable(build_fn) or hasattr(build_fn, "fit"):
        raise TypeError(
            "build_fn must be a function that makes a compiled model, a new one at each call; "
            f"got {describe(build_fn)}."
        )
    found: Callable[..., Any] = build_fn
    return found
