"""L1, L2, dropout and batch normalization against overfitting, each at its best strength."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import optimizers, utils
from ..layers import Activation, BatchNormalization, Dense, Dropout, Input
from ..models import Sequential
from ..regularizers import L1, L2
from .drawing import dots
from .networks import divided, evaluated, standardized
from .result import Column, Result
from .setup import Experiment, Setup
from .tuning import tuned
from .words import best, differ, listed, written

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STRENGTHS: dict[str, tuple[float, ...]] = {
    "none": (0.0,),
    "L1": (1e-3, 3e-3, 1e-2, 3e-2),
    "L2": (1e-2, 3e-2, 1e-1, 3e-1),
    "dropout": (0.4, 0.6, 0.8, 0.9),
    "batch norm": (0.5, 0.8, 0.9, 0.99),
}
MEANS = {"L1": "penalty", "L2": "penalty", "dropout": "share", "batch norm": "momentum"}
HIDDEN = (64, 64)
CROSSENTROPY = "sparse_categorical_crossentropy"


def network(columns: int, kind: str, strength: float) -> Sequential:
    """A network that is much too large for its rows."""
    penalty = L1(strength) if kind == "L1" else L2(strength) if kind == "L2" else None
    layers: list[Any] = [Input((columns,))]
    for units in HIDDEN:
        layers.append(Dense(units, kernel_regularizer=penalty))
        if kind == "batch norm":
            layers.append(BatchNormalization(momentum=strength))
        layers.append(Activation("relu"))
        if kind == "dropout":
            layers.append(Dropout(strength))
    return Sequential([*layers, Dense(2, activation="softmax")])


def run(setup: Setup) -> Result:
    """Who is ill, of few patients, trained much too long."""
    data = setup.data.patients()
    epochs = setup.size(150, 3)
    strengths = {kind: setup.size(values, values[:2]) for kind, values in STRENGTHS.items()}

    def once(kind: str, strength: float, seed: int) -> list[dict[str, float]]:
        """Scores on training, validation and test rows."""
        (x, y), (x_validation, y_validation), (x_test, y_test) = divided(data.x, data.y, seed, (0.5, 0.2, 0.3))
        x, x_validation, x_test = standardized(x, x_validation, x_test)
        utils.set_random_seed(seed)
        model = network(x.shape[1], kind, strength)
        model.compile(optimizers.Adam(0.001), CROSSENTROPY, metrics=["accuracy", CROSSENTROPY])
        model.fit(x, y, epochs=epochs, verbose=0)
        return [evaluated(model, *part) for part in ((x, y), (x_validation, y_validation), (x_test, y_test))]

    chosen = tuned(setup, strengths, lambda kind, strength, seed: once(kind, strength, seed)[1][CROSSENTROPY])
    columns = [
        Column("strength", "best strength", ".2g", ""),
        Column("train", "training accuracy", ".1%"),
        Column("accuracy", "accuracy on test rows", ".1%"),
        Column("gap", "gap", ".1%"),
        Column("loss", "test loss, without penalty", ".3f", "overflow"),
    ]
    result = Result("regularization", data.name, columns)
    tasks = [(kind, chosen[kind], seed) for kind in STRENGTHS for seed in setup.seeds]
    found = dict(zip(tasks, setup.each(lambda task: once(*task), tasks), strict=True))
    for kind in STRENGTHS:
        each = [found[kind, chosen[kind], seed] for seed in setup.seeds]
        result.add(
            kind,
            {"kind": kind},
            strength=[chosen[kind] if kind != "none" else None],
            train=[one[0]["accuracy"] for one in each],
            accuracy=[one[2]["accuracy"] for one in each],
            gap=[one[0]["accuracy"] - one[2]["accuracy"] for one in each],
            loss=[one[2][CROSSENTROPY] for one in each],
        )
    return result


def findings(result: Result) -> list[str]:
    """What the numbers say."""
    none, rows = result.rows[0], result.rows[1:]
    sentences = [
        f"Without regularization {none.mean('train'):.1%} of the training rows are right and "
        f"{written(none, 'accuracy', '.1%')} of the test rows, with a test loss of {written(none, 'loss', '.3f')}."
    ]
    for key, what, form, sign in (("accuracy", "accuracy", ".1%", 1.0), ("loss", "loss", ".3f", -1.0)):
        changed = [row for row in rows if differ(row, none, key)]
        better = [row for row in changed if sign * (row.mean(key) - none.mean(key)) > 0]
        parts = [f"{listed(f'{row.label} ({written(row, key, form)})' for row in better)} improve it"] if better else []
        same = [row.label for row in rows if row not in changed]
        worse = [row.label for row in changed if row not in better]
        parts += [f"{listed(same)} cannot be told from none"] if same else []
        parts += [f"worse with {listed(worse)}"] if worse else []
        verdict = "Holds" if len(better) == len(rows) else "Holds in part" if better else "Fails"
        sentences.append(f"{verdict} for the test {what}, each at its best strength: {'; '.join(parts)}.")
    first = best(rows, "loss")
    narrow = [row for row in rows if differ(row, none, "gap") and row.mean("gap") < none.mean("gap")]
    equal = [row.label for row in narrow if not differ(row, none, "accuracy")]
    if equal:
        sentences.append(f"A smaller gap is not yet a more accurate model: see {listed(equal)}.")
    norm = result.row("batch norm")
    relation = "no" if not differ(norm, none, "loss") or norm.mean("loss") > none.mean("loss") else "some"
    sentences.append(
        f"The least test loss has {first.label}. Batch normalization is of {relation} help against overfitting here: a "
        f"test loss of {written(norm, 'loss', '.3f')}."
    )
    return sentences


def draw(result: Result, figure: Figure) -> None:
    """Accuracies and losses on test rows."""
    left, right = figure.subplots(1, 2)
    labels = [
        row.label if row.label == "none" else f"{row.label} ({MEANS[row.label]} {row.mean('strength'):g})"
        for row in result.rows
    ]
    dots(left, labels, result.rows, "accuracy", "accuracy on test rows")
    dots(right, [row.label for row in result.rows], result.rows, "loss", "test loss, without penalty")


EXPERIMENT = Experiment(
    "regularization",
    "L1, L2, dropout and batch normalization",
    "Regularization closes the gap between training and test; dropout and L2 are best, batch normalization helps too.",
    f"A network for patients, two layers of {HIDDEN[0]} units (ReLU, Adam 0.001), trained on half of the rows for 150 "
    "epochs in batches of 32; the strength of each is the best of four by the validation loss of three other seeds.",
    run,
    findings,
    draw,
    "regularization",
)
