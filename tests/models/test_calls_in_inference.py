"""Calls with training=False when a model is described: its layers work in `fit` as they do in `predict`."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradients import difference, numeric_gradient
from gradstep import layers
from keras_runs import keras_says

X = np.random.default_rng(0).normal(2.0, 3.0, size=(12, 4)).astype(np.float32)


def trunk():
    return gs.Sequential(
        [gs.Input((4,)), layers.Dense(6), layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(5)], "trunk"
    )


def around(base, *more, **options):
    inputs = gs.Input(base.input_shape[1:])
    outputs = base(inputs, training=False)
    for layer in more:
        outputs = layer(outputs, **options)
    return gs.Model(inputs, outputs)


def test_fit_leaves_averages_alone_and_drops_nothing():
    base = trunk()
    model = around(base, layers.Dense(1))
    np.testing.assert_array_equal(model(X, training=True), model(X))
    model.compile("sgd", "mse")
    before = base.get_weights()
    model.fit(X, np.ones((12, 1)), epochs=2, verbose=0)
    kernel, _, gamma, beta, mean, variance, *_ = range(8)
    after = base.get_weights()
    for i in (kernel, gamma, beta):
        assert not np.array_equal(before[i], after[i])
    for i in (mean, variance):
        np.testing.assert_array_equal(before[i], after[i])


def test_the_model_itself_still_trains():
    base = trunk()
    around(base)
    before = base.get_weights()[4]
    assert not np.array_equal(base(X, training=True), base(X))
    base.compile("sgd", "mse")
    base.fit(X, np.ones((12, 5)), verbose=0)
    assert not np.array_equal(before, base.get_weights()[4])


@pytest.mark.parametrize("axis", [-1, 1])
@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}])
def test_gradients_of_normalization(axis, options):
    random = np.random.default_rng(1)
    inputs = gs.Input((3, 4), dtype="float64")
    layer = layers.BatchNormalization(axis, **options, dtype="float64")
    model = gs.Model(inputs, layer(inputs, training=False))
    for weight in layer.weights:
        weight[...] = random.uniform(0.5, 2, size=weight.shape)
    x = random.normal(size=(7, 3, 4))
    y = model(x, training=True)
    np.testing.assert_array_equal(y, model(x))
    dy = random.normal(size=y.shape)
    dx, gradients = model.backward(dy)
    value = lambda: float((model(x) * dy).sum())  # noqa: E731
    assert difference(dx, numeric_gradient(value, x)) <= 1e-7
    assert len(gradients) == len(layer.trainable_weights) == 2 - len(options)
    for weight, gradient in zip(layer.trainable_weights, gradients, strict=True):
        assert difference(gradient, numeric_gradient(value, weight)) <= 1e-7


NOISY = {
    "dropout": (lambda: layers.Dropout(0.5), (4,)),
    "spatial dropout": (lambda: layers.SpatialDropout1D(0.5), (3, 4)),
    "noise": (lambda: layers.GaussianNoise(1.0), (4,)),
    "lstm": (lambda: layers.LSTM(3, dropout=0.5, recurrent_dropout=0.5), (5, 4)),
    "both ways": (lambda: layers.Bidirectional(layers.GRU(3, dropout=0.5, return_state=True)), (5, 4)),
    "images": (lambda: layers.RandomFlip(), (4, 4, 1)),
    "steps": (lambda: layers.TimeDistributed(layers.BatchNormalization()), (5, 4)),
    "model of steps": (lambda: layers.TimeDistributed(trunk()), (5, 4)),
    "attention": (lambda: Attending(layers.MultiHeadAttention(2, 3, dropout=0.5)), (5, 4)),
    "listed attention": (lambda: Attending(layers.Attention(dropout=0.5), listed=True), (5, 4)),
}


class Attending:
    """A layer of attention, of a value to itself."""

    def __init__(self, layer, listed=False):
        self.layer, self.listed = layer, listed

    def __call__(self, x, training):
        return self.layer([x, x], training=training) if self.listed else self.layer(x, x, training=training)


@pytest.mark.parametrize("name", NOISY)
def test_every_layer_works_as_in_inference(name):
    make, row = NOISY[name]
    x = np.random.default_rng(0).normal(size=(20, *row))

    def outputs(training):
        inputs = gs.Input(row)
        gs.utils.set_random_seed(0)
        model = gs.Model(inputs, make()(inputs, training=training))
        made, right = model(x, training=True), model(x)
        return [
            np.array_equal(a, b)
            for a, b in zip(*(m if isinstance(m, list) else [m] for m in (made, right)), strict=True)
        ]

    assert all(outputs(False))
    assert not all(outputs(None))


def test_a_custom_layer_is_told():
    class Told(layers.Layer):
        def forward(self, x, training=False):
            self.told = training
            return 2 * x

        def backward(self, dy):
            return 2 * dy

    told = Told()
    inputs = gs.Input((4,))
    model = gs.Model(inputs, told(layers.Dense(4)(inputs), training=False))
    model.compile("sgd", "mse")
    model.fit(X, X, verbose=0)
    assert told.told is False
    np.testing.assert_array_equal(model(X, training=True), model(X))


def test_files_copies_and_configs(tmp_path):
    model = around(trunk(), layers.Dense(1))
    model.save(tmp_path / "model.gradstep")
    again = gs.models.load_model(tmp_path / "model.gradstep")
    copy = gs.models.clone_model(model)
    copy.set_weights(model.get_weights())
    for other in (again, copy):
        np.testing.assert_array_equal(other(X, training=True), model(X))
    call = model.get_config()["layers"][1]["inbound_nodes"][0]
    assert call["kwargs"] == {"training": False}


def test_layers_called_in_both_ways():
    inputs = gs.Input((4,))
    dense = layers.Dense(4)
    twice = gs.Model(inputs, dense(dense(inputs, training=False)))
    assert twice(X, training=True).shape == (12, 4)
    drop = layers.Dropout(0.5)
    with pytest.raises(ValueError, match="must be called with training=False in all or none of a model's calls"):
        gs.Model(inputs, drop(drop(inputs, training=False)))


@pytest.mark.peers
def test_transfer_learning_as_in_keras(tmp_path):
    """A new head on a frozen model, from Keras's file of both. (With weights that train, `fit` of Keras 3 overrides
    ``training=False``, and so it does for layers that drop.)"""
    program = """
L = keras.layers
base = keras.Sequential([
    L.Input((8, 8, 3)), L.Conv2D(4, 3, activation="relu"), L.BatchNormalization(), L.MaxPooling2D(),
    L.GlobalAveragePooling2D(),
], name="base")
inputs = keras.Input((8, 8, 3))
model = keras.Model(inputs, L.Dense(1)(base(inputs, training=False)))
base.trainable = False
model.compile(keras.optimizers.SGD(0.1), "mse")
x, y = np.array(data["x"]), np.array(data["y"])
model.save(data["path"])
answer = [[float(model.train_on_batch(x, y)) for _ in range(3)], model.get_weights()]
"""
    random = np.random.default_rng(3)
    x, y, path = random.normal(size=(16, 8, 8, 3)), random.normal(size=(16, 1)), str(tmp_path / "theirs.keras")
    losses, weights = keras_says(program, "torch", x=x.tolist(), y=y.tolist(), path=path)
    model = gs.models.load_model(path)
    np.testing.assert_array_equal(model(x, training=True), model(x))
    assert [model.train_on_batch(x, y) for _ in range(3)] == pytest.approx(losses, rel=1e-6)
    for one, other in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)
