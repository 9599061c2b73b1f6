"""Initial weights: zeros, random numbers of three sizes, Xavier and He, for ReLU and tanh."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .. import optimizers, utils
from ..initializers import GlorotNormal, HeNormal, RandomNormal, Zeros
from .drawing import curve, over_epochs
from .networks import classifier, divided, evaluated, train
from .result import Column, Result, curve_over_seeds
from .setup import Experiment, Setup
from .words import best, differ, written

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HIDDEN = (64,) * 5
RATE = 0.1
KINDS: dict[str, Any] = {
    "zeros": lambda seed: Zeros(),
    "random, deviation 0.01": lambda seed: RandomNormal(stddev=0.01),
    "random, deviation 1": lambda seed: RandomNormal(stddev=1.0),
    "Xavier": lambda seed: GlorotNormal(),
    "He": lambda seed: HeNormal(),
}


def run(setup: Setup) -> Result:
    """A deep classifier of digits, by plain SGD."""
    data = setup.data.digits().part(setup.size(None, 300))
    epochs = setup.size(30, 3)

    def measure(task: tuple[str, str, int]) -> tuple[float, list[float], float]:
        activation, kind, seed = task
        parts = divided(data.x, data.y, seed)
        utils.set_random_seed(seed)
        model = classifier(64, HIDDEN, 10, activation, kernel_initializer=KINDS[kind](seed))
        model.compile("sgd", "sparse_categorical_crossentropy")
        before = evaluated(model, *parts[0])["loss"]
        found = train(model, optimizers.SGD(RATE), parts, epochs)
        return before, found.history["loss"], found.accuracy

    columns = [
        Column("before", "loss at the start", ".3g", "overflow"),
        Column("loss", f"training loss after {epochs} epochs", ".3f", "overflow"),
        Column("accuracy", "accuracy on test rows", ".1%"),
    ]
    result = Result("initialization", data.name, columns)
    tasks = [(activation, kind, seed) for activation in ("relu", "tanh") for kind in KINDS for seed in setup.seeds]
    found = dict(zip(tasks, setup.each(measure, tasks), strict=True))
    for activation in ("relu", "tanh"):
        for kind in KINDS:
            each = [found[activation, kind, seed] for seed in setup.seeds]
            result.add(
                f"{activation}, {kind}",
                {"activation": activation, "kind": kind},
                before=[one[0] for one in each],
                loss=[one[1][-1] for one in each],
                accuracy=[one[2] for one in each],
            )
            result.curves[f"{activation}, {kind}"] = curve_over_seeds(range(1, epochs + 1), [one[1] for one in each])
    return result


def findings(result: Result) -> list[str]:
    """What the numbers say."""
    chance = math.log(10)
    sentences = []
    stuck = [row for row in result.rows if not row.count("loss") or row.mean("loss") > 0.9 * chance]
    for kind, reason in (
        ("zeros", "all units of a layer get the same gradient, or none"),
        ("random, deviation 0.01", "five layers shrink the signal to nothing"),
        ("random, deviation 1", "each layer makes the signal many times larger"),
    ):
        rows = result.where(kind=kind)
        of = [row for row in rows if row in stuck]
        accuracies = " and ".join(f"{row.mean('accuracy'):.0%} ({row.settings['activation']})" for row in rows)
        verdict = "does not train" if len(of) == len(rows) else "trains" if not of else "trains in part"
        sentences.append(
            f"{'Holds' if of else 'Fails'}: from {kind} a network {verdict}: accuracy {accuracies}; the loss starts at "
            f"{rows[0].mean('before'):.3g} and {rows[1].mean('before'):.3g}, where guessing has {chance:.2f} "
            f"({reason})."
        )
    for activation, usual in (("relu", "He"), ("tanh", "Xavier")):
        pair = [row for row in result.where(activation=activation) if row.settings["kind"] in ("Xavier", "He")]
        first = best(pair, "loss")
        numbers = " and ".join(f"{written(row, 'loss', '.3f')} ({row.settings['kind']})" for row in pair)
        apart = differ(pair[0], pair[1], "loss")
        accuracy = "differs too" if differ(pair[0], pair[1], "accuracy") else "is the same within the seeds"
        if not apart:
            verdict = f'"{usual} for {activation}" makes no difference that {result.seeds} seeds would show'
        elif first.settings["kind"] == usual:
            verdict = f'"{usual} for {activation}" holds'
        else:
            verdict = f'"{usual} for {activation}" fails here'
        sentences.append(f"{verdict}: the training loss is {numbers}; the accuracy on test rows {accuracy}.")
    return sentences


def draw(result: Result, figure: Figure) -> None:
    """Training loss over the epochs, for both activations."""
    panels = figure.subplots(1, 2, sharey=True)
    for panel, activation in zip(panels, ("relu", "tanh"), strict=True):
        for number, kind in enumerate(KINDS):
            curve(panel, result.curves[f"{activation}, {kind}"], number, kind)
        panel.axhline(math.log(10), color="0.5", linewidth=0.8)
        panel.set_title(f"{len(HIDDEN)} hidden layers, {activation}", fontsize="medium")
        over_epochs(panel)
        panel.set_ylim(0, 3)
        lost = [kind for kind in KINDS if not result.row(f"{activation}, {kind}").count("loss")]
        if lost:
            panel.text(
                0.98, 0.5, f"{', '.join(lost)}: overflow", ha="right", fontsize="small", transform=panel.transAxes
            )
    panels[0].text(1, math.log(10) + 0.06, "guessing", fontsize="small", color="0.35")
    panels[0].set_ylabel("training loss")
    panels[1].legend(fontsize="small")


EXPERIMENT = Experiment(
    "initialization",
    "Initial weights against the loss",
    "Never start from zeros; use Xavier for tanh and He for ReLU.",
    f"A classifier of digits with {len(HIDDEN)} hidden layers of {HIDDEN[0]} units, by SGD at rate {RATE:g} in batches "
    "of 32; biases start at 0.",
    run,
    findings,
    draw,
    "activation, initial weights",
)
