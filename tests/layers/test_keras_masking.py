"""Masks beside Keras: losses, metrics, and weights after steps of training; and files both ways."""

from __future__ import annotations

from typing import Any

import gradstep as gs
import numpy as np
import pytest
from keras_runs import keras_says

pytestmark = pytest.mark.peers

# In both libraries, whose name is `L`; layers by `layer`, in float64.
PROGRAM = """
def layer(kind, *inputs, **arguments):
    made = getattr(L.layers, kind)(**arguments, dtype="float64")
    return made(inputs[0] if len(inputs) == 1 else list(inputs))

def models():
    for kind in ("steps", "norm", "mean", "merged", "joined", "nested", "ids", "attention", "argument", "inner"):
        x = L.Input((5, 3))
        h = layer("Masking", x, mask_value=0.5)
        if kind == "norm":
            h = layer("BatchNormalization", layer("Dense", h, units=4), momentum=0.5)
        if kind == "mean":
            h = layer("GlobalAveragePooling1D", layer("Dense", h, units=4, activation="tanh"))
        if kind in ("merged", "joined"):
            other = layer("Masking", layer("Dense", x, units=3, activation="relu"))
            h = layer(*(("Add", h, other) if kind == "merged" else ("Concatenate", h, other, h)))
        if kind == "nested":
            inner = L.Sequential([L.Input((5, 3)), L.layers.Dense(4, "tanh", dtype="float64")])
            h = layer("Activation", inner(h), activation="relu")
        if kind == "ids":
            x = L.Input((5,), dtype="int32")
            h = layer("Embedding", x, input_dim=7, output_dim=3, mask_zero=True)
        if kind == "attention":
            x = L.Input((5,), dtype="int32")
            h = layer("Embedding", x, input_dim=7, output_dim=3, mask_zero=True)
            attended = L.layers.MultiHeadAttention(2, 3, value_dim=2, dtype="float64")(h, h, use_causal_mask=True)
            h = layer("Add", h, attended)
            h = layer("Concatenate", h, layer("Attention", h, h, use_scale=True))
            h = L.layers.TimeDistributed(L.layers.Dense(4, "tanh", dtype="float64"))(h)
        if kind in ("argument", "inner"):
            counts = L.Input((5,), dtype="bool")
            row = [L.layers.LSTM(4, return_sequences=True, dtype="float64"), L.layers.Dense(3, dtype="float64")]
            inner = L.Sequential([L.Input((5, 3)), *row])
            h = inner(x, mask=counts) if kind == "inner" else row[1](row[0](x, mask=counts))
            h = L.layers.GRU(4, return_sequences=True, dtype="float64")(h)
            x = [x, counts]
        model = L.Model(x, layer("Dense", h, units=2, name="last"))
        model.compile(L.optimizers.SGD(0.1), loss="mse", metrics=["mae"])
        yield kind, model

def answers():
    found = {}
    for kind, model in models():
        shapes = [weight.shape for weight in model.get_weights()]
        rng = np.random.default_rng(0)
        model.set_weights([rng.uniform(0.2, 1, shape) for shape in shapes])
        x, y = np.array(data["x"]), np.array(data["y"])
        y = y[:, 0] if kind == "mean" else y
        x = np.array(data["ids"]) if kind in ("ids", "attention") else x
        x = [x, x[..., 0] != 0.5] if kind in ("argument", "inner") else x
        scores = model.evaluate(x, y, batch_size=4, verbose=0)
        history = model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0).history
        outputs = model.predict(x, verbose=0)
        found[kind] = [scores, history["loss"], history["mae"], outputs, *model.get_weights()]
    return found
"""


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    """Sequences of which some steps are masked, and targets."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(6, 5, 3)), rng.normal(size=(6, 5, 2))
    x[rng.random((6, 5)) < 0.4] = 0.5
    x[:, 1] = rng.normal(size=(6, 3))
    return {"x": x.tolist(), "y": y.tolist(), "ids": rng.integers(0, 7, (6, 5)).tolist()}


def test_numbers_are_those_of_keras(data):
    # Of the backends, for on JAX Keras 3 loses masks before the loss.
    theirs = keras_says("L = keras\n" + PROGRAM + "answer = answers()\n", "torch", **data)
    names: dict[str, Any] = {"L": gs, "np": np, "data": data}
    exec(PROGRAM, names)
    ours = names["answers"]()
    assert list(ours) == list(theirs)
    for kind, values in ours.items():
        for one, other in zip(values, theirs[kind], strict=True):
            np.testing.assert_allclose(one, np.array(other), rtol=2e-6, atol=1e-7, err_msg=kind)


def test_files_go_both_ways(data, tmp_path):
    model = gs.Sequential([gs.Input((5, 3)), gs.layers.Masking(0.5), gs.layers.Dense(2), gs.layers.Dense(2)])
    model.compile("sgd", loss="mse")
    model.save_weights(tmp_path / "ours.weights.h5")
    x, y = np.array(data["x"], "float32"), np.array(data["y"], "float32")
    loss = keras_says(
        f"""
keras.config.set_floatx("float32")
model = keras.models.model_from_json({model.to_json()!r})
model.load_weights({str(tmp_path / "ours.weights.h5")!r})
model.compile("sgd", loss="mse")
answer = model.evaluate(np.array(data["x"], "float32"), np.array(data["y"], "float32"), verbose=0)
model.save({str(tmp_path / "theirs.keras")!r})
""",
        "torch",
        **data,
    )
    np.testing.assert_allclose(model.evaluate(x, y, verbose=0), loss, rtol=1e-5)
    loaded = gs.models.load_model(tmp_path / "theirs.keras", compile=False)
    loaded.compile("sgd", loss="mse")
    assert loaded.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)


# A transformer of masked ids; in both libraries.
TRANSFORMER = """
x = L.Input((5,), dtype="int32")
h = L.layers.Embedding(7, 4, mask_zero=True)(x)
attended = L.layers.MultiHeadAttention(2, 3, output_shape=4)(h, h, use_causal_mask=True)
h = L.layers.BatchNormalization()(L.layers.Add()([h, attended]))
h = L.layers.TimeDistributed(L.layers.Dense(3, "tanh"))(h)
model = L.Model(x, L.layers.GlobalAveragePooling1D()(L.layers.Attention(use_scale=True)([h, h])))
"""


# Masks that are given as arguments, beside those that come with values.
ARGUMENTS = """
x, counts = L.Input((5, 3)), L.Input((5,), dtype="bool", name="counts")
h = L.layers.LSTM(4, return_sequences=True)(L.layers.Masking(0.5)(x), mask=counts)
inner = L.Sequential([L.Input((5, 4)), L.layers.Dense(3), L.layers.GRU(3, return_sequences=True)])
h = inner(h, mask=counts)
h = L.layers.MultiHeadAttention(2, 3, output_shape=3)(h, h, value_mask=counts)
h = L.layers.Attention()([h, h], mask=[counts, counts])
model = L.Model([x, counts], L.layers.GlobalAveragePooling1D()(h))
"""


@pytest.mark.parametrize("program", [TRANSFORMER, ARGUMENTS], ids=["attention", "arguments"])
def test_files_of_graphs_go_both_ways(program, data, tmp_path):
    names: dict[str, Any] = {"L": gs}
    exec(program, names)
    model, rng = names["model"], np.random.default_rng(1)
    model.set_weights([rng.uniform(0.1, 1, weight.shape) for weight in model.get_weights()])
    model.save_weights(tmp_path / "ours.weights.h5")
    ids, counts = np.array(data["ids"]), rng.random((6, 5)) < 0.6
    ids[:, 0], counts[:, 1] = 3, True
    x: Any = ids if program == TRANSFORMER else [np.array(data["x"], "float32"), counts]
    arrays = "np.array(data['x'])" if program == TRANSFORMER else "[np.array(one) for one in data['x']]"
    theirs = keras_says(
        f"""
keras.config.set_floatx("float32")
L = keras
given = {arrays}
model = keras.models.model_from_json({model.to_json()!r})
model.load_weights({str(tmp_path / "ours.weights.h5")!r})
answer = [model.predict(given, verbose=0)]
{program}
model.save({str(tmp_path / "theirs.keras")!r})
answer.append(model.predict(given, verbose=0))
""",
        "torch",
        x=x.tolist() if isinstance(x, np.ndarray) else [one.tolist() for one in x],
    )
    np.testing.assert_allclose(model.predict(x, verbose=0), theirs[0], rtol=1e-4, atol=1e-6)
    loaded = gs.models.load_model(tmp_path / "theirs.keras", compile=False)
    np.testing.assert_allclose(loaded.predict(x, verbose=0), theirs[1], rtol=1e-4, atol=1e-6)
