"""Gradients lie where values do that the backward pass does not read: then nothing that it reads is written over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradstep as gs
import numpy as np
import pytest

ROWS, STEPS, UNITS = 320, 16, 64  # values of 1.25 MB: smaller ones keep their memory
layers = gs.layers

LAYERS: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: layers.Add()([a, b]),
    "average": lambda a, b: layers.Average()([a, b]),
    "batch normalization": lambda a, b: layers.BatchNormalization()(a),
    "concatenate": lambda a, b: layers.Concatenate()([a, b]),
    "convolution": lambda a, b: layers.Conv1D(UNITS, 3, padding="same")(a),
    "dense": lambda a, b: layers.Dense(UNITS)(a),
    "dense gelu": lambda a, b: layers.Dense(UNITS, "gelu")(a),
    "dense relu": lambda a, b: layers.Dense(UNITS, "relu")(a),
    "attention": lambda a, b: layers.Attention()([a, b]),
    "gru": lambda a, b: layers.GRU(UNITS, return_sequences=True)(a),
    "layer normalization": lambda a, b: layers.LayerNormalization()(a),
    "lstm": lambda a, b: layers.LSTM(UNITS, return_sequences=True)(a),
    "lstm in both directions": lambda a, b: layers.Bidirectional(layers.LSTM(UNITS, return_sequences=True))(a),
    "gru in both directions, multiplied": lambda a, b: layers.Bidirectional(
        layers.GRU(UNITS, return_sequences=True), "mul"
    )(a),
    "lstm gelu": lambda a, b: layers.LSTM(UNITS, "gelu", return_sequences=True)(a),
    "maximum": lambda a, b: layers.Maximum()([a, b]),
    "max pooling": lambda a, b: layers.MaxPooling1D(2, 1, padding="same")(a),
    "mean pooling": lambda a, b: layers.AveragePooling1D(2, 1, padding="same")(a),
    "multi-head attention": lambda a, b: layers.MultiHeadAttention(2, 32)(a, b),
    "multiply": lambda a, b: layers.Multiply()([a, b]),
    "permute": lambda a, b: layers.Permute((2, 1))(a),
    "prelu": lambda a, b: layers.PReLU()(a),
    "softmax": lambda a, b: layers.Softmax()(a),
    "subtract": lambda a, b: layers.Subtract()([a, b]),
    "unit normalization": lambda a, b: layers.UnitNormalization()(a),
}


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_where_values_lie(name: str) -> None:
    """As those of the same layers with all values as outputs, which keep their memory."""
    gs.utils.set_random_seed(3)
    x = gs.Input((STEPS, UNITS))
    makers = [layers.Dense(UNITS), layers.Dense(UNITS)]
    a, b = (maker(x) for maker in makers)
    y = LAYERS[name](a, b)
    twice = layers.Add()([y, y])
    out = layers.Dense(2)(twice)
    rng = np.random.default_rng(0)
    data = rng.standard_normal((ROWS, STEPS, UNITS), np.float32)
    slopes = rng.standard_normal((ROWS, *out.shape[1:]), np.float32)
    read = [value for maker, value in zip(makers, (a, b), strict=True) if maker in gs.Model(x, out).layers]
    found = []
    for outputs in ([out], [out, y, twice, *read]):
        model = gs.Model(x, outputs)
        values = model(data, training=True)
        several = isinstance(values, list)
        dx, dws = model.backward([slopes, *map(np.zeros_like, values[1:])] if several else slopes)
        found.append([dx, *dws])
    for first, second in zip(*found, strict=True):
        np.testing.assert_array_equal(first, second)
