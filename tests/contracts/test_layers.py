"""Promises of every layer with every activation, by the engine's own list."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradients import WIDTHS, difference, numeric_gradient
from gradstep import _core
from reference.layers import ACTIVATIONS, FUNCTIONS, KINKS, SETTINGS

NAMES = list(_core.activations())


def test_every_activation_has_an_oracle_and_a_function():
    assert set(NAMES) == set(ACTIVATIONS), "add the oracle to tests/support/reference/layers.py"
    for name in NAMES:
        assert gs.activations.specify(FUNCTIONS.get(name, name)) == {"kind": name} | settings_of(name)


def settings_of(name):
    """All settings of an activation, as it is tested."""
    return {field[0]: field[1] for field in _core.activations()[name]} | SETTINGS.get(name, {})


def function_of(name):
    """What is given to a layer, and called with an array."""
    return FUNCTIONS.get(name) or gs.activations.get(name)


def model_of(layers, loss="mse"):
    model = gs.Sequential(layers)
    model.compile(optimizer="sgd", loss=loss)
    return model


def far_from_border(z):
    """Whether sparsemax has no number that is about to become 0, or about to become more."""
    y = ACTIVATIONS["sparsemax"](z)
    top = z.argmax(-1)[:, None]
    tau = np.take_along_axis(z, top, -1) - np.take_along_axis(y, top, -1)
    return np.abs(z - tau).min() > 1e-4


def away_from_kinks(model, x, random):
    """New biases until no unit of the first layer is near a kink: there central differences mean nothing."""
    first = model.layers[0]
    for _ in range(100):
        first.bias[...] = random.normal(size=first.bias.shape)
        z = x @ first.kernel + first.bias
        if min(np.abs(z - kink).min() for kink in KINKS) > 1e-4 and far_from_border(z):
            return
    raise AssertionError("no bias was found")


@pytest.mark.grid(activation=NAMES, width=WIDTHS, form=["in Dense", "as layer"])
@pytest.mark.filterwarnings("ignore:.*of one number does not depend on it:UserWarning")
def test_gradients_equal_central_differences(activation, width, form):
    """Sampled: every two of activation, width and form; --grid has all."""
    random = np.random.default_rng(width)
    rows = 5
    # The second layer passes gradients back: the first one's are right only if dx is.
    gs.utils.set_random_seed(width)
    first = {"kernel_initializer": gs.initializers.RandomNormal(stddev=0.5), "dtype": "float64"}
    layers = [gs.Input((3,))]
    if form == "as layer":
        layers += [gs.layers.Dense(width, **first), gs.layers.Activation(function_of(activation), dtype="float64")]
    else:
        layers += [gs.layers.Dense(width, function_of(activation), **first)]
    model = model_of([*layers, gs.layers.Dense(2, dtype="float64")])
    x, y = random.normal(size=(rows, 3)), random.normal(size=(rows, 2))
    away_from_kinks(model, x, random)

    value, gradients = model.value_and_grad(x, y)
    assert value == pytest.approx(model.test_on_batch(x, y), rel=1e-14)
    for weight, gradient in zip(model.weights, gradients, strict=True):
        assert difference(gradient, numeric_gradient(lambda: model.test_on_batch(x, y), weight)) <= 1e-7


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("use_bias", [True, False])
def test_dense_gradients_over_inputs(width, use_bias):
    random = np.random.default_rng(width)
    gs.utils.set_random_seed(width)
    options = {"use_bias": use_bias, "dtype": "float64"}
    model = model_of([gs.Input((width,)), gs.layers.Dense(4, "tanh", **options), gs.layers.Dense(width, **options)])
    x, y = random.normal(size=(width, width)), random.normal(size=(width, width))
    _, gradients = model.value_and_grad(x, y)
    assert len(gradients) == (4 if use_bias else 2)
    for weight, gradient in zip(model.weights, gradients, strict=True):
        assert gradient.shape == weight.shape
        assert difference(gradient, numeric_gradient(lambda: model.test_on_batch(x, y), weight)) <= 1e-7


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("activation", NAMES)
def test_gradient_of_the_input(activation, width):
    random = np.random.default_rng(width)
    x = random.normal(size=(4, width))
    while min(np.abs(x - kink).min() for kink in KINKS) < 1e-4 or not far_from_border(x):
        x = random.normal(size=(4, width))
    dy = random.normal(size=x.shape)
    dx = _core.activation_backward({"kind": activation} | SETTINGS.get(activation, {}), x, dy)
    slope = numeric_gradient(lambda: float((function_of(activation)(x) * dy).sum()), x)
    assert difference(dx, slope) <= 1e-7


@pytest.mark.parametrize("activation", NAMES)
@pytest.mark.parametrize("rows", [1, 2, 3, 8, 17, 33])
def test_a_batch_of_n_equals_n_batches_of_1(activation, rows, dtype):
    random = np.random.default_rng(rows)
    gs.utils.set_random_seed(rows)
    model = gs.Sequential(
        [
            gs.layers.Dense(n, f, dtype=dtype.name)
            for n, f in ((37, function_of(activation)), (19, "tanh"), (5, function_of(activation)))
        ]
    )
    x = random.normal(size=(rows, 23))
    whole = model(x)
    alone = np.concatenate([model(x[i : i + 1]) for i in range(rows)])
    assert whole.shape == (rows, 5)
    assert whole.dtype == dtype
    # The sums of 37 products may be taken in another order: a few roundings of their size.
    np.testing.assert_allclose(whole, alone, rtol=0, atol=64 * np.finfo(dtype).eps * max(1, np.abs(alone).max()))
    np.testing.assert_array_equal(whole, model.predict(x, batch_size="full", verbose=0))


@pytest.mark.grid(activation=NAMES, width=WIDTHS)
@pytest.mark.filterwarnings("ignore:.*of one number does not depend on it:UserWarning")
def test_dense_equals_its_oracle(activation, width, dtype):
    """Sampled: every two of activation, width and dtype; --grid has all."""
    random = np.random.default_rng(width)
    gs.utils.set_random_seed(width)
    layer = gs.layers.Dense(width, function_of(activation), bias_initializer="random_normal", dtype=dtype.name)
    x = random.normal(size=(6, 11)).astype(dtype)
    y = layer(x)
    expected = ACTIVATIONS[activation](x.astype(float) @ layer.kernel.astype(float) + layer.bias.astype(float))
    np.testing.assert_allclose(y, expected, rtol=0, atol=64 * np.finfo(dtype).eps * max(1, np.abs(expected).max()))


def test_layer_and_model_of_it_agree_to_the_bit():
    x = np.random.default_rng(0).normal(size=(10, 7)).astype(np.float32)
    layers = [gs.layers.Flatten(), gs.layers.Dense(6, "relu"), gs.layers.Activation("softmax")]
    one_by_one = x
    for layer in layers:
        one_by_one = layer(one_by_one)
    np.testing.assert_array_equal(gs.Sequential(layers)(x), one_by_one)
    # The model took the layers' weights over; each still computes alone.
    np.testing.assert_array_equal(layers[2](layers[1](x)), one_by_one)
