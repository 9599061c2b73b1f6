"""Scalers of features: scikit-learn's names and numbers, with NumPy alone, over chunks, and as layers.

They are ours rather than thin uses of scikit-learn's, for what those lack: they need NumPy alone, all of them take data
in chunks by `partial_fit`, and `as_layer` makes a layer of each, so that a saved model takes data as they come. Whoever
has scikit-learn's goes on with them: `as_layer` takes those too.
"""

from typing import TYPE_CHECKING

from ..hints import missing
from .as_layer import as_layer
from .min_max_scaler import MinMaxScaler
from .normalizer import Normalizer
from .robust_scaler import RobustScaler
from .standard_scaler import StandardScaler

__all__ = ["MinMaxScaler", "Normalizer", "RobustScaler", "StandardScaler", "as_layer"]


def __dir__() -> list[str]:
    return sorted(__all__)


if not TYPE_CHECKING:  # which is to know what there is
    __getattr__ = missing(__name__, __all__, "scaler")
