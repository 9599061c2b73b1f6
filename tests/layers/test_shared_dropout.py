"""Dropout whose draws axes share, spatial dropout and AlphaDropout: what is drawn, and what becomes of numbers."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradients import difference, numeric_gradient
from gradstep import layers
from probe import draw_as_in_call, key
from reference.random import dropped
from threads import same_at_any_number_of_threads

FLOAT = {"dtype": "float64"}
CHANNELS_FIRST = {"data_format": "channels_first"}
# Each layer, the shape of its rows, and that of what is drawn for one.
LAYERS = {
    "steps": (lambda **o: layers.Dropout(0.4, (None, 1, 3), **o), (5, 3), (1, 3)),
    "features": (lambda **o: layers.Dropout(0.4, (7, 5, 1), **o), (5, 3), (5, 1)),
    "middle": (lambda **o: layers.Dropout(0.4, (None, None, 1, None), **o), (4, 5, 6), (4, 1, 6)),
    "rows": (lambda **o: layers.Dropout(0.4, (None, 1, 1), **o), (5, 3), (1, 1)),
    "all": (lambda **o: layers.Dropout(0.4, (None, None, 3), **o), (5, 3), (5, 3)),
    "batch": (lambda **o: layers.Dropout(0.4, (1, 5, 3), **o), (5, 3), (5, 3)),
    "1D": (lambda **o: layers.SpatialDropout1D(0.4, **o), (5, 3), (1, 3)),
    "2D": (lambda **o: layers.SpatialDropout2D(0.4, **o), (4, 5, 3), (1, 1, 3)),
    "2D first": (lambda **o: layers.SpatialDropout2D(0.4, "channels_first", **o), (3, 4, 5), (3, 1, 1)),
    "3D": (lambda **o: layers.SpatialDropout3D(0.4, **o), (2, 4, 5, 3), (1, 1, 1, 3)),
    "3D first": (lambda **o: layers.SpatialDropout3D(0.4, **CHANNELS_FIRST, **o), (3, 2, 4, 5), (3, 1, 1, 1)),
}
ALPHA = {
    "alpha": (lambda **o: layers.AlphaDropout(0.4, **o), (40,), (40,)),
    "alpha of channels": (lambda **o: layers.AlphaDropout(0.4, (None, 1, 3), **o), (5, 3), (1, 3)),
}


def masks(layer, rows, drawn, number, rate=0.4):
    """What numbers are multiplied by, for each row, in the shape of what is drawn."""
    ids = np.zeros(rows, int) if "batch" in layer.name else np.arange(rows)
    return dropped(ids, int(np.prod(drawn)), rate, key(layer), number).reshape(rows, *drawn)


@pytest.mark.parametrize("name", LAYERS)
def test_numbers_are_kept_as_the_oracle_says(name, isa):
    make, row, drawn = LAYERS[name]
    layer = make(seed=5, name=f"layer_{name.replace(' ', '_')}", **FLOAT)
    x = 1 + np.random.default_rng(0).random((7, *row))
    layer(x)
    draw_as_in_call(layer, 3)
    y = layer(x, training=True)
    mask = masks(layer, 7, drawn, 3)
    np.testing.assert_allclose(y, x * mask, rtol=1e-15)
    dx, _ = layer.backward(x)
    np.testing.assert_array_equal(dx, y)
    np.testing.assert_array_equal(layer(x), x)


@pytest.mark.parametrize("name", ALPHA)
def test_alpha_dropout_equals_the_formula(name):
    make, row, drawn = ALPHA[name]
    layer = make(seed=5, **FLOAT)
    x = np.random.default_rng(0).normal(size=(7, *row))
    layer(x)
    draw_as_in_call(layer, 3)
    y = layer(x, training=True)
    lowest = -1.6732632423543772 * 1.0507009873554805
    scale = ((1 - 0.4) * (1 + 0.4 * lowest**2)) ** -0.5
    kept = masks(layer, 7, drawn, 3) > 0
    expected = scale * np.where(kept, x, lowest) - scale * lowest * 0.4
    np.testing.assert_allclose(y, expected, rtol=1e-13, atol=1e-15)
    dx, _ = layer.backward(x)
    np.testing.assert_allclose(dx, scale * x * kept, rtol=1e-15)


def test_alpha_dropout_keeps_mean_and_variance():
    y = layers.AlphaDropout(0.3, seed=1, **FLOAT)(np.random.default_rng(0).normal(size=(1000, 500)), training=True)
    # Half a million numbers: five standard deviations of the mean are 0.007, of the variance about 0.02.
    assert abs(y.mean()) < 0.007
    assert abs(y.var() - 1) < 0.02


@pytest.mark.parametrize("name", [*LAYERS, *ALPHA])
def test_gradients_in_a_model(name):
    make, row, _ = (LAYERS | ALPHA)[name]
    gs.utils.set_random_seed(2)
    stack = [layers.Dense(row[-1], **FLOAT), make(**FLOAT), layers.Flatten(**FLOAT), layers.Dense(2, **FLOAT)]
    model = gs.Sequential([gs.Input(row), *stack])
    model.compile("sgd", "mse")
    random = np.random.default_rng(1)
    x, y = random.normal(size=(4, *row)), random.normal(size=(4, 2))

    def both():
        draw_as_in_call(model, 7)
        return model.value_and_grad(x, y)

    for weight, gradient in zip(model.trainable_weights[:2], both()[1], strict=False):
        assert difference(gradient, numeric_gradient(lambda: both()[0], weight)) <= 1e-7


@pytest.mark.parametrize("name", [*LAYERS, *ALPHA])
def test_same_bits_on_any_number_of_threads(name):
    make, row, _ = (LAYERS | ALPHA)[name]
    random = np.random.default_rng(1)
    x, y = random.normal(size=(90, *row)), random.normal(size=(90, 2))

    def trained():
        gs.utils.set_random_seed(2)
        model = gs.Sequential([gs.Input(row), layers.Dense(row[-1]), make(), layers.Flatten(), layers.Dense(2)])
        model.compile("sgd", "mse")
        model.fit(x, y, batch_size=32, epochs=2, verbose=0)
        return model.get_weights()

    same_at_any_number_of_threads(trained, (1, 2, 7))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: layers.Dropout(0.5, 3), TypeError, "noise_shape must be a sequence of ints or None; got an int"),
        (lambda: layers.Dropout(0.5, (None, 0)), ValueError, "noise_shape.1. must be"),
        (lambda: layers.Dropout(0.5, (None,)), ValueError, "noise_shape must have the rows and at least one axis"),
        (lambda: layers.Dropout(0.5, (None, 1, 4))(np.ones((2, 5, 3))), ValueError, "noise_shape must have 1, None or"),
        (lambda: layers.Dropout(0.5, (None, 1))(np.ones((2, 5, 3))), ValueError, "noise_shape must have 1, None or"),
        (lambda: layers.AlphaDropout(1.0), ValueError, "rate must be below 1"),
        (lambda: layers.SpatialDropout1D(0.5)(np.ones((2, 5))), ValueError, "must get inputs of 3 axes"),
        (lambda: layers.SpatialDropout2D(0.5, "first"), ValueError, "data_format must be one of"),
        (lambda: layers.SpatialDropout3D(1.5), ValueError, r"rate must be in \[0, 1\]"),
    ],
)
def test_refusals(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("make", [layers.Dropout, layers.GaussianDropout, layers.SpatialDropout1D])
def test_calls_of_one_layer_in_a_model_draw_apart(make):
    """As in Keras; and backward draws what forward drew."""
    x, shared = gs.Input((6, 40), dtype="float64"), make(0.5, seed=3, **FLOAT)
    model = gs.Model(x, [shared(x), shared(x)])
    ones = np.ones((5, 6, 40))
    first, second = model(ones, training=True)
    assert (first != second).any()
    dx, _ = model.backward([ones, np.zeros_like(ones)])
    np.testing.assert_array_equal(dx, first)
    model(ones, training=True)
    again, third = model(ones, training=True)
    dx, _ = model.backward([np.zeros_like(ones), ones])
    np.testing.assert_array_equal(dx, third)
    assert (again != third).any()
