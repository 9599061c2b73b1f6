"""Recurrent layers pass over the steps that a mask leaves out, as Keras says."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradients import difference, numeric_gradient
from gradstep import layers
from recurrent_cases import CELLS, made, spread_weights
from reference.recurrent import unrolled
from threads import same_at_any_number_of_threads

PLAIN = ["SimpleRNN", "LSTM", "GRU", "GRU that resets before", "LSTM of gelu", "GRU of softplus"]
# Leading, inner, trailing steps and a whole row left out; nothing left out.
MASK = np.array([[0, 0, 1, 1, 1], [1, 0, 1, 0, 1], [1, 1, 1, 0, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]] * 4, bool)


def layer_of(cell, random, **options):
    layer = made(cell, 3, dtype="float64", **options)
    layer.build((None, 5, 2))
    spread_weights(layer, random)
    return layer


def by_loops(layer, x, mask):
    names = {"activation": layer.activation.__name__}
    if layer.recurrent_activation is not None:
        names["recurrent_activation"] = layer.recurrent_activation.__name__
    if isinstance(layer, layers.GRU):
        names["reset_after"] = layer.reset_after
    options = {"go_backwards": layer.go_backwards, "zero_output": layer.zero_output_for_mask}
    outputs, _ = unrolled(type(layer).__name__, x, layer.weights, mask=mask, **names, **options)
    return outputs if layer.return_sequences else outputs[:, -1]


@pytest.mark.grid(cell=PLAIN, sequences=[True, False], backwards=[True, False], zero=[True, False])
def test_values_and_gradients(cell, sequences, backwards, zero):
    random = np.random.default_rng(len(cell))
    options = {"return_sequences": sequences, "go_backwards": backwards, "zero_output_for_mask": zero}
    layer = layer_of(cell, random, **options)
    x = random.normal(size=(20, 5, 2))
    y = layer(x, training=True, mask=MASK)
    np.testing.assert_allclose(y, by_loops(layer, x, MASK), rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(layer(x, mask=MASK), y)
    dy = random.normal(size=y.shape)
    dx, gradients = layer.backward(dy)
    value = lambda: float((layer(x, mask=MASK) * dy).sum())  # noqa: E731
    assert difference(dx, numeric_gradient(value, x)) <= 1e-7
    assert not dx[~MASK].any()
    for weight, gradient in zip(layer.weights, gradients, strict=True):
        assert difference(gradient, numeric_gradient(value, weight)) <= 1e-7


@pytest.mark.parametrize("cell", PLAIN)
def test_a_mask_of_ones_changes_no_bits(cell):
    random = np.random.default_rng(0)
    layer = layer_of(cell, random, return_sequences=True)
    x = random.normal(size=(20, 5, 2))
    np.testing.assert_array_equal(layer(x, mask=np.ones((20, 5))), layer(x))


@pytest.mark.parametrize("cell", PLAIN)
def test_trailing_steps_left_out_are_a_shorter_sequence(cell):
    random = np.random.default_rng(0)
    layer = layer_of(cell, random)
    x = random.normal(size=(7, 5, 2))
    x[:, 3:] = np.nan  # numbers that nobody reads
    mask = np.ones((7, 5), bool)
    mask[:, 3:] = False
    shorter = made(cell, 3, dtype="float64")
    shorter.build((None, 3, 2))
    shorter.set_weights(layer.get_weights())
    y = layer(x, training=True, mask=mask)
    np.testing.assert_array_equal(y, shorter(x[:, :3], training=True))
    dy = random.normal(size=y.shape)
    (dx, gradients), (shorter_dx, shorter_gradients) = layer.backward(dy), shorter.backward(dy)
    np.testing.assert_array_equal(dx[:, :3], shorter_dx)
    for one, other in zip(gradients, shorter_gradients, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-14)


def padded(random, rows=24):
    """Sequences padded with zeros, and labels."""
    x = random.normal(size=(rows, 5, 2)).astype(np.float32)
    x[np.arange(5) >= random.integers(1, 6, (rows, 1))] = 0
    return x, random.normal(size=(rows, 1)).astype(np.float32)


def test_masks_come_from_masking_and_go_on_to_the_loss():
    """Through a stack; with sequences as outputs, steps left out count for nothing."""
    random = np.random.default_rng(0)
    x, _ = padded(random)
    layer, end = layers.GRU(4, return_sequences=True), layers.Dense(1)
    model = gs.Sequential([gs.Input((5, 2)), layers.Masking(), layers.LSTM(3, return_sequences=True), layer, end])
    model.compile("sgd", "mse")
    counts = (x != 0).any(-1)
    y = random.normal(size=(len(x), 5, 1)).astype(np.float32)
    predicted = model.predict(x, verbose=0)
    inner = model.layers[1](x, mask=counts)
    np.testing.assert_array_equal(end(layer(inner, mask=counts)), predicted)
    # The mean over all steps of the steps that count, as Keras takes it.
    expected = (np.square(predicted - y)[..., 0] * counts).sum() / counts.sum()
    assert model.evaluate(x, y, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_threads_change_no_bits():
    def trained():
        gs.utils.set_random_seed(1)
        row = [layers.Masking(), layers.LSTM(40, return_sequences=True), layers.GRU(30, recurrent_dropout=0.3)]
        model = gs.Sequential([gs.Input((5, 2)), *row, layers.Dense(1)])
        model.compile("adam", "mse")
        x, y = padded(np.random.default_rng(0), 70)
        model.fit(x, y, batch_size=50, epochs=3, verbose=0)
        return model.get_weights()

    same_at_any_number_of_threads(trained)


def test_masks_of_other_shapes():
    layer = layers.LSTM(3)
    with pytest.raises(ValueError, match=r"mask must have shape \(4, 5\)"):
        layer(np.zeros((4, 5, 2)), mask=np.ones((4, 6)))


def test_every_cell_is_known():
    assert set(PLAIN) <= set(CELLS)
