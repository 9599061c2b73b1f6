"""Parts of the experiments' pictures: curves with their spread, bars with their deviation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..plot.figures import COLOURS, MARKERS
from .result import Curve, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["bars", "curve", "dots", "marked", "over_epochs"]

DASHES = ("-", "--", "-.", ":")


def _numbers(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], float)


def curve(panel: Axes, line: Curve, number: int, label: str, logarithmic: bool = False) -> None:
    """A mean as a line in colour `number`, with the deviation between seeds as a band.

    With `logarithmic` the deviation is that of decimal logarithms, as `curve_over_seeds` makes it.
    """
    x, mean, deviation = _numbers(line.x), _numbers(line.mean), _numbers(line.deviation)
    colour = COLOURS[number % len(COLOURS)]
    panel.plot(x, mean, color=colour, linestyle=DASHES[number % len(DASHES)], label=label, linewidth=1.6)
    low, high = (
        (mean * 10.0**-deviation, mean * 10.0**deviation) if logarithmic else (mean - deviation, mean + deviation)
    )
    panel.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
    panel.grid(alpha=0.3)


def over_epochs(panel: Axes) -> None:
    """An axis of whole epochs."""
    from matplotlib.ticker import MaxNLocator

    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.set_xlabel("epoch")


def marked(panel: Axes, x: Sequence[float], rows: Sequence[Row], key: str, number: int, label: str) -> None:
    """Means of rows over x, with error bars of a deviation; rows without a value are left out."""
    known = [(at, row) for at, row in zip(x, rows, strict=True) if row.count(key)]
    panel.errorbar(
        [at for at, _ in known],
        [row.mean(key) for _, row in known],
        [row.deviation(key) for _, row in known],
        color=COLOURS[number % len(COLOURS)],
        marker=MARKERS[number % len(MARKERS)],
        linestyle=DASHES[number % len(DASHES)],
        markersize=5,
        capsize=2,
        label=label,
    )
    panel.grid(alpha=0.3)


def dots(panel: Axes, labels: Sequence[str], rows: Sequence[Row], key: str, title: str) -> None:
    """Means with deviations as points, a place for each label: for an axis that does not begin at 0."""
    places = np.arange(len(labels))[::-1]
    panel.errorbar(
        [row.mean(key) for row in rows],
        places,
        xerr=[row.deviation(key) for row in rows],
        fmt="o",
        color=COLOURS[0],
        capsize=3,
    )
    panel.set_yticks(places, labels)
    panel.set_xlabel(title)
    panel.grid(alpha=0.3)


def bars(panel: Axes, labels: Sequence[str], groups: Mapping[str, Sequence[Row]], key: str, title: str) -> None:
    """Horizontal bars of means with deviations: a place for each label, a colour for each group of rows."""
    height = 0.8 / len(groups)
    places = np.arange(len(labels))[::-1]
    for number, (name, rows) in enumerate(groups.items()):
        shift = height * ((len(groups) - 1) / 2 - number)
        panel.barh(
            places + shift,
            [row.mean(key) if row.count(key) else 0.0 for row in rows],
            height * 0.92,
            xerr=[row.deviation(key) for row in rows],
            color=COLOURS[number % len(COLOURS)],
            edgecolor="white",
            capsize=2,
            error_kw={"elinewidth": 0.9},
            label=name,
        )
    panel.set_yticks(places, labels)
    panel.set_xlabel(title)
    panel.grid(axis="x", alpha=0.3)
    panel.set_axisbelow(True)
