"""Convolution and pooling beside Keras: outputs, a step of training, defaults, and files both ways."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers
from keras_runs import built, keras_says

pytestmark = pytest.mark.peers

NAMES = [f"Conv{n}D" for n in (1, 2, 3)] + [
    f"{kind}Pooling{n}D" for kind in ("Max", "Average", "GlobalMax", "GlobalAverage") for n in (1, 2, 3)
]
CASES = {
    "sequence": ([["Conv1D", {"filters": 5, "kernel_size": 3, "padding": "causal", "dilation_rate": 2}]], (9, 4)),
    "even": ([["Conv2D", {"filters": 6, "kernel_size": 2, "padding": "same", "activation": "relu"}]], (5, 6, 3)),
    "strides": ([["Conv2D", {"filters": 6, "kernel_size": [3, 2], "strides": [2, 3], "padding": "same"}]], (8, 7, 3)),
    "groups": ([["Conv2D", {"filters": 6, "kernel_size": 3, "groups": 3, "use_bias": False}]], (5, 6, 6)),
    "spread": (
        [["Conv2D", {"filters": 4, "kernel_size": 3, "dilation_rate": [1, 2], "activation": "tanh"}]],
        (6, 7, 2),
    ),
    "volume": ([["Conv3D", {"filters": 3, "kernel_size": [1, 2, 3], "padding": "same"}]], (3, 4, 5, 2)),
    "pools": (
        [
            ["Conv2D", {"filters": 8, "kernel_size": 3, "activation": "relu"}],
            ["MaxPooling2D", {"pool_size": 3, "strides": 2, "padding": "same"}],
            ["AveragePooling2D", {"pool_size": 2, "padding": "same"}],
            ["GlobalAveragePooling2D", {"keepdims": True}],
        ],
        (11, 10, 2),
    ),
    "steps": (
        [["MaxPooling1D", {"pool_size": 2}], ["Conv1D", {"filters": 4, "kernel_size": 2}], ["GlobalMaxPooling1D", {}]],
        (8, 3),
    ),
    "volumes": (
        [["AveragePooling3D", {"pool_size": 2}], ["MaxPooling3D", {"pool_size": 2, "padding": "same"}]],
        (4, 5, 6, 2),
    ),
}
PROGRAM = """
answer = {}
for case, given in data["cases"].items():
    row = [getattr(keras.layers, name)(**arguments) for name, arguments in given["rows"]]
    model = keras.Sequential([keras.Input(given["shape"]), *row, keras.layers.Flatten(), keras.layers.Dense(3)])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    model.set_weights([np.asarray(w) for w in given["weights"]])
    x, y = np.asarray(given["x"]), np.asarray(given["y"])
    outputs = model.predict(x, verbose=0)
    loss = float(model.train_on_batch(x, y))
    answer[case] = [outputs, loss, model.get_weights()]
"""


@pytest.fixture(scope="module")
def runs():
    """A model of each case with data, and what Keras makes of both."""
    models, given = {}, {}
    for case, (rows, shape) in CASES.items():
        random = np.random.default_rng(0)
        gs.utils.set_random_seed(0)
        ends = [layers.Flatten(dtype="float64"), layers.Dense(3, dtype="float64")]
        model = gs.Sequential([gs.Input(shape), *built(gs, rows), *ends])
        model.compile(gs.optimizers.Adam(0.01), "mse")
        x, y = random.normal(size=(5, *shape)), random.normal(size=(5, 3))
        models[case] = model, x, y
        weights = [w.tolist() for w in model.get_weights()]
        given[case] = {"rows": rows, "shape": shape, "weights": weights, "x": x.tolist(), "y": y.tolist()}
    return models, keras_says(PROGRAM, cases=given)


@pytest.mark.parametrize("case", CASES)
def test_outputs_and_a_step(runs, case):
    (model, x, y), (outputs, loss, after) = runs[0][case], runs[1][case]
    np.testing.assert_allclose(model.predict(x, verbose=0), outputs, rtol=1e-10, atol=1e-12)
    assert model.train_on_batch(x, y) == pytest.approx(loss, rel=1e-6)  # Keras's is a float32
    for ours, theirs in zip(model.get_weights(), after, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9)


def test_signatures_and_configs():
    """Keras's arguments in Keras's order with Keras's defaults, and what the configs of both say."""
    program = """
import inspect
answer = {}
for name in data["names"]:
    kind = getattr(keras.layers, name)
    given = data["given"][name]
    parameters = {
        key: None if p.default is inspect._empty else p.default
        for key, p in inspect.signature(kind).parameters.items() if key not in ("kwargs", "name")
    }
    config = kind(**given).get_config()
    answer[name] = [parameters, {key: config[key] for key in parameters if not key.endswith("_initializer")}]
"""
    needed = {"Conv": {"filters": 4, "kernel_size": 3}, "Aver": {"pool_size": 2}}
    every = {name: needed.get(name[:4], {}) for name in NAMES}
    theirs = keras_says(program, names=NAMES, given=every)
    listed = lambda value: list(value) if isinstance(value, tuple) else value  # noqa: E731
    for name in NAMES:
        kind = getattr(layers, name)
        parameters = inspect.signature(kind).parameters
        config = kind(**every[name]).get_config()
        arguments, words = theirs[name]
        assert list(parameters)[: len(arguments)] == list(arguments)
        for key, default in arguments.items():
            ours = parameters[key].default
            assert (None if ours is inspect.Parameter.empty else listed(ours)) == default or key == "strides", (
                name,
                key,
            )
        for key, value in words.items():
            assert listed(config[key]) == value, (name, key)


def test_files_both_ways(tmp_path):
    pytest.importorskip("h5py")
    pytest.importorskip("keras")
    pytest.importorskip("torch")
    rows, shape = CASES["pools"]
    gs.utils.set_random_seed(1)
    made = [getattr(layers, name)(**arguments) for name, arguments in rows]
    model = gs.Sequential([gs.Input(shape), *made, layers.Conv2D(4, 1, groups=2), layers.Flatten(), layers.Dense(3)])
    x = np.random.default_rng(0).normal(size=(4, *shape)).astype(np.float32)
    model.save_weights(tmp_path / "ours.weights.h5")
    (tmp_path / "ours.json").write_text(model.to_json())
    np.save(tmp_path / "x.npy", x)
    program = """
import sys, keras, numpy as np
folder = sys.argv[1]
model = keras.models.model_from_json(open(folder + "/ours.json").read())
model.load_weights(folder + "/ours.weights.h5")
np.save(folder + "/y.npy", model.predict(np.load(folder + "/x.npy"), verbose=0))
model.save(folder + "/theirs.keras")
"""
    environment = os.environ | {"KERAS_BACKEND": "torch"}
    subprocess.run([sys.executable, "-W", "ignore", "-c", program, str(tmp_path)], check=True, env=environment)
    ours = model.predict(x, verbose=0)
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), ours, rtol=1e-4, atol=1e-5)
    loaded = gs.models.load_model(tmp_path / "theirs.keras")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), ours)
