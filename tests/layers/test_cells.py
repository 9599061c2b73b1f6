"""Cells run over sequences: as the layers that they are, in a row, or step by step."""

from __future__ import annotations

import inspect

import gradstep as gs
import numpy as np
import pytest
from cell_cases import CASES, data_of, own_cell
from copying import WAYS
from gradients import difference, numeric_gradient
from gradstep import layers
from threads import same_at_any_number_of_threads

PAIRS = {
    "LSTM": (layers.LSTMCell, layers.LSTM),
    "GRU": (layers.GRUCell, layers.GRU),
    "SimpleRNN": (layers.SimpleRNNCell, layers.SimpleRNN),
}
OWN = own_cell(gs)
X = np.random.default_rng(0).normal(size=(6, 5, 3)).astype("float32")
MASK = np.arange(5) < np.array([5, 3, 4, 1, 2, 5])[:, None]


def trained(layer):
    gs.utils.set_random_seed(1)
    model = gs.Sequential([gs.Input((5, 3)), layers.Masking(), layer(), layers.Dense(1)])
    model.compile("adam", "mse")
    y = X[:, :, :1] if len(model.output_shape) > 2 else X[:, 0, :1]
    losses = model.fit(X, y, epochs=3, batch_size=4, verbose=0).history["loss"]
    return losses, model.predict(X, verbose=0)


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize(
    "flags", [{}, {"return_sequences": True, "go_backwards": True, "zero_output_for_mask": True}], ids=["", "flags"]
)
def test_is_the_layer_to_the_bit(name, flags):
    cell, layer = PAIRS[name]
    settings = {"dropout": 0.2, "recurrent_dropout": 0.1, "kernel_regularizer": "l2", "bias_constraint": "non_neg"}
    ours, other = (
        trained(lambda: layers.RNN(cell(4, **settings), **flags)),
        trained(lambda: layer(4, **settings, **flags)),
    )
    assert ours[0] == other[0]
    assert np.array_equal(ours[1], other[1])


@pytest.mark.parametrize("name", PAIRS)
def test_a_cell_steps_as_the_layer(name):
    cell, layer = PAIRS[name]
    one, whole = cell(4), layer(4, return_sequences=True)
    states = one.get_initial_state(6)
    one(X[:, 0], states)
    expected = whole(X)
    whole.set_weights(one.get_weights())
    assert one.weight_names == whole.weight_names
    assert np.array_equal(one.kernel, whole.kernel)
    expected = whole(X)
    for step in range(5):
        y, states = one(X[:, step], states)
        np.testing.assert_allclose(y, expected[:, step], rtol=1e-6, atol=1e-7)
    y, state = layers.GRUCell(2)(X[:, 0], np.zeros((6, 2)))  # not in a list
    assert np.array_equal(y, state)


def test_a_stack_is_layers_in_a_row():
    stack = trained(lambda: layers.RNN([layers.LSTMCell(4), layers.GRUCell(3)]))
    row = trained(lambda: gs.Sequential([layers.LSTM(4, return_sequences=True), layers.GRU(3)]))
    assert stack[0] == row[0]
    assert np.array_equal(stack[1], row[1])


def test_states_go_in_and_out():
    layer = layers.RNN([layers.LSTMCell(4), layers.GRUCell(2)], return_state=True)
    y, (h, c), (g,) = layer(X)
    assert [one.shape for one in (y, h, c, g)] == [(6, 2), (6, 4), (6, 4), (6, 2)]
    assert np.array_equal(y, g)
    first, second = (layers.RNN([layers.LSTMCell(4), layers.GRUCell(2)], return_state=True) for _ in range(2))
    for part in (first, second):
        part.build((None, 2 if part is first else 3, 3))
        part.set_weights(layer.get_weights())
    _, *states = first(X[:, :2])
    np.testing.assert_allclose(second(X[:, 2:], initial_state=states)[0], y, rtol=1e-6)
    one = layers.RNN(layers.GRUCell(2), return_state=True)
    assert np.array_equal(one(X, initial_state=np.zeros((6, 2)))[0], one(X)[0])
    with pytest.raises(ValueError, match=r"initial_state of layer .* rows of shapes \[\(2,\)\]; got \[\(3,\)\]"):
        one(X, initial_state=np.zeros((6, 3)))
    assert [[one.shape for one in states] for states in layer.get_initial_state(7)] == [[(7, 4), (7, 4)], [(7, 2)]]


@pytest.mark.parametrize("cells", [lambda: layers.LSTMCell(4), lambda: [layers.LSTMCell(4), layers.GRUCell(2)]])
def test_stateful(cells):
    gs.utils.set_random_seed(0)
    layer = layers.RNN(cells(), stateful=True)
    model = gs.Sequential([gs.Input(batch_shape=(6, 5, 3)), layer])
    once = model.predict(X, batch_size=6, verbose=0)
    again = model.predict(X, batch_size=6, verbose=0)
    assert not np.array_equal(once, again)
    assert any(state.any() for state in layer.states)
    layer.reset_state()
    assert np.array_equal(model.predict(X, batch_size=6, verbose=0), once)
    layer.reset_states()
    both = np.concatenate([X, X], axis=1)
    whole = layers.RNN(cells(), stateful=True)
    whole(both)
    whole.set_weights(layer.get_weights())
    whole.reset_states()
    model.predict(X, batch_size=6, verbose=0)
    np.testing.assert_allclose(model.predict(X, batch_size=6, verbose=0), whole(both), rtol=1e-5)
    with pytest.raises(ValueError, match="must be stateful to have states"):
        layers.RNN(layers.GRUCell(2)).reset_states()


@pytest.mark.parametrize("name", [name for name in CASES if "own" in name or "stack" in name])
def test_gradients_are_central_differences(name):
    before = gs.config.floatx()
    gs.config.set_floatx("float64")
    try:
        model, (x, y) = CASES[name].model(gs, OWN), data_of(name)
    finally:
        gs.config.set_floatx(before)
    x, y = x[:3], y[:3]
    random = np.random.default_rng(1)
    for weight in model.weights:
        weight[...] = random.normal(size=weight.shape) / np.sqrt(len(weight))
    dy = 10 * random.normal(size=y.shape)
    model(x, training=True)
    dx, gradients = model.backward(dy)
    start = model.predict(x, verbose=0)
    value = lambda: float(((model.predict(x, verbose=0) - start) * dy).sum())  # noqa: E731
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        assert difference(gradient, numeric_gradient(value, weight)) < 2e-7  # rounding of the outputs
    if not any(word in name for word in ("masked", "own in", "backwards", "states")):  # which mask zeros
        assert difference(dx, numeric_gradient(value, x)) < 1e-7


def test_bits_do_not_depend_on_threads():
    same_at_any_number_of_threads(lambda: trained(lambda: layers.RNN([layers.GRUCell(3), OWN(4)])), (1, 2, 3))


@pytest.mark.parametrize("name", ["stack of masked steps", "own in a stack", "each step", "states of a stack"])
def test_files_and_copies(name, tmp_path):
    model, (x, _) = CASES[name].model(gs, OWN), data_of(name)
    model.save(tmp_path / "model.gradstep")
    model.save_weights(tmp_path / "weights.safetensors")
    own = {"Own": OWN}
    again = gs.models.load_model(tmp_path / "model.gradstep", custom_objects=own)
    with gs.saving.custom_object_scope(own):
        clone = gs.models.clone_model(model)
    clone.load_weights(tmp_path / "weights.safetensors")
    for other in (again, clone, *(way(model) for way in WAYS.values() if name != "own in a stack")):
        assert np.array_equal(other.predict(x, verbose=0), model.predict(x, verbose=0))


def test_bidirectional_is_that_of_the_layer():
    one = trained(lambda: layers.Bidirectional(layers.RNN(layers.GRUCell(3))))
    other = trained(lambda: layers.Bidirectional(layers.GRU(3)))
    assert np.array_equal(one[1], other[1])
    with pytest.raises(ValueError, match="must have one cell"):
        layers.Bidirectional(layers.RNN([layers.GRUCell(3), layers.GRUCell(3)]))


def test_first_states_of_a_custom_cell():
    class Count(layers.Layer):
        state_size = 1

        def get_initial_state(self, batch_size):
            return [np.full((batch_size, 1), 10.0)]

        def call(self, inputs, states):
            h = states[0] + inputs
            return h, h

    layer = layers.RNN(Count(), return_sequences=True)
    assert layer(np.ones((2, 3, 1))).tolist() == [[[11.0], [12.0], [13.0]]] * 2
    layer = layers.RNN(Count(), return_sequences=True, zero_output_for_mask=True)
    mask = np.array([[True, False, True]])
    assert layer(np.ones((1, 3, 1)), mask=mask).tolist() == [[[11.0], [0.0], [12.0]]]


def test_what_is_refused():
    with pytest.raises(TypeError, match="cell must be a cell"):
        layers.RNN(layers.Dense(3))
    with pytest.raises(TypeError, match="cells must be a list of cells"):
        layers.StackedRNNCells([])
    cell = layers.LSTMCell(3)
    with pytest.raises(ValueError, match="cells must be different ones"):
        layers.StackedRNNCells([cell, cell])
    layers.RNN(cell, name="first")
    with pytest.raises(ValueError, match=r"cell must be a new cell; .* is of RNN 'first'"):
        layers.RNN(cell)
    with pytest.raises(ValueError, match="must not be called, because RNN 'first' runs it"):
        cell(X[:, 0], cell.get_initial_state(6))
    with pytest.raises(ValueError, match=r"stateful of layer .* must be False"):
        layers.RNN(OWN(2), stateful=True)
    with pytest.raises(ValueError, match=r"known number of steps .* Input\(\(steps, ...\)\)"):
        gs.Sequential([gs.Input((None, 3)), layers.RNN(OWN(2))])
    with pytest.raises(ValueError, match=r"inputs of shape \(rows, steps, ...\)"):
        layers.RNN(layers.GRUCell(2))(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="must have the dtype of layer"):
        layers.RNN(layers.GRUCell(2), dtype="float64")
    with pytest.raises(AttributeError, match="holds for good"):
        layers.RNN(layers.GRUCell(2)).return_sequences = True
    with pytest.raises(ValueError, match="units"):
        layers.LSTMCell(0)


def test_sequences_of_any_length():
    model = gs.Sequential([gs.Input((None, 3)), layers.RNN([layers.LSTMCell(4), layers.GRUCell(2)])])
    long, short = model.predict(X, verbose=0), model.predict(X[:, :2], verbose=0)
    assert long.shape == short.shape == (6, 2)
    fixed = gs.Sequential([gs.Input((2, 3)), layers.RNN([layers.LSTMCell(4), layers.GRUCell(2)])])
    fixed.set_weights(model.get_weights())
    np.testing.assert_allclose(fixed.predict(X[:, :2], verbose=0), short, rtol=1e-6)


def test_frozen():
    model = gs.Sequential([gs.Input((5, 3)), layers.RNN(layers.GRUCell(2), trainable=False), layers.Dense(1)])
    assert len(model.trainable_weights) == 2
    model.layers[0].trainable = True
    assert len(model.trainable_weights) == 5


@pytest.mark.parametrize("name", ["LSTM", "GRU", "SimpleRNN"])
def test_defaults_of_a_cell_are_those_of_its_layer(name):
    cell, layer = (inspect.signature(getattr(layers, one)).parameters for one in (f"{name}Cell", name))
    assert [(one, cell[one].default) for one in cell] == [(one, layer[one].default) for one in cell]
