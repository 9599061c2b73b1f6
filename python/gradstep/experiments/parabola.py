"""The loop of articles: f = 3x^2 - 2x - 3 from 8, rate 0.001, at most 500 iterations. It stops at 0.71, not at 1/3."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..minimize import minimize
from ..plot.figures import COLOURS
from .result import Column, Result
from .setup import Experiment, Setup
from .words import listed, written

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CURVATURE, MINIMUM, START = 6.0, 1 / 3, 8.0
CHANGE, MOST = 1e-5, 500  # the article's stops
SMALLEST = 0.001
RATES = (SMALLEST, 0.003, 0.01, 0.03, 0.1, 1 / 6, 0.3, 0.332, 0.334)


def value(x: Any) -> float:
    """The parabola."""
    return float((3 * x**2 - 2 * x - 3).sum())


def gradient(x: Any) -> np.ndarray:
    """Its derivative."""
    return np.asarray(6 * x - 2)


def loop(start: float, rate: float, change: float = CHANGE, most: int = MOST) -> tuple[float, int, bool]:
    """The loop as articles write it: where it stops, after how many iterations, and whether by its `change`."""
    x = start
    for iteration in range(1, most + 1):
        step = rate * (6 * x - 2)
        x -= step
        if abs(step) < change:
            return x, iteration, True
        if not math.isfinite(x):
            return x, iteration, False
    return x, most, False


def run(setup: Setup) -> Result:
    """The loop with each rate from seeded starts, and `minimize` from the article's."""
    columns = [
        Column("error", "distance to the minimum at the end", ".2g", "overflow"),
        Column("iterations", "iterations", ".0f"),
        Column("by_change", "stopped by the change of x", ".0%"),
        Column("article", "x at the end from 8", ".4g", "overflow"),
        Column("needed", "iterations to 1e-5 from 8, in theory", ".0f", "never"),
    ]
    result = Result("parabola", "none: f(x) = 3x² - 2x - 3, starts uniform in [-10, 10]", columns)
    starts = [float(np.random.default_rng(seed).uniform(-10, 10)) for seed in setup.seeds]
    for rate in RATES:
        ends = [loop(start, rate) for start in starts]
        factor = abs(1 - CURVATURE * rate)
        needed = math.log(CHANGE / (START - MINIMUM)) / math.log(factor) if 1e-9 < factor < 1 else None
        result.add(
            f"rate {rate:.4g}",
            {"rate": rate, "factor": factor},
            error=[abs(x - MINIMUM) for x, _, _ in ends],
            iterations=[float(n) for _, n, _ in ends],
            by_change=[float(stopped) for _, _, stopped in ends],
            article=[loop(START, rate)[0]],
            needed=[1.0 if factor < 1e-9 else math.ceil(needed) if needed is not None else None],
        )
    found = minimize(value, np.array([START]), jac=gradient, method="gd", learning_rate=SMALLEST, maxiter=MOST)
    free = minimize(value, np.array([START]), jac=gradient, method="l-bfgs")
    result.facts = {
        "end": float(found.x[0]),
        "success": float(found.success),
        "l-bfgs": float(free.x[0]),
        "l-bfgs calls": float(free.nfev),
    }
    return result


def findings(result: Result) -> list[str]:
    """What the numbers say."""
    first = result.rows[0]
    x = first.mean("article")
    short = [row for row in result.rows if row.settings["factor"] < 1 and row.mean("by_change") < 1]
    wrong = [row for row in result.rows if row.settings["factor"] > 1]
    kept = first.settings["factor"] ** MOST
    sentences = [
        f"The article's loop stops at x = {x:.4f}; the minimum is at 0.3333. A step multiplies the distance by 1 - 6 x "
        f"{SMALLEST:g} = {first.settings['factor']:.3f}, so {MOST} steps leave {kept:.1%} of it. "
        f"{first.mean('needed'):,.0f} iterations are needed for 1e-5.",
        f"From {result.seeds} starts in [-10, 10] the error at the end is {written(first, 'error', '.2f')}.",
    ]
    if short:
        rates = listed(f"{row.settings['rate']:.3g}" for row in short)
        sentences.append(
            f"Rates {rates} end at the limit of {MOST} iterations, not at the minimum, in some or all runs."
        )
    one = min(result.rows, key=lambda row: row.settings["factor"])
    sentences.append(
        f"A small rate is not safe, only slow: {one.label.removeprefix('rate ')} = 1/6 = 1/L arrives in "
        f"{one.mean('iterations'):.0f} iterations (the second sees that nothing changes any more)."
    )
    for row in wrong:
        error = row.mean("error")
        sentences.append(
            f"Above 2/L = 1/3 it runs away: at rate {row.settings['rate']:.4g} the end is {error:.3g} off."
        )
    said = "does not call this a success" if not result.facts["success"] else "calls this a success, which is wrong"
    sentences.append(
        f"`gs.minimize` with the same rate and limit stops at {result.facts['end']:.4f} too, and {said}; "
        f'`method="l-bfgs"` needs no rate and is at {result.facts["l-bfgs"]:.4f} after '
        f"{result.facts['l-bfgs calls']:.0f} calls."
    )
    return sentences


def draw(result: Result, figure: Figure) -> None:
    """Distances over the iterations, and where the loop stops for each rate."""
    left, right = figure.subplots(1, 2)
    shown = [row for row in result.rows if row.settings["rate"] in (RATES[0], RATES[1], RATES[2], RATES[4], RATES[-1])]
    steps = np.arange(MOST + 1)
    for number, row in enumerate(shown):
        distance = (START - MINIMUM) * np.power(row.settings["factor"], steps)
        left.plot(steps, distance, color=COLOURS[number], linestyle=("-", "--", "-.", ":")[number % 4], label=row.label)
    left.axhline(CHANGE, color="0.5", linewidth=0.8)
    left.text(MOST, CHANGE * 1.4, "1e-5", ha="right", fontsize="small", color="0.35")
    left.set_yscale("log")
    left.set_ylim(1e-7, 1e7)
    left.set_xlabel("iteration")
    left.set_ylabel("distance to the minimum, from 8")
    left.legend(fontsize="small", ncols=2, loc="upper center")
    left.grid(alpha=0.3)
    xs = np.linspace(-0.25, 0.92, 200)
    right.plot(xs, 3 * xs**2 - 2 * xs - 3, color="0.6", linewidth=1.2)
    for number, row in enumerate(shown[:-1]):
        x = row.mean("article")
        right.plot(x, 3 * x**2 - 2 * x - 3, "os^D"[number], color=COLOURS[number], label=f"{row.label}: x = {x:.3f}")
    right.set_xlabel("x")
    right.set_ylabel("f(x), and where the loop stops")
    right.legend(fontsize="small")
    right.grid(alpha=0.3)


EXPERIMENT = Experiment(
    "parabola",
    "The parabola loop that stops at 0.71",
    "Start anywhere, subtract the rate times the derivative until x hardly changes, and you are at the minimum.",
    f"The loop of articles with f = 3x² - 2x - 3: it stops when x changes by less than {CHANGE:g}, or after {MOST} "
    "iterations.",
    run,
    findings,
    draw,
    "learning rate",
)
