"""Pooling equals plain loops in float64; ties, NaN and what lies beyond the edges."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers
from reference.convolution import pooling

FIRST = "channels_first"
KINDS = ["Max", "Average"]


def last(x, data_format):
    return np.moveaxis(x, 1, -1) if data_format == FIRST else x


def back(x, data_format):
    return np.moveaxis(x, -1, 1) if data_format == FIRST else x


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(30))
def test_value_and_gradient(kind, seed, dtype):
    """Any rank, window, stride and padding; few values, so that there are ties."""
    random = np.random.default_rng(seed)
    n = int(random.integers(1, 4))
    size = [int(each) for each in random.integers(1, 4, n)]
    strides = [int(each) for each in random.integers(1, 4, n)] if random.integers(2) else None
    padding = random.choice(["valid", "same"]).item()
    data_format = random.choice(["channels_last", FIRST]).item()
    shape = [int(random.integers(0, 5)) + (each if padding == "valid" else 1) for each in size]
    channels = int(random.choice([1, 3, 17, 33]))
    row = (channels, *shape) if data_format == FIRST else (*shape, channels)
    layer = getattr(layers, f"{kind}Pooling{n}D")(size, strides, padding, data_format, dtype=dtype.name)
    x = random.integers(-3, 3, (3, *row)).astype(dtype)
    right, slope = pooling(last(x.astype(float), data_format), size, strides or size, padding, kind == "Average")
    y = layer(x, training=True)
    assert y.shape == (3, *layer.output_shape[1:])
    rounding = 0 if kind == "Max" else 8 * np.finfo(dtype).eps
    np.testing.assert_allclose(last(y, data_format), right, rtol=rounding, atol=rounding)
    dy = random.integers(-4, 5, y.shape).astype(dtype)
    dx, _ = layer.backward(dy)
    expected = back(slope(last(dy.astype(float), data_format)), data_format)
    np.testing.assert_allclose(dx, expected, rtol=rounding, atol=4 * rounding)
    assert layer(x[:0]).shape == (0, *y.shape[1:])
    model = gs.Sequential([gs.Input(row), layer])
    np.testing.assert_array_equal(model.predict(x, verbose=0, batch_size=2), y)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("data_format", ["channels_last", FIRST])
@pytest.mark.parametrize("keepdims", [False, True])
def test_global(kind, n, data_format, keepdims):
    random = np.random.default_rng(n)
    row = (3, *range(2, 2 + n)) if data_format == FIRST else (*range(2, 2 + n), 3)
    layer = getattr(layers, f"Global{kind}Pooling{n}D")(data_format, keepdims, dtype="float64")
    x = random.normal(size=(4, *row))
    axes = tuple(range(2, 2 + n)) if data_format == FIRST else tuple(range(1, 1 + n))
    right = (x.mean if kind == "Average" else x.max)(axes, keepdims=keepdims)
    y = layer(x, training=True)
    assert y.shape == right.shape == (4, *layer.output_shape[1:])
    np.testing.assert_allclose(y, right, rtol=1e-14)
    dx, _ = layer.backward(np.ones_like(y))
    count = x[0].size / 3
    share = np.full(x.shape, 1 / count) if kind == "Average" else x == x.max(axes, keepdims=True)
    np.testing.assert_allclose(dx, share)
    again = type(layer).from_config(layer.get_config())
    np.testing.assert_array_equal(again(x), y)


def test_ties_go_to_the_first():
    layer = layers.MaxPooling2D(2)
    y = layer(np.full((1, 4, 4, 2), -5.0), training=True)
    dx, _ = layer.backward(np.ones_like(y))
    expected = np.zeros((1, 4, 4, 2))
    expected[:, ::2, ::2] = 1
    np.testing.assert_array_equal(dx, expected)


def test_what_no_window_sees_has_no_gradient():
    layer = layers.MaxPooling2D(2)
    x = np.random.default_rng(0).normal(size=(2, 11, 11, 3))
    y = layer(x, training=True)
    dx, _ = layer.backward(np.ones_like(y))
    assert dx[:, 10].any() == dx[:, :, 10].any() == False  # noqa: E712
    assert dx.sum() == y.size


def test_overlapping_windows_add():
    layer = layers.MaxPooling1D(3, 1)
    layer(np.array([[[0.0], [9.0], [0.0], [1.0]]]), training=True)
    dx, _ = layer.backward(np.array([[[1.0], [2.0]]]))
    assert dx.ravel().tolist() == [0, 3, 0, 0]


def test_numbers_that_are_none():
    """A NaN is larger than all, and the first of several; -inf is a number, also at an edge."""
    x = np.array([[[1.0], [np.nan], [np.inf], [np.nan], [-np.inf], [-np.inf]]])
    layer = layers.MaxPooling1D(4, 2, "same")
    y = layer(x, training=True)
    np.testing.assert_array_equal(y.ravel(), [np.nan, np.nan, np.nan])
    dx, _ = layer.backward(np.array([[[1.0], [2.0], [4.0]]]))
    assert dx.ravel().tolist() == [0, 3, 0, 4, 0, 0]
    assert layers.MaxPooling1D(2, 2)(x[:, 4:]).ravel().tolist() == [-np.inf]


@pytest.mark.parametrize("channels", [1, 17])
def test_windows_of_minus_infinity(channels):
    """Their gradient goes to the first number that there is, not to one beyond the edge."""
    layer = layers.MaxPooling1D(3, 1, "same")
    y = layer(np.full((1, 3, channels), -np.inf), training=True)
    assert (y == -np.inf).all()
    dx, _ = layer.backward(np.ones((1, 3, channels)) * np.array([1.0, 2.0, 4.0])[:, None])
    np.testing.assert_array_equal(dx[0].T, [[3.0, 4.0, 0.0]] * channels)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [3, 17])
@pytest.mark.parametrize("size", [(8, 8), (5, 13), (17, 16)])
def test_large_windows(kind, channels, size, dtype):
    """Of 64 numbers and more; an index of more than 256 takes four bytes."""
    x = np.random.default_rng(0).integers(-9, 9, (2, 20, 19, channels)).astype(dtype)
    layer = getattr(layers, f"{kind}Pooling2D")(size, (3, 5), "same", dtype=dtype.name)
    right, slope = pooling(x.astype(float), size, (3, 5), "same", kind == "Average")
    y = layer(x, training=True)
    rounding = 0 if kind == "Max" else 64 * np.finfo(dtype).eps
    np.testing.assert_allclose(y, right, rtol=rounding, atol=rounding)
    dy = np.random.default_rng(1).integers(-4, 5, y.shape).astype(dtype)
    np.testing.assert_allclose(layer.backward(dy)[0], slope(dy.astype(float)), rtol=rounding, atol=4 * rounding)


def test_all_negative_beyond_the_edges():
    """What lies beyond them is no zero: neither the largest, nor counted in a mean."""
    x = np.full((1, 3, 3, 1), -2.0)
    for kind in KINDS:
        np.testing.assert_array_equal(
            getattr(layers, f"{kind}Pooling2D")(2, padding="same")(x), np.full((1, 2, 2, 1), -2)
        )


@pytest.mark.parametrize("name", [f"{kind}Pooling{n}D" for kind in KINDS for n in (1, 2, 3)])
def test_configs_and_files(name, tmp_path):
    n = int(name[-2])
    layer = getattr(layers, name)(3, 2, padding="same")
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    row = (*[5] * n, 2)
    model = gs.Sequential([gs.Input(row), layer, layers.Flatten(), layers.Dense(2)])
    x = np.random.default_rng(0).normal(size=(4, *row)).astype(np.float32)
    model.save(tmp_path / "model.gradstep")
    loaded = gs.models.load_model(tmp_path / "model.gradstep")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))


BAD = {
    "size": (lambda: layers.MaxPooling2D(0), ValueError, "pool_size must be"),
    "sizes": (lambda: layers.MaxPooling2D((1, 2, 3)), ValueError, "pool_size must be an int or 2"),
    "strides": (lambda: layers.AveragePooling1D(2, 1.5), TypeError, "strides must be"),
    "padding": (lambda: layers.AveragePooling1D(2, padding="causal"), ValueError, "padding must be"),
    "keepdims": (lambda: layers.GlobalMaxPooling1D(keepdims=1), TypeError, "keepdims must be"),
    "axes": (lambda: layers.MaxPooling2D()(np.zeros((2, 4, 4))), ValueError, r"\(rows, height, width, channels\)"),
    "global": (lambda: layers.GlobalMaxPooling1D()(np.zeros((2, 4))), ValueError, r"\(rows, steps, channels\)"),
    "small": (lambda: layers.MaxPooling1D(3)(np.zeros((2, 2, 1))), ValueError, "at least as large as its window"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_refused(case):
    call, error, words = BAD[case]
    with pytest.raises(error, match=words):
        call()
