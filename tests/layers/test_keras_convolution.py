"""Convolution and pooling beside Keras: outputs, ten steps of training, defaults, and files both ways."""

from __future__ import annotations

import inspect
from typing import Any

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers
from keras_runs import assert_files_go_both_ways, built, keras_says
from window_cases import CONVOLUTIONS, POOLS, needed

pytestmark = pytest.mark.peers

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
    "between": (
        [["UpSampling2D", {"size": [2, 3], "interpolation": "bilinear"}], ["Conv2D", {"filters": 3, "kernel_size": 3}]],
        (3, 2, 4),
    ),
    "transposed": (
        [
            ["Conv2DTranspose", {"filters": 4, "kernel_size": [3, 2], "strides": 2, "padding": "same"}],
            ["Conv2DTranspose", {"filters": 3, "kernel_size": 2, "strides": [1, 3], "output_padding": [0, 2]}],
        ],
        (3, 2, 5),
    ),
    "transposed sequence": (
        [["Conv1DTranspose", {"filters": 3, "kernel_size": 4, "dilation_rate": 2, "activation": "relu"}]],
        (5, 2),
    ),
    "transposed volume": ([["Conv3DTranspose", {"filters": 3, "kernel_size": 2, "strides": 2}]], (2, 3, 1, 2)),
    "depthwise": (
        [
            ["DepthwiseConv2D", {"kernel_size": 3, "depth_multiplier": 2, "activation": "relu"}],
            ["DepthwiseConv2D", {"kernel_size": 2, "strides": 2, "padding": "same", "use_bias": False}],
        ],
        (7, 6, 3),
    ),
    "separable": (
        [
            ["SeparableConv2D", {"filters": 5, "kernel_size": 3, "depth_multiplier": 2, "activation": "tanh"}],
            ["SeparableConv2D", {"filters": 4, "kernel_size": 2, "padding": "same", "dilation_rate": 2}],
        ],
        (7, 6, 3),
    ),
    "channels apart": (
        [
            ["DepthwiseConv1D", {"kernel_size": 2, "strides": 2}],
            ["SeparableConv1D", {"filters": 4, "kernel_size": 3, "padding": "same"}],
        ],
        (9, 3),
    ),
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
NUMBERS = """
def numbers(shape, model):
    random = np.random.default_rng(0)
    weights = [0.3 * random.normal(size=weight.shape) for weight in model.get_weights()]
    return random.normal(size=(5, *shape)), random.normal(size=(5, 3)), weights
"""
PROGRAM = (
    NUMBERS
    + """
answer = {}
for case, (rows, shape) in data["cases"].items():
    row = [getattr(keras.layers, name)(**arguments) for name, arguments in rows]
    model = keras.Sequential([keras.Input(shape), *row, keras.layers.Flatten(), keras.layers.Dense(3)])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    x, y, weights = numbers(shape, model)
    model.set_weights(weights)
    outputs = model.predict(x, verbose=0)
    losses = [float(model.train_on_batch(x, y)) for _ in range(10)]
    answer[case] = [outputs, losses, model.get_weights()]
"""
)


@pytest.fixture(scope="module")
def says():
    """What Keras makes of each case."""
    return keras_says(PROGRAM, cases=CASES)


@pytest.mark.parametrize("case", CASES)
def test_outputs_and_ten_steps(says, case):
    rows, shape = CASES[case]
    ends = [layers.Flatten(dtype="float64"), layers.Dense(3, dtype="float64")]
    model = gs.Sequential([gs.Input(shape), *built(gs, rows), *ends])
    model.compile(gs.optimizers.Adam(0.01), "mse")
    ours: dict[str, Any] = {"np": np}
    exec(NUMBERS, ours)
    x, y, weights = ours["numbers"](shape, model)
    model.set_weights(weights)
    outputs, losses, after = says[case]
    # XLA takes some of these sums in float32; tests beside plain loops are as exact as float64.
    np.testing.assert_allclose(model.predict(x, verbose=0), outputs, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose([model.train_on_batch(x, y) for _ in range(10)], losses, rtol=1e-5)
    for ours_now, theirs in zip(model.get_weights(), after, strict=True):
        np.testing.assert_allclose(ours_now, theirs, rtol=1e-4, atol=2e-5)


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
    every = {name: needed(name) for name in [*CONVOLUTIONS, *POOLS]}
    theirs = keras_says(program, names=list(every), given=every)
    listed = lambda value: list(value) if isinstance(value, tuple) else value  # noqa: E731
    for name in every:
        kind = getattr(layers, name)
        parameters = inspect.signature(kind).parameters
        config = kind(**every[name]).get_config()
        arguments, words = theirs[name]
        assert list(parameters)[: len(arguments)] == list(arguments)
        for key, default in arguments.items():
            ours = parameters[key].default
            # One number stands for all axes, too.
            alike = default if not isinstance(default, list) or len({*default}) > 1 else default[0]
            found = None if ours is inspect.Parameter.empty else listed(ours)
            assert found in (default, alike) or key == "strides", (name, key)
        for key, value in words.items():
            assert listed(config[key]) == value, (name, key)


def test_files_both_ways(tmp_path):
    rows, shape = CASES["pools"]
    gs.utils.set_random_seed(1)
    made = [getattr(layers, name)(**arguments) for name, arguments in rows]
    made += [
        layers.Conv2DTranspose(4, 3, strides=2, output_padding=1),
        layers.DepthwiseConv2D(2, depth_multiplier=2),
        layers.SeparableConv2D(6, 2, depth_multiplier=2, activation="relu"),
        layers.Conv2D(4, 1, groups=2),
    ]
    model = gs.Sequential([gs.Input(shape), *made, layers.Flatten(), layers.Dense(3)])
    x = np.random.default_rng(0).normal(size=(4, *shape)).astype(np.float32)
    assert_files_go_both_ways(model, x, tmp_path)
