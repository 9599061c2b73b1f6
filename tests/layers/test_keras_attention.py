"""Kinds of attention beside Keras: outputs, training, scores, and files both ways."""

from __future__ import annotations

from typing import Any

import gradstep as gs
import numpy as np
import pytest
from keras_runs import keras_says

pytestmark = [
    pytest.mark.peers,
    pytest.mark.filterwarnings("ignore:.*a Reshape, does not support masking"),
]

# In both libraries, whose name is `L`.
PROGRAM = """
def made(dtype):
    ids = L.Input((12,), dtype="int32")
    options = {"dtype": dtype}
    h = L.layers.Embedding(20, 8, mask_zero=True, **options)(ids)
    added = L.layers.AdditiveAttention(**options)([h, h], use_causal_mask=True)
    plain = L.layers.AdditiveAttention(use_scale=False, **options)([h, added, h])
    joined = L.layers.Attention(True, "concat", **options)([plain, added])
    summed = L.layers.Attention(score_mode="concat", **options)([joined, h], use_causal_mask=True)
    summed, seen = L.layers.MultiHeadAttention(2, 4, **options)(summed, h, return_attention_scores=True)
    square = L.layers.Reshape((3, 4, 8), **options)(summed)
    for axes in (1, 2, (1, 2), (2, 1), None):
        attended = L.layers.MultiHeadAttention(2, 4, attention_axes=axes, **options)(square, square)
        square = L.layers.Add(**options)([square, attended])
    deep, shares = L.layers.Attention(True, **options)([square, square], return_attention_scores=True)
    deep = L.layers.Add(**options)([deep, L.layers.AdditiveAttention(**options)([deep, square])])
    every = [L.layers.Flatten(**options)(one) for one in (deep, shares, seen)]
    return L.Model(ids, L.layers.Dense(1, **options)(L.layers.Concatenate(**options)(every)))

def answers(dtype):
    model = made(dtype)
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(-0.4, 0.4, weight.shape) for weight in model.get_weights()])
    model.compile(L.optimizers.SGD(1e-5), loss="mse")
    x, y = np.array(data["ids"]), np.array(data["y"])
    outputs = model.predict(x, verbose=0)
    history = model.fit(x, y, batch_size=4, epochs=5, shuffle=False, verbose=0).history
    return [outputs, history["loss"], *model.get_weights()]

def scores():
    found = []
    rng = np.random.default_rng(1)
    query, value = rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 5, 3))
    seen = [rng.random((2, 4)) < 0.5, np.array([[1, 1, 0, 1, 1], [1, 0, 0, 0, 1]]) > 0]
    for kind, options in (("Attention", {"score_mode": "concat"}), ("AdditiveAttention", {"use_scale": False})):
        layer = getattr(L.layers, kind)(dtype="float64", **options)
        found += layer([query, value], mask=seen, use_causal_mask=True, return_attention_scores=True)
    x, along = rng.normal(size=(2, 3, 4, 5)), rng.random((2, 4, 4)) < 0.8
    for axes, mask in ((1, None), (2, along), ((2, 1), None)):
        layer = L.layers.MultiHeadAttention(2, 3, attention_axes=axes, dtype="float64")
        layer(x, x)
        rng = np.random.default_rng(5)
        layer.set_weights([rng.normal(size=weight.shape) for weight in layer.get_weights()])
        found += layer(x, x, attention_mask=mask, return_attention_scores=True)
    return [np.asarray(one.detach() if hasattr(one, "detach") else one) for one in found]
"""


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    """Ids, of which some are masked, and targets."""
    rng = np.random.default_rng(3)
    return {"ids": rng.integers(0, 20, (8, 12)).tolist(), "y": rng.normal(size=(8, 1)).tolist()}


def ours(call: str, data: dict[str, Any]) -> Any:
    names: dict[str, Any] = {"L": gs, "np": np, "data": data}
    exec(PROGRAM, names)
    return eval(call, names)


@pytest.mark.parametrize("call", ["answers('float64')", "scores()"])
def test_numbers_are_those_of_keras(data, call):
    theirs = keras_says(f"L = keras\n{PROGRAM}\nanswer = {call}\n", "torch", **data)
    found = ours(call, data)
    assert len(found) == len(theirs)
    for one, other in zip(found, theirs, strict=True):
        np.testing.assert_allclose(one, np.array(other), rtol=2e-6, atol=1e-7)


def test_files_go_both_ways(data, tmp_path):
    model, ids = ours("made('float32')", data), np.array(data["ids"])
    rng = np.random.default_rng(1)
    model.set_weights([rng.uniform(-0.4, 0.4, weight.shape) for weight in model.get_weights()])
    model.save(tmp_path / "ours.keras")
    model.save_weights(tmp_path / "ours.weights.h5")
    theirs = keras_says(
        f"""
L = keras
{PROGRAM}
ids = np.array(data["ids"])
model = keras.models.model_from_json({model.to_json()!r})
model.load_weights({str(tmp_path / "ours.weights.h5")!r})
answer = [model.predict(ids, verbose=0)]
other = made("float32")
other.save({str(tmp_path / "theirs.keras")!r})
answer.append(other.predict(ids, verbose=0))
""",
        "torch",
        **data,
    )
    np.testing.assert_allclose(model.predict(ids, verbose=0), theirs[0], rtol=1e-4, atol=1e-5)
    loaded = gs.models.load_model(tmp_path / "theirs.keras", compile=False)
    np.testing.assert_allclose(loaded.predict(ids, verbose=0), theirs[1], rtol=1e-4, atol=1e-5)
