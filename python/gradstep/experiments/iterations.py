"""Iterations against error: gradient descent beside the bounds that textbooks prove."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from .. import optimizers
from ..plot.figures import COLOURS
from .drawing import curve
from .result import Column, Result, Row, curve_over_seeds
from .setup import Experiment, Setup

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOMENTS = (1, 10, 100, 1_000, 10_000)
RIDGE = 0.01  # of L, added to every curvature of the second problem
RESOLVED = 1e-15
CONVEX, STRONG = "convex", "strongly convex"


def descend(hessian: np.ndarray, errors: np.ndarray, rate: float, moments: list[int]) -> np.ndarray:
    """Values of half of e^T H e at moments, (moments, seeds), from errors (seeds, n, outputs)."""
    errors = errors.copy()
    bound = optimizers.SGD(learning_rate=rate).bind([errors])
    found = []
    for k in range(moments[-1] + 1):
        gradient = hessian @ errors
        if k in moments:
            found.append((errors * gradient).sum(axis=(1, 2)) / 2)
        bound.step([gradient])
    return np.array(found)


def run(setup: Setup) -> Result:
    """A least-squares classifier of digits, without and with a ridge."""
    data = setup.data.digits()
    x, y = data.x.astype(np.float64), np.eye(10)[data.y]
    plain = x.T @ x / len(x)
    largest = float(np.linalg.eigvalsh(plain)[-1])
    last = setup.size(MOMENTS[-1], 100)
    moments = sorted(
        {0, *np.unique(np.geomspace(1, last, 60).astype(int)).tolist(), *(m for m in MOMENTS if m <= last)}
    )
    columns = [
        Column("excess", "excess loss", ".2e"),
        Column("bound", "bound in theory", ".2e"),
        Column("ratio", "bound / measured", ".3g"),
    ]
    result = Result("iterations", data.name, columns)
    for name, ridge in ((CONVEX, 0.0), (STRONG, RIDGE * largest)):
        hessian = plain + ridge * np.eye(len(plain))
        curvatures = np.linalg.eigvalsh(hessian)
        top, low = float(curvatures[-1]), float(curvatures[0]) if ridge else 0.0
        solution = np.linalg.pinv(hessian, rcond=1e-10, hermitian=True) @ x.T @ y / len(x)
        starts = np.stack([np.random.default_rng(seed).normal(0, 0.1, solution.shape) for seed in setup.seeds])
        errors = starts - solution
        if not ridge:  # the nearest minimum: what lies where H is 0 stays
            errors = np.linalg.pinv(hessian, rcond=1e-10, hermitian=True) @ hessian @ errors
        excess = descend(hessian, errors, 1 / top, moments)
        square = (errors**2).sum(axis=(1, 2))
        bounds = np.array(
            [
                excess[0] * (1 - low / top) ** k if ridge else top * square / (2 * k) if k else excess[0] * np.nan
                for k in moments
            ]
        )
        for k in (moment for moment in MOMENTS if moment <= last):
            at = moments.index(k)
            if excess[at].max() < RESOLVED * excess[0].min():  # no run with rounded weights gets there
                continue
            with np.errstate(divide="ignore"):
                ratio = bounds[at] / excess[at]
            row = {"excess": list(excess[at]), "bound": list(bounds[at]), "ratio": list(ratio)}
            result.add(f"{name}, k = {k:,}", {"problem": name, "k": k}, **row)
        result.curves[name] = curve_over_seeds(moments[1:], excess[1:].T, logarithmic=True)
        result.curves[f"{name}, bound"] = curve_over_seeds(moments[1:], bounds[1:].T, logarithmic=True)
        result.facts[f"L, {name}"], result.facts[f"mu, {name}"] = top, low
    return result


def slope(rows: list[Row]) -> float:
    """The exponent p of k^-p between the second and the last row."""
    one, other = rows[1], rows[-1]
    return -math.log(other.mean("excess") / one.mean("excess")) / math.log(other.settings["k"] / one.settings["k"])


def findings(result: Result) -> list[str]:
    """What the numbers say."""
    convex, strong = result.where(problem=CONVEX), result.where(problem=STRONG)
    every = [row for row in (*convex, *strong) if row.count("ratio")]
    broken = [row for row in every if row.of("ratio").min() < 1 - 1e-6 and row.mean("excess") > 1e-13]
    kappa = result.facts[f"L, {STRONG}"] / result.facts[f"mu, {STRONG}"]
    early, late = convex[1], convex[-1]
    seen = [row for row in strong if row.mean("excess") > 1e-13]
    holds = (
        "The bounds hold at every k" if not broken else f"The bounds fail at {', '.join(row.label for row in broken)}"
    )
    return [
        f"{holds}: O(1/k) without strong convexity, (1 - mu/L)^k with it.",
        f"They are no forecasts. At k = {early.settings['k']:,} the O(1/k) bound is {early.mean('ratio'):,.0f} times "
        "too "
        f"large, at k = {late.settings['k']:,} {late.mean('ratio'):,.0f} times; in between the error fell like "
        f"k^-{slope(convex):.2f}.",
        f"With a ridge (condition number {kappa:,.0f}) the error falls by a constant factor a step, as theory says, "
        "but "
        f"at k = {seen[-1].settings['k']:,} it is {seen[-1].mean('ratio'):,.0f} times below the bound, as the bound "
        "counts every direction as the slowest.",
        "So ten times the iterations do not give a tenth of the error, as tables suggest: they give "
        f"{_gain(convex)} without strong convexity and {_gain(strong)} with it (from k = 10 to 100, then 1,000).",
    ]


def _gain(rows: list[Row]) -> str:
    """By what the error is divided from each power of ten to the next."""
    pairs = [row.mean("excess") / after.mean("excess") for row, after in pairwise(rows[1:4]) if after.mean("excess")]
    return " and ".join(f"1/{ratio:,.3g}" for ratio in pairs)


def draw(result: Result, figure: Figure) -> None:
    """Excess and bound over k, for both problems."""
    for number, (panel, name) in enumerate(zip(figure.subplots(1, 2), (CONVEX, STRONG), strict=True)):
        curve(panel, result.curves[name], number, "measured", logarithmic=True)
        bound = result.curves[f"{name}, bound"]
        formula = "L |x0 - x*|² / 2k" if name == CONVEX else "(1 - mu/L)^k of the start's"
        values = [math.nan if each is None else each for each in bound.mean]
        panel.plot(bound.x, values, ":", color="0.3", label=f"bound: {formula}")
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.set_ylim(bottom=max(1e-14, panel.get_ylim()[0]))
        panel.set_title(name, fontsize="medium", color=COLOURS[number])
        panel.set_xlabel("iterations k")
        panel.set_ylabel("loss above the least one")
        panel.legend(fontsize="small")


EXPERIMENT = Experiment(
    "iterations",
    "Iterations against error, and the theory",
    "The error falls like 1/k, or by a constant factor an iteration: 100, 1,000, 10,000 iterations make it 0.1, "
    "0.01, 0.001.",
    "Gradient descent at rate 1/L for a linear classifier by squares on digits, without and with a ridge of "
    f"{RIDGE:g} L, "
    "beside the bounds for convex and strongly convex functions.",
    run,
    findings,
    draw,
    "problem",
)
