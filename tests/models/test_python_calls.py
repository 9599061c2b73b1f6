"""What `fit` does in Python does not grow with the outputs of a model, nor with its batches."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from python_calls import python_calls

EPOCHS, ROWS = 3, 96


def chain():
    x = gs.Input((8,))
    h = gs.layers.Dense(8, "relu")(x)
    return gs.Model(x, gs.layers.Dense(4)(gs.layers.Dense(8, "relu")(h)))


def two_outputs():
    x = gs.Input((8,))
    h = gs.layers.Dense(8, "relu")(x)
    return gs.Model(x, [gs.layers.Dense(4)(h), gs.layers.Dense(4)(h)])


def calls(make, metrics, rows=ROWS):
    """Of one fit that is like the fit before it."""
    model = make()
    outputs = len(model.outputs)
    several = (lambda one: [one] * outputs) if outputs > 1 else lambda one: one
    model.compile("adam", several("mse"), metrics=several(["mae"]) if metrics else None)
    x, y = np.ones((rows, 8), "f4"), several(np.ones((rows, 4), "f4"))
    options = {"batch_size": 4, "epochs": EPOCHS, "verbose": 0}
    model.fit(x, y, **options)
    return python_calls(model.fit, x, y, **options)


@pytest.mark.parametrize("metrics", [False, True])
def test_two_outputs_take_half_as_many_calls_more(metrics):
    assert calls(two_outputs, metrics) <= 1.5 * calls(chain, metrics)


@pytest.mark.parametrize("make", [chain, two_outputs])
def test_batches_take_none(make):
    """But for the progress bar and Ctrl-C, every 50 ms."""
    assert calls(make, True, rows=40 * ROWS) < calls(make, True) + 100
