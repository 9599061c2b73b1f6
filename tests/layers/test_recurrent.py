"""Recurrent layers equal step by step loops in float64; gradients, chunks and threads, dropout, bad input."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradients import difference, numeric_gradient
from gradstep import layers
from probe import draw_as_in_call
from recurrent_cases import CELLS, made, spread_weights
from reference.recurrent import unrolled
from threads import same_at_any_number_of_threads

SIZES = [(1, 1, 1, 1), (5, 3, 2, 17), (33, 4, 5, 130), (40, 2, 70, 3)]  # rows, steps, inputs, units


def expected(layer, x, **options):
    """Outputs of all steps, and the last states, by plain loops."""
    names = {"activation": layer.activation.__name__}
    if layer.recurrent_activation is not None:
        names["recurrent_activation"] = layer.recurrent_activation.__name__
    if isinstance(layer, layers.GRU):
        names["reset_after"] = layer.reset_after
    return unrolled(type(layer).__name__, x, layer.weights, go_backwards=layer.go_backwards, **names, **options)


@pytest.mark.grid(cell=list(CELLS), size=range(len(SIZES)), sequences=[True, False], backwards=[True, False])
def test_value(cell, size, sequences, backwards, dtype):
    """Sampled: every two of these; --grid has all."""
    rows, steps, inputs, units = SIZES[size]
    random = np.random.default_rng(size)
    options = {"return_sequences": sequences, "go_backwards": backwards, "dtype": dtype.name}
    layer = made(cell, units, use_bias=size != 1, **options)
    layer.build((None, steps, inputs))
    spread_weights(layer, random)
    x = random.normal(size=(rows, steps, inputs)).astype(dtype)
    outputs, _ = expected(layer, x)
    right = outputs if sequences else outputs[:, -1]
    y = layer(x)
    assert y.shape == right.shape == (rows, *layer.output_shape[1:])
    # Some hundred products a step, and errors that steps hand on.
    np.testing.assert_allclose(y, right, rtol=0, atol=512 * np.finfo(dtype).eps * max(1, np.abs(right).max()))
    np.testing.assert_array_equal(layer(x, training=True), y)
    model = gs.Sequential([gs.Input((steps, inputs)), layer])
    np.testing.assert_array_equal(model.predict(x, verbose=0, batch_size="full"), y)
    assert layer(x[:0]).shape == (0, *y.shape[1:])


@pytest.mark.parametrize("sequences", [True, False])
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_equal_central_differences(cell, sequences):
    """By the input and by every weight, in chunks of the batch whose last one is shorter."""
    random = np.random.default_rng(len(cell))
    layer = made(cell, 3, return_sequences=sequences, go_backwards=sequences, dtype="float64")
    x = random.normal(size=(18, 3, 2))
    layer.build(x.shape)
    spread_weights(layer, random)
    y = layer(x, training=True)
    dy = random.normal(size=y.shape)
    dx, gradients = layer.backward(dy)
    value = lambda: float((layer(x) * dy).sum())  # noqa: E731
    assert difference(dx[:2], numeric_gradient(value, x)[:2]) <= 1e-7
    for weight, gradient in zip(layer.weights, gradients, strict=True):
        assert difference(gradient, numeric_gradient(value, weight)) <= 1e-7


def trained(cell, rows, **options):
    gs.utils.set_random_seed(3)
    body = [made(cell, 20, return_sequences=True, **options), layers.LSTM(33), layers.Dense(2)]
    model = gs.Sequential([gs.Input((5, 7)), *body])
    model.compile(gs.optimizers.Adam(0.01), "mse")
    random = np.random.default_rng(0)
    x, y = random.normal(size=(rows, 5, 7)), random.normal(size=(rows, 2))
    model.fit(x, y, batch_size=max(1, rows - 3), epochs=2, verbose=0)
    return [*model.get_weights(), model.predict(x, verbose=0)]


@pytest.mark.parametrize("rows", [1, 7, 33, 128])
@pytest.mark.parametrize("cell", ["SimpleRNN", "LSTM", "GRU", "GRU of silu"])
def test_threads_change_no_bits(cell, rows):
    options = {"dropout": 0.3, "recurrent_dropout": 0.2}
    same_at_any_number_of_threads(lambda: trained(cell, rows, **options), (1, 2, 3, 8, 16))


def test_fused_steps_equal_stored_gradients():
    """A step that clips, which stores gradients, by bounds that clip nothing."""

    def weights(**options):
        gs.utils.set_random_seed(1)
        model = gs.Sequential([gs.Input((6, 3)), layers.GRU(9, return_sequences=True), layers.LSTM(5)])
        model.compile(gs.optimizers.Adam(0.01, **options), "mse")
        random = np.random.default_rng(0)
        model.fit(random.normal(size=(40, 6, 3)), random.normal(size=(40, 5)), batch_size=20, epochs=2, verbose=0)
        return model.get_weights()

    for fused, stored in zip(weights(), weights(global_clipnorm=1e9), strict=True):
        np.testing.assert_array_equal(fused, stored)


@pytest.mark.parametrize("size", [50.0, 1e4, np.inf])
@pytest.mark.parametrize("cell", ["SimpleRNN", "LSTM", "GRU", "GRU that resets before"])
def test_saturated_gates(cell, size):
    layer = made(cell, 3, kernel_initializer="ones")
    x = np.array([[[size], [-size], [size]]])
    y = layer(x, training=True)
    assert np.isfinite(y).all()
    if np.isfinite(size):
        dx, gradients = layer.backward(np.ones_like(y))
        assert all(np.isfinite(one).all() for one in [dx, *gradients])


def test_long_sequence():
    """2000 steps: the gradient by one weight."""
    layer = layers.LSTM(2, dtype="float64")
    random = np.random.default_rng(0)
    x = random.normal(size=(1, 2000, 1))
    dy = np.ones_like(layer(x, training=True))
    _, gradients = layer.backward(dy)
    values = []
    for shift in (1e-6, -1e-6):
        layer.recurrent_kernel[1, 3] += shift
        values.append(float(layer(x).sum()))
        layer.recurrent_kernel[1, 3] -= shift
    assert gradients[1][1, 3] == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-6, abs=1e-9)


def test_backwards_is_the_reversed_input():
    random = np.random.default_rng(0)
    x = random.normal(size=(4, 6, 3)).astype(np.float32)
    one, other = layers.GRU(5, return_sequences=True), layers.GRU(5, return_sequences=True, go_backwards=True)
    one.build(x.shape)
    other.build(x.shape)
    other.set_weights(one.get_weights())
    np.testing.assert_array_equal(other(x), one(x[:, ::-1]))


@pytest.mark.parametrize("cell", ["SimpleRNN", "LSTM", "GRU", "GRU that resets before"])
def test_dropout_has_one_mask_for_all_steps(cell):
    """Gradients are central differences of the same draw; the inputs that are dropped have none at any step."""
    layer = made(cell, 4, dropout=0.5, recurrent_dropout=0.5, seed=1, dtype="float64", return_sequences=True)
    random = np.random.default_rng(0)
    x = random.normal(size=(3, 4, 6))
    layer.build(x.shape)
    spread_weights(layer, random)

    def call():
        draw_as_in_call(layer, 5)
        return layer(x, training=True)

    dy = random.normal(size=call().shape)
    dx, gradients = layer.backward(dy)
    value = lambda: float((call() * dy).sum())  # noqa: E731
    assert difference(dx, numeric_gradient(value, x)) <= 1e-7
    for weight, gradient in zip(layer.weights, gradients, strict=True):
        assert difference(gradient, numeric_gradient(value, weight)) <= 1e-7
    dropped = dx == 0
    assert (dropped == dropped[:, :1]).all()
    assert 0 < dropped.mean() < 1
    assert not np.array_equal(layer(x, training=True), layer(x, training=True))
    np.testing.assert_array_equal(layer(x), layer(x))


def test_a_recurrent_layer_called_twice():
    """Gradients of both calls are summed, and move the weights once."""
    layer, end = layers.LSTM(4, dtype="float64"), layers.Dense(1, dtype="float64")
    a, b = gs.Input((3, 2)), gs.Input((3, 2))
    model = gs.Model([a, b], end(layers.Add(dtype="float64")([layer(a), layer(b)])))
    model.compile("sgd", "mse")
    random = np.random.default_rng(0)
    x, y = [random.normal(size=(20, 3, 2)) for _ in range(2)], random.normal(size=(20, 1))
    _, gradients = model.value_and_grad(x, y)
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        numeric = numeric_gradient(lambda: model.test_on_batch(x, y), weight)
        assert difference(gradient, numeric) <= 1e-7


def test_frozen_weights_stay():
    model = gs.Sequential([gs.Input((3, 2)), layers.GRU(4, return_sequences=True), layers.LSTM(3)])
    model.layers[1].trainable = False
    model.compile("adam", "mse")
    before = model.get_weights()
    random = np.random.default_rng(0)
    model.fit(random.normal(size=(9, 3, 2)), random.normal(size=(9, 3)), verbose=0)
    changed = [not np.array_equal(one, other) for one, other in zip(model.get_weights(), before, strict=True)]
    assert changed == [True] * 3 + [False] * 3


def test_start_of_the_weights():
    layer = layers.LSTM(8)
    layer.build((None, 5, 3))
    np.testing.assert_array_equal(layer.bias, np.repeat([0.0, 1.0, 0.0, 0.0], 8))
    np.testing.assert_allclose(layer.recurrent_kernel @ layer.recurrent_kernel.T, np.eye(8), atol=1e-5)
    plain = layers.LSTM(8, unit_forget_bias=False)
    plain.build((None, 5, 3))
    assert not plain.bias.any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"units": 0}, "units must be"),
        ({"units": 2, "dropout": 1.0}, r"dropout must be in \[0, 1\)"),
        ({"units": 2, "recurrent_dropout": -0.1}, r"recurrent_dropout must be in \[0, 1\)"),
        ({"units": 2, "activation": lambda x: x * 2}, "activation of a recurrent layer must be one of"),
        ({"units": 2, "activation": "none such"}, "activation must be one of"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        layers.SimpleRNN(**arguments)


@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 2, 1)])
def test_inputs_without_steps(shape):
    with pytest.raises(ValueError, match=r"must get inputs of shape \(rows, steps, inputs\)"):
        layers.LSTM(2)(np.zeros(shape))
