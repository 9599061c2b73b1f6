"""Settings searched, models validated in folds, and learning rates found (`Model.lr_find`)."""

from typing import TYPE_CHECKING

from ..hints import missing
from .folds import KFold, StratifiedKFold
from .halving import halving
from .rate_finder import LRFindResult
from .results import SearchResult, Trial
from .runs import Run
from .searching import cross_validate, grid, random
from .space import Integers, LogUniform, Uniform

__all__ = [
    "Integers",
    "KFold",
    "LRFindResult",
    "LogUniform",
    "Run",
    "SearchResult",
    "StratifiedKFold",
    "Trial",
    "Uniform",
    "cross_validate",
    "grid",
    "halving",
    "random",
]


def __dir__() -> list[str]:
    return sorted(__all__)


if not TYPE_CHECKING:  # which is to know what there is
    __getattr__ = missing(__name__, __all__, "name for tuning")
