"""Dense and softmax of rows with several axes: each vector along the last one by itself, as in Keras."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradients import difference, numeric_gradient
from gradstep import layers

X = np.random.default_rng(0).normal(size=(6, 4, 3))
FLOAT = {"dtype": "float64"}
LAYERS = {
    "Dense": lambda: layers.Dense(2, "tanh", kernel_regularizer="l2", **FLOAT),
    "Dense softmax": lambda: layers.Dense(3, "softmax", **FLOAT),
    "Dense custom": lambda: layers.Dense(2, lambda z: z * np.tanh(z), **FLOAT),
    "Softmax": lambda: layers.Softmax(**FLOAT),
    "log_softmax": lambda: layers.Activation("log_softmax", **FLOAT),
}


@pytest.mark.parametrize("name", LAYERS)
def test_each_vector_by_itself(name: str) -> None:
    layer = LAYERS[name]()
    y = layer(X, training=True)
    dy = np.random.default_rng(1).normal(size=y.shape)
    dx, gradients = layer.backward(dy)
    flat = type(layer).from_config(layer.get_config()) if "custom" not in name else LAYERS[name]()
    flat.build((None, 3))
    flat.set_weights(layer.get_weights())
    assert np.array_equal(flat(X.reshape(-1, 3), training=True).reshape(y.shape), y)
    other, others = flat.backward(dy.reshape(-1, dy.shape[-1]))
    assert np.array_equal(other.reshape(X.shape), dx)
    assert all(np.array_equal(a, b) for a, b in zip(gradients, others, strict=True))
    assert y.shape == (6, *layer.output_shape[1:])


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_in_a_model(name: str) -> None:
    gs.utils.set_random_seed(3)
    stack = [layers.Dense(3, **FLOAT), LAYERS[name](), layers.Flatten(**FLOAT), layers.Dense(2, **FLOAT)]
    model = gs.Sequential([gs.Input((4, 3)), *stack])
    model.compile("sgd", "mse")
    y = np.random.default_rng(2).normal(size=(6, 2))
    _, gradients = model.value_and_grad(X, y)
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        assert difference(gradient, numeric_gradient(lambda: model.value_and_grad(X, y)[0], weight)) <= 1e-7


def test_fit_and_files(tmp_path: object) -> None:
    model = gs.Sequential([gs.Input((4, 3)), layers.Dense(5, "relu"), layers.Dropout(0.2), layers.Dense(2, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    y = (X[..., 0] > 0).astype(int)
    first, *_, last = model.fit(X, y, epochs=30, verbose=0).history["loss"]
    assert last < first
    assert model.count_params() == 3 * 5 + 5 + 5 * 2 + 2
    np.testing.assert_allclose(model.predict(X, verbose=0).sum(axis=-1), 1, rtol=1e-6)
    model.save(tmp_path / "m.gradstep")
    other = gs.models.load_model(tmp_path / "m.gradstep")
    for each in (model, other):
        each.fit(X, y, verbose=0)
    assert np.array_equal(model.predict(X, verbose=0), other.predict(X, verbose=0))


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_keras_s_numbers() -> None:
    keras = pytest.importorskip("keras")
    found: list[tuple[object, np.ndarray]] = []
    weights: list[np.ndarray] = []
    for library in (gs, keras):
        stack = [library.layers.Dense(3, "tanh"), library.layers.Softmax(), library.layers.Dense(2)]
        model = library.Sequential([library.Input((4, 3)), *stack])
        weights = weights or model.get_weights()
        model.set_weights(weights)
        model.compile(library.optimizers.SGD(0.1), "mse")
        losses = model.fit(X, X[..., :2], batch_size=2, epochs=3, shuffle=False, verbose=0).history["loss"]
        found.append((losses, np.asarray(model.predict(X, verbose=0))))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=1e-6)
