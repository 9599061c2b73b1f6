"""Runs without a model: callbacks, ours or Keras's, are told losses, and what they do is written down."""

from __future__ import annotations

import os
import random
import tempfile
from types import SimpleNamespace
from typing import Any


class Pretended:
    """What callbacks ask of a model; its weights are the number of the epoch."""

    def __init__(self, rate: float = 0.5) -> None:
        self.optimizer = SimpleNamespace(learning_rate=rate, _rated_optimizers=list, schedules={})
        self.stop_training, self.epoch = False, -1
        self.metrics, self.metrics_names = [], ["loss", "accuracy"]
        self._directions = {"loss": False, "accuracy": True}
        self.done: list[Any] = []

    def get_weights(self) -> list[int]:
        return [self.epoch]

    def set_weights(self, weights: list[int]) -> None:
        self.done.append(("restored", weights[0]))

    def save(self, path: str, overwrite: bool = True) -> None:
        self.done.append(("saved", self.epoch, os.path.basename(path)))

    def save_weights(self, path: str, overwrite: bool = True) -> None:
        self.done.append(("saved weights", self.epoch, os.path.basename(path)))


def curve(seed: int, epochs: int = 40) -> list[float]:
    """Losses that fall, stay and jump."""
    draw = random.Random(seed)
    loss, losses = 2.0, []
    for _ in range(epochs):
        loss *= draw.choice((0.5, 0.9, 0.9999, 1.0, 1.02))
        losses.append(loss if draw.random() < 0.9 else 1.5 * loss)
    return losses


def drive(callbacks: Any, name: str, arguments: dict[str, Any], losses: list[float]) -> dict[str, Any]:
    """Epochs of three batches each, until the callback stops them."""
    with tempfile.TemporaryDirectory() as folder:
        table = os.path.join(folder, "log.csv")
        given = {key: value.replace("FOLDER", folder) if isinstance(value, str) else value
                 for key, value in arguments.items()}  # fmt: skip
        if name == "LearningRateScheduler":
            given["schedule"] = (lambda epoch: 1.0 / (1 + epoch)) if given.pop("alone") else (lambda epoch, r: r * 0.9)
        callback, model, rates = getattr(callbacks, name)(**given), Pretended(), []
        if hasattr(callback, "set_params"):
            callback.set_params({"verbose": 0, "epochs": len(losses), "steps": 3})
        callback.set_model(model)
        callback.on_train_begin()
        logs: dict[str, float] = {}
        for epoch, loss in enumerate(losses):
            callback.on_epoch_begin(epoch, {})
            model.epoch = epoch
            rates.append(model.optimizer.learning_rate)
            for batch in range(3):
                callback.on_train_batch_begin(batch, {})
                callback.on_train_batch_end(batch, {"loss": loss})
                if model.stop_training:
                    break
            logs = {"loss": loss, "accuracy": 1 / (1 + loss)}
            callback.on_epoch_end(epoch, logs)
            if model.stop_training:
                break
        callback.on_train_end(logs)
        text = ""
        if os.path.exists(table):
            with open(table, newline="") as file:
                text = file.read()
        return {"epochs": len(rates), "rates": rates, "done": [list(d) for d in model.done], "logs": logs, "text": text}


CASES = [
    *[
        ("EarlyStopping", {"monitor": "loss"} | more)
        for more in (
            {},
            {"patience": 3},
            {"patience": 3, "min_delta": 0.01},
            {"patience": 2, "min_delta": -0.05},
            {"patience": 4, "restore_best_weights": True},
            {"patience": 100, "restore_best_weights": True},
            {"patience": 5, "baseline": 0.01, "restore_best_weights": True},
            {"patience": 0, "baseline": 0.5},
            {"patience": 2, "start_from_epoch": 7, "restore_best_weights": True},
            {"monitor": "accuracy", "mode": "max", "patience": 3, "restore_best_weights": True},
            {"mode": "max", "patience": 3},
        )
    ],
    *[
        ("ReduceLROnPlateau", {"monitor": "loss"} | more)
        for more in (
            {},
            {"patience": 2},
            {"patience": 0, "factor": 0.9},
            {"patience": 1, "factor": 0.5, "cooldown": 3},
            {"patience": 1, "factor": 0.5, "cooldown": 1, "min_delta": 0.05},
            {"patience": 1, "factor": 0.25, "min_lr": 0.0625},
            {"monitor": "accuracy", "mode": "max", "patience": 1, "factor": 0.5, "min_delta": 0.01},
        )
    ],
    *[
        ("ModelCheckpoint", {"monitor": "loss", "filepath": "FOLDER/{epoch:02d}-{loss:.3f}.keras"} | more)
        for more in (
            {},
            {"save_best_only": True},
            {"save_best_only": True, "initial_value_threshold": 0.4},
            {"save_best_only": True, "monitor": "accuracy", "mode": "max"},
            {"save_weights_only": True, "filepath": "FOLDER/a.weights.h5"},
            {"save_freq": 2, "filepath": "FOLDER/{epoch}-{batch:03d}.keras"},
            {"save_freq": 7, "filepath": "FOLDER/{epoch}-{batch}.keras"},
        )
    ],
    ("LearningRateScheduler", {"alone": True}),
    ("LearningRateScheduler", {"alone": False}),
    ("CSVLogger", {"filename": "FOLDER/log.csv"}),
    ("CSVLogger", {"filename": "FOLDER/log.csv", "separator": ";", "append": True}),
    ("TerminateOnNaN", {}),
]
CURVES = [*[curve(seed) for seed in range(3)], [1.0, 0.5, float("nan"), 0.25, 0.125, 0.5, 0.5, 0.5]]
