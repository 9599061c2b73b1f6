"""Five activations in a shallow and a deep network, each at its best rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import optimizers, utils
from .drawing import curve, over_epochs
from .networks import Trained, classifier, divided, train
from .result import Column, Result, curve_over_seeds
from .setup import Experiment, Setup
from .tuning import tuned
from .words import best, differ, listed, written

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = ("sigmoid", "tanh", "relu", "leaky_relu", "gelu")
DEPTHS = {"1 hidden layer": (64,), "6 hidden layers": (64,) * 6}
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)


def run(setup: Setup) -> Result:
    """A classifier of digits, by SGD with momentum."""
    data = setup.data.digits().part(setup.size(None, 300))
    epochs, rates = setup.size(20, 2), setup.size(RATES, RATES[3:5])

    def once(name: str, rate: float, seed: int, validate: bool = False) -> Trained:
        activation, depth = name.split(", ")
        train_rows, validation, test = divided(data.x, data.y, seed)
        utils.set_random_seed(seed)
        model = classifier(64, DEPTHS[depth], 10, activation, kernel_initializer="he_normal")
        parts = [train_rows, validation] if validate else [train_rows, validation, test]
        return train(model, optimizers.SGD(rate, momentum=0.9), parts, epochs)

    names = [f"{activation}, {depth}" for depth in DEPTHS for activation in NAMES]
    chosen = tuned(setup, dict.fromkeys(names, rates), lambda name, rate, seed: once(name, rate, seed, True).loss)
    columns = [
        Column("rate", "best rate", ".3g"),
        Column("loss", f"training loss after {epochs} epochs", ".4f", "overflow"),
        Column("accuracy", "accuracy on test rows", ".1%"),
    ]
    result = Result("activations", data.name, columns)
    tasks = [(name, seed) for name in names for seed in setup.seeds]
    found = dict(zip(tasks, setup.each(lambda task: once(task[0], chosen[task[0]], task[1]), tasks), strict=True))
    for name in names:
        each = [found[name, seed] for seed in setup.seeds]
        activation, depth = name.split(", ")
        result.add(
            name,
            {"activation": activation, "depth": depth},
            rate=[chosen[name]],
            loss=[one.history["loss"][-1] for one in each],
            accuracy=[one.accuracy for one in each],
        )
        losses = [one.history["loss"] for one in each]
        result.curves[name] = curve_over_seeds(range(1, epochs + 1), losses, logarithmic=True)
    return result


def findings(result: Result) -> list[str]:
    """What the numbers say."""
    sentences = []
    for depth in DEPTHS:
        rows = result.where(depth=depth)
        first, last = best(rows, "accuracy", largest=True), best(rows, "accuracy")
        same = [row.settings["activation"] for row in rows if not differ(row, first, "accuracy")]
        worse = [row for row in rows if row.settings["activation"] not in same]
        text = f"With {depth} {listed(same)} {'are' if len(same) > 1 else 'is'} best"
        text += (
            f" ({written(first, 'accuracy', '.1%')})"
            if len(same) == 1
            else (
                f" and not to be told apart ({first.mean('accuracy'):.1%} at most, deviation "
                f"{first.deviation('accuracy'):.1%})"
            )
        )
        if worse:
            text += "; " + listed(f"{row.settings['activation']} has {row.mean('accuracy'):.1%}" for row in worse)
        sentences.append(
            text + f". Between the best and the worst lie {first.mean('accuracy') - last.mean('accuracy'):.1%}."
        )
    deep, shallow = (result.row(f"sigmoid, {depth}") for depth in reversed(DEPTHS))
    if deep.mean("accuracy") < 0.5 < shallow.mean("accuracy"):
        verdict = "Holds: the sigmoid's gradient vanishes in a deep network"
    elif differ(deep, shallow, "accuracy") and deep.mean("accuracy") < shallow.mean("accuracy"):
        verdict = "Holds in part: the sigmoid loses accuracy with depth"
    else:
        verdict = "Fails: the sigmoid trains in a deep network too"
    depths = list(DEPTHS)
    sentences.append(
        f"{verdict}: {shallow.mean('accuracy'):.1%} with {depths[0]}, {deep.mean('accuracy'):.1%} with {depths[1]}, "
        "each at "
        "its best rate."
    )
    rates = sorted({row.mean("rate") for row in result.rows})
    sentences.append(f"Best rates lie between {rates[0]:g} and {rates[-1]:g}: a comparison at one rate compares rates.")
    return sentences


def draw(result: Result, figure: Figure) -> None:
    """Training loss over the epochs, for both depths."""
    panels = figure.subplots(1, 2, sharey=True)
    for panel, depth in zip(panels, DEPTHS, strict=True):
        for number, activation in enumerate(NAMES):
            name = f"{activation}, {depth}"
            label = f"{activation}, rate {result.row(name).mean('rate'):g}"
            curve(panel, result.curves[name], number, label, logarithmic=True)
        panel.set_yscale("log")
        panel.set_title(depth, fontsize="medium")
        over_epochs(panel)
        panel.legend(fontsize="small")
    panels[0].set_ylabel("training loss")


EXPERIMENT = Experiment(
    "activations",
    "Activations against accuracy",
    "ReLU trains fastest and is most accurate, tanh is second, and the sigmoid's gradient vanishes.",
    "A classifier of digits with layers of 64 units, weights by He, SGD with momentum 0.9, batches of 32; the rate "
    "is the "
    f"best of {len(RATES)} on validation rows, for each activation and depth.",
    run,
    findings,
    draw,
    "activation, depth",
)
