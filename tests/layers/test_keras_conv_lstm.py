"""Recurrent layers that convolve beside Keras: outputs, ten steps of training, arguments, files both ways."""

from __future__ import annotations

import inspect
from typing import Any

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers
from keras_runs import assert_files_go_both_ways, built, keras_says
from recurrent_cases import CONV_LAYERS

pytestmark = pytest.mark.peers

OTHER = {"activation": "softsign", "recurrent_activation": "hard_sigmoid"}
# The shape of a row, and layers.
CASES: dict[str, tuple[list[int], list[Any]]] = {
    "signals": ([4, 7, 3], [["ConvLSTM1D", {"filters": 5, "kernel_size": 3}]]),
    "images": (
        [4, 6, 5, 3],
        [
            ["ConvLSTM2D", {"filters": 5, "kernel_size": [3, 2], "padding": "same", "return_sequences": True}],
            ["ConvLSTM2D", {"filters": 3, "kernel_size": 3, "go_backwards": True, "use_bias": False, **OTHER}],
        ],
    ),
    "strides": ([3, 6, 5, 2], [["ConvLSTM2D", {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same"}]]),
    "dilation": ([3, 6, 5, 2], [["ConvLSTM2D", {"filters": 4, "kernel_size": 2, "dilation_rate": [2, 1]}]]),
    "volumes": ([3, 4, 5, 3, 2], [["ConvLSTM3D", {"filters": 3, "kernel_size": 2}]]),
}
NUMBERS = """
def numbers(model, shape):
    random = np.random.default_rng(0)
    weights = [0.3 * random.normal(size=weight.shape) for weight in model.get_weights()]
    return random.normal(size=(9, *shape)), random.normal(size=(9, 2)), weights
"""
PROGRAM = (
    NUMBERS
    + """
answer = {}
for case, (shape, rows) in data["cases"].items():
    row = [getattr(keras.layers, name)(**arguments) for name, arguments in rows]
    model = keras.Sequential([keras.Input(shape), *row, keras.layers.Flatten(), keras.layers.Dense(2)])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    x, y, weights = numbers(model, shape)
    model.set_weights(weights)
    outputs = model.predict(x, verbose=0)
    losses = [float(model.train_on_batch(x, y)) for _ in range(10)]
    answer[case] = [outputs, losses, model.get_weights()]
"""
)


@pytest.fixture(scope="module")
def says():
    """What Keras makes of each case."""
    return keras_says(PROGRAM, "torch", cases=CASES)


@pytest.mark.parametrize("case", CASES)
def test_outputs_and_ten_steps(says, case):
    shape, rows = CASES[case]
    options: dict[str, Any] = {"dtype": "float64"}
    end = [layers.Flatten(**options), layers.Dense(2, **options)]
    model = gs.Sequential([gs.Input(tuple(shape)), *built(gs, rows), *end])
    model.compile(gs.optimizers.Adam(0.01), "mse")
    ours: dict[str, Any] = {"np": np}
    exec(NUMBERS, ours)
    x, y, weights = ours["numbers"](model, shape)
    model.set_weights(weights)
    outputs, losses, after = says[case]
    # Keras takes some of these sums in float32; tests beside plain steps are as exact as float64.
    np.testing.assert_allclose(model.predict(x, verbose=0), outputs, rtol=1e-5, atol=1e-6)
    assert [model.train_on_batch(x, y) for _ in losses] == pytest.approx(losses, rel=1e-4)
    for ours_now, theirs in zip(model.get_weights(), after, strict=True):
        np.testing.assert_allclose(ours_now, theirs, rtol=1e-4, atol=1e-4)


def test_masks_states_and_channels_first():
    """Outputs of a call with a mask, and the last states."""
    program = """
random = np.random.default_rng(0)
x, mask = random.normal(size=(6, 4, 5, 4, 3)), random.random((6, 4)) < 0.6
states = [random.normal(size=(6, 5, 4, 2)) for _ in range(2)]
answer = []
for way in (False, True):
    layer = keras.layers.ConvLSTM2D(2, 3, padding="same", return_state=True, return_sequences=True, go_backwards=way)
    layer.build(x.shape)
    layer.set_weights([0.3 * random.normal(size=weight.shape) for weight in layer.get_weights()])
    outputs = layer(x, mask=mask, initial_state=states)
    answer.append([layer.get_weights(), [keras.ops.convert_to_numpy(one) for one in outputs]])
answer = [x, mask.astype(float), states, answer]
"""
    x, mask, states, answers = keras_says(program, "torch")
    for way, (weights, outputs) in zip((False, True), answers, strict=True):
        options = {"padding": "same", "return_state": True, "return_sequences": True, "go_backwards": way}
        layer = layers.ConvLSTM2D(2, 3, **options, dtype="float64")
        layer.build((None, 4, 5, 4, 3))
        layer.set_weights([np.asarray(weight) for weight in weights])
        ours = layer(np.array(x), mask=np.array(mask) > 0, initial_state=[np.array(one) for one in states])
        for one, theirs in zip(ours, outputs, strict=True):
            np.testing.assert_allclose(one, theirs, rtol=1e-5, atol=1e-6)


def test_signatures_and_configs():
    """Keras's arguments in Keras's order with Keras's defaults, and what the configs of both say."""
    program = """
import inspect
answer = {}
for name in data["names"]:
    kind = getattr(keras.layers, name)
    parameters = {
        key: None if p.default is inspect._empty else p.default
        for key, p in inspect.signature(kind).parameters.items() if key not in ("kwargs", "name")
    }
    config = kind(4, 3).get_config()
    config["zero_output_for_mask"] = False
    words = {key: value for key, value in config.items() if not key.endswith("_initializer")}
    answer[name] = [parameters, {key: value for key, value in words.items() if key not in ("name", "dtype")}]
"""
    theirs = keras_says(program, names=CONV_LAYERS)
    for name in CONV_LAYERS:
        kind = getattr(layers, name)
        parameters, (arguments, words) = inspect.signature(kind).parameters, theirs[name]
        assert list(parameters)[: len(arguments)] == list(arguments)
        for key, default in arguments.items():
            ours = parameters[key].default
            assert (None if ours is inspect.Parameter.empty else ours) == default, (name, key)
        config = kind(4, 3).get_config()
        for key, value in words.items():
            assert (list(config[key]) if isinstance(value, list) else config[key]) == value, (name, key)


def test_files_both_ways(tmp_path):
    gs.utils.set_random_seed(1)
    inputs = gs.Input((4, 6, 5, 2))
    outputs, *states = layers.ConvLSTM2D(3, 3, padding="same", return_sequences=True, return_state=True)(inputs)
    last = layers.ConvLSTM2D(3, 2, padding="same")(outputs, initial_state=states)
    model = gs.Model(inputs, layers.Dense(1)(layers.Flatten()(last)))
    x = np.random.default_rng(0).normal(size=(4, 4, 6, 5, 2)).astype(np.float32)
    assert_files_go_both_ways(model, x, tmp_path)
