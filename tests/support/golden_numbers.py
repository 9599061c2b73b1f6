"""Data and weights that every machine makes alike, and what `golden_models` are made of.

Batches of 64 rows, the last one of 23; widths that are no multiple of a vector.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gradstep as gs
import numpy as np
from gradstep import layers

__all__ = [
    "BATCH",
    "DROPS",
    "INPUTS",
    "ROWS",
    "Trained",
    "chain",
    "dense",
    "filled",
    "labels",
    "row",
    "rows",
    "shares",
    "trained",
    "whole",
]

ROWS, BATCH, INPUTS = 4 * 64 + 23, 64, 21
DROPS = {"seed": 5}


@dataclass
class Trained:
    """A compiled model, its data, and how it is trained: by `fit`, or by a loop that gives its numbers."""

    model: Any
    x: Any
    y: Any
    options: dict[str, Any] = field(default_factory=dict)
    loop: Callable[[Trained], Any] | None = None
    optimizer: Any = None

    def train(self) -> Any:
        if self.loop is not None:
            return self.loop(self)
        options = {"batch_size": BATCH, "shuffle": False, "verbose": 0, **self.options}
        return self.model.fit(self.x, self.y, **options).history

    def state(self) -> Any:
        return (self.optimizer or self.model.optimizer).state_dict()


# -- numbers that every machine has ------------------------------------------------------------------------------------


def whole(low: int, high: int, *shape: int, seed: int = 0) -> np.ndarray:
    """Whole numbers of [low, high)."""
    return np.random.Generator(np.random.PCG64([seed, *shape])).integers(low, high, shape)


def rows(width: int = INPUTS, dtype: str = "float32", seed: int = 1, count: int = ROWS) -> np.ndarray:
    """Rows of numbers in [-2, 2]."""
    return (whole(-64, 65, count, width, seed=seed) / 32).astype(dtype)


def labels(classes: int, seed: int = 2) -> np.ndarray:
    return whole(0, classes, ROWS, seed=seed)


def shares(width: int, seed: int = 3) -> np.ndarray:
    """Numbers in [1/8, 7/8]."""
    return (whole(4, 29, ROWS, width, seed=seed) / 32).astype(np.float32)


def filled(model: Any) -> Any:
    """The model with weights in [-1/4, 1/4]; those that begin as ones, scales and variances, in [3/4, 5/4]."""
    values = []
    for i, weight in enumerate(model.weights):
        ones = weight.size > 0 and bool((weight == 1).all())
        values.append(whole(-32, 33, *weight.shape, seed=10 + i) / 128 + ones)
    model.set_weights(values)
    return model


# -- making them -------------------------------------------------------------------------------------------------------


def row(*members: Any, inputs: int = INPUTS, dtype: str = "float32", name: str = "row") -> gs.Sequential:
    return gs.Sequential([gs.Input((inputs,), dtype=dtype), *members], name=name)


def dense(units: int, activation: Any = None, **options: Any) -> Any:
    return layers.Dense(units, activation, **options)


def trained(
    model: Any,
    x: Any = None,
    y: Any = None,
    optimizer: Any = "adam",
    loss: Any = "mse",
    loop: Any = None,
    compiled: Any = None,
    **options: Any,
) -> Trained:
    x = rows() if x is None else x
    y = rows(model.output_shape[-1], seed=4) if y is None else y
    model.compile(optimizer, loss, **(compiled or {}))
    return Trained(filled(model), x, y, options, loop)


def chain(
    *members: Any, optimizer: Any = "adam", loss: Any = "mse", x: Any = None, y: Any = None, **options: Any
) -> Trained:
    """Layers between two of `Dense`, which learn."""
    model = row(dense(67), *members, dense(5), name="chain")
    return trained(model, x, y, optimizer, loss, **options)
