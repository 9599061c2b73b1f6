"""Batch sizes against time and accuracy, at one rate for all and at each one's best rate."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from .. import optimizers, utils
from .drawing import marked
from .networks import Trained, classifier, divided, train
from .result import Column, Result
from .setup import Experiment, Setup
from .tuning import tuned
from .words import best, differ, listed, times, written

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZES: tuple[int | str, ...] = (1, 8, 32, 128, 512, "full")
RATE = 0.05
RATES = (0.003, 0.01, 0.05, 0.2, 0.8, 3.2)


def run(setup: Setup) -> Result:
    """A classifier of images, by plain SGD; what is timed runs alone."""
    data = setup.data.images().part(setup.size(None, 300))
    pixels = data.x.reshape(len(data.x), -1)
    epochs, rates, sizes = setup.size(5, 2), setup.size(RATES, RATES[2:4]), setup.size(SIZES, SIZES[1:])

    def once(size: int | str, rate: float, seed: int, validate: bool = False) -> Trained:
        train_rows, validation, test = divided(pixels, data.y, seed)
        utils.set_random_seed(seed)
        parts = [train_rows, validation] if validate else [train_rows, validation, test]
        return train(classifier(pixels.shape[1], (64,), 10), optimizers.SGD(rate), parts, epochs, size)

    named = {str(size): size for size in sizes}
    chosen = tuned(
        setup, dict.fromkeys(named, rates), lambda name, rate, seed: once(named[name], rate, seed, True).loss
    )
    columns = [
        Column("time", "milliseconds an epoch", ".3g"),
        Column("accuracy", f"accuracy at rate {RATE:g}, {epochs} epochs", ".1%"),
        Column("rate", "best rate", ".2g"),
        Column("tuned", "accuracy at the best rate", ".1%"),
    ]
    result = Result("batch_size", data.name, columns)
    result.facts["rows"] = float(len(divided(pixels, data.y, 0)[0][0]))
    tasks = [(size, rate, seed) for seed in setup.seeds for size in sizes for rate in (RATE, chosen[str(size)])]
    found = dict(zip(tasks, setup.each(lambda task: once(*task), tasks), strict=True))
    spent = {size: [milliseconds(pixels, data.y, size, seed) for seed in setup.seeds] for size in sizes}
    for size in sizes:
        plain = [found[size, RATE, seed] for seed in setup.seeds]
        at_best = [found[size, chosen[str(size)], seed] for seed in setup.seeds]
        result.add(
            "all rows" if size == "full" else str(size),
            {"size": result.facts["rows"] if size == "full" else size},
            time=spent[size],
            accuracy=[one.accuracy for one in plain],
            rate=[chosen[str(size)]],
            tuned=[one.accuracy for one in at_best],
        )
    return result


def milliseconds(pixels: np.ndarray, labels: np.ndarray, size: int | str, seed: int) -> float:
    """The time of an epoch on all threads: the shortest of three, after one to warm up."""
    train_rows = divided(pixels, labels, seed)[0]
    model = classifier(pixels.shape[1], (64,), 10)
    model.compile(optimizers.SGD(RATE), "sparse_categorical_crossentropy")
    found = []
    for _ in range(4):
        begin = perf_counter()
        model.fit(*train_rows, batch_size=size, verbose=0)
        found.append(1000 * (perf_counter() - begin))
    return min(found[1:])


def findings(result: Result) -> list[str]:
    """What the numbers say."""
    small, large = result.rows[0], result.rows[-1]
    fast = best(result.rows, "time")
    fixed, tuned_ = best(result.rows, "accuracy", largest=True), best(result.rows, "tuned", largest=True)
    others = [row.label for row in result.rows if row is not tuned_ and not differ(row, tuned_, "tuned")]
    lost = [row for row in result.rows if row.mean("accuracy") < tuned_.mean("tuned") - 0.05]
    recovered = max(result.rows, key=lambda row: row.mean("tuned") - row.mean("accuracy"))
    told = f"{listed(others)} cannot be told from it." if others else "all other sizes are less accurate."
    middle = result.row("128")
    gain = times(middle.mean("time"), large.mean("time"))
    return [
        f"Holds for time: an epoch in batches of {small.label} takes {small.mean('time'):.3g} ms, "
        f"{times(small.mean('time'), fast.mean('time'))} as long as the fastest ({fast.label}, "
        f"{fast.mean('time'):.3g} ms).",
        f"Most of it is won early: an epoch in batches of 128 takes {gain} as long as one step with all rows "
        f"({middle.mean('time'):.3g} and {large.mean('time'):.3g} ms).",
        f'At one rate, {RATE:g}, "small batches are more accurate" seems to hold ({fixed.label}: '
        f"{written(fixed, 'accuracy', '.1%')}; {large.label}: {written(large, 'accuracy', '.1%')}), but {len(lost)} of "
        f"{len(result.rows)} sizes have made too few or too short steps: they are more than 5 % below the best.",
        f"At its best rate a batch of {recovered.label} gains "
        f"{recovered.mean('tuned') - recovered.mean('accuracy'):.1%}. With each size at its best rate, {tuned_.label} "
        f"is most accurate ({written(tuned_, 'tuned', '.1%')}); {told} Rate and batch size belong together.",
    ]


def draw(result: Result, figure: Figure) -> None:
    """Time and accuracy over the batch size."""
    left, right = figure.subplots(1, 2)
    sizes = [float(row.settings["size"]) for row in result.rows]
    marked(left, sizes, result.rows, "time", 0, "epoch")
    left.set_ylim(bottom=0)
    left.set_ylabel("milliseconds an epoch")
    marked(right, sizes, result.rows, "tuned", 0, "each at its best rate")
    marked(right, sizes, result.rows, "accuracy", 1, f"all at rate {RATE:g}")
    for size, row in zip(sizes, result.rows, strict=True):
        place = (size, row.mean("tuned") + row.deviation("tuned"))
        right.annotate(
            f"{row.mean('rate'):g}", place, (0, 4), textcoords="offset points", ha="center", fontsize="small"
        )
    right.set_ylabel("accuracy on test rows (best rates above)")
    right.set_ylim(top=1.05)
    right.legend(fontsize="small", loc="lower left")
    for panel in (left, right):
        panel.set_xscale("log")
        panel.set_xticks(sizes, [row.label for row in result.rows])
        panel.minorticks_off()
        panel.set_xlabel("batch size")


EXPERIMENT = Experiment(
    "batch_size",
    "Batch size against time and accuracy",
    "Small batches are slow but generalize better; large ones are fast but worse.",
    "A classifier of images with a hidden layer of 64 units, plain SGD, the same number of epochs. The time is the "
    "shortest of three epochs on all threads, with nothing else running. The best rate is that of "
    f"{len(RATES)} with the least validation loss over three other seeds.",
    run,
    findings,
    draw,
    "batch size",
)
