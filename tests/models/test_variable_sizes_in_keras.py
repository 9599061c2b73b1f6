"""Models whose inputs have None in their shape, beside Keras's: numbers, shapes, and files both ways."""

from __future__ import annotations

from typing import Any

import gradstep as gs
import numpy as np
import pytest
from keras_runs import keras_says

pytestmark = pytest.mark.peers

# In both libraries, whose name is `L`.
PROGRAM = """
def text():
    row = [L.layers.Embedding(30, 6, mask_zero=True), L.layers.Bidirectional(L.layers.LSTM(4, return_sequences=True)),
           L.layers.GRU(5), L.layers.Dense(3, activation="softmax")]
    return L.Sequential([L.Input((None,), dtype="int32"), *row])

def images():
    x = L.Input((None, None, 3))
    h = L.layers.Conv2D(4, 3, padding="same", activation="relu")(L.layers.Rescaling(0.5)(x))
    h = L.layers.BatchNormalization()(L.layers.MaxPooling2D(2)(h))
    h = L.layers.Conv2DTranspose(5, 2, strides=2)(L.layers.Conv2D(5, 3, padding="same")(h))
    return L.Model(x, L.layers.Dense(3, activation="softmax")(L.layers.GlobalAveragePooling2D()(h)))

def pooled():
    x = L.Input((None, 4))
    h = L.layers.Conv1D(6, 3, padding="causal", activation="relu")(x)
    h = L.layers.TimeDistributed(L.layers.Dense(5, activation="tanh"))(L.layers.LayerNormalization()(h))
    h = L.layers.Add()([h, L.layers.MultiHeadAttention(2, 3)(h, h)])
    h = L.layers.Reshape((-1, 5))(h)
    return L.Model(x, L.layers.Dense(3, activation="softmax")(L.layers.GlobalAveragePooling1D()(h)))

def translator():
    a, b = L.Input((None,), dtype="int32", name="a"), L.Input((None,), dtype="int32", name="b")
    table = L.layers.Embedding(30, 5)
    _, h, c = L.layers.LSTM(5, return_state=True)(table(a))
    steps = L.layers.LSTM(5, return_sequences=True)(table(b), initial_state=[h, c])
    return L.Model([a, b], L.layers.Dense(3, activation="softmax")(steps))

MODELS = dict(text=text, images=images, pooled=pooled, translator=translator)

def run(name, batches, start=None):
    model = MODELS[name]()
    model.compile(L.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy", metrics=["accuracy"])
    if start is not None:
        model.set_weights([np.array(weight) for weight in start])
    start, losses = model.get_weights(), []
    for x, y in batches:
        losses.append([float(one) for one in model.test_on_batch(x, y)])
        model.train_on_batch(x, y)
    each = [layer.output for layer in model.layers]
    shapes = [list((one[0] if isinstance(one, (list, tuple)) else one).shape) for one in each]
    outputs = [np.array(model.predict_on_batch(x)) for x, _ in batches]
    return model, [start, losses, [np.array(weight) for weight in model.get_weights()], outputs, shapes]
"""


def batches(name: str) -> list[Any]:
    """(x, y), of several sizes."""
    random = np.random.default_rng(len(name))

    def ids(*shape: int) -> np.ndarray:
        found = random.integers(1, 30, shape)
        found[0, shape[1] // 2 :] = 0
        return found

    def labels(*shape: int) -> np.ndarray:
        return random.integers(0, 3, shape)

    if name == "text":
        return [(ids(6, n), labels(6)) for n in (5, 9, 3, 5)]
    if name == "images":
        return [(random.normal(size=(3, *n, 3)), labels(3)) for n in ((8, 6), (4, 10), (8, 6))]
    if name == "pooled":
        return [(random.normal(size=(6, n, 4)), labels(6)) for n in (7, 4, 9)]
    return [([ids(4, n), ids(4, m)], labels(4, m)) for n, m in ((5, 3), (4, 4), (3, 6))]


def as_lists(given: Any) -> Any:
    if isinstance(given, (list, tuple)):
        return [as_lists(one) for one in given]
    return given.tolist()


READ = """
def arrays(given):
    return [([np.array(one) for one in x] if name == "translator" else np.array(x), np.array(y)) for x, y in given]
name, folder = data["name"], data["folder"]
"""


@pytest.mark.usefixtures("float64_by_default")
@pytest.mark.parametrize("name", ["text", "images", "pooled", "translator"])
def test_as_in_keras(name, tmp_path):
    given = batches(name)
    program = (
        f"L = keras\n{PROGRAM}{READ}\nmodel, answer = run(name, arrays(data['given']))\n"
        "model.save(folder + '/theirs.keras')\nmodel.save_weights(folder + '/theirs.weights.h5')\n"
    )
    told = {"name": name, "folder": str(tmp_path), "given": as_lists(given)}
    start, losses, weights, outputs, shapes = keras_says(program, "torch", **told)
    names: dict[str, Any] = {"L": gs, "np": np}
    exec(PROGRAM, names)
    model, ours = names["run"](name, given, start)
    np.testing.assert_allclose(ours[1], losses, rtol=1e-4)
    for one, other in zip(ours[2], weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    for one, other in zip(ours[3], outputs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    assert ours[4] == shapes
    # Their files here.
    theirs = gs.models.load_model(tmp_path / "theirs.keras")
    assert theirs.input_shape == model.input_shape
    other = names["MODELS"][name]()
    other.load_weights(tmp_path / "theirs.weights.h5")
    for (x, _), expected in zip(given, outputs, strict=True):
        np.testing.assert_allclose(theirs.predict_on_batch(x), expected, rtol=1e-6)
        np.testing.assert_allclose(other.predict_on_batch(x), expected, rtol=1e-6)
    # And ours there.
    model.save(tmp_path / "ours.keras")
    model.save_weights(tmp_path / "ours.weights.h5")
    program = f"""L = keras\n{PROGRAM}{READ}
model, other = keras.models.load_model(folder + "/ours.keras"), MODELS[name]()
other.load_weights(folder + "/ours.weights.h5")
answer = [[np.array(one.predict_on_batch(x)) for x, _ in arrays(data["given"])] for one in (model, other)]
"""
    for read in keras_says(program, "torch", **told):
        for (x, _), expected in zip(given, read, strict=True):
            np.testing.assert_allclose(model.predict_on_batch(x), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("float64_by_default")
def test_a_sequential_without_an_input():
    """Keras takes batches of other sizes than the first, where weights do not depend on them."""
    program = """
def run(start=None):
    model = L.Sequential([L.layers.Conv1D(4, 3, padding="same"), L.layers.GRU(3), L.layers.Dense(1)])
    model.compile("sgd", "mse")
    random, losses = np.random.default_rng(0), []
    for n in (7, 4, 9):
        x = random.normal(size=(5, n, 2))
        if start is not None and not losses:
            model.predict_on_batch(x)
            model.set_weights([np.array(weight) for weight in start])
        if start is None and not losses:
            model.predict_on_batch(x)
            start = model.get_weights()
        losses.append(float(model.train_on_batch(x, random.normal(size=(5, 1)))))
    return start, losses
"""
    start, losses = keras_says(f"L = keras\n{program}\nanswer = run()", "torch")
    names: dict[str, Any] = {"L": gs, "np": np}
    exec(program, names)
    assert names["run"](start)[1] == pytest.approx(losses, rel=1e-6)
