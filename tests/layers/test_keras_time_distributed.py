"""TimeDistributed of models beside Keras: numbers, weights after steps of training, and files both ways."""

from __future__ import annotations

from typing import Any

import gradstep as gs
import numpy as np
import pytest
from keras_runs import keras_says

pytestmark = pytest.mark.peers

# In both libraries, whose name is `L`.
PROGRAM = """
def build(shares):
    row = L.Sequential([L.Input((6, 2)), L.layers.Conv1D(3, 2, activation="relu"), L.layers.BatchNormalization()])
    row.add(L.layers.Flatten())
    x = L.Input((15,))
    shared = L.layers.Dense(4, "tanh", kernel_regularizer="l2")
    h = L.layers.Add()([shared(x), L.layers.Dense(4)(x)])
    graph = L.Model(x, L.layers.LayerNormalization()(h))
    words = L.Sequential([L.layers.Dense(3, "relu"), L.layers.Dense(2)])
    images, other = L.Input((4, 6, 2)), L.Input((6, 2))
    steps = L.layers.TimeDistributed(graph)(L.layers.TimeDistributed(row)(images))
    steps = L.layers.Concatenate()([steps, L.layers.TimeDistributed(words)(steps)])
    twice = L.layers.TimeDistributed(L.layers.TimeDistributed(words.__class__([L.layers.Dense(2)])))(images)
    beside = graph(row(other)) if shares else L.layers.Flatten()(other)
    h = L.layers.Concatenate()([L.layers.GRU(3)(steps), beside, L.layers.Flatten()(twice)])
    return L.Model([images, other], L.layers.Dense(1)(h))

def trained(model, x, y):
    model.compile(L.optimizers.SGD(0.05), loss="mse")
    loss = model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0).history["loss"]
    return [loss, model.predict(x, verbose=0), *model.get_weights()]
"""


def test_numbers_and_files(tmp_path):
    names: dict[str, Any] = {"L": gs}
    exec(PROGRAM, names)
    # Configs of Keras alone, without files, do not tell which layers of several levels are one.
    model, plain, rng = names["build"](True), names["build"](False), np.random.default_rng(0)
    x = [rng.normal(size=(8, 4, 6, 2)).astype("float32"), rng.normal(size=(8, 6, 2)).astype("float32")]
    y = rng.normal(size=(8, 1)).astype("float32")
    model.save_weights(tmp_path / "model.weights.h5")
    plain.save_weights(tmp_path / "plain.weights.h5")
    start = model.get_weights()
    theirs = keras_says(
        f"""
keras.config.set_floatx("float32")
L = keras
x, y = [np.array(one, "float32") for one in data["x"]], np.array(data["y"], "float32")
{PROGRAM}
model = build(True)
model.load_weights({str(tmp_path / "model.weights.h5")!r})
model.save({str(tmp_path / "theirs.keras")!r})
model.save_weights({str(tmp_path / "theirs.weights.h5")!r})
plain = keras.models.model_from_json({plain.to_json()!r})
plain.load_weights({str(tmp_path / "plain.weights.h5")!r})
answer = [trained(model, x, y), trained(plain, x, y)]
""",
        "torch",
        x=[one.tolist() for one in x],
        y=y.tolist(),
    )
    loaded = gs.models.load_model(tmp_path / "theirs.keras", compile=False)
    model.set_weights([weight * 0 for weight in start])
    model.load_weights(tmp_path / "theirs.weights.h5")
    for one, other, from_file in zip(start, model.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(one, from_file)
    for each, found in ((model, theirs[0]), (loaded, theirs[0]), (plain, theirs[1])):
        for one, other in zip(names["trained"](each, x, y), found, strict=True):
            np.testing.assert_allclose(one, np.array(other), rtol=2e-3, atol=2e-5)


# Each with a layer that has its weights in layers inside.
WITHIN = """
def build():
    both = L.layers.Bidirectional(L.layers.GRU(2), "sum")
    row = [
        L.layers.TimeDistributed(L.layers.TimeDistributed(L.layers.GRU(3, return_sequences=True))),
        L.layers.TimeDistributed(L.layers.TimeDistributed(L.layers.Bidirectional(L.layers.LSTM(2)))),
        L.layers.SpatialDropout1D(0.25),
        L.layers.TimeDistributed(L.layers.SimpleRNN(4)),
        L.layers.TimeDistributed(L.Sequential([L.layers.Reshape((2, 2)), both])),
        L.layers.LSTM(2),
    ]
    x = y = L.Input((3, 2, 5, 2))
    y = row[1](row[0](y))
    y = row[3](L.layers.TimeDistributed(row[2])(y))
    return L.Model(x, row[5](row[4](y)))
"""


def test_layers_within_layers(tmp_path):
    """Numbers, and files both ways."""
    names: dict[str, Any] = {"L": gs}
    exec(WITHIN, names)
    model = names["build"]()
    x = np.random.default_rng(0).normal(size=(4, 3, 2, 5, 2)).astype("float32")
    model.save(tmp_path / "ours.keras")
    model.save_weights(tmp_path / "ours.weights.h5")
    theirs = keras_says(
        f"""
keras.config.set_floatx("float32")
L = keras
{WITHIN}
model, x = build(), np.array(data["x"], "float32")
model.load_weights({str(tmp_path / "ours.weights.h5")!r})
answer = [model.predict(x, verbose=0), keras.models.load_model({str(tmp_path / "ours.keras")!r}).predict(x, verbose=0)]
for weight in model.weights:
    weight.assign(weight * 0.5)
model.save({str(tmp_path / "theirs.keras")!r})
model.save_weights({str(tmp_path / "theirs.weights.h5")!r})
answer.append(model.predict(x, verbose=0))
""",
        "torch",
        x=x.tolist(),
    )
    ours = model.predict(x, verbose=0)
    np.testing.assert_allclose(theirs[0], ours, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(theirs[1], ours, rtol=1e-5, atol=1e-6)
    model.load_weights(tmp_path / "theirs.weights.h5")
    for one in (model, gs.models.load_model(tmp_path / "theirs.keras")):
        np.testing.assert_allclose(theirs[2], one.predict(x, verbose=0), rtol=1e-5, atol=1e-6)
