"""TimeDistributed: the layer called on each step by hand."""

import pickle

import gradstep as gs
import numpy as np
import pytest
from step_by_step import compare_with_calls_on_steps

layers = gs.layers
KIND = {"dtype": "float64"}
CASES = {
    "dense": (lambda: layers.Dense(4, "tanh", **KIND), (3,)),
    "dense of several axes": (lambda: layers.Dense(4, kernel_regularizer="l2", **KIND), (2, 3)),
    "convolution": (lambda: layers.Conv1D(3, 2, activation="relu", **KIND), (5, 2)),
    "pooling": (lambda: layers.GlobalMaxPooling1D(**KIND), (4, 2)),
    "flatten": (lambda: layers.Flatten(**KIND), (2, 3)),
    "reshape": (lambda: layers.Reshape((3, 2), **KIND), (6,)),
    "normalization": (lambda: layers.LayerNormalization(**KIND), (4,)),
    "recurrence": (lambda: layers.LSTM(3, **KIND), (4, 2)),
    "softmax": (lambda: layers.Softmax(**KIND), (4,)),
    "another": (lambda: Doubled(**KIND), (4,)),
}


class Doubled(layers.Layer):
    """A layer of the user's own, with a weight."""

    def build(self, input_shape):
        self.w = self.add_weight(input_shape[1:], "ones", name="w")

    def forward(self, x):
        self.x = x
        return 2 * x * self.w

    def backward(self, dy):
        return 2 * dy * self.w, [(2 * dy * self.x).sum(0)]


def data(row, steps=3, seed=0):
    """Sequences of rows of a shape."""
    return np.random.default_rng(seed).normal(size=(6, steps, *row))


@pytest.mark.parametrize("name", CASES)
def test_each_step_is_a_call_of_the_layer(name):
    make, row = CASES[name]
    penalties = {0: 0.02} if name == "dense of several axes" else {}
    compare_with_calls_on_steps(layers.TimeDistributed(make()), make, data(row), penalties)


@pytest.mark.parametrize("name", CASES)
def test_in_a_model(name, tmp_path):
    make, row = CASES[name]
    x = data(row)
    model = gs.Sequential([gs.Input((3, *row)), layers.TimeDistributed(make()), layers.Flatten(**KIND)])
    model.add(layers.Dense(1, **KIND))
    model.compile("adam", loss="mse")
    y = np.random.default_rng(2).normal(size=(6, 1))
    before = model.evaluate(x, y, verbose=0)
    model.fit(x, y, epochs=5, verbose=0)
    assert model.evaluate(x, y, verbose=0) < before
    model.save(tmp_path / "model.gradstep")
    own = {"Doubled": Doubled}
    loaded = gs.models.load_model(tmp_path / "model.gradstep", custom_objects=own)
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    if name != "another":
        copied = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(copied.predict(x, verbose=0), model.predict(x, verbose=0))
        assert "time_distributed" in model.to_json()


def test_steps_are_normalized_each_by_itself():
    x = data((4,))
    layer = layers.TimeDistributed(layers.BatchNormalization(momentum=0.9, **KIND))
    y = layer(x, training=True)
    np.testing.assert_allclose(y, (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-3), rtol=1e-10, atol=1e-12)
    mean, variance = np.zeros(4), np.ones(4)
    for step in range(3):
        mean = 0.9 * mean + 0.1 * x[:, step].mean(0)
        variance = 0.9 * variance + 0.1 * x[:, step].var(0)
    np.testing.assert_allclose(layer.layer.moving_mean, mean, rtol=1e-10)
    np.testing.assert_allclose(layer.layer.moving_variance, variance, rtol=1e-10)


@pytest.mark.parametrize("layer", [layers.Dropout(0.5, seed=1), layers.SpatialDropout1D(0.5, seed=1)])
def test_each_step_draws_for_itself(layer):
    x = np.ones((4, 6, 20, 30))
    y = layers.TimeDistributed(layer)(x, training=True)
    assert set(np.unique(y)) == {0.0, 2.0}
    steps = [y[:, step] for step in range(6)]
    assert all((steps[i] != steps[j]).any() for i in range(6) for j in range(i))


def test_masks_go_on():
    x = data((3,))
    mask = np.random.default_rng(3).random((6, 3)) < 0.6
    mask[:, 0] = True
    x[~mask] = 0
    model = gs.Sequential([gs.Input((3, 3)), layers.Masking(**KIND), layers.TimeDistributed(layers.Dense(2, **KIND))])
    model.compile("sgd", loss="mse")
    outputs = model.predict(x, verbose=0)
    found = model.evaluate(x, np.zeros_like(outputs), verbose=0)
    np.testing.assert_allclose(found, (outputs**2).mean(-1)[mask].mean(), rtol=1e-12)
    norm = layers.BatchNormalization(momentum=0.0, **KIND)
    model = gs.Sequential([gs.Input((3, 3)), layers.Masking(**KIND), layers.TimeDistributed(norm)])
    model(x, training=True)
    last = x[:, 2][mask[:, 2]]
    np.testing.assert_allclose(norm.moving_mean, last.mean(0), rtol=1e-6)


def test_what_is_refused():
    with pytest.raises(TypeError, match="layer must be a Layer or a model"):
        layers.TimeDistributed("dense")
    with pytest.raises(ValueError, match="must get inputs of shape"):
        layers.TimeDistributed(layers.Dense(2))(np.zeros((3, 4)))
    layer = layers.TimeDistributed(layers.Dense(2, name="inner"), name="outer")
    again = layers.TimeDistributed.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.GRU(3, dtype="float64"),
        lambda: layers.Conv1D(2, 3, dtype="float64"),
        lambda: Doubled(dtype="float64"),
    ],
    ids=["gru", "convolution", "custom"],
)
def test_steps_of_steps(make):
    """A layer at each step of each step: values, and gradients by the input."""
    random = np.random.default_rng(0)
    inner = make()
    layer = layers.TimeDistributed(layers.TimeDistributed(inner))
    x = random.normal(size=(3, 2, 4, 5, 2))
    y = layer(x, training=True)
    assert layer.compute_output_shape(x.shape)[1:] == y.shape[1:]
    alone = inner(x.reshape(-1, 5, 2), training=True)
    np.testing.assert_allclose(y.reshape(alone.shape), alone, rtol=0, atol=1e-14)
    dy = random.normal(size=y.shape)
    right, _ = inner.backward(dy.reshape(alone.shape))
    layer(x, training=True)
    dx, _ = layer.backward(dy)
    np.testing.assert_allclose(dx.reshape(right.shape), right, rtol=0, atol=1e-14)
