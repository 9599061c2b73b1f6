"""Boxes with text, and arrows from one to others, in levels: how layers of a model are connected."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from .figures import COLOURS, new_figure, tint

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_boxes"]

LETTER, LINE, MARGIN, GAP, BETWEEN = 0.077, 0.19, 0.12, 0.3, 0.42  # inches
SWEEPS = 4


def draw_boxes(
    texts: Sequence[Sequence[str]],
    arrows: Sequence[tuple[int, int]],
    path: str | os.PathLike[Any] | None,
    across: bool,
    dpi: int,
) -> Figure:
    """The figure of some boxes.

    Parameters
    ----------
    texts : sequence of sequences of str
        Lines of each box; the first is bold.
    arrows : sequence of (int, int)
        From which box to which; each goes from a lower number to a higher.
    path : str or path, optional
        Where to save the figure.
    across : bool
        Whether levels go from left to right instead of downwards.
    dpi : int
        Dots per inch of the file.
    """
    levels, ways = _levels(len(texts), arrows)
    sizes = [_size(lines) for lines in texts] + [(0.1, 0.1)] * (sum(map(len, levels)) - len(texts))
    centers, halves, extent = _places(levels, [size[::-1] for size in sizes] if across else sizes)
    if across:
        centers, extent = [place[::-1] for place in centers], (extent[1], extent[0])
    figure = new_figure(max(extent[0], 1.5), max(extent[1], 1.0))
    figure.set_layout_engine("none")
    from matplotlib.patches import FancyBboxPatch

    panel = figure.add_axes((0, 0, 1, 1))
    panel.set(xlim=(0, max(extent[0], 1.5)), ylim=(max(extent[1], 1.0), 0))
    panel.set_axis_off()
    for way in ways:
        _arrow(panel, [(centers[i], halves[i]) for i in way], sizes[way[0]], sizes[way[-1]], across)
    for lines, (x, y), (wide, high) in zip(texts, centers, sizes, strict=False):
        box = FancyBboxPatch(
            (x - wide / 2, y - high / 2),
            wide,
            high,
            boxstyle="round,pad=0,rounding_size=0.06",
            facecolor=tint(0, 0.93),
            edgecolor=COLOURS[0],
        )
        panel.add_patch(box)
        for k, line in enumerate(lines):
            height = y - high / 2 + MARGIN + (k + 0.5) * LINE
            weight = "normal" if k else "bold"
            panel.text(x, height, line, ha="center", va="center", fontsize=9, fontweight=weight, color="black")
    if path is not None:
        figure.savefig(path, dpi=dpi)
    return figure


def _size(lines: Sequence[str]) -> tuple[float, float]:
    """Width and height of a box."""
    return max(len(line) for line in lines) * LETTER + 2 * MARGIN, len(lines) * LINE + 2 * MARGIN


def _levels(count: int, arrows: Sequence[tuple[int, int]]) -> tuple[list[list[int]], list[list[int]]]:
    """Which boxes are on each level, and each arrow as a way through points on the levels between, which have numbers
    from `count` on."""
    level = [0] * count
    for source, target in sorted(arrows, key=lambda arrow: arrow[1]):
        level[target] = max(level[target], level[source] + 1)
    for source in range(count):  # inputs stand right above what reads them first
        reads = [level[target] for begin, target in arrows if begin == source]
        if reads and not any(target == source for _, target in arrows):
            level[source] = min(reads) - 1
    levels: list[list[int]] = [[] for _ in range(max(level, default=0) + 1)]
    for box, number in enumerate(level):
        levels[number].append(box)
    ways = []
    for source, target in arrows:
        way = [source]
        for number in range(level[source] + 1, level[target]):
            levels[number].append(count)
            way.append(count)
            count += 1
        ways.append([*way, target])
    _arrange(levels, [pair for way in ways for pair in pairwise(way)])
    return levels, ways


def _arrange(levels: list[list[int]], links: Sequence[tuple[int, int]]) -> None:
    """Put what is linked near each other, so that few arrows cross: each level in the order of its neighbours' means
    (Sugiyama, Tagawa & Toda 1981)."""
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for level in levels if down else levels[::-1]:
            place = {box: k - (len(row) - 1) / 2 for row in levels for k, box in enumerate(row)}
            linked = {
                box: [pair[0] if down else pair[1] for pair in links if pair[1 if down else 0] == box] for box in level
            }
            level.sort(
                key=lambda box: sum(place[one] for one in linked[box]) / len(linked[box]) if linked[box] else place[box]
            )


def _places(
    levels: Sequence[Sequence[int]], sizes: Sequence[tuple[float, float]]
) -> tuple[list[tuple[float, float]], list[float], tuple[float, float]]:
    """Centers of all points, levels downwards; half the height of the level of each; and the size of the whole."""
    widths = [sum(sizes[box][0] for box in row) + GAP * (len(row) - 1) for row in levels]
    whole = max(widths) + 2 * GAP
    centers, halves = [(0.0, 0.0)] * len(sizes), [0.0] * len(sizes)
    y = GAP
    for row, width in zip(levels, widths, strict=True):
        high = max(sizes[box][1] for box in row)
        x = (whole - width) / 2
        for box in row:
            centers[box], halves[box] = (x + sizes[box][0] / 2, y + high / 2), high / 2
            x += sizes[box][0] + GAP
        y += high + BETWEEN
    return centers, halves, (whole, y - BETWEEN + GAP)


def _arrow(panel: Any, points: list[Any], first: Any, last: Any, across: bool) -> None:
    """A line from the end of one box to the begin of another, straight along the levels between them."""
    ahead = 0 if across else 1

    def moved(point: Any, by: float) -> tuple[float, float]:
        return (point[0] + by, point[1]) if across else (point[0], point[1] + by)

    between = [moved(point, by) for point, half in points[1:-1] for by in (-half, half)]
    points = [moved(points[0][0], first[ahead] / 2), *between, moved(points[-1][0], -last[ahead] / 2)]
    style = {"color": COLOURS[6], "linewidth": 1.0}
    panel.plot([p[0] for p in points[:-1]], [p[1] for p in points[:-1]], **style)
    panel.annotate("", points[-1], points[-2], arrowprops={"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0, **style})
