"""Momentum: the steady-state step lr / (1 - mu), and networks at equal rates and at equal steady-state steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import optimizers, utils
from .drawing import curve, over_epochs
from .networks import classifier, divided, train
from .result import Column, Result, Row, curve_over_seeds
from .setup import Experiment, Setup
from .words import differ, written

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VALUES = (0.0, 0.5, 0.9, 0.99)
RATE = 0.01  # of all, and lr / (1 - mu) of momentum 0.9 is ten times that
STEADY = 0.1
GOAL = 0.1
SAME_RATE, SAME_STEP = f"rate {RATE:g}", f"rate {STEADY:g} x (1 - mu)"


def steady_step(mu: float) -> float:
    """The step of momentum after a long time of one and the same gradient, in multiples of rate x gradient."""
    w, g = np.zeros(1), np.ones(1)
    bound = optimizers.SGD(0.01, momentum=mu).bind([w])
    for _ in range(5_000):
        before = w[0]
        bound.step([g])
    return float((before - w[0]) / 0.01)


def run(setup: Setup) -> Result:
    """A classifier of digits."""
    data = setup.data.digits().part(setup.size(None, 300))
    epochs = setup.size(40, 3)

    def measure(task: tuple[str, float, int]) -> tuple[list[float], float]:
        kind, mu, seed = task
        parts = divided(data.x, data.y, seed)
        utils.set_random_seed(seed)
        rate = RATE if kind == SAME_RATE else STEADY * (1 - mu)
        found = train(classifier(64, (64, 32), 10), optimizers.SGD(rate, momentum=mu), parts, epochs)
        return found.history["loss"], found.accuracy

    columns = [
        Column("step", "step under a constant gradient / rate", ".4g"),
        Column("epochs", f"epochs to a training loss of {GOAL:g}", ".1f", f"not in {epochs}"),
        Column("loss", f"training loss after {epochs} epochs", ".4f", "overflow"),
        Column("accuracy", "accuracy on test rows", ".1%"),
    ]
    result = Result("momentum", data.name, columns)
    tasks = [(kind, mu, seed) for kind in (SAME_RATE, SAME_STEP) for mu in VALUES for seed in setup.seeds]
    found = dict(zip(tasks, setup.each(measure, tasks), strict=True))
    steady = {mu: steady_step(mu) for mu in VALUES}
    for kind in (SAME_RATE, SAME_STEP):
        for mu in VALUES:
            each = [found[kind, mu, seed] for seed in setup.seeds]
            arrived = [next((i + 1.0 for i, loss in enumerate(one[0]) if loss <= GOAL), None) for one in each]
            result.add(
                f"{kind}, mu = {mu:g}",
                {"kind": kind, "mu": mu},
                step=[steady[mu]],
                epochs=arrived,
                loss=[one[0][-1] for one in each],
                accuracy=[one[1] for one in each],
            )
            losses = [one[0] for one in each]
            result.curves[f"{kind}, mu = {mu:g}"] = curve_over_seeds(range(1, epochs + 1), losses, logarithmic=True)
    return result


def findings(result: Result) -> list[str]:
    """What the numbers say."""
    rows = result.where(kind=SAME_RATE)
    off = max(abs(row.mean("step") * (1 - row.settings["mu"]) - 1) for row in rows)
    plain, usual = rows[0], next(row for row in rows if row.settings["mu"] == 0.9)
    same_plain, same_usual = (
        next(r for r in result.where(kind=SAME_STEP) if r.settings["mu"] == mu) for mu in (0.0, 0.9)
    )
    extreme = next(row for row in rows if row.settings["mu"] == 0.99)
    return [
        "Under a constant gradient the step becomes rate / (1 - mu): "
        + ", ".join(f"{row.mean('step'):.4g} rates at mu = {row.settings['mu']:g}" for row in rows[1:])
        + f" (off by {off:.1g} at most).",
        f"Holds at equal rates ({SAME_RATE}): momentum 0.9 {_epochs(usual)}; without it the network {_epochs(plain)}.",
        ("Fails" if not differ(same_plain, same_usual, "epochs") else "Holds in part")
        + f" at equal steps (rate {STEADY:g} x (1 - mu)): momentum 0.9 {_epochs(same_usual)}; without it the network "
        f"{_epochs(same_plain)}. Most of what momentum gains here is a rate ten times as large.",
        f"More is not better: mu = 0.99 at {SAME_RATE}, where a step is a hundred rates, ends with a training loss of "
        f"{written(extreme, 'loss', '.3f')} and accuracy {written(extreme, 'accuracy', '.1%')}; mu = 0.9 with "
        f"{written(usual, 'loss', '.3f')} and {written(usual, 'accuracy', '.1%')}.",
    ]


def _epochs(row: Row) -> str:
    """How long a setting takes."""
    if not row.count("epochs"):
        return f"does not get to a training loss of {GOAL:g}"
    return f"takes {written(row, 'epochs', '.1f')} epochs to a training loss of {GOAL:g}"


def draw(result: Result, figure: Figure) -> None:
    """Training loss over the epochs, at equal rates and at equal steps."""
    panels = figure.subplots(1, 2, sharey=True)
    for panel, kind in zip(panels, (SAME_RATE, SAME_STEP), strict=True):
        for number, mu in enumerate(VALUES):
            curve(panel, result.curves[f"{kind}, mu = {mu:g}"], number, f"mu = {mu:g}", logarithmic=True)
        panel.axhline(GOAL, color="0.5", linewidth=0.8)
        panel.set_yscale("log")
        panel.set_title(
            ("equal rates: " if kind == SAME_RATE else "equal steady-state steps: ") + kind, fontsize="medium"
        )
        over_epochs(panel)
        panel.legend(fontsize="small")
    panels[0].set_ylabel("training loss")


EXPERIMENT = Experiment(
    "momentum",
    "Momentum against speed",
    "Momentum 0.9 makes training several times faster.",
    "The step of SGD with momentum mu after 5,000 equal gradients; and a classifier of digits, 64-64-32-10, in "
    "batches of "
    "32, once with the same rate for all mu and once with the same rate / (1 - mu).",
    run,
    findings,
    draw,
)
