"""Small models and data for tests of training."""

from __future__ import annotations

from typing import Any

import gradstep as gs
import numpy as np

DENSE_784 = (256, 128, 64)


def classifier(
    inputs: int = 20,
    hidden: tuple[int, ...] = (16,),
    classes: int = 4,
    *,
    optimizer: Any = "adam",
    dtype: str = "float32",
    seed: int = 1,
) -> gs.Sequential:
    """A compiled relu classifier of class numbers with its accuracy; the same weights for the same seed."""
    gs.utils.set_random_seed(seed)
    sizes = [gs.layers.Dense(n, "relu", dtype=dtype) for n in hidden]
    model = gs.Sequential([gs.Input((inputs,)), *sizes, gs.layers.Dense(classes, "softmax", dtype=dtype)])
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def clusters(rows: int, inputs: int = 20, classes: int = 4, dtype: str = "float32") -> tuple[np.ndarray, np.ndarray]:
    """Points around a centre for each class, and the class numbers."""
    random = np.random.default_rng(7)
    labels = random.integers(0, classes, rows)
    centres = 2 * random.normal(size=(classes, inputs))
    return (centres[labels] + random.normal(size=(rows, inputs))).astype(dtype), labels


def train(model: gs.Sequential, x: Any, y: Any, **options: Any) -> gs.callbacks.History:
    """A silent fit; the first one of a model shuffles alike for all models."""
    gs.utils.set_random_seed(1)
    return model.fit(x, y, verbose=0, **options)


def snapshot(model: gs.Sequential) -> bytes:
    """Weights, optimizer state, hyperparameters and counters, to be compared with ``==``."""
    weights = b"".join(weight.tobytes() for weight in model.weights)
    if model.optimizer is None:
        return weights
    state = model.optimizer.state_dict()
    return weights + b"".join(name.encode() + state[name].tobytes() for name in sorted(state))
