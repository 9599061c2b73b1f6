"""Recurrent layers beside Keras and PyTorch: outputs, gradients, ten steps of training, defaults, files both ways."""

from __future__ import annotations

import inspect
from typing import Any

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers
from keras_runs import assert_files_go_both_ways, keras_says
from recurrent_cases import CELL_LAYERS

pytestmark = pytest.mark.peers

CASES = {
    "LSTM": [["LSTM", {"units": 9}]],
    "GRU": [["GRU", {"units": 9}]],
    "SimpleRNN": [["SimpleRNN", {"units": 9}]],
    "before": [["GRU", {"units": 9, "reset_after": False}]],
    "no bias": [["LSTM", {"units": 9, "use_bias": False, "go_backwards": True}]],
    "other functions": [["LSTM", {"units": 9, "activation": "softsign", "recurrent_activation": "hard_sigmoid"}]],
    "both ways": [
        ["Bidirectional", {"layer": ["LSTM", {"units": 5, "return_sequences": True}]}],
        ["Bidirectional", {"layer": ["GRU", {"units": 4}], "merge_mode": "mul"}],
    ],
    "convolutions both ways": [
        ["Reshape", {"target_shape": [6, 5, 1]}],
        [
            "Bidirectional",
            {"layer": ["ConvLSTM1D", {"filters": 3, "kernel_size": 2, "padding": "same", "return_sequences": True}]},
        ],
        ["Bidirectional", {"layer": ["ConvLSTM1D", {"filters": 2, "kernel_size": 3}], "merge_mode": "sum"}],
        ["Flatten", {}],
    ],
    "stacked": [
        ["GRU", {"units": 20, "return_sequences": True, "go_backwards": True}],
        ["LSTM", {"units": 7, "return_sequences": True}],
        ["SimpleRNN", {"units": 4, "activation": "relu"}],
    ],
}
NUMBERS = """
def made(library, name, arguments):
    inner = arguments.get("layer")
    arguments = arguments if inner is None else {**arguments, "layer": made(library, *inner)}
    return getattr(library.layers, name)(**arguments)

def numbers(model):
    random = np.random.default_rng(0)
    weights = [0.4 * random.normal(size=weight.shape) for weight in model.get_weights()]
    return random.normal(size=(18, 6, 5)), random.normal(size=(18, 3)), weights
"""
PROGRAM = (
    NUMBERS
    + """
answer = {}
for case, rows in data["cases"].items():
    row = [made(keras, name, arguments) for name, arguments in rows]
    model = keras.Sequential([keras.Input((6, 5)), *row, keras.layers.Dense(3)])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    x, y, weights = numbers(model)
    model.set_weights(weights)
    outputs = model.predict(x, verbose=0)
    losses = [float(model.train_on_batch(x, y)) for _ in range(10)]
    answer[case] = [outputs, losses, model.get_weights()]
"""
)


@pytest.fixture(scope="module")
def says():
    """What Keras makes of each case."""
    return keras_says(PROGRAM, "torch", cases=CASES)  # on JAX, the states of a layer of float64 are float32


@pytest.mark.parametrize("case", CASES)
def test_outputs_and_ten_steps(says, case):
    ours: dict[str, Any] = {"np": np}
    exec(NUMBERS, ours)
    before = gs.config.floatx()
    gs.config.set_floatx("float64")
    try:
        row = [ours["made"](gs, name, arguments) for name, arguments in CASES[case]]
        model = gs.Sequential([gs.Input((6, 5)), *row, layers.Dense(3)])
    finally:
        gs.config.set_floatx(before)
    model.compile(gs.optimizers.Adam(0.01), "mse")
    x, y, weights = ours["numbers"](model)
    model.set_weights(weights)
    outputs, losses, after = says[case]
    # Keras takes some of these sums in float32; tests beside plain loops are as exact as float64.
    np.testing.assert_allclose(model.predict(x, verbose=0), outputs, rtol=1e-5, atol=1e-6)
    assert [model.train_on_batch(x, y) for _ in losses] == pytest.approx(losses, rel=1e-4)
    for ours_now, theirs in zip(model.get_weights(), after, strict=True):
        np.testing.assert_allclose(ours_now, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", CELL_LAYERS)
def test_gradients_equal_pytorchs(kind):
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(0)
    units, gates = 12, {"GRU": 3, "LSTM": 4, "SimpleRNN": 1}[kind]
    layer = getattr(layers, kind)(units, return_sequences=True, dtype="float64")
    x = random.normal(size=(20, 7, 5))
    layer.build(x.shape)
    layer.set_weights([random.normal(size=weight.shape) / 3 for weight in layer.weights])
    peer = {"GRU": torch.nn.GRU, "LSTM": torch.nn.LSTM, "SimpleRNN": torch.nn.RNN}[kind](5, units, batch_first=True)
    peer = peer.double()
    # PyTorch's gates of a GRU come in the order r, z, n.
    order = [1, 0, 2] if kind == "GRU" else range(gates)
    columns = np.concatenate([np.arange(units) + units * gate for gate in order])
    own, inner = np.atleast_2d(layer.bias) if kind == "GRU" else (layer.bias, np.zeros_like(layer.bias))
    given = [layer.kernel[:, columns].T, layer.recurrent_kernel[:, columns].T, own[columns], inner[columns]]
    with torch.no_grad():
        for parameter, values in zip(peer.parameters(), given, strict=True):
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(values)))
    theirs_x = torch.tensor(x, requires_grad=True)
    theirs = peer(theirs_x)[0]
    y = layer(x, training=True)
    np.testing.assert_allclose(y, theirs.detach().numpy(), rtol=0, atol=1e-13)
    dy = random.normal(size=y.shape)
    theirs.backward(torch.from_numpy(dy))
    dx, (dw, du, db) = layer.backward(dy)
    np.testing.assert_allclose(dx, theirs_x.grad.numpy(), rtol=0, atol=1e-12)
    w, u, b, inner_b = (parameter.grad.numpy() for parameter in peer.parameters())
    np.testing.assert_allclose(dw[:, columns].T, w, rtol=0, atol=1e-12)
    np.testing.assert_allclose(du[:, columns].T, u, rtol=0, atol=1e-12)
    np.testing.assert_allclose(np.atleast_2d(db)[0][columns], b, rtol=0, atol=1e-12)
    if kind == "GRU":
        np.testing.assert_allclose(db[1][columns], inner_b, rtol=0, atol=1e-12)


def test_signatures_and_configs():
    """Keras's arguments in Keras's order with Keras's defaults, and what the configs of both say."""
    program = """
import inspect
answer = {}
for name in data["names"]:
    kind = getattr(keras.layers, name)
    parameters = {
        key: None if p.default is inspect._empty else p.default
        for key, p in inspect.signature(kind).parameters.items() if key not in ("kwargs", "name", "use_cudnn")
    }
    config = kind(4).get_config()
    config["zero_output_for_mask"] = False
    words = {key: value for key, value in config.items() if not key.endswith("_initializer")}
    answer[name] = [parameters, {key: value for key, value in words.items() if key not in ("name", "dtype")}]
"""
    theirs = keras_says(program, names=CELL_LAYERS)
    for name in CELL_LAYERS:
        kind = getattr(layers, name)
        parameters, (arguments, words) = inspect.signature(kind).parameters, theirs[name]
        assert list(parameters)[: len(arguments)] == list(arguments)
        for key, default in arguments.items():
            ours = parameters[key].default
            assert (None if ours is inspect.Parameter.empty else ours) == default, (name, key)
        config = kind(4).get_config()
        for key, value in words.items():
            assert config[key] == value, (name, key)


def chain():
    gs.utils.set_random_seed(1)
    rows = CASES["stacked"]
    made = [getattr(layers, name)(**arguments) for name, arguments in rows[:2]]
    again = layers.Bidirectional(layers.LSTM(5, activation="gelu", recurrent_activation="hard_sigmoid"))
    both = layers.Bidirectional(layers.GRU(4, return_sequences=True), "ave")
    return gs.Sequential([gs.Input((6, 5)), layers.Masking(), *made, both, again, layers.Dense(3)])


def encoder_and_decoder():
    gs.utils.set_random_seed(1)
    inputs = gs.Input((6, 5))
    _, *states = layers.Bidirectional(layers.LSTM(4, return_state=True), "sum")(inputs)
    sums = [layers.Add()([one, other]) for one, other in zip(states[:2], states[2:], strict=True)]
    outputs, last, _ = layers.LSTM(4, return_sequences=True, return_state=True)(inputs, initial_state=sums)
    second = layers.Bidirectional(layers.LSTM(4), None)(outputs, initial_state=states)
    return gs.Model(inputs, layers.Concatenate()([last, *second]))


def convolving():
    gs.utils.set_random_seed(1)
    inputs = gs.Input((6, 5))
    masked = layers.Masking()(inputs)
    images = layers.Reshape((6, 5, 1))(inputs)
    both = layers.Bidirectional(layers.ConvLSTM1D(3, 2, padding="same", return_sequences=True))(images)
    first = layers.ConvLSTM1D(4, 3, activation="softsign", return_sequences=True)
    second = layers.ConvLSTM1D(4, 3, go_backwards=True, return_sequences=True)
    both = layers.Bidirectional(first, "mul", backward_layer=second)(both)
    both = layers.Bidirectional(layers.ConvLSTM1D(2, 2), "ave")(both)
    zeros = layers.Bidirectional(layers.SimpleRNN(3, return_sequences=True))(masked)
    return gs.Model(inputs, layers.Concatenate()([layers.Flatten()(both), layers.Flatten()(zeros)]))


@pytest.mark.filterwarnings("ignore:.*a Flatten, does not support masking")  # zeros of masked steps are to be seen
@pytest.mark.parametrize("model_of", [chain, encoder_and_decoder, convolving])
def test_files_both_ways(tmp_path, model_of):
    model = model_of()
    x = np.random.default_rng(0).normal(size=(4, 6, 5)).astype(np.float32)
    x[0, 4:] = x[1, :2] = 0
    assert_files_go_both_ways(model, x, tmp_path)
