"""Rows of length 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import check_choice
from .base import Scaler

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Normalizer"]

NORMS = {
    "l1": lambda x: np.abs(x).sum(axis=1, keepdims=True),
    "l2": lambda x: np.sqrt((x * x).sum(axis=1, keepdims=True)),
    "max": lambda x: np.abs(x).max(axis=1, keepdims=True),
}


class Normalizer(Scaler):
    """Scale each row to length 1; rows of zeros stay as they are.

    Parameters
    ----------
    norm : {"l1", "l2", "max"}, default "l2"

    Attributes
    ----------
    n_features_in_ : int

    Notes
    -----
    scikit-learn's `Normalizer`, for dense finite data. Rows are scaled by themselves: fitting only notes the number of
    features, and there is no way back.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.scalers.Normalizer().fit_transform([[3.0, 4.0], [0.0, 0.0]])
    array([[0.6, 0.8],
           [0. , 0. ]])
    """

    def __init__(self, norm: str = "l2") -> None:
        check_choice("norm", norm, NORMS)
        self.norm = norm

    def _measure(self, x: np.ndarray) -> None:
        pass

    def transform(self, x: ArrayLike) -> np.ndarray:
        """Scaled data, of the dtype of `x` if that is float32 or float64. Raises as `fit` does."""
        array = self._rows(x, fits=True)
        norms = NORMS[self.norm](array)
        return np.asarray(array / np.where(norms == 0, norms.dtype.type(1), norms))

    def inverse_transform(self, x: Any) -> np.ndarray:
        """There is none: raises TypeError."""
        raise TypeError("Normalizer has no inverse: the lengths of the rows are not kept.")
