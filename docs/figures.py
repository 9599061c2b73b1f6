"""The pictures of how-a-step-works.md, drawn from the code: each for a light and for a dark page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradstep as gs

MADE = Path(__file__).parent / "made"
# Ink, lines, and four fills, which differ in darkness too.
PALETTES = {
    "light": {"ink": "#222222", "line": "#666666", "fills": ("#9cc3e6", "#f5c07a", "#a6d5a9", "#d9d9d9")},
    "dark": {"ink": "#e8e8e8", "line": "#aaaaaa", "fills": ("#6699cc", "#ffaa55", "#77bb88", "#aaaaaa")},
}
HATCHES = ("", "//", "..", "xx", "\\\\", "++", "--", "oo")
Axes = Any
Palette = dict[str, Any]


def box(axes: Axes, x: float, y: float, width: float, height: float, text: str, fill: str, palette: Palette) -> None:
    """A rectangle with a word in it."""
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((x, y), width, height, facecolor=fill, edgecolor=palette["line"], linewidth=0.8))
    axes.text(x + width / 2, y + height / 2, text, ha="center", va="center", fontsize=9, color="#111111")


def arrow(axes: Axes, begin: tuple[float, float], end: tuple[float, float], palette: Palette) -> None:
    axes.annotate("", end, begin, arrowprops={"arrowstyle": "-|>", "color": palette["line"], "linewidth": 1.1})


def label(axes: Axes, x: float, y: float, text: str, palette: Palette, **options: Any) -> None:
    axes.text(x, y, text, color=palette["ink"], **({"fontsize": 9, "va": "center"} | options))


def arena(axes: Axes, palette: Palette) -> None:
    """Where the weights of a real model lie: offsets as NumPy reports them."""
    model = gs.Sequential([gs.Input((8,)), gs.layers.Dense(12, "relu"), gs.layers.Dense(5)])
    starts = [weight.__array_interface__["data"][0] for weight in model.weights]
    first, names = min(starts), ["kernel", "bias", "kernel", "bias"]
    ends = [start + weight.nbytes - first for start, weight in zip(starts, model.weights, strict=True)]
    for row, title in enumerate(("weights", "state m", "state v")):
        y = 2.4 - row
        label(axes, -12, y + 0.3, title, palette, ha="right")
        for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
            fill = palette["fills"][i % 2]
            box(
                axes,
                start - first,
                y,
                end - (start - first),
                0.6,
                names[i] if row == 0 and i % 2 == 0 else "",
                fill,
                palette,
            )
    for i, (start, weight) in enumerate(zip(starts, model.weights, strict=True)):
        shape = " x ".join(map(str, weight.shape))
        label(
            axes, start - first, 3.25 + 0.35 * (i % 2), f"{names[i]} {shape}, byte {start - first}", palette, fontsize=8
        )
    axes.set_xlim(-90, max(ends) + 40)
    axes.set_ylim(0.2, 3.9)


def epilogue(axes: Axes, palette: Palette) -> None:
    """Gradient and update apart, and in one: what goes to memory."""
    fills = palette["fills"]
    for y, title in ((2.3, "apart"), (0.4, "fused")):
        label(axes, -0.2, y + 0.4, title, palette, ha="right", fontweight="bold")
    box(axes, 0, 2.3, 2.2, 0.8, "dw = x' dy", fills[0], palette)
    box(axes, 3.4, 2.3, 2.2, 0.8, "dw in memory", fills[3], palette)
    box(axes, 6.8, 2.3, 2.2, 0.8, "Adam: w, m, v", fills[1], palette)
    arrow(axes, (2.2, 2.7), (3.4, 2.7), palette)
    arrow(axes, (5.6, 2.7), (6.8, 2.7), palette)
    label(axes, 2.8, 3.0, "write", palette, ha="center", fontsize=8)
    label(axes, 6.2, 3.0, "read", palette, ha="center", fontsize=8)
    for i in range(3):
        x = 3.1 * i
        box(axes, x, 0.4, 1.4, 0.8, f"tile {i + 1} of dw", fills[0], palette)
        box(axes, x + 1.4, 0.4, 1.4, 0.8, "Adam on it", fills[1], palette)
    label(axes, 0, 0.05, "a tile stays in the first cache until its weights have moved", palette, fontsize=8)
    axes.set_xlim(-1, 9.4)
    axes.set_ylim(-0.2, 3.4)


def stages(axes: Axes, palette: Palette) -> None:
    """Stages of one step on two threads: chunks with borders that do not depend on the threads."""
    names = ("forward 1", "forward 2", "loss", "dx of 2", "dw of 2 + Adam", "dw of 1 + Adam")
    widths, fills = (3.0, 1.6, 0.6, 1.2, 1.6, 3.0), palette["fills"]
    x = 0.0
    for i, (name, width) in enumerate(zip(names, widths, strict=True)):
        fill = fills[1] if "Adam" in name else fills[0] if "forward" in name else fills[2]
        for thread in range(2):
            for part in range(2):
                box(
                    axes,
                    x + part * width / 2,
                    1.3 - 1.1 * thread,
                    width / 2,
                    0.7,
                    str(2 * thread + part + 1),
                    fill,
                    palette,
                )
        label(axes, x + width / 2, 2.2 + 0.3 * (i % 2), name, palette, ha="center", fontsize=8)
        x += width + 0.25
    for thread in range(2):
        label(axes, -0.2, 1.65 - 1.1 * thread, f"thread {thread + 1}", palette, ha="right")
    axes.set_xlim(-1.4, x)
    axes.set_ylim(0, 2.8)


def slices(axes: Axes, palette: Palette) -> None:
    """Slices of 50 ms in C++, and Python between them."""
    fills = palette["fills"]
    for i in range(3):
        x = 4.2 * i
        box(axes, x, 0.3, 3.5, 0.8, "50 ms of whole steps, no GIL", fills[0], palette)
        box(axes, x + 3.6, 1.4, 0.5, 0.8, "", fills[1], palette)
        arrow(axes, (x + 3.5, 1.1), (x + 3.7, 1.4), palette)
        arrow(axes, (x + 4.0, 1.4), (x + 4.2, 1.1), palette)
    label(axes, -0.2, 0.7, "C++", palette, ha="right")
    label(axes, -0.2, 1.8, "Python", palette, ha="right")
    label(axes, 3.9, 2.45, "progress bar, Ctrl-C, threads that wait", palette, ha="center", fontsize=8)
    axes.set_xlim(-1.3, 12.8)
    axes.set_ylim(0.1, 2.7)


FIGURES: dict[str, tuple[Callable[[Axes, Palette], None], tuple[float, float]]] = {
    "arena": (arena, (8, 2.6)),
    "epilogue": (epilogue, (8, 2.4)),
    "stages": (stages, (8, 2.2)),
    "slices": (slices, (8, 1.9)),
}


def thumbnail() -> None:
    """A curve that falls: what stands for an example that draws nothing, on light and dark pages."""
    from matplotlib.figure import Figure

    MADE.mkdir(exist_ok=True)
    figure = Figure(figsize=(4, 2.8))
    axes = figure.add_axes((0.12, 0.14, 0.8, 0.78))
    steps = [0.1 * i for i in range(41)]
    for rate, color in ((0.5, "#6699cc"), (1.2, "#e08a2e")):
        axes.plot(steps, [2.718281828 ** (-rate * t) for t in steps], color=color, linewidth=5)
    axes.set(xticks=[], yticks=[])
    for name, spine in axes.spines.items():
        spine.set(visible=name in ("left", "bottom"), color="#888888", linewidth=3)
    figure.savefig(MADE / "thumbnail.png", transparent=True, dpi=100)


def write() -> None:
    """Draw all figures that are not there yet."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    MADE.mkdir(exist_ok=True)
    for name, (draw, size) in FIGURES.items():
        for mode, palette in PALETTES.items():
            with rc_context({"svg.hashsalt": name, "svg.fonttype": "path"}):
                figure = Figure(figsize=size, layout="constrained")
                axes = figure.add_subplot()
                axes.axis("off")
                draw(axes, palette)
                figure.savefig(MADE / f"{name}-{mode}.svg", transparent=True, metadata={"Date": None})


Point = tuple[str, dict[str, float]]  # a date, and microseconds of gradstep, the fastest rival and the nearest limit
LINES = {"gradstep": ("o", "-", 0), "fastest rival": ("s", "--", 1), "nearest limit": ("^", ":", 2)}


def lines(path: Path, palette: Palette, rows: dict[str, list[Point]]) -> None:
    """Times by the date of the run, a panel for each problem."""
    from matplotlib.figure import Figure

    columns = min(len(rows), 4)
    height = -(-len(rows) // columns)
    figure = Figure(figsize=(max(4, 2.2 * columns), 0.5 + 1.9 * height), layout="constrained")
    panels = figure.subplots(height, columns, squeeze=False).ravel()
    for axes, (problem, points) in zip(panels, rows.items(), strict=False):
        for name, (marker, style, fill) in LINES.items():
            known = [(i, times[name]) for i, (_, times) in enumerate(points) if name in times]
            look = {"marker": marker, "linestyle": style, "color": palette["fills"][fill], "label": name}
            axes.plot([i for i, _ in known], [time for _, time in known], markeredgecolor=palette["line"], **look)
        axes.set_xticks(range(len(points)), [day[5:] for day, _ in points])
        axes.set_xlim(-0.5, len(points) - 0.5)
        axes.set_ylim(0, 1.15 * max(max(times.values()) for _, times in points))
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.set_title(problem, color=palette["ink"], fontsize=8)
        styled(axes, palette)
    for axes in panels[len(rows) :]:
        axes.axis("off")
    for axes in panels[::columns]:
        axes.set_ylabel("microseconds", color=palette["ink"], fontsize=8)
    handles, labels = panels[0].get_legend_handles_labels()
    options = {"fontsize": 8, "loc": "outside upper left", "ncols": 3, "frameon": False}
    figure.legend(handles, labels, labelcolor=palette["ink"], **options)
    figure.savefig(path, transparent=True, metadata={"Date": None})


def styled(axes: Axes, palette: Palette) -> None:
    """Ticks and borders in a palette's colours."""
    axes.tick_params(which="both", colors=palette["ink"], labelsize=8)
    for spine in axes.spines.values():
        spine.set_color(palette["line"])


def bars(path: Path, palette: Palette, rows: dict[str, dict[str, float]]) -> None:
    """Groups of bars on a logarithmic scale: time over gradstep's, for each problem and rival."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    looks = {
        name: {"facecolor": palette["fills"][i % 4], "hatch": HATCHES[i % len(HATCHES)]} for i, name in enumerate(names)
    }
    edge = {"edgecolor": palette["ink"], "linewidth": 0.4}
    count = sum(len(row) + 1 for row in rows.values())
    figure = Figure(figsize=(8, 1.2 + 0.17 * (count + len(names))), layout="constrained")
    axes = figure.add_subplot()
    y, ticks = 0, []
    for problem, row in rows.items():
        ticks.append((y + (len(row) - 1) / 2, problem))
        for name, value in row.items():
            axes.barh(y, value - 1, left=1, **looks[name], **edge)
            y += 1
        y += 1
    axes.set_xscale("log")
    axes.axvline(1, color=palette["ink"], linewidth=1)
    axes.set_yticks([at for at, _ in ticks], [text for _, text in ticks])
    axes.invert_yaxis()
    axes.set_xlabel(
        "time over gradstep's: to the right of 1 slower, to the left faster", color=palette["ink"], fontsize=8
    )
    styled(axes, palette)
    patches = [Patch(**looks[name], **edge, label=name) for name in names]
    figure.legend(
        handles=patches, fontsize=8, loc="outside upper left", ncols=3, frameon=False, labelcolor=palette["ink"]
    )
    figure.savefig(path, transparent=True, metadata={"Date": None})
