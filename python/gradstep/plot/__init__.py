"""Figures (extra `plot`): matplotlib is imported by the functions only.

Each gives a `matplotlib.figure.Figure`, which belongs to no window: a notebook shows it, ``path=`` saves it. Markers,
dashes and darkness say what colours say, so that a print in grey can be read.
"""

from .boundary import decision_boundary
from .descent import plot_descent
from .embedded import embedding
from .history import plot_history
from .landscape import landscape, path
from .many import plot_many
from .rates import plot_rates
from .schedule import learning_rate
from .search import plot_search
from .spread import histograms

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
