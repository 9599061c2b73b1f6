"""``tanh(x @ self.w + self.b)`` of a layer's own weights is one layer of the engine, with the bits of `Dense`."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradients import difference, numeric_gradient
from gradstep import layers
from gradstep.layers.core.own_weights import WeightProduct

X = np.random.default_rng(0).normal(size=(40, 6)).astype("float32")


class Own(layers.Layer):
    """A dense layer, written out; way: what else becomes of its weights."""

    def __init__(self, units, way="", **options):
        super().__init__(**options)
        self.units, self.way, self.act = units, way, layers.Activation("tanh", dtype=self.dtype)

    def build(self, input_shape):
        self.w = self.add_weight((input_shape[-1], self.units), name="w", regularizer="l2")
        self.b = self.add_weight((self.units,), "normal", name="b")

    def call(self, x):
        product = x @ self.w
        y = self.b + product if self.way == "in front" else product + self.b
        made = self.act(y)
        if self.way == "sum used":
            return made + y
        if self.way == "product used":
            return made * product
        if self.way == "bias used":
            return made * self.b
        if self.way == "twice":
            return made + self.act(x @ self.w + self.b)
        return made


def kinds(model):
    """The layers of the engine that compute the model's first layer."""
    return [type(node.operation).__name__ for node in model._calls[0].inside.calls]


def model_of(layer, dtype="float32"):
    return gs.Sequential([gs.Input((6,), dtype=dtype), layer, layers.Dense(1, dtype=dtype)])


@pytest.mark.parametrize("way", ["", "in front"])
def test_has_the_bits_of_dense(way):
    found = []
    for make in (
        lambda: Own(5, way),
        lambda: layers.Dense(5, "tanh", kernel_regularizer="l2", bias_initializer="normal"),
    ):
        gs.utils.set_random_seed(0)
        model = model_of(make())
        model.compile("adam", "mse")
        found.append((model.fit(X, X[:, :1], epochs=3, verbose=0).history["loss"], *model.get_weights()))
        if len(found) == 1:
            assert kinds(model) == ["WeightProduct"]
    assert found[0][0] == found[1][0]
    assert all(map(np.array_equal, *(one[1:] for one in found)))


@pytest.mark.parametrize(
    ("way", "count"), [("", 1), ("sum used", 3), ("product used", 5), ("bias used", 6), ("twice", 3)]
)
def test_gradients_are_central_differences(way, count):
    layer = Own(3, way, dtype="float64")
    model = model_of(layer, "float64")
    assert len(kinds(model)) == count
    products = [node.operation for node in model._calls[0].inside.calls if isinstance(node.operation, WeightProduct)]
    assert len({id(one) for one in products}) == 1
    assert (len(products[0]._weights) == 2) == (way in ("", "sum used", "twice"))
    dy = np.random.default_rng(1).normal(size=(4, 1))
    x = X[:4].astype("float64")
    start = model(x, training=True)
    _, gradients = model.backward(dy)
    penalty = lambda: sum(layer.losses)  # noqa: E731
    value = lambda: float(((model(x) - start) * dy).sum()) + penalty()  # noqa: E731
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        assert difference(gradient, numeric_gradient(value, weight)) < 1e-7


def test_an_assigned_activation_holds():
    layer = Own(5)
    model = model_of(layer)
    model.predict(X, verbose=0)
    for activation in ("relu", np.sin):
        layer.act.activation = activation
        z = X @ layer.w + layer.b
        y = np.maximum(z, 0) if activation == "relu" else np.sin(z)
        dense = model.layers[-1]
        np.testing.assert_allclose(model.predict(X, verbose=0), y @ dense.kernel + dense.bias, rtol=1e-5, atol=1e-6)


def test_frozen_and_copied():
    model = model_of(Own(5))
    model.layers[0].trainable = False
    model.compile("adam", "mse")
    before = model.layers[0].get_weights()
    model.fit(X, X[:, :1], verbose=0)
    assert all(map(np.array_equal, model.layers[0].get_weights(), before))
    with gs.saving.custom_object_scope({"Own": Own}):
        again = gs.models.clone_model(model)
    again.set_weights(model.get_weights())
    assert np.array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
