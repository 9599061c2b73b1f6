"""The same layers as a Sequential, as a functional model, and with a NumPy layer among them: the same bits."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers, optimizers

RULES = {
    "SAM": lambda: optimizers.SAM(optimizers.SGD(0.1, momentum=0.9)),
    "Lookahead": lambda: optimizers.Lookahead(optimizers.Adam(0.05), sync_period=3),
    "average": lambda: optimizers.Adam(0.05, use_ema=True),
    "whole gradients": lambda: optimizers.SGD(0.1, global_clipnorm=0.1),
    "accumulation": lambda: optimizers.Adam(0.05, gradient_accumulation_steps=3),
}


class Same(layers.Layer):
    """Gives what it gets, by way of Python."""

    def compute_output_shape(self, input_shape):
        return input_shape

    def forward(self, x):
        return x

    def backward(self, dy):
        return dy


def row():
    gs.utils.set_random_seed(1)
    first = layers.Dense(4, "tanh", kernel_regularizer="l2", dtype="float64")
    norm = layers.BatchNormalization(momentum=0.7, dtype="float64")
    return [first, norm, layers.Dense(1, kernel_constraint="max_norm", dtype="float64")]


def functional(stack):
    inputs = outputs = gs.Input((3,))
    for layer in stack:
        outputs = layer(outputs)
    return gs.Model(inputs, outputs)


def between(stack):
    return [*stack[:2], Same(dtype="float64"), stack[2]]


FORMS = {
    "functional": lambda: functional(row()),
    "functional, NumPy between": lambda: functional(between(row())),
    "NumPy between": lambda: gs.Sequential([gs.Input((3,)), *between(row())]),
}


def trained(model, rule):
    random = np.random.default_rng(0)
    x, y = random.normal(size=(50, 3)), random.normal(size=(50, 1))
    model.compile(rule(), "mse")
    options = {"batch_size": 16, "shuffle": False, "verbose": 0}
    history = model.fit(x, y, epochs=3, validation_data=(x, y), **options).history
    return history, [weight.tobytes() for weight in model.weights]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("rule", RULES)
def test_same_bits(rule, form):
    expected = trained(gs.Sequential([gs.Input((3,)), *row()]), RULES[rule])
    assert trained(FORMS[form](), RULES[rule]) == expected
