"""A model of each kind that is computed in a way of its own: for tests of what must hold for all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradstep as gs
import numpy as np
from own_layers import NumpyDense

INPUTS = 6


class Buffered(gs.layers.Layer):
    """Gives the same array each time, as a layer does that saves allocations."""

    def forward(self, x, training=False):
        if getattr(self, "y", np.empty(0)).shape != x.shape:
            self.y = np.empty_like(x)
        np.tanh(x, out=self.y)
        return self.y

    def backward(self, dy):
        return dy * (1 - self.y**2)


class LargestError(gs.metrics.Metric):
    """Its state is changed in place."""

    def reset_state(self):
        self.largest = np.zeros(1)

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.largest[0] = max(self.largest[0], np.abs(y_pred - y_true).max())

    def result(self):
        return float(self.largest[0])


def squared(y_true, y_pred):
    return ((y_pred - y_true) ** 2).mean(1), 2 * (y_pred - y_true)


def chain() -> gs.Sequential:
    layers = [gs.layers.Dense(8, "tanh"), gs.layers.BatchNormalization(), gs.layers.Dropout(0.25), gs.layers.Dense(1)]
    return gs.Sequential([gs.Input((INPUTS,)), *layers])


def branches() -> gs.Model:
    x = gs.Input((INPUTS,))
    h = gs.layers.BatchNormalization()(gs.layers.Dense(8, "tanh")(x))
    return gs.Model(x, gs.layers.Dense(1)(gs.layers.Add()([h, gs.layers.Dense(8)(x)])))


def shared() -> gs.Model:
    x, layer = gs.Input((INPUTS,)), gs.layers.Dense(INPUTS, "tanh")
    return gs.Model(x, gs.layers.Dense(1)(layer(layer(x))))


def nested() -> gs.Sequential:
    inner = gs.Sequential([gs.Input((INPUTS,)), gs.layers.Dense(8, "tanh"), NumpyDense(8)])
    return gs.Sequential([gs.Input((INPUTS,)), inner, gs.layers.Dense(1)])


def own() -> gs.Sequential:
    layers = [NumpyDense(8), Buffered(), gs.layers.BatchNormalization(), gs.layers.Dense(1)]
    return gs.Sequential([gs.Input((INPUTS,)), *layers])


def several() -> gs.Model:
    x = gs.Input((INPUTS,))
    h = Buffered()(gs.layers.Dense(8)(x))
    return gs.Model(x, [gs.layers.Dense(1, name="a")(h), gs.layers.Dense(1, name="b")(h)])


KINDS: dict[str, Callable[[], Any]] = {made.__name__: made for made in (chain, branches, shared, nested, own, several)}


def compiled(kind: str, optimizer: Any = "adam", loss: Any = "mse", metrics: Any = ("mae",), seed: int = 1) -> Any:
    """A compiled model of a kind; the same weights for the same seed."""
    gs.utils.set_random_seed(seed)
    model = KINDS[kind]()
    wanted = list(metrics)
    model.compile(optimizer, loss, metrics=[wanted, []] if kind == "several" else wanted)
    return model


def data(kind: str, rows: int = 64) -> tuple[np.ndarray, Any]:
    """Rows and targets for a kind."""
    random = np.random.default_rng(3)
    x, y = random.normal(size=(rows, INPUTS)).astype(np.float32), random.normal(size=(rows, 1)).astype(np.float32)
    return x, [y, -y] if kind == "several" else y
