"""Initial weights, by Keras's names and formulas.

An initializer is called with a shape and a dtype and gives a new array. With ``seed=`` it gives the same numbers at
each call; without, other ones each time, which follow from `utils.set_random_seed`.
"""

from typing import TYPE_CHECKING

from ..hints import complete
from .base import Initializer
from .constants import Constant, Identity, Ones, Zeros
from .orthogonal_columns import Orthogonal
from .random import RandomNormal, RandomUniform, TruncatedNormal
from .registry import get
from .scaling import GlorotNormal, GlorotUniform, HeNormal, HeUniform, LecunNormal, LecunUniform, VarianceScaling

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "get",
]

# Keras's second names: he_normal is HeNormal.
_SECOND_NAMES = {"IdentityInitializer": "Identity", "OrthogonalInitializer": "Orthogonal"} | {
    "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_"): name
    for name in set(__all__) - {"Initializer", "get"}
}

if not TYPE_CHECKING:  # which is to know what there is
    __getattr__ = complete(__name__, globals(), "initializer", _SECOND_NAMES)
