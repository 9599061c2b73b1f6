"""Small networks of the experiments, and how they are trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import utils
from ..layers import Dense, Input
from ..models import Sequential

__all__ = ["Trained", "classifier", "divided", "evaluated", "standardized", "train"]


@dataclass
class Trained:
    """What a run left: the curves of `fit`, and loss and accuracy on the test rows."""

    history: dict[str, list[float]] = field(default_factory=dict)
    loss: float = float("nan")
    accuracy: float = float("nan")


def divided(
    x: np.ndarray, y: np.ndarray, seed: int, shares: Sequence[float] = (0.7, 0.15, 0.15)
) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Rows for training, validation and test, with the classes of `y` in equal proportions."""
    return utils.split(x, y, shares, stratify=y, seed=seed)


def standardized(train: np.ndarray, *others: np.ndarray) -> list[np.ndarray]:
    """Columns with mean 0 and deviation 1 on the training rows, float32."""
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    deviation = np.where(deviation > 0, deviation, 1.0)
    return [((each - mean) / deviation).astype(np.float32) for each in (train, *others)]


def classifier(inputs: int, hidden: Sequence[int], classes: int, activation: str = "relu", **dense: Any) -> Sequential:
    """Dense layers, and a softmax over the classes; `dense` are arguments of the hidden layers."""
    layers = [Dense(units, activation=activation, **dense) for units in hidden]
    return Sequential([Input((inputs,)), *layers, Dense(classes, activation="softmax")])


def train(
    model: Sequential,
    optimizer: Any,
    parts: Sequence[tuple[np.ndarray, np.ndarray]],
    epochs: int,
    batch_size: int | str = 32,
    validate: bool = False,
    loss: str = "sparse_categorical_crossentropy",
) -> Trained:
    """Train on the first part and score on the last one; with `validate` each epoch on the second."""
    model.compile(optimizer, loss, metrics=["accuracy"])
    history = model.fit(
        *parts[0],
        batch_size=batch_size,
        epochs=epochs,
        validation_data=parts[1] if validate else None,
        verbose=0,
    ).history
    scores = evaluated(model, *parts[-1])
    return Trained({name: list(values) for name, values in history.items()}, scores["loss"], scores["accuracy"])


def evaluated(model: Sequential, x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Loss and metrics by their names."""
    scores = model.evaluate(x, y, verbose=0, return_dict=True)
    assert isinstance(scores, dict)
    return scores
