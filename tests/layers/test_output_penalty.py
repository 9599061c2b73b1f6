"""Penalties of what layers give: in the loss of a batch, over its rows, for rows of any rank."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradients import difference, numeric_gradient
from gradstep import layers
from keras_runs import keras_says
from threads import same_at_any_number_of_threads

FLOAT = {"dtype": "float64"}
RANKS = [(6,), (3, 4), (2, 3, 4)]
PENALTIES = {
    "l1": lambda: gs.regularizers.L1(0.3),
    "l2": lambda: gs.regularizers.L2(0.2),
    "l1l2": lambda: gs.regularizers.L1L2(0.1, 0.3),
    "orthogonal": lambda: gs.regularizers.OrthogonalRegularizer(0.4),
    "orthogonal columns": lambda: gs.regularizers.OrthogonalRegularizer(0.4, "columns"),
}


def model_of(row, penalty=None, l1=0.0, l2=0.0):
    gs.utils.set_random_seed(4)
    first = layers.Dense(5, "tanh", activity_regularizer=penalty, **FLOAT)
    between = layers.ActivityRegularization(l1, l2, **FLOAT)
    model = gs.Sequential([gs.Input(row), first, between, layers.Flatten(**FLOAT), layers.Dense(2, **FLOAT)])
    model.compile(gs.optimizers.SGD(0.1), "mse")
    random = np.random.default_rng(0)
    return model, random.normal(size=(7, *row)), random.normal(size=(7, 2))


@pytest.mark.parametrize("row", RANKS)
@pytest.mark.parametrize("penalty", PENALTIES)
def test_loss_and_gradients(row, penalty):
    plain, x, y = model_of(row)
    model, *_ = model_of(row, PENALTIES[penalty](), 0.2, 0.1)
    h = np.array(model.layers[0](x)).reshape(7, -1)
    more = (PENALTIES[penalty]()(h) + 0.2 * np.abs(h).sum() + 0.1 * np.square(h).sum()) / 7
    assert model.evaluate(x, y, verbose=0) == pytest.approx(plain.evaluate(x, y, verbose=0) + more, rel=1e-13)
    loss, gradients = model.value_and_grad(x, y)
    assert loss == pytest.approx(plain.value_and_grad(x, y)[0] + more, rel=1e-13)
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        assert difference(gradient, numeric_gradient(lambda: model.value_and_grad(x, y)[0], weight)) <= 1e-7


@pytest.mark.parametrize("row", RANKS)
def test_same_bits_on_any_number_of_threads(row):
    def trained():
        model, *_ = model_of(row, "l1l2", 0.2, 0.1)
        random = np.random.default_rng(0)
        x, y = random.normal(size=(500, *row)), random.normal(size=(500, 2))
        history = model.fit(x, y, batch_size=200, epochs=2, verbose=0).history
        return history["loss"], model.get_weights()

    same_at_any_number_of_threads(trained, (1, 2, 5))


@pytest.mark.peers
def test_keras_s_numbers():
    made = [model_of(row, gs.regularizers.L1L2(0.1, 0.3), 0.2, 0.1) for row in RANKS]
    found = keras_says(
        """
D, of, answer = dict(dtype="float64"), keras.layers, []
for row, x, y, weights in data["problems"]:
    model = keras.Sequential([
        keras.Input(row), of.Dense(5, "tanh", activity_regularizer=keras.regularizers.L1L2(0.1, 0.3), **D),
        of.ActivityRegularization(0.2, 0.1, **D), of.Flatten(**D), of.Dense(2, **D),
    ])
    model.set_weights([np.array(w) for w in weights])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    x, y = np.array(x), np.array(y)
    losses = model.fit(x, y, batch_size=3, epochs=2, shuffle=False, verbose=0).history["loss"]
    answer.append([losses, model.evaluate(x, y, verbose=0), model.get_weights()])
""",
        backend="torch",
        problems=[
            [row, x.tolist(), y.tolist(), [w.tolist() for w in model.get_weights()]]
            for row, (model, x, y) in zip(RANKS, made, strict=True)
        ],
    )
    for (model, x, y), (losses, last, end) in zip(made, found, strict=True):
        history = model.fit(x, y, batch_size=3, epochs=2, shuffle=False, verbose=0).history["loss"]
        # Keras sums losses in float32.
        np.testing.assert_allclose(history, losses, rtol=2e-6)
        assert model.evaluate(x, y, verbose=0) == pytest.approx(last, rel=2e-6)
        for weight, other in zip(model.weights, end, strict=True):
            np.testing.assert_allclose(weight, other, rtol=2e-6, atol=1e-7)
