"""Learning-rate schedules and cyclical rates, each at its best peak of the same budget."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import optimizers, utils
from ..optimizers import schedules as kinds
from ..plot.figures import COLOURS
from .drawing import DASHES, dots
from .networks import Trained, classifier, divided, train
from .result import Column, Result, Row
from .setup import Experiment, Setup
from .tuning import TUNING_SEEDS, tuned
from .words import best, differ, listed, written

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Of the highest rate, and the steps of the training.
SCHEDULES: dict[str, Callable[[float, int], Any]] = {
    "constant": lambda peak, steps: kinds.Constant(peak),
    "step decay": lambda peak, steps: kinds.StepDecay(peak, steps // 3, 0.3),
    "exponential": lambda peak, steps: kinds.ExponentialDecay(peak, steps, 0.01),
    "1 / t": lambda peak, steps: kinds.InverseTimeDecay(peak, steps, 10.0),
    "linear": lambda peak, steps: kinds.Linear(peak, 0.0, steps),
    "cosine": lambda peak, steps: kinds.CosineDecay(peak, steps),
    "warm-up, cosine": lambda peak, steps: kinds.Warmup(kinds.CosineDecay(peak, steps - steps // 10), steps // 10),
    "one cycle": lambda peak, steps: kinds.OneCycle(peak, steps),
    "cyclical": lambda peak, steps: kinds.CyclicalLR(peak / 10, peak, max(steps // 8, 1)),
    "cyclical, halved": lambda peak, steps: kinds.CyclicalLR(peak / 10, peak, max(steps // 8, 1), mode="triangular2"),
}
RATES = (0.01, 0.03, 0.1, 0.3)


def run(setup: Setup) -> Result:
    """A classifier of images, by SGD with momentum."""
    data = setup.data.images().part(setup.size(None, 400))
    pixels = data.x.reshape(len(data.x), -1)
    epochs, batch, rates = setup.size(10, 2), 64, setup.size(RATES, RATES[1:3])

    def once(name: str, peak: float, seed: int, validate: bool = False) -> Trained:
        train_rows, validation, test = divided(pixels, data.y, seed)
        utils.set_random_seed(seed)
        schedule = SCHEDULES[name](peak, epochs * -(-len(train_rows[0]) // batch))
        parts = [train_rows, validation] if validate else [train_rows, validation, test]
        model = classifier(pixels.shape[1], (64,), 10)
        return train(model, optimizers.SGD(schedule, momentum=0.9), parts, epochs, batch)

    chosen = tuned(setup, dict.fromkeys(SCHEDULES, rates), lambda name, peak, seed: once(name, peak, seed, True).loss)
    columns = [
        Column("peak", "best highest rate", ".2g"),
        Column("train", "training loss, last epoch", ".4f", "overflow"),
        Column("loss", "test loss", ".3f", "overflow"),
        Column("accuracy", "accuracy on test rows", ".2%"),
    ]
    result = Result("schedules", data.name, columns)
    tasks = [(name, seed) for name in SCHEDULES for seed in setup.seeds]
    found = dict(zip(tasks, setup.each(lambda task: once(task[0], chosen[task[0]], task[1]), tasks), strict=True))
    for name in SCHEDULES:
        each = [found[name, seed] for seed in setup.seeds]
        result.add(
            name,
            {"schedule": name},
            peak=[chosen[name]],
            train=[one.history["loss"][-1] for one in each],
            loss=[one.loss for one in each],
            accuracy=[one.accuracy for one in each],
        )
    return result


def findings(result: Result) -> list[str]:
    """What the numbers say."""
    constant = result.row("constant")
    falling = [row for row in result.rows if row is not constant and not row.label.startswith("cyclical")]
    cycles = [row for row in result.rows if row.label.startswith("cyclical")]
    first = best(result.rows, "loss")
    same = [row.label for row in falling if not differ(row, first, "loss")]
    sentences = []
    for key, what, form, largest in (
        ("train", "the training loss", ".4f", False),
        ("loss", "the test loss", ".3f", False),
        ("accuracy", "the accuracy on test rows", ".2%", True),
    ):
        better, worse = (
            [row for row in falling if _is_better(row, constant, key, large)] for large in (largest, not largest)
        )
        verdict = "Holds" if len(better) > len(falling) / 2 else "Holds in part" if better else "Fails"
        sentences.append(
            f"{verdict} for {what}: of {len(falling)} falling schedules, each at its best highest rate, "
            f"{len(better)} end "
            f"better than the constant rate's {written(constant, key, form)}, and {len(worse)} worse."
        )
    return [
        *sentences,
        f'The least test loss has "{first.label}" ({written(first, "loss", ".3f")}); of the falling schedules '
        f"{listed(same)} cannot be told from it by {result.seeds} seeds.",
        "Cyclical rates: "
        + "; ".join(
            f'"{row.label}" has a test loss of {written(row, "loss", ".3f")}, '
            + ("less than" if _is_better(row, constant, "loss") else "no less than")
            + " at a constant rate"
            for row in cycles
        )
        + ".",
    ]


def _is_better(row: Row, other: Row, key: str, largest: bool = False) -> bool:
    return differ(row, other, key) and (row.mean(key) > other.mean(key)) == largest


def draw(result: Result, figure: Figure) -> None:
    """The shapes, and the accuracies."""
    left, right = figure.subplots(1, 2)
    steps = np.arange(1_000)
    for number, name in enumerate(SCHEDULES):
        rates = np.asarray(SCHEDULES[name](1.0, len(steps))(steps), float)
        left.plot(steps / len(steps), rates, color=COLOURS[number], linestyle=DASHES[number % len(DASHES)], label=name)
    left.set_xlabel("share of the training")
    left.set_ylabel("rate / highest rate")
    left.legend(fontsize="x-small", ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    left.grid(alpha=0.3)
    labels = [f"{row.label} ({row.mean('peak'):g})" for row in result.rows]
    dots(right, labels, result.rows, "loss", "test loss (highest rate in brackets)")


EXPERIMENT = Experiment(
    "schedules",
    "Learning-rate schedules and cyclical rates",
    "A falling rate beats a constant one, and cyclical rates beat both.",
    "A classifier of images with a hidden layer of 64 units, SGD with momentum 0.9, batches of 64; the highest rate "
    "is the "
    f"best of {len(RATES)} by the validation loss of {TUNING_SEEDS} other seeds.",
    run,
    findings,
    draw,
    "schedule",
    (10.4, 4.4),
)
