"""States that go in and come out of recurrent layers."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradients import difference, numeric_gradient
from gradstep import layers
from recurrent_cases import made, spread_weights
from reference.recurrent import states_of, unrolled

KINDS = ["SimpleRNN", "LSTM", "GRU", "GRU that resets before"]
MASK = np.array([[0, 0, 1, 1], [1, 0, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]] * 5, bool)


def layer_of(cell, random, **options):
    layer = made(cell, 3, dtype="float64", **options)
    layer.build((None, 4, 2))
    spread_weights(layer, random)
    return layer


def by_loops(layer, x, states, mask=None):
    reset_after = getattr(layer, "reset_after", True)
    return unrolled(type(layer).__name__, x, layer.weights, reset_after=reset_after, initial=states, mask=mask)


@pytest.mark.grid(cell=KINDS, sequences=[True, False], masked=[True, False])
def test_values_and_gradients(cell, sequences, masked):
    """Given states and returned ones; with a mask whose rows begin late, whose output is 0 until then."""
    random = np.random.default_rng(len(cell))
    layer = layer_of(cell, random, return_sequences=sequences, return_state=True)
    x = random.normal(size=(20, 4, 2))
    count = states_of(type(layer).__name__)
    states = [random.normal(size=(20, 3)) for _ in range(count)]
    mask = MASK if masked else None
    made = layer(x, training=True, initial_state=states, mask=mask)
    outputs, last = by_loops(layer, x, states, mask)
    expected = [outputs if sequences else outputs[:, -1], *last]
    assert len(made) == 1 + count
    for one, other in zip(made, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-13)
    dys = [random.normal(size=one.shape) for one in made]
    (dx, *dstates), gradients = layer.backward(dys)
    assert len(dstates) == count

    def value():
        found = layer([x, *states], mask=mask)
        return float(sum((one * dy).sum() for one, dy in zip(found, dys, strict=True)))

    for array, gradient in [(x, dx), *zip(states, dstates, strict=True), *zip(layer.weights, gradients, strict=True)]:
        assert difference(gradient, numeric_gradient(value, array)) <= 1e-7


@pytest.mark.parametrize("cell", KINDS)
def test_two_halves_are_the_whole(cell):
    random = np.random.default_rng(0)
    whole = layer_of(cell, random)
    half = made(cell, 3, dtype="float64", return_state=True)
    half.build((None, 2, 2))
    half.set_weights(whole.get_weights())
    x = random.normal(size=(20, 4, 2))
    _, *states = half(x[:, :2])
    y, *_ = half(x[:, 2:], initial_state=states)
    np.testing.assert_array_equal(y, whole(x))


def encoder_decoder(kind, **options):
    """A model that reads one sequence into states, and another one from there."""
    layer = getattr(layers, kind)
    first, second = gs.Input((4, 2)), gs.Input((3, 5))
    _, *states = layer(6, return_state=True, name="encoder", **options)(first)
    outputs = layer(6, return_sequences=True, name="decoder", **options)(second, initial_state=states)
    return gs.Model([first, second], layers.Dense(2, name="end", **options)(outputs))


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
def test_an_encoder_and_a_decoder(kind):
    random = np.random.default_rng(0)
    model = encoder_decoder(kind, dtype="float64")
    model.compile("sgd", "mse")
    x, y = [random.normal(size=(18, 4, 2)), random.normal(size=(18, 3, 5))], random.normal(size=(18, 3, 2))
    encoder, decoder, end = (model.get_layer(name) for name in ("encoder", "decoder", "end"))
    _, *states = encoder(x[0])
    np.testing.assert_allclose(end(decoder(x[1], initial_state=states)), model.predict(x, verbose=0), atol=1e-14)
    value, gradients = model.value_and_grad(x, y)
    assert value == pytest.approx(model.test_on_batch(x, y))
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        numeric = numeric_gradient(lambda: model.test_on_batch(x, y), weight)
        np.testing.assert_allclose(gradient, numeric, rtol=0, atol=2e-9)  # of differences of a loss of about 1


def test_files(tmp_path):
    gs.utils.set_random_seed(0)
    model = encoder_decoder("LSTM")
    random = np.random.default_rng(0)
    x = [random.normal(size=(7, 4, 2)).astype("f4"), random.normal(size=(7, 3, 5)).astype("f4")]
    model.save(tmp_path / "model.gradstep")
    again = gs.models.load_model(tmp_path / "model.gradstep")
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    copy = gs.models.model_from_json(model.to_json())
    copy.set_weights(model.get_weights())
    np.testing.assert_array_equal(copy.predict(x, verbose=0), model.predict(x, verbose=0))


def test_states_as_outputs_of_a_model():
    inputs = gs.Input((4, 2))
    model = gs.Model(inputs, layers.LSTM(3, return_state=True, return_sequences=True)(inputs))
    x = np.random.default_rng(0).normal(size=(5, 4, 2)).astype(np.float32)
    sequence, h, c = model.predict(x, verbose=0)
    np.testing.assert_array_equal(sequence[:, -1], h)
    for one, other in zip(model.layers[-1](x), (sequence, h, c), strict=True):
        np.testing.assert_array_equal(one, other)


def test_bad_states():
    layer = layers.LSTM(3)
    x = np.zeros((4, 5, 2))
    with pytest.raises(ValueError, match="must get 2 states to begin with, or none; got 1"):
        layer(x, initial_state=np.zeros((4, 3)))
    with pytest.raises(ValueError, match=r"initial_state\[1\] must have shape \(rows, 3\); its shape is \(4, 2\)"):
        layer(x, initial_state=[np.zeros((4, 3)), np.zeros((4, 2))])
    with pytest.raises(ValueError, match="must have the same number of rows"):
        layer(x, initial_state=[np.zeros((4, 3)), np.zeros((1, 3))])
    with pytest.raises(ValueError, match="must have one output to be in a Sequential"):
        gs.Sequential([layers.GRU(3, return_state=True)])
