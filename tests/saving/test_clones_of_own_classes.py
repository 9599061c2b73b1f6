"""Models are cloned in their process: what is of the program's own need not be known by a name."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers as L

X = np.random.default_rng(0).normal(size=(3, 4, 2)).astype("float32")


class Halves(gs.initializers.Initializer):
    def __init__(self, value=0.5):
        self.value = value

    def __call__(self, shape, dtype=None):
        return np.full(shape, self.value, dtype)


class Doubles(L.Layer):
    def forward(self, x, training=False):
        return 2 * x

    def backward(self, dy):
        return 2 * dy


class Block(L.Layer):
    def __init__(self, units=2, **options):
        super().__init__(**options)
        self.units, self.dense = units, L.Dense(units)

    def call(self, x):
        return self.dense(x)


class Cell(L.Layer):
    def __init__(self, units, **options):
        super().__init__(**options)
        self.units = self.state_size = self.output_size = units
        self.inner, self.outer = L.Dense(units), L.Dense(units, use_bias=False)

    def call(self, x, states):
        made = self.inner(x) + self.outer(states[0])
        return made, [made]


def thirds(shape, dtype=None):
    return np.full(shape, 1 / 3, dtype)


MAKERS = {
    "initializer": lambda: L.Dense(3, kernel_initializer=Halves(0.25)),
    "function": lambda: L.Dense(3, kernel_initializer=thirds),
    "lambda": lambda: L.Dense(3, kernel_initializer=lambda shape, dtype=None: np.ones(shape, dtype)),
    "cell": lambda: L.RNN(Cell(3)),
    "numpy at each step": lambda: L.TimeDistributed(Doubles()),
    "block at each step": lambda: L.TimeDistributed(Block()),
    "both directions": lambda: L.Bidirectional(L.LSTM(2, kernel_initializer=Halves())),
    "Lambda": lambda: L.Lambda(lambda x: 2 * x),
    "block": Block,
    "numpy": Doubles,
}


@pytest.mark.parametrize("kind", MAKERS)
def test_a_clone_computes_the_same_and_shares_nothing(kind):
    x = gs.Input((4, 2))
    for model in (gs.Sequential([x, MAKERS[kind]()]), gs.Model(x, MAKERS[kind]()(x))):
        clone = gs.models.clone_model(model)
        clone.set_weights(model.get_weights())
        assert np.array_equal(clone.predict(X, verbose=0), model.predict(X, verbose=0))
        for one, other in zip(clone.weights, model.weights, strict=True):
            assert not np.shares_memory(one, other)
        assert not {id(leaf) for leaf in clone._leaves.values()} & {id(leaf) for leaf in model._leaves.values()}
    if kind == "initializer":
        assert clone.layers[-1].kernel_initializer.value == 0.25


def test_a_function_of_a_lambda_layer_is_known_by_its_name():
    def twice(x):
        return 2 * x

    layer = L.Lambda(twice)
    with gs.saving.custom_object_scope({"twice": twice}):
        assert L.Lambda.from_config(layer.get_config()).function is twice
    with pytest.raises(ValueError, match="twice"):
        L.Lambda.from_config(layer.get_config())
