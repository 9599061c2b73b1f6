"""The learning rate of gradient descent on a quadratic function whose largest curvature L is known."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .. import optimizers
from .drawing import curve, marked
from .result import Column, Result, curve_over_seeds
from .setup import Experiment, Setup
from .words import best, times

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHARES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0, 1.01, 1.1, 1.5)  # of 2 / L
GOAL = 1e-6
STEPS = 200  # after which the excess is written down


def quadratic(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hessian (n, n) of half the mean squared error of a linear model, and its minimum (n,); columns standardized."""
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    y = (y - y.mean()) / y.std()
    hessian = x.T @ x / len(x)
    return hessian, np.linalg.solve(hessian, x.T @ y / len(x))


def descend(hessian: np.ndarray, start: np.ndarray, rate: float, most: int) -> np.ndarray:
    """Gradient descent of e^T H e / 2 from errors (n, seeds): excess over that at the start, (steps + 1, seeds)."""
    errors = start.copy()
    bound = optimizers.SGD(learning_rate=rate).bind([errors])
    excess: list[np.ndarray] = []
    while len(excess) <= most:
        gradient = hessian @ errors
        excess.append((errors * gradient).sum(axis=0))
        at_end = len(excess) > STEPS and (excess[-1] <= GOAL * excess[0]).all()
        stalls = len(excess) > STEPS and (excess[-1] > excess[-STEPS] * (1 - 1e-9)).any()  # it swings, or runs away
        if at_end or stalls:
            break
        bound.step([gradient])
    return np.asarray(np.array(excess) / excess[0])


def run(setup: Setup) -> Result:
    """Descend with each rate from a start for each seed."""
    data = setup.data.houses()
    hessian, minimum = quadratic(data.x, data.y)
    curvatures = np.linalg.eigvalsh(hessian)
    smallest, largest = float(curvatures[0]), float(curvatures[-1])
    columns = [
        Column("rate", "rate", ".4g"),
        Column("steps", f"steps until the excess is {GOAL:g} of the start's", ",.0f", "never"),
        Column("theory", "steps, at most, in theory", ",.0f", "never"),
        Column("excess", f"excess after {STEPS} steps / at the start", ".1e", "overflow"),
    ]
    result = Result("learning_rate", data.name, columns)
    result.facts = {"L": largest, "mu": smallest, "condition": largest / smallest, "border": 2 / largest}
    starts = [np.random.default_rng(seed).normal(size=len(minimum)) for seed in setup.seeds]
    start = np.stack(starts, axis=1) - minimum[:, None]
    ideal = largest / (largest + smallest)  # 2 / (L + mu), as a share of 2 / L
    for share in sorted({*SHARES, ideal}):
        rate = share * 2 / largest
        excess = descend(hessian, start, rate, setup.size(60_000, 2_000))
        arrived = [np.flatnonzero(each <= GOAL) for each in excess.T]
        contraction = max(abs(1 - rate * smallest), abs(1 - rate * largest))
        sure = contraction < 1 - 1e-12
        result.add(
            f"{share:.4g} x 2/L",
            {"share": share, "ideal": share == ideal},
            rate=[rate],
            steps=[float(each[0]) if len(each) else None for each in arrived],
            theory=[math.ceil(math.log(GOAL) / (2 * math.log(contraction))) if sure else None],
            excess=list(excess[STEPS]),
        )
        if share in (0.05, 0.25, 0.75, 1.0, 1.01, 1.1):
            result.curves[f"{share:g}"] = curve_over_seeds(range(STEPS + 1), excess[: STEPS + 1].T, logarithmic=True)
    return result


def findings(result: Result) -> list[str]:
    """What the numbers say."""
    below = [row for row in result.rows if row.settings["share"] < 1]
    above = [row for row in result.rows if row.settings["share"] > 1]
    slow, fast = below[0], best(below, "steps")
    arrived = [row for row in below if row.count("steps") == result.seeds]
    lost = sum(int((row.of("excess") > 1).sum()) + result.seeds - row.count("excess") for row in above)
    runs = result.seeds * len(above)
    border, condition = result.facts["border"], result.facts["condition"]
    pace = (
        f"{times(slow.mean('steps'), fast.mean('steps'))} as many steps ({slow.mean('steps'):,.0f}) at "
        f"{slow.settings['share']:g} of the border as at the best rate ({fast.mean('steps'):,.0f})"
        if slow.count("steps")
        else "no arrival at the smallest rate"
    )
    return [
        f"Holds: a larger rate is faster, up to a border: {pace}.",
        f"Fails: the border is no number such as 0.1. It is 2/L, here {border:.3g}, and follows from the data. Below "
        "it "
        f"{len(arrived)} of {len(below)} rates arrived in every run; above it {lost} of {runs} runs were farther off "
        f"after {STEPS} steps than at the start.",
        f"The border is sharp: at 1.01 of it the excess after {STEPS} steps is "
        f"{result.row('1.01 x 2/L').mean('excess'):.2g} of the start's, and grows; at 0.99 of it the run arrives.",
        f"The best rate of those tried is {fast.settings['share']:.4g} of the border (theory: 2/(L + mu), "
        f"{1 / (1 + 1 / condition):.4g} of it): just below divergence, where nobody looks for it. No rate repairs a "
        f"condition number of {condition:,.0f}; scaling or momentum does.",
    ]


def draw(result: Result, figure: Figure) -> None:
    """Excess over steps, and steps over the rate."""
    left, right = figure.subplots(1, 2)
    for number, (share, line) in enumerate(result.curves.items()):
        curve(left, line, number, f"{share} x 2/L", logarithmic=True)
    left.set_yscale("log")
    left.set_ylim(1e-4, 1e6)
    left.set_xlabel("step")
    left.set_ylabel("excess loss / at the start")
    left.legend(fontsize="small", title="rate")
    below = [row for row in result.rows if row.settings["share"] < 1]
    shares = [row.settings["share"] for row in below]
    marked(right, shares, below, "steps", 0, "measured")
    right.plot(shares, [row.mean("theory") for row in below], ":", color="0.3", label="bound in theory")
    right.axvline(1, color="#b03a2e", linewidth=1.4)
    right.axvspan(1, 1.6, color="#b03a2e", alpha=0.12)
    right.text(1.3, 0.5, "diverges", color="#b03a2e", ha="center", transform=right.get_xaxis_transform())
    right.set_xlim(0, 1.6)
    right.set_yscale("log")
    right.set_xlabel("rate / (2/L)")
    right.set_ylabel(f"steps until the excess is {GOAL:g}")
    right.legend(fontsize="small", loc="upper right")


EXPERIMENT = Experiment(
    "learning_rate",
    "Learning rate against convergence",
    "0.1 is too large and diverges, 0.001 is too small and slow, 0.01 is about right.",
    "Gradient descent on half the mean squared error of a linear model over standardized columns: a quadratic function "
    "whose largest and smallest curvature, L and mu, are eigenvalues.",
    run,
    findings,
    draw,
    "learning rate",
)
