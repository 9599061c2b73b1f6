"""Every layer by itself, in training: forward, and backward by central differences."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradients import difference, numeric_gradient
from own_layers import Counting, Double, NumpyDense
from probe import draw_as_in_call
from rearranged_cases import REARRANGED
from window_cases import WINDOWED

FLOAT = {"dtype": "float64"}
LAYERS = {
    "Dense": lambda: gs.layers.Dense(3, "gelu", kernel_regularizer="l2", bias_regularizer="l1", **FLOAT),
    "Activation": lambda: gs.layers.Activation("softmax", **FLOAT),
    "Identity": lambda: gs.layers.Identity(**FLOAT),
    "Lambda": lambda: gs.layers.Lambda(lambda x: np.exp(-x * x), **FLOAT),
    "AlphaDropout": lambda: gs.layers.AlphaDropout(0.5, seed=2, **FLOAT),
    "RMSNormalization": lambda: gs.layers.RMSNormalization(**FLOAT),
    "UnitNormalization": lambda: gs.layers.UnitNormalization(**FLOAT),
    "GaussianNoise": lambda: gs.layers.GaussianNoise(0.5, seed=2, **FLOAT),
    "GaussianDropout": lambda: gs.layers.GaussianDropout(0.5, seed=2, **FLOAT),
    "custom activation": lambda: gs.layers.Dense(3, lambda z: z / (1 + np.abs(z)), **FLOAT),
    "PReLU": lambda: gs.layers.PReLU("uniform", **FLOAT),
    "Dropout": lambda: gs.layers.Dropout(0.5, seed=2, **FLOAT),
    "BatchNormalization": lambda: gs.layers.BatchNormalization(momentum=0.5, gamma_regularizer="l2", **FLOAT),
    "LayerNormalization": lambda: gs.layers.LayerNormalization(**FLOAT),
    "GroupNormalization": lambda: gs.layers.GroupNormalization(2, **FLOAT),
    "Normalization": lambda: gs.layers.Normalization(mean=1.0, variance=4.0, **FLOAT),
    "Rescaling": lambda: gs.layers.Rescaling(0.5, 1.0, **FLOAT),
    "Flatten": lambda: gs.layers.Flatten(**FLOAT),
    "Reshape": lambda: gs.layers.Reshape((2, 3), **FLOAT),
    "own": lambda: NumpyDense(3, kernel_regularizer="l2", **FLOAT),
    "own, without weights": lambda: Double(**FLOAT),
}


@pytest.mark.parametrize("name", LAYERS)
def test_backward_equals_central_differences(name):
    gs.utils.set_random_seed(1)
    random, layer = np.random.default_rng(4), LAYERS[name]()
    x = random.normal(size=(5, 6))
    dy = random.normal(size=layer(x).shape)
    for weight in layer.trainable_weights:
        weight += 0.1 * random.random(weight.shape)

    def loss():
        draw_as_in_call(layer, 5)  # so that the same numbers are dropped
        return float((layer(x, training=True) * dy).sum()) + sum(layer.losses)

    for _ in range(2):
        loss()
        dx, gradients = layer.backward(dy)
        assert dx.shape == x.shape
        assert difference(dx, numeric_gradient(loss, x)) <= 1e-7
        assert len(gradients) == len(layer.trainable_weights)
        for weight, gradient in zip(layer.trainable_weights, gradients, strict=True):
            assert difference(gradient, numeric_gradient(loss, weight)) <= 1e-7


@pytest.mark.parametrize("name", LAYERS)
def test_inference_reads_the_weights_as_they_are(name):
    """Written in place, set, given to a model, trained there, and frozen: it gives what a new layer with them does."""
    layer, x = LAYERS[name](), np.random.default_rng(4).normal(size=(5, 6))

    def as_new():
        new, found = LAYERS[name](), layer(x)
        new.build(x.shape)
        new.set_weights(layer.get_weights())
        assert found.tobytes() == new(x).tobytes() == layer(x).tobytes()
        return found

    first = as_new()
    kept = first.copy()
    for weight in layer.weights:
        weight += 0.1
    as_new()
    layer.set_weights([2 * weight for weight in layer.get_weights()])
    as_new()
    layer(x, training=True)
    as_new()
    layer.backward(np.ones_like(first))
    model = gs.Sequential([layer])
    model.compile("sgd", "mse")
    assert as_new().tobytes() == model.predict(x, verbose=0).tobytes()
    model.fit(x, np.zeros_like(first), epochs=2, verbose=0)
    assert as_new().tobytes() == model.predict(x, verbose=0).tobytes()
    layer.trainable = False
    as_new()
    assert first.tobytes() == kept.tobytes()


def test_all_layers_are_here():
    others = {"Input", "InputLayer", "Layer", "ReLU", "LeakyReLU", "ELU", "Softmax"}  # Activation under other names
    others |= {
        "ActivityRegularization",
        "Masking",
        "Embedding",
        "MultiHeadAttention",
        "AdditiveAttention",
        "Attention",
        "TimeDistributed",
    }  # test_output_penalty.py and so on
    others |= {"Bidirectional", "GRU", "LSTM", "SimpleRNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"}  # of sequences
    others |= {
        "CenterCrop",
        "RandomCrop",
        "RandomFlip",
        "RandomRotation",
        "RandomTranslation",
        "RandomZoom",
        "Resizing",
    }
    others |= {"RNN", "GRUCell", "LSTMCell", "SimpleRNNCell", "StackedRNNCells"}  # test_cells.py
    others |= {"EinsumDense"}  # test_einsum_dense.py
    others |= {"CategoryEncoding", "Discretization", "HashedCrossing", "Hashing"}  # of features
    others |= {"IntegerLookup", "StringLookup", "TextVectorization"}  # of texts
    others |= {"SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"}  # of rows of several axes
    merging = {"Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract"}  # of lists
    others |= merging | {name.lower() for name in merging}
    others |= REARRANGED | WINDOWED | {"GetItem"}  # test_rearranged.py, test_operators.py
    assert {*LAYERS} - {"own", "own, without weights", "custom activation"} == {*gs.layers.__all__} - others


@pytest.mark.parametrize("name", sorted({*LAYERS} - {"AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise"}))
def test_in_a_model_it_is_the_same(name):
    gs.utils.set_random_seed(1)
    layer, x = LAYERS[name](), np.random.default_rng(4).normal(size=(5, 6))
    y = layer(x, training=True)
    dx, gradients = layer.backward(np.cos(y))
    model = gs.Sequential([layer, gs.layers.Activation("linear", **FLOAT)])
    np.testing.assert_allclose(model(x, training=True), y, rtol=1e-14)
    found = model.backward(np.cos(y))
    np.testing.assert_allclose(found[0], dx, rtol=1e-13, atol=1e-15)
    for first, second in zip(found[1], gradients, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-13, atol=1e-15)


def test_averages_move_in_training_alone():
    x = np.random.default_rng(0).normal(size=(50, 3))
    layer = gs.layers.BatchNormalization(momentum=0.5, **FLOAT)
    layer(x)
    np.testing.assert_array_equal(layer.moving_mean, np.zeros(3))
    layer(x, training=True)
    np.testing.assert_allclose(layer.moving_mean, 0.5 * x.mean(axis=0), rtol=1e-12)
    counting = Counting(**FLOAT)
    for training in (True, False, True):
        counting(x, training=training)
    assert counting.seen == 100


def test_a_layer_of_a_model_by_itself():
    """The weights are the model's: what a call changes, the model has changed."""
    model = gs.Sequential([gs.Input((3,)), gs.layers.BatchNormalization(**FLOAT), gs.layers.Dense(2, **FLOAT)])
    x, norm = np.random.default_rng(0).normal(size=(9, 3)), model.layers[0]
    norm(x, training=True)
    assert (norm.moving_mean != 0).all()
    np.testing.assert_allclose(model(x), model.layers[1](norm(x)), rtol=1e-13)


def test_new_numbers_are_dropped_in_each_call():
    layers = [gs.layers.Dropout(0.5, seed=3) for _ in range(2)]
    x = np.ones((4, 100))
    first, second = ([layer(x, training=True) for _ in range(3)] for layer in layers)
    for i in range(3):
        np.testing.assert_array_equal(first[i], second[i])
        assert (first[i] != first[i - 1]).any()
    np.testing.assert_array_equal(layers[0](x), x)


@pytest.mark.parametrize("name", LAYERS)
def test_refusals(name):
    layer, x = LAYERS[name](), np.ones((4, 6))
    with pytest.raises(RuntimeError, match="must be called with training=True before each backward"):
        layer.backward(np.ones((4, 3)))
    y = layer(x)
    with pytest.raises(RuntimeError, match="must be called with training=True"):
        layer.backward(y)
    layer(x, training=True)
    with pytest.raises(ValueError, match="dy has shape"):
        layer.backward(y[:2])
    with pytest.raises(TypeError, match="dy must be"):
        layer.backward("a")
    layer.backward(y)
    with pytest.raises(RuntimeError, match="must be called with training=True"):
        layer.backward(y)
    with pytest.raises(TypeError, match="training"):
        layer(x, training="yes")
    with pytest.raises(ValueError, match="at least one row"):
        layer(x[:0], training=True)


def test_methods_of_a_parent_class():
    """`super().build` and `super().backward` are the parent's own, with nothing around them."""

    class Scaled(NumpyDense):
        def build(self, input_shape):
            super().build(input_shape)
            self.scale = self.add_weight((), "ones", name="scale")

        def forward(self, x, training=False):
            self.y = super().forward(x)
            return self.scale * self.y

        def backward(self, dy):
            dx, gradients = super().backward(self.scale * dy)
            return dx, [*gradients, (self.y * dy).sum()]

    class OnDense(gs.layers.Dense):
        """The engine's weights, another output."""

        def forward(self, x, training=False):
            self.x = x
            return np.tanh(x @ self.kernel + self.bias)

        def backward(self, dy):
            dz = dy * (1 - np.tanh(self.x @ self.kernel + self.bias) ** 2)
            return dz @ self.kernel.T, [self.x.T @ dz, dz.sum(axis=0)]

    x = np.random.default_rng(0).normal(size=(5, 6))
    for layer in (Scaled(3, **FLOAT), OnDense(3, kernel_regularizer="l2", **FLOAT)):
        dy = np.cos(layer(x, training=True))

        def loss(layer=layer, dy=dy):
            return float((layer(x) * dy).sum()) + sum(layer.losses)

        dx, gradients = layer.backward(dy)
        assert difference(dx, numeric_gradient(loss, x)) <= 1e-7
        for weight, gradient in zip(layer.trainable_weights, gradients, strict=True):
            layer(x)
            assert difference(gradient, numeric_gradient(loss, weight)) <= 1e-7
    assert layer.weight_names == ["kernel", "bias"]


@pytest.mark.parametrize("size", [3, 1200])
def test_calls_in_inference_between_forward_and_backward(size):
    """Of layers whose network is kept between calls, and of those that are too large for that."""
    x, dy = np.random.default_rng(0).normal(size=(2, 4, size))
    layer = gs.layers.Dense(size, "tanh", dtype="float64")
    before = layer(x[:2])
    np.testing.assert_array_equal(layer(x[:2]), before)
    layer(x, training=True)
    wanted = layer.backward(dy)
    layer(x, training=True)
    for other in (3 * x, x[:2], np.zeros((9, size))):
        layer(other)
    found = layer.backward(dy)
    for one, two in zip((found[0], *found[1]), (wanted[0], *wanted[1]), strict=True):
        np.testing.assert_array_equal(one, two)
    layer.kernel[...] *= 2  # seen by the next call
    assert not np.array_equal(layer(x[:2]), before)
