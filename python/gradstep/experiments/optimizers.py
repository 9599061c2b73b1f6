"""Optimizers, each at its best rate of the same budget, and at the rate it has by default."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import optimizers as rules
from .. import utils
from .drawing import curve, dots, over_epochs
from .networks import Trained, classifier, divided, train
from .result import Column, Result, curve_over_seeds
from .setup import Experiment, Setup
from .tuning import TUNING_SEEDS, tuned
from .words import best, differ, listed, written

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# How each is made of a rate; without one it takes its default.
RULES: dict[str, Callable[..., Any]] = {
    "SGD": lambda **rate: rules.SGD(**rate),
    "momentum": lambda **rate: rules.SGD(momentum=0.9, **rate),
    "Nesterov": lambda **rate: rules.SGD(momentum=0.9, nesterov=True, **rate),
    "Adagrad": lambda **rate: rules.Adagrad(**rate),
    "Adadelta": lambda **rate: rules.Adadelta(**rate),
    "RMSprop": lambda **rate: rules.RMSprop(**rate),
    "Adam": lambda **rate: rules.Adam(**rate),
    "AdamW": lambda **rate: rules.AdamW(**rate),
    "Nadam": lambda **rate: rules.Nadam(**rate),
    "Lion": lambda **rate: rules.Lion(**rate),
}
RATES = tuple(float(f"{rate:.2g}") for rate in 10.0 ** np.arange(-4, 1.01, 0.5))  # 0.0001, 0.00032, ... 10


def run(setup: Setup) -> Result:
    """A classifier of digits."""
    data = setup.data.digits().part(setup.size(None, 300))
    epochs, rates = setup.size(15, 2), setup.size(RATES, RATES[4:7:2])

    def once(name: str, rate: float | None, seed: int, validate: bool = False) -> Trained:
        train_rows, validation, test = divided(data.x, data.y, seed)
        utils.set_random_seed(seed)
        parts = [train_rows, validation] if validate else [train_rows, validation, test]
        optimizer = RULES[name]() if rate is None else RULES[name](learning_rate=rate)
        return train(classifier(64, (64, 32), 10), optimizer, parts, epochs)

    chosen = tuned(setup, dict.fromkeys(RULES, rates), lambda name, rate, seed: once(name, rate, seed, True).loss)
    columns = [
        Column("rate", "best rate", ".2g"),
        Column("loss", "test loss at the best rate", ".3f", "overflow"),
        Column("accuracy", "accuracy at the best rate", ".1%"),
        Column("default_rate", "default rate", ".2g"),
        Column("default_loss", "test loss at the default rate", ".3f", "overflow"),
        Column("default_accuracy", "accuracy at the default rate", ".1%"),
    ]
    result = Result("optimizers", data.name, columns)
    tasks = [(name, rate, seed) for name in RULES for rate in (chosen[name], None) for seed in setup.seeds]
    found = dict(zip(tasks, setup.each(lambda task: once(*task), tasks), strict=True))
    for name in RULES:
        at_best = [found[name, chosen[name], seed] for seed in setup.seeds]
        at_default = [found[name, None, seed] for seed in setup.seeds]
        result.add(
            name,
            {"rule": name},
            rate=[chosen[name]],
            loss=[one.loss for one in at_best],
            accuracy=[one.accuracy for one in at_best],
            default_rate=[float(RULES[name]().learning_rate)],
            default_loss=[one.loss for one in at_default],
            default_accuracy=[one.accuracy for one in at_default],
        )
        losses = [one.history["loss"] for one in at_best]
        result.curves[name] = curve_over_seeds(range(1, epochs + 1), losses, logarithmic=True)
    return result


def findings(result: Result) -> list[str]:
    """What the numbers say."""
    first, last = best(result.rows, "loss"), max(result.rows, key=lambda row: row.mean("loss"))
    same = [row.label for row in result.rows if not differ(row, first, "loss")]
    adam, momentum, sgd = (result.row(name) for name in ("Adam", "momentum", "SGD"))
    spread = f"{min(r.mean('accuracy') for r in result.rows):.1%} to {max(r.mean('accuracy') for r in result.rows):.1%}"
    defaults = [row.mean("default_accuracy") for row in result.rows]
    sentences = [
        f"At their best rates accuracies lie from {spread}; the least test loss has {first.label} "
        f"({written(first, 'loss', '.3f')})"
        + (
            f", and {listed(name for name in same if name != first.label)} cannot be told from it"
            if len(same) > 1
            else ""
        )
        + f"; the largest {last.label} ({written(last, 'loss', '.3f')}).",
        f'Fails: "Adam converges fastest" compares rates, not rules. At default rates accuracies lie from '
        f"{min(defaults):.1%} to {max(defaults):.1%}, {_ratio(result)} the range at the best ones.",
    ]
    if differ(adam, momentum, "loss"):
        better, worse = sorted((adam, momentum), key=lambda row: row.mean("loss"))
        sentences.append(
            f"Tuned, {better.label} has a smaller test loss than {worse.label} ({written(better, 'loss', '.3f')} "
            "against "
            f"{written(worse, 'loss', '.3f')})."
        )
    else:
        sentences.append(
            f"Tuned, Adam ({written(adam, 'loss', '.3f')}) and SGD with momentum ({written(momentum, 'loss', '.3f')}) "
            "cannot be told apart."
        )
    off = {row.label: row.mean("rate") / row.mean("default_rate") for row in result.rows}
    far = max(off, key=lambda name: abs(np.log(off[name])))
    sentences.append(
        f"Holds: Adam's default is near its best rate here ({adam.mean('default_rate'):g}; best "
        f"{adam.mean('rate'):g}); "
        f"SGD's is {sgd.mean('default_rate'):g}, best {sgd.mean('rate'):g}; farthest off is {far} "
        f"({result.row(far).mean('default_rate'):g}; best {result.row(far).mean('rate'):g})."
        if 0.2 < off["Adam"] < 5
        else f"Fails: Adam's default rate {adam.mean('default_rate'):g} is far from its best {adam.mean('rate'):g}."
    )
    return sentences


def _ratio(result: Result) -> str:
    """How many times wider the range of accuracies is at default rates."""
    wide, narrow = (
        max(row.mean(key) for row in result.rows) - min(row.mean(key) for row in result.rows)
        for key in ("default_accuracy", "accuracy")
    )
    return f"{wide / narrow:.3g} times" if narrow else "more than"


def draw(result: Result, figure: Figure) -> None:
    """Test losses at both rates, and training curves."""
    left, right = figure.subplots(1, 2)
    labels = [f"{row.label} ({row.mean('rate'):g})" for row in result.rows]
    dots(left, labels, result.rows, "loss", "test loss at the best rate (in brackets)")
    for number, row in enumerate(result.rows):
        curve(right, result.curves[row.label], number, row.label, logarithmic=True)
    right.set_yscale("log")
    over_epochs(right)
    right.set_ylabel("training loss at the best rate")
    right.legend(fontsize="x-small", ncols=2)


EXPERIMENT = Experiment(
    "optimizers",
    "Optimizers at their best rates",
    "Adam converges fastest, then RMSprop, then momentum; plain SGD is slow.",
    "A classifier of digits, 64-64-32-10, in batches of 32. The rate of each is the best of "
    f"{len(RATES)} from {RATES[0]:g} to {RATES[-1]:g}, by the validation loss of {TUNING_SEEDS} seeds that are not "
    "measured.",
    run,
    findings,
    draw,
    "optimizer",
    (10.4, 4.4),
)
