"""Figures (extra `plot`): matplotlib is imported by the functions only.

Each gives a `matplotlib.figure.Figure`, which belongs to no window: a notebook shows it, ``path=`` saves it. Markers,
dashes and darkness say what colours say, so that a print in grey can be read.
"""

from typing import TYPE_CHECKING

from ..hints import missing
from .decision_boundary import decision_boundary
from .embedding import embedding
from .histograms import histograms
from .landscape import landscape, path
from .learning_rate import learning_rate
from .plot_descent import plot_descent
from .plot_history import plot_history
from .plot_many import plot_many
from .plot_rates import plot_rates
from .plot_search import plot_search

__all__ = [
    "decision_boundary",
    "embedding",
    "histograms",
    "landscape",
    "learning_rate",
    "path",
    "plot_descent",
    "plot_history",
    "plot_many",
    "plot_rates",
    "plot_search",
]


def __dir__() -> list[str]:
    return sorted(__all__)


if not TYPE_CHECKING:  # which is to know what there is
    __getattr__ = missing(__name__, __all__, "plot")
