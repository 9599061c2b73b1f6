"""Constraints, by Keras's names: projections of weights after each step, ``Dense(8, kernel_constraint=MaxNorm(3))``.

A constraint called with an array gives it as it must be.
"""

from typing import TYPE_CHECKING

from ..hints import complete
from .base import Constraint
from .norms import MaxNorm, MinMaxNorm, NonNeg, UnitNorm
from .registry import get

max_norm = MaxNorm
min_max_norm = MinMaxNorm
non_neg = NonNeg
unit_norm = UnitNorm

__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "unit_norm",
]

if not TYPE_CHECKING:  # which is to know what there is
    __getattr__ = complete(__name__, globals(), "constraint")
