"""Helpers of the figures: matplotlib, sizes, colours that differ in grey, files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["COLOURS", "MARKERS", "PANEL", "new_figure", "points", "saved", "tint"]

PANEL = (5.2, 3.8)  # inches
# Neighbours differ in darkness; the first two are those of training and validation.
COLOURS = (
    *("#1f4e8c", "#e07b00", "#4f9d69", "#8b1a5c", "#d4a72c"),
    *("#56b4e9", "#5c5c5c", "#b03a2e", "#c9a0dc", "#0b3d2e"),
)
MARKERS = "os^DvPX<>*"
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])  # of red, green and blue (ITU-R BT.709)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of this size in inches; it belongs to no window, and notebooks show it."""
    try:
        import matplotlib.figure  # noqa: F401

        from .notebook_figure import NotebookFigure
    except ImportError:
        raise ImportError("plots need matplotlib: pip install 'gradstep[plot]'") from None
    return NotebookFigure(figsize=(width, height), layout="constrained")


def saved(figure: Figure, path: str | os.PathLike[Any] | None) -> Figure:
    """The figure, written to the path if there is one."""
    if path is not None:
        figure.savefig(path, dpi=150)
    return figure


def tint(number: int, light: float) -> np.ndarray:
    """Colour `number` mixed with white, (3,): `light` is its darkness in grey, 0 for black, 1 for white."""
    from matplotlib.colors import to_rgb

    colour = np.array(to_rgb(COLOURS[number % len(COLOURS)]))
    share = min(1.0, (1 - light) / (1 - float(colour @ LUMINANCE)))
    return 1 - share * (1 - colour)


def points(panel: Axes, places: np.ndarray, labels: np.ndarray, classes: Sequence[Any]) -> None:
    """places (rows, 2), drawn with a colour and a marker for each class, named for the legend."""
    size = float(np.clip(24000 / max(len(places), 1), 12, 40))  # points squared
    for number, label in enumerate(classes):
        of_class = places[labels == label]
        panel.scatter(
            of_class[:, 0],
            of_class[:, 1],
            s=size,
            color=COLOURS[number % len(COLOURS)],
            marker=MARKERS[(number + number // len(COLOURS)) % len(MARKERS)],
            edgecolors="black",
            linewidths=0.012 * size,
            label=f"class {label}",
        )
