"""Thumbnails of the gallery: a sketch of what each example is about, for those that save no picture."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import gradstep as gs
import numpy as np

DOCS = Path(__file__).parent
if str(DOCS.parent / "examples") not in sys.path:
    sys.path.append(str(DOCS.parent / "examples"))

from data import digits, moons, sunspots  # noqa: E402

BLUE, ORANGE, GREEN, GREY = "#6699cc", "#e08a2e", "#5aa469", "#888888"
COLOURS = (BLUE, ORANGE, GREEN, GREY, "#b07aa1")
Axes = Any
t = np.linspace(0, 1, 101)
random = np.random.default_rng(0)


def curves(axes: Axes, *ys: np.ndarray, x: np.ndarray = t, width: float = 4) -> None:
    for y, colour in zip(ys, COLOURS * len(ys), strict=False):
        axes.plot(x, y, color=colour, linewidth=width)


def images(axes: Axes, rows: Sequence[np.ndarray]) -> None:
    """Images in a grid, each given as (height, width)."""
    columns = 4 if len(rows) > 4 else len(rows)
    grid = [np.hstack([np.pad(one, 2) for one in rows[i : i + columns]]) for i in range(0, len(rows), columns)]
    axes.imshow(np.vstack(grid), cmap="gray", interpolation="nearest")
    axes.axis("off")


def words(axes: Axes, *lines: str) -> None:
    for i, line in enumerate(lines):
        axes.text(0.02, 0.86 - 0.24 * i, line, family="monospace", fontsize=16, color=COLOURS[i % 2], clip_on=True)
    axes.axis("off")


def network(axes: Axes, sizes: Sequence[int], heads: int = 1) -> None:
    """Units in layers and the lines between them; heads: into how many groups the last layer is parted."""
    places = [
        [(i, (k - (n - 1) / 2) * (1.6 if heads > 1 and i == len(sizes) - 1 else 1)) for k in range(n)]
        for i, n in enumerate(sizes)
    ]
    for one, other in pairwise(places):
        for a in one:
            for b in other:
                axes.plot(*zip(a, b, strict=True), color=GREY, linewidth=0.7, zorder=1)
    for i, layer in enumerate(places):
        for k, (x, y) in enumerate(layer):
            last = i == len(places) - 1
            colour = COLOURS[1 + (k * heads // len(layer))] if last else BLUE
            axes.scatter(x, y, s=170, color=colour, zorder=2)
    axes.axis("off")


def noisy(x: np.ndarray, amount: float) -> np.ndarray:
    return x + random.normal(0, amount, x.shape)


def falling(rate: float, amount: float = 0.0) -> np.ndarray:
    return noisy(np.exp(-rate * t), amount)


def _clusters(axes: Axes) -> None:
    for (x, y), colour in zip(((0, 0), (2, 1), (0.5, 2)), COLOURS, strict=False):
        points = random.normal((x, y), 0.35, (40, 2))
        axes.scatter(*points.T, color=colour, s=14)
        axes.scatter(x, y, marker="x", s=160, color="#444444", linewidth=4)


def _moons(axes: Axes) -> None:
    x, y = moons(200, 0.15)
    axes.scatter(*x.T, c=[COLOURS[label] for label in y], s=14)


def _fits(axes: Axes) -> None:
    for k, rate in enumerate((1.0, 2.5, 6.0)):
        axes.plot(t, np.exp(-rate * t), color=COLOURS[k], linewidth=3)
        axes.scatter(t[::9], noisy(np.exp(-rate * t[::9]), 0.04), color=COLOURS[k], s=22)


def _pendulum(axes: Axes) -> None:
    swing = np.exp(-1.5 * t) * np.cos(18 * t)
    axes.plot(t, swing, color=BLUE, linewidth=4)
    axes.scatter(t[::5], noisy(swing[::5], 0.07), color=ORANGE, s=24, zorder=3)


def _forecast(axes: Axes) -> None:
    series = np.convolve(sunspots(620), np.ones(9) / 9, "valid")[:600:5]
    axes.plot(range(90), series[:90], color=BLUE, linewidth=3)
    axes.plot(range(89, 120), series[89:120], color=ORANGE, linewidth=3, linestyle=":")


def _schedules(axes: Axes) -> None:
    schedules = gs.optimizers.schedules
    steps = np.arange(100)
    for one in (schedules.CosineDecay(1.0, 100), schedules.StepDecay(1.0, 33, 0.4)):
        axes.plot(steps, [float(one(step)) for step in steps], color=COLOURS[len(axes.lines)], linewidth=4)
    axes.plot(steps, np.minimum(steps / 30, 1) * np.minimum((100 - steps) / 70, 1), color=GREEN, linewidth=4)


def _rate(axes: Axes) -> None:
    loss = 1 - 0.9 / (1 + np.exp(-14 * (t - 0.45))) + np.where(t > 0.8, 40 * (t - 0.8) ** 2, 0)
    axes.plot(t, loss, color=BLUE, linewidth=4)
    axes.axvline(0.56, color=ORANGE, linewidth=4, linestyle="--")


def _grid(axes: Axes) -> None:
    x, y = np.meshgrid(np.linspace(-1, 1, 6), np.linspace(-1, 1, 5))
    axes.imshow(-((x - 0.3) ** 2) - (y + 0.2) ** 2, cmap="Blues", aspect="auto")
    axes.scatter(4, 2, marker="*", s=320, color=ORANGE)


def _stop(axes: Axes) -> None:
    axes.plot(t, np.exp(-4 * t), color=BLUE, linewidth=4)
    axes.plot(t, np.exp(-5 * t) + 0.55 * t**1.6 + 0.12, color=ORANGE, linewidth=4)
    axes.axvline(0.38, color=GREY, linewidth=3, linestyle="--")


def _bottleneck(axes: Axes) -> None:
    network(axes, (6, 4, 2, 4, 6))


def _world(axes: Axes) -> None:
    axes.imshow(np.ones((4, 5)), cmap="gray", vmin=0, vmax=1)
    for k in range(6):
        axes.axvline(k - 0.5, color=GREY, linewidth=1)
        axes.axhline(k - 0.5, color=GREY, linewidth=1)
    axes.plot([0, 0, 1, 2, 3, 3, 4], [3, 2, 2, 2, 2, 1, 0], color=BLUE, linewidth=4)
    axes.scatter([0, 4], [3, 0], s=260, color=[GREEN, ORANGE], zorder=3)
    axes.axis("off")


def _bells(axes: Axes) -> None:
    x = np.linspace(-3, 3, 101)
    curves(axes, np.exp(-((x - 0.6) ** 2)), 0.9 * np.exp(-((x + 0.4) ** 2) / 1.4), x=x)


def _layer(axes: Axes) -> None:
    words(axes, "def forward(x):", "  return a * x", "def backward(dy):", "  return a * dy")


def _many(axes: Axes) -> None:
    for k in range(24):
        axes.plot(t, falling(1.5 + 0.25 * k, 0.01), color=COLOURS[k % 5], linewidth=1, alpha=0.8)


def _spoiled() -> list[np.ndarray]:
    clear = digits(4)[0] / 255.0
    return [*np.clip(noisy(clear, 0.35), 0, 1), *clear]


THUMBNAILS: dict[str, Callable[[Axes], None]] = {
    "autoencoder": _bottleneck,
    "batch_sizes": lambda axes: curves(axes, falling(5, 0.05), falling(3, 0.015), falling(1.2), width=3),
    "characters": lambda axes: words(axes, "the qui", "the quick br", "the quick brown"),
    "cnn": lambda axes: images(axes, list(digits(8)[0])),
    "compare_optimizers": lambda axes: curves(axes, *(falling(rate) for rate in (1, 2, 3.5, 6, 11))),
    "curve_fits": _fits,
    "denoise": lambda axes: images(axes, _spoiled()),
    "diabetes": lambda axes: curves(axes, 1 / (1 + np.exp(-12 * (t - 0.5))), t),
    "digits": lambda axes: network(axes, (6, 4, 3, 3)),
    "ensemble": lambda axes: curves(axes, *(noisy(np.sin(6 * t), 0.12) for _ in range(3)), np.sin(6 * t), width=3),
    "find_learning_rate": _rate,
    "forecast": _forecast,
    "gan": _bells,
    "gpt": lambda axes: words(axes, "27+45=72", "38+16=54", "19+63=82"),
    "grid_search": _grid,
    "kmeans": _clusters,
    "many_models": _many,
    "minimize": lambda axes: curves(axes, (t - 0.6) ** 2 * 4 + 0.25 * np.cos(25 * t)),
    "online": lambda axes: curves(axes, noisy(0.2 + 0 * t, 0.03), noisy(0.2 + 0.6 * (t > 0.5), 0.03)),
    "own_layer": _layer,
    "pendulum": _pendulum,
    "reinforce": _world,
    "schedules": _schedules,
    "sentiment": lambda axes: words(axes, "a joy to watch  +", "dull and long   -", "not bad at all  +"),
    "sparse_text": lambda axes: axes.spy(random.random((14, 20)) < 0.12, markersize=7, color=BLUE),
    "stop_early": _stop,
    "transfer": _moons,
    "two_outputs": lambda axes: network(axes, (4, 4, 4), heads=2),
}


def write(folder: Path) -> None:
    """Replace the thumbnails that the gallery made of nothing."""
    from matplotlib.figure import Figure

    for name, draw in THUMBNAILS.items():
        target = folder / "images" / "thumb" / f"sphx_glr_{name}_thumb.png"
        if not target.exists():
            continue
        figure = Figure(figsize=(4, 2.8))
        axes = figure.add_axes((0.06, 0.06, 0.88, 0.88))
        axes.set(xticks=[], yticks=[])
        draw(axes)
        axes.set(xticks=[], yticks=[])
        for side, spine in axes.spines.items():
            spine.set(visible=side in ("left", "bottom"), color=GREY, linewidth=3)
        figure.savefig(target, transparent=True, dpi=100)
