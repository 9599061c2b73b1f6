"""Models whose outputs have more dimensions than one: losses and metrics lie along the last, as in Keras."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradients import difference, numeric_gradient
from keras_runs import keras_says
from own_layers import NumpyDense

FLOAT = {"dtype": "float64"}
ROW = (4, 3)


def model_of(shaped=True, own=False):
    gs.utils.set_random_seed(1)
    layers = [gs.Input((5,)), gs.layers.Dense(6, "tanh", **FLOAT)]
    layers.append(NumpyDense(12, **FLOAT) if own else gs.layers.Dense(12, **FLOAT))
    model = gs.Sequential(layers + [gs.layers.Reshape(ROW, **FLOAT)] * shaped)
    random = np.random.default_rng(7)
    model.set_weights([random.normal(size=weight.shape) for weight in model.weights])
    return model


def data(rows=10):
    random = np.random.default_rng(0)
    return random.normal(size=(rows, 5)), random.random((rows, *ROW)), random.random(rows)


@pytest.mark.parametrize("own", [False, True], ids=["engine", "NumPy"])
@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
def test_means_are_those_of_flat_rows(loss, own):
    x, y, weights = data()
    found = []
    for shaped in (True, False):
        model, targets = model_of(shaped, own), y if shaped else y.reshape(len(y), -1)
        model.compile("adam", loss, metrics=["mae"])
        history = model.fit(x, targets, 4, 3, 0, sample_weight=weights, validation_split=0.2).history
        scores = model.evaluate(x, targets, verbose=0)
        found.append((*history.values(), scores, *model.weights, model.predict(x, 3, 0).reshape(len(x), -1)))
    for first, second in zip(*found, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-12)


def test_outputs_have_the_shape_of_the_last_layer():
    x, _, _ = data()
    model = model_of()
    for y in (model(x), model.predict(x, verbose=0), model.predict_on_batch(x), model.predict(x, 3, 0)):
        assert y.shape == (10, *ROW)
    assert model.predict(x[:0], verbose=0).shape == (0, *ROW)
    seen = []
    watch = gs.callbacks.LambdaCallback()
    watch.on_predict_batch_end = lambda batch, logs: seen.append(logs["outputs"].shape)
    model.predict(x, 4, 0, callbacks=[watch])
    assert seen == [(4, *ROW), (4, *ROW), (2, *ROW)]


@pytest.mark.parametrize("loss", ["categorical", "sparse", "cosine", "sum"])
def test_losses_along_the_last_axis(loss):
    """Value by the loss itself on arrays of that shape, gradients by central differences."""
    x, y, weights = data()
    judge = {
        "categorical": gs.losses.CategoricalCrossentropy(from_logits=True),
        "sparse": gs.losses.SparseCategoricalCrossentropy(from_logits=True),
        "cosine": gs.losses.CosineSimilarity(),
        "sum": gs.losses.MeanSquaredError(reduction="sum"),
    }[loss]
    targets = y.argmax(axis=-1) if loss == "sparse" else y
    model = model_of()
    model.compile("sgd", judge)
    value, gradients = model.value_and_grad(x, targets, weights)
    assert value == pytest.approx(judge(targets, model(x), sample_weight=weights[:, None]), rel=1e-13)
    assert value == pytest.approx(model.test_on_batch(x, targets, weights), rel=1e-13)
    for weight, gradient in zip(model.weights, gradients, strict=True):
        numeric = numeric_gradient(lambda: model.test_on_batch(x, targets, weights), weight)
        assert difference(gradient, numeric) <= 1e-7


@pytest.mark.parametrize("y", [np.ones((10, 12)), np.ones((10, 3, 4)), np.ones((10, 4)), np.ones(10)])
def test_targets_of_another_shape_are_refused(y):
    x, _, _ = data()
    model = model_of()
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"y has shape .*mean_squared_error takes \(rows, 4, 3\) for this model"):
        model.fit(x, y, verbose=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    if y.shape != (10, 4):
        with pytest.raises(ValueError, match=r"y has shape .*takes \(rows, 4\) for this model"):
            model.fit(x, y, verbose=0)
    assert model.optimizer.iterations == 0


@pytest.mark.peers
def test_training_equals_keras():
    x, y, _ = data()
    labels = y.argmax(axis=-1)
    model = model_of()
    answer = keras_says(
        """
model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(6, "tanh"), keras.layers.Dense(12),
                          keras.layers.Reshape((4, 3))])
model.set_weights([np.array(w) for w in data["weights"]])
model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True),
              metrics=["accuracy"])
x, y = np.array(data["x"]), np.array(data["y"])
history = model.fit(x, y, batch_size=4, epochs=3, shuffle=False, verbose=0).history
answer = [history, model.get_weights()]
""",
        weights=[weight.tolist() for weight in model.weights],
        x=x.tolist(),
        y=labels.tolist(),
    )
    loss = gs.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(gs.optimizers.SGD(0.1), loss, metrics=["accuracy"])
    history = model.fit(x, labels, batch_size=4, epochs=3, shuffle=False, verbose=0).history
    for name, values in answer[0].items():
        np.testing.assert_allclose(history[name], values, rtol=2e-6)  # Keras reports in float32
    for mine, other in zip(model.weights, answer[1], strict=True):
        np.testing.assert_allclose(mine, np.array(other), rtol=1e-6, atol=1e-7)


def test_several_outputs():
    """One that lies in rows and one that does not: gradients of their sum, by central differences."""
    x, y, weights = data()
    gs.utils.set_random_seed(1)
    enter = gs.Input((5,))
    hidden = gs.layers.Dense(12, "tanh", **FLOAT)(gs.layers.Rescaling(1.0, **FLOAT)(enter))
    shaped = gs.layers.Reshape(ROW, name="shaped", **FLOAT)(hidden)
    model = gs.Model(enter, [shaped, gs.layers.Dense(2, name="flat", **FLOAT)(hidden)])
    judges = gs.losses.CategoricalCrossentropy(from_logits=True), gs.losses.MeanSquaredError()
    model.compile("sgd", list(judges), loss_weights=[2.0, 1.0], metrics=[["mae"], []])
    ys = [y, np.zeros((10, 2))]
    first = model.predict(x, 4, verbose=0)[0]
    assert first.shape == (10, *ROW)
    assert model.predict(x[:0], verbose=0)[0].shape == (0, *ROW)
    scores = model.evaluate(x, ys, verbose=0, sample_weight=weights, return_dict=True)
    assert scores["shaped_loss"] == pytest.approx(judges[0](y, first, sample_weight=weights[:, None]), rel=1e-12)
    assert scores["shaped_mae"] == pytest.approx(np.abs(y - first).mean(), rel=1e-12)
    value, gradients = model.value_and_grad(x, ys, weights)
    assert value == pytest.approx(2 * scores["shaped_loss"] + scores["flat_loss"], rel=1e-12)
    for weight, gradient in zip(model.weights, gradients, strict=True):
        numeric = numeric_gradient(lambda: model.value_and_grad(x, ys, weights)[0], weight)
        assert difference(gradient, numeric) <= 1e-7
    with pytest.raises(ValueError, match=r"has shape \(10, 12\); .* takes \(rows, 4, 3\)"):
        model.fit(x, [y.reshape(10, 12), ys[1]], verbose=0)
