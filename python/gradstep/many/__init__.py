"""Many models of one architecture, trained together."""

from .fitting import fit_many
from .result import FitManyResult

__all__ = ["FitManyResult", "fit_many"]
