"""The time that a dense, a convolutional and a recurrent network take, and what they reach in it."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

from .. import optimizers, utils
from ..layers import LSTM, Conv2D, Dense, Flatten, Input, MaxPooling2D, Reshape
from ..models import Sequential
from ..plot.figures import COLOURS, MARKERS
from .drawing import bars
from .networks import divided, evaluated
from .result import Column, Result
from .setup import Experiment, Setup
from .words import best, times, written

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = ("MLP", "CNN", "LSTM")


def network(name: str, height: int, width: int) -> Sequential:
    """A classifier of images (height, width); an LSTM reads them row by row."""
    inner: list[Any]
    if name == "MLP":
        inner = [Flatten(), Dense(128, activation="relu")]
    elif name == "CNN":
        inner = [Reshape((height, width, 1))]
        for filters in (16, 32):
            inner += [Conv2D(filters, 3, padding="same", activation="relu"), MaxPooling2D()]
        inner += [Flatten()]
    else:
        inner = [LSTM(64)]
    return Sequential([Input((height, width)), *inner, Dense(10, activation="softmax")])


def run(setup: Setup) -> Result:
    """All three on the same images, one after another."""
    data = setup.data.images().part(setup.size(None, 300))
    epochs = setup.size(3, 2)

    def measure(task: tuple[int, str]) -> tuple[int, list[float], list[float]]:
        seed, name = task
        (x, y), _, test = divided(data.x, data.y, seed)
        utils.set_random_seed(seed)
        model = network(name, *data.x.shape[1:])
        model.compile(optimizers.Adam(0.001), "sparse_categorical_crossentropy", metrics=["accuracy"])
        seconds, accuracies = [0.0], [0.1]
        for _ in range(epochs):
            begin = perf_counter()
            model.fit(x, y, batch_size=64, verbose=0)
            seconds.append(seconds[-1] + perf_counter() - begin)
            accuracies.append(evaluated(model, *test)["accuracy"])
        return model.count_params(), seconds, accuracies

    columns = [
        Column("weights", "weights", ",.0f"),
        Column("seconds", "seconds an epoch", ".3g"),
        Column("accuracy", f"accuracy after {epochs} epochs", ".1%"),
        Column("early", "accuracy after 1 epoch", ".1%"),
    ]
    result = Result("architectures", data.name, columns)
    tasks = [(seed, name) for seed in setup.seeds for name in NAMES]
    found = dict(zip(tasks, setup.each(measure, tasks, timed=True), strict=True))
    for name in NAMES:
        each = [found[seed, name] for seed in setup.seeds]
        values = {f"s{i}": [one[1][i] for one in each] for i in range(1, epochs + 1)}
        values |= {f"a{i}": [one[2][i] for one in each] for i in range(1, epochs + 1)}
        result.add(
            name,
            {"network": name},
            weights=[float(each[0][0])],
            seconds=[one[1][-1] / epochs for one in each],
            accuracy=[one[2][-1] for one in each],
            early=[one[2][1] for one in each],
            **values,
        )
    result.facts["epochs"] = float(epochs)
    return result


def findings(result: Result) -> list[str]:
    """What the numbers say."""
    mlp, cnn, lstm = (result.row(name) for name in NAMES)
    order = sorted(result.rows, key=lambda row: row.mean("seconds"))
    holds = [row.label for row in order] == list(NAMES)
    accurate = best(result.rows, "accuracy", largest=True)
    fewer = "fewer" if cnn.mean("weights") < mlp.mean("weights") else "more"
    slower = max(cnn, lstm, key=lambda row: row.mean("seconds"))
    epochs = int(result.facts["epochs"])
    reached = next((i for i in range(1, epochs + 1) if cnn.mean(f"a{i}") >= mlp.mean("accuracy")), None)
    sentences = [
        f"{'Holds' if holds else 'Fails'}: an epoch takes "
        + ", ".join(f"{written(row, 'seconds', '.2g')} s ({row.label})" for row in order)
        + ("" if holds else f", so that the {order[-1].label} is slowest")
        + f"; the {slower.label} takes {times(slower.mean('seconds'), mlp.mean('seconds'))} as long as the MLP.",
        f"Fails: the number of weights says nothing of time. The CNN has {fewer} weights than the MLP "
        f"({cnn.mean('weights'):,.0f} and {mlp.mean('weights'):,.0f}) and uses each of them at many places.",
        f"The most accurate after {epochs} epochs is the {accurate.label}: "
        + ", ".join(f"{row.label} {written(row, 'accuracy', '.1%')}" for row in result.rows)
        + ".",
    ]
    if reached is not None:
        sentences.append(
            f"Time an epoch is not time to an accuracy: the CNN is where the MLP ends ({mlp.mean('accuracy'):.1%}) "
            "after "
            f"{reached} epoch{'s' if reached > 1 else ''} and {cnn.mean(f's{reached}'):.2g} s; the MLP takes "
            f"{mlp.mean(f's{epochs}'):.2g} s."
        )
    return sentences


def draw(result: Result, figure: Figure) -> None:
    """Seconds an epoch, and accuracy over seconds."""
    from matplotlib.ticker import LogLocator

    left, right = figure.subplots(1, 2)
    bars(left, [row.label for row in result.rows], {"": result.rows}, "seconds", "seconds an epoch")
    for place, row in zip(range(len(result.rows))[::-1], result.rows, strict=True):
        left.text(
            row.mean("seconds") + row.deviation("seconds"), place, f"  {row.mean('weights'):,.0f} weights", va="center",
            fontsize="small",
        )  # fmt: skip
    left.set_xlim(0, 1.45 * max(row.mean("seconds") + row.deviation("seconds") for row in result.rows))
    epochs = range(1, int(result.facts["epochs"]) + 1)
    for number, row in enumerate(result.rows):
        right.errorbar(
            [row.mean(f"s{i}") for i in epochs],
            [row.mean(f"a{i}") for i in epochs],
            [row.deviation(f"a{i}") for i in epochs],
            color=COLOURS[number],
            marker=MARKERS[number],
            capsize=2,
            label=row.label,
        )
    right.set_xscale("log")
    right.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    right.xaxis.set_major_formatter("{x:g}")
    right.minorticks_off()
    right.set_xlabel("seconds of training (a mark is an epoch)")
    right.set_ylabel("accuracy on test rows")
    right.legend(fontsize="small")
    right.grid(alpha=0.3)


EXPERIMENT = Experiment(
    "architectures",
    "Training time of MLP, CNN and LSTM",
    "An MLP trains in minutes, a CNN in tens of minutes, an LSTM in hours; more weights take more time.",
    "An MLP of 128 units, a CNN of 16 and 32 filters (3 x 3, pooling) and an LSTM of 64 units over the rows of the "
    "image, "
    "Adam 0.001, batches of 64, timed one after another on all threads.",
    run,
    findings,
    draw,
    "network",
)
