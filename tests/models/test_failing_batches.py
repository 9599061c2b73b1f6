"""What the user's own Python raises in the midst of a batch: the model is then as after a whole step."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from model_kinds import INPUTS, compiled, data, squared
from training import snapshot

OPTIMIZERS = {
    "engine": lambda: gs.optimizers.Adam(),
    "clipped": lambda: gs.optimizers.SGD(0.1, global_clipnorm=1.0),
    "wrapped": lambda: gs.optimizers.Lookahead(gs.optimizers.SGD(0.1)),
    "twice": lambda: gs.optimizers.SAM(gs.optimizers.SGD(0.1)),
    "nested": lambda: gs.optimizers.SAM(
        gs.optimizers.Lookahead(
            gs.optimizers.MultiOptimizer({"*bias": gs.optimizers.Adam(), "*": gs.optimizers.SGD(0.1)}), sync_period=2
        )
    ),
}
TWICE = ("twice", "nested")  # those that take two passes over a batch
STEPS = 3  # whole ones


class Fails:
    """Raises at a call, counted from 1."""

    def __init__(self, at):
        self.left = at

    def count(self):
        self.left -= 1
        if self.left == 0:
            raise ArithmeticError("of the user's own")


class FailingLayer(gs.layers.Layer):
    def __init__(self, fails, where):
        super().__init__()
        self.fails, self.where = fails, where

    def forward(self, x, training=False):
        if training and self.where == "forward":
            self.fails.count()
        return np.tanh(x)

    def compute_output_shape(self, input_shape):
        return input_shape

    def backward(self, dy):
        if self.where == "backward":
            self.fails.count()
        return dy


class FailingMetric(gs.metrics.Metric):
    fails: Fails

    def reset_state(self):
        pass

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.fails.count()

    def result(self):
        return 0.0


def fit(model, x, y, **options):
    gs.utils.set_random_seed(2)
    model.fit(x, y, batch_size=8, shuffle=False, verbose=0, **options)


def steps(model, x, y, count):
    """The same model after so many steps."""
    fit(model, x, y, steps_per_epoch=count)
    return snapshot(model)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("kind", ["chain", "branches", "own", "several", "nested"])
def test_loss(kind, optimizer):
    x, y = data(kind)
    # Of several outputs the second loss fails; where there are two passes, the second one.
    losses, passes = 1 + (kind == "several"), 1 + (optimizer in TWICE)
    fails = Fails(losses * passes * (STEPS + 1))

    def loss(y_true, y_pred):
        fails.count()
        return squared(y_true, y_pred)

    model = compiled(kind, OPTIMIZERS[optimizer](), loss, metrics=[])
    other = compiled(kind, OPTIMIZERS[optimizer](), squared, metrics=[])
    with pytest.raises(ArithmeticError):
        fit(model, x, y)
    assert snapshot(model) == steps(other, x, y, STEPS)


@pytest.mark.parametrize("where", ["forward", "backward"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_layer(optimizer, where):
    x, y = data("own")
    passes = 1 + (optimizer in TWICE)

    def made(at):
        gs.utils.set_random_seed(1)
        layers = [
            gs.layers.Dense(8),
            gs.layers.BatchNormalization(),
            FailingLayer(Fails(at), where),
            gs.layers.Dense(1),
        ]
        model = gs.Sequential([gs.Input((INPUTS,)), *layers])
        model.compile(OPTIMIZERS[optimizer](), "mse")
        return model

    model, other = made(passes * (STEPS + 1)), made(10**6)
    with pytest.raises(ArithmeticError):
        fit(model, x, y)
    assert snapshot(model) == steps(other, x, y, STEPS)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_last_layer_that_is_asked(optimizer):
    """Between a table, of which a batch steps the rows that it read, and layers that have gone back before."""
    random = np.random.default_rng(0)
    x, y = random.integers(0, 40, (64, 3)), random.normal(size=(64, 1))
    passes = 1 + (optimizer in TWICE)

    def made(at):
        gs.utils.set_random_seed(1)
        layers = [
            gs.layers.Embedding(40, 4),
            gs.layers.Flatten(),
            FailingLayer(Fails(at), "backward"),
            gs.layers.Dense(8, "relu"),
            FailingLayer(Fails(10**6), "backward"),
            gs.layers.Dense(1),
        ]
        model = gs.Sequential([gs.Input((3,)), *layers])
        model.compile(OPTIMIZERS[optimizer](), "mse")
        return model

    model, other = made(passes * (STEPS + 1)), made(10**6)
    with pytest.raises(ArithmeticError):
        fit(model, x, y)
    assert snapshot(model) == steps(other, x, y, STEPS)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("kind", ["chain", "branches", "several"])
def test_metric(kind, optimizer):
    """The engine has made the step by then."""
    x, y = data(kind)
    metric = FailingMetric(name="failing")
    metric.fails = Fails(10**6)
    model = compiled(kind, OPTIMIZERS[optimizer](), metrics=[metric])
    other = compiled(kind, OPTIMIZERS[optimizer](), metrics=[])
    metric.fails = Fails(STEPS + 1)
    with pytest.raises(ArithmeticError):
        fit(model, x, y)
    assert snapshot(model) == steps(other, x, y, STEPS + 1)


@pytest.mark.parametrize("kind", ["chain", "branches"])
@pytest.mark.parametrize(
    "optimizer",
    [
        gs.optimizers.SGD,
        gs.optimizers.Muon,
        lambda **options: gs.optimizers.SAM(gs.optimizers.SGD(**options)),
        lambda **options: gs.optimizers.MultiOptimizer(
            {"*kernel": gs.optimizers.Adam(**options), "*": gs.optimizers.Lookahead("sgd")}
        ),
    ],
    ids=["SGD", "Muon", "SAM", "MultiOptimizer"],
)
def test_a_step_that_is_refused(kind, optimizer):
    """A gradient that is not finite, where that is to raise: statistics are as before too."""
    x, y = data(kind)
    y[8 * STEPS] = np.inf
    model = compiled(kind, optimizer(on_nonfinite="raise"), metrics=[])
    other = compiled(kind, optimizer(on_nonfinite="raise"), metrics=[])
    with pytest.raises(FloatingPointError):
        fit(model, x, y)
    assert snapshot(model) == steps(other, x, y, STEPS)


def test_value_and_grad_and_calls():
    x, y = data("chain")

    def loss(y_true, y_pred):
        raise ArithmeticError("of the user's own")

    model = compiled("chain", loss=loss, metrics=[])
    before = model.get_weights()
    for call in (model.value_and_grad, model.train_on_batch, model.test_on_batch):
        with pytest.raises(ArithmeticError):
            call(x, y)
    assert all(np.array_equal(a, b) for a, b in zip(model.weights, before, strict=True))
