"""Scalers of columns: condition numbers, gradient descent on a linear model, and a network with Adam."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import optimizers, utils
from ..layers import Dense, Input
from ..models import Sequential
from ..scalers import MinMaxScaler, Normalizer, RobustScaler, StandardScaler
from .drawing import bars, curve, over_epochs
from .result import Column, Result, curve_over_seeds
from .setup import Experiment, Setup
from .words import best, differ, listed, times, written

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS: dict[str, Callable[[], Any] | None] = {
    "none": None,
    "StandardScaler": StandardScaler,
    "MinMaxScaler": MinMaxScaler,
    "RobustScaler": RobustScaler,
    "Normalizer": Normalizer,
}
NEAR = 0.01  # of the least loss: there gradient descent has arrived


def scaled(kind: str, train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Training and test rows by a scaler that has seen the training rows."""
    make = KINDS[kind]
    if make is None:
        return train, test
    scaler = make().fit(train)
    return scaler.transform(train), scaler.transform(test)


def descend(x: np.ndarray, y: np.ndarray, most: int) -> tuple[float, int | None]:
    """Condition number of a linear model with a bias, and the steps at rate 1/L until its loss is near the least."""
    x = np.column_stack([x, np.ones(len(x))])
    hessian = x.T @ x / len(x)
    curvatures = np.linalg.eigvalsh(hessian)
    least = np.linalg.lstsq(x, y, rcond=None)[0]
    floor = float(((x @ least - y) ** 2).mean()) / 2
    errors = -least
    bound = optimizers.SGD(learning_rate=1 / float(curvatures[-1])).bind([errors])
    condition = float(curvatures[-1] / max(curvatures[0], curvatures[-1] * 1e-18))
    for step in range(most + 1):
        gradient = hessian @ errors
        if float(errors @ gradient) / 2 <= NEAR * floor:
            return condition, step
        bound.step([gradient])
    return condition, None


def run(setup: Setup) -> Result:
    """Both models over the columns as each scaler makes them; targets have mean 0 and deviation 1."""
    data = setup.data.houses()
    data = data.part(setup.size(None, 300))
    epochs, most = setup.size(30, 3), setup.size(20_000, 500)

    def measure(task: tuple[str, int]) -> tuple[float, int | None, float, list[float]]:
        kind, seed = task
        (x, y), (x_test, y_test) = utils.split(data.x, data.y, (0.8, 0.2), seed=seed)
        y, y_test = (y - y.mean()) / y.std(), (y_test - y.mean()) / y.std()
        x, x_test = scaled(kind, x, x_test)
        condition, steps = descend(x, y, most)
        utils.set_random_seed(seed)
        model = Sequential([Input((x.shape[1],)), Dense(32, "relu"), Dense(32, "relu"), Dense(1)])
        model.compile(optimizers.Adam(0.001), "mse")
        given = x_test.astype(np.float32), y_test.astype(np.float32)
        history = model.fit(
            x.astype(np.float32),
            y.astype(np.float32),
            batch_size=64,
            epochs=epochs,
            validation_data=given,
            verbose=0,
        ).history
        return condition, steps, float(history["val_loss"][-1] / y_test.var()), list(history["val_loss"] / y_test.var())

    columns = [
        Column("condition", "condition number", ".3g"),
        Column("steps", f"gradient descent: steps to {NEAR:.0%} above the least loss", ",.0f", f"not in {most:,}"),
        Column("error", f"network, Adam, {epochs} epochs: unexplained variance on test rows", ".3f", "overflow"),
    ]
    result = Result("scaling", data.name, columns)
    tasks = [(kind, seed) for kind in KINDS for seed in setup.seeds]
    found = dict(zip(tasks, setup.each(measure, tasks), strict=True))
    for kind in KINDS:
        each = [found[kind, seed] for seed in setup.seeds]
        result.add(
            kind,
            {"scaler": kind},
            condition=[one[0] for one in each],
            steps=[one[1] for one in each],
            error=[one[2] for one in each],
        )
        result.curves[kind] = curve_over_seeds(range(1, epochs + 1), [one[3] for one in each], logarithmic=True)
    return result


def findings(result: Result) -> list[str]:
    """What the numbers say."""
    none, rows = result.rows[0], result.rows[1:]
    columnwise = [row for row in rows if row.label != "Normalizer"]
    arrived = [row for row in columnwise if row.count("steps") == result.seeds]
    sentences = []
    if arrived:
        first = best(arrived, "steps")
        raw = f"{none.mean('steps'):,.0f}" if none.count("steps") else f"more than {_limit(result)}"
        sentences.append(
            f"Holds for gradient descent: the condition number falls from {none.mean('condition'):.2g} without "
            "scaling to "
            f"{first.mean('condition'):.2g} with {first.label}, and the steps from {raw} to {first.mean('steps'):,.0f}."
        )
    late = [row for row in arrived if row is not first and differ(row, first, "steps")] if arrived else []
    if late:
        parts = (
            f"{times(row.mean('steps'), first.mean('steps'))} as many with {row.label} (condition number "
            f"{row.mean('condition'):.2g})"
            for row in late
        )
        sentences.append(f"Fails: scalers are not alike. Gradient descent takes {listed(parts)}.")
    rowwise = result.row("Normalizer")
    sentences.append(
        f"Normalizer scales rows, not columns: its condition number is {rowwise.mean('condition'):.2g}, and what it "
        f"divides by is lost: the network leaves {written(rowwise, 'error', '.3f')} of the variance unexplained."
    )
    winner = best(rows, "error")
    pairs = [(a, b) for a, b in zip(none.values["error"], winner.values["error"], strict=True) if b is not None]
    worse = sum(a is None or a > b for a, b in pairs)
    sentences.append(
        "Adam scales the step of each weight, and does not repair it: without scaling the network is worse than "
        "with "
        f"{winner.label} in {worse} of {len(pairs)} runs, and leaves {none.mean('error'):.3g} of the variance "
        "unexplained "
        f"instead of {winner.mean('error'):.3g}."
    )
    return sentences


def _limit(result: Result) -> str:
    return next(column.missing.removeprefix("not in ") for column in result.columns if column.key == "steps")


def draw(result: Result, figure: Figure) -> None:
    """Condition numbers, and curves of the network."""
    left, right = figure.subplots(1, 2)
    bars(
        left, [row.label for row in result.rows], {"": result.rows}, "condition", "condition number of the linear model"
    )
    left.set_xscale("log")
    for place, row in zip(range(len(result.rows))[::-1], result.rows, strict=True):
        steps = f"{row.mean('steps'):,.0f} steps" if row.count("steps") else "does not arrive"
        left.text(row.mean("condition") * 1.5, place, steps, va="center", fontsize="small")
    left.set_xlim(1, max(row.mean("condition") for row in result.rows) * 1e5)
    for number, (kind, line) in enumerate(result.curves.items()):
        curve(right, line, number, kind, logarithmic=True)
    right.set_yscale("log")
    over_epochs(right)
    right.set_ylabel("unexplained variance on test rows")
    right.legend(fontsize="small")


EXPERIMENT = Experiment(
    "scaling",
    "Scaling of the columns against speed",
    "Scaled columns make training several times faster; which scaler hardly matters.",
    "A linear model by gradient descent over all rows at rate 1/L, and a network of 32 and 32 units (ReLU, Adam 0.001, "
    "batches of 64), over columns in their own units and over those of four scalers.",
    run,
    findings,
    draw,
    "scaler",
)
