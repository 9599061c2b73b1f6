"""Epochs: training and validation loss drift apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import optimizers, utils
from .drawing import curve
from .networks import Trained, classifier, divided, standardized, train
from .result import Column, Result, curve_over_seeds
from .setup import Experiment, Setup
from .words import best, differ, written

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOMENTS = (1, 5, 10, 20, 50, 100, 200, 400)
CURVES = ("loss", "val_loss", "accuracy", "val_accuracy")


def run(setup: Setup) -> Result:
    """A network for patients, much too long."""
    data = setup.data.patients()
    last = setup.size(MOMENTS[-1], 20)

    def measure(seed: int) -> Trained:
        (x, y), (x_validation, y_validation) = divided(data.x, data.y, seed, (0.7, 0.3))
        x, x_validation = standardized(x, x_validation)
        parts = [(x, y), (x_validation, y_validation)]
        utils.set_random_seed(seed)
        return train(classifier(x.shape[1], (32, 32), 2), optimizers.Adam(0.001), parts, last, validate=True)

    found = setup.each(measure, list(setup.seeds))
    columns = [
        Column("loss", "training loss", ".3f"),
        Column("val_loss", "validation loss", ".3f"),
        Column("gap", "gap", ".3f"),
        Column("accuracy", "training accuracy", ".1%"),
        Column("val_accuracy", "validation accuracy", ".1%"),
    ]
    result = Result("epochs", data.name, columns)
    for epoch in (moment for moment in MOMENTS if moment <= last):
        values = {key: [one.history[key][epoch - 1] for one in found] for key in CURVES}
        gap = [after - before for after, before in zip(values["val_loss"], values["loss"], strict=True)]
        result.add(f"{epoch}", {"epoch": epoch}, gap=gap, **values)
    for key in CURVES:
        result.curves[key] = curve_over_seeds(range(1, last + 1), [one.history[key] for one in found])
    turns = [float(np.argmin(one.history["val_loss"]) + 1) for one in found]
    peaks = [float(np.argmax(one.history["val_accuracy"]) + 1) for one in found]
    lowest = [min(one.history["val_loss"]) for one in found]
    result.facts = {
        "turn": float(np.mean(turns)),
        "turn deviation": float(np.std(turns, ddof=1)) if len(turns) > 1 else 0.0,
        "peak": float(np.mean(peaks)),
        "lowest": float(np.mean(lowest)),
    }
    return result


def findings(result: Result) -> list[str]:
    """What the numbers say."""
    facts, last = result.facts, result.rows[-1]
    ideal = best(result.rows, "val_loss")
    sentences = [
        f"Holds: training loss falls all the way, to {written(last, 'loss', '.3f')} after {last.label} epochs, while "
        "the "
        f"validation loss turns at epoch {facts['turn']:.0f} ± {facts['turn deviation']:.0f} and rises from "
        f"{facts['lowest']:.3f} to {written(last, 'val_loss', '.3f')}; the gap grows to {last.mean('gap'):.3f}."
        if last.mean("val_loss") > ideal.mean("val_loss")
        else f"Fails here: the validation loss has not turned after {last.label} epochs."
    ]
    change = last.mean("val_accuracy") - ideal.mean("val_accuracy")
    if differ(last, ideal, "val_accuracy"):
        sentences.append(
            f"Accuracy follows: {written(ideal, 'val_accuracy', '.1%')} at epoch {ideal.label}, "
            f"{written(last, 'val_accuracy', '.1%')} at the end ({change:+.1%})."
        )
    else:
        sentences.append(
            f"Fails for accuracy: it is {written(ideal, 'val_accuracy', '.1%')} at epoch {ideal.label} and "
            f"{written(last, 'val_accuracy', '.1%')} at the end, which cannot be told apart. What grows is the loss: "
            "wrong "
            "answers are given with ever more certainty."
        )
    sentences.append(
        f"No number of epochs is right: the turn differs between divisions of the same data by "
        f"{facts['turn deviation']:.0f} epochs (deviation). `EarlyStopping` finds it in each run."
    )
    return sentences


def draw(result: Result, figure: Figure) -> None:
    """Loss and accuracy over the epochs."""
    panels = figure.subplots(1, 2)
    for panel, key in zip(panels, ("loss", "accuracy"), strict=True):
        curve(panel, result.curves[key], 0, "training")
        curve(panel, result.curves[f"val_{key}"], 1, "validation")
        panel.axvline(result.facts["turn"], color="0.5", linewidth=0.9, linestyle=":")
        panel.set_xscale("log")
        panel.set_xlabel("epoch")
        panel.set_ylabel(key if key == "loss" else "accuracy (share of rows)")
        panel.legend(fontsize="small")
    panels[0].text(
        result.facts["turn"] * 1.06, 0.02, "validation loss turns", fontsize="small", color="0.35",
        transform=panels[0].get_xaxis_transform(),
    )  # fmt: skip


EXPERIMENT = Experiment(
    "epochs",
    "Epochs, and the gap to validation",
    "More epochs make the model better, until it overfits.",
    "A network for patients, two layers of 32 units (ReLU), Adam 0.001, batches of 32; 70 % of the rows to train on, "
    "30 % to "
    "validate, another division for each seed.",
    run,
    findings,
    draw,
    "epoch",
)
