"""Layers as objects: building, weights, names, bad arguments."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers


def test_weights_are_the_layer_s_own():
    layer = layers.Dense(2, kernel_initializer="zeros")
    layer.build((None, 3))
    assert layer.kernel.ctypes.data % 64 == layer.bias.ctypes.data % 64 == 0
    x = np.eye(3, dtype=np.float32)
    np.testing.assert_array_equal(layer(x), np.zeros((3, 2)))
    layer.kernel[...] = [[1, 2], [3, 4], [5, 6]]
    layer.bias[1] = 10
    np.testing.assert_array_equal(layer(x), [[1, 12], [3, 14], [5, 16]])
    assert [w.shape for w in layer.weights] == [(3, 2), (2,)]
    assert layer.count_params() == 8
    copies = layer.get_weights()
    copies[0][...] = 0
    assert layer.kernel[2, 1] == 6


def test_set_weights_checks_all_before_the_first():
    layer = layers.Dense(2)
    layer.build((None, 3))
    before = layer.get_weights()
    good = np.ones((3, 2))
    for wrong, error, message in [
        ([good], ValueError, "weights must hold 2 arrays, one for each weight; got 1"),
        ([good, np.ones(3)], ValueError, r"weights\[1\] has shape \(3,\); the weight has shape \(2,\)"),
        ([good, ["a", "b"]], TypeError, r"weights\[1\] must be an array of real numbers"),
        (good, TypeError, "weights must be a list of arrays; got one array"),
    ]:
        with pytest.raises(error, match=message):
            layer.set_weights(wrong)
        for now, then in zip(layer.weights, before, strict=True):
            np.testing.assert_array_equal(now, then)
    layer.set_weights([good, [3, 4]])
    np.testing.assert_array_equal(layer.bias, [3, 4])


def test_dtype():
    assert layers.Dense(2, dtype="float64")(np.ones((1, 3), np.float32)).dtype == np.float64
    gs.config.set_floatx("float64")
    try:
        assert layers.Dense(2)(np.ones((1, 3), np.float32)).dtype == np.float64
    finally:
        gs.config.set_floatx("float32")
    assert layers.Dense(2)(np.ones((1, 3), np.int8)).dtype == np.float32


def test_without_bias():
    layer = layers.Dense(2, use_bias=False)
    assert layer(np.zeros((1, 3))).tolist() == [[0, 0]]
    assert layer.bias is None
    assert len(layer.weights) == 1


def test_an_initializer_of_ones_own():
    layer = layers.Dense(2, kernel_initializer=lambda shape, dtype: np.arange(6).reshape(shape))
    np.testing.assert_array_equal(layer(np.eye(3)), [[0, 1], [2, 3], [4, 5]])
    wrong = layers.Dense(2, kernel_initializer=lambda shape, dtype: np.zeros(3))
    with pytest.raises(ValueError, match=r"kernel_initializer must give an array of shape \(3, 2\); it gave \(3,\)"):
        wrong.build((None, 3))
    assert not wrong.built


def test_names():
    assert layers.Dense(1, name="out").name == "out"
    first, second = layers.Flatten().name, layers.Flatten().name
    assert first.startswith("flatten")
    assert second.startswith("flatten_")
    assert first != second
    assert layers.InputLayer((3,)).name.startswith("input_layer")


def test_shapes():
    assert layers.Flatten()(np.zeros((0, 2, 3))).shape == (0, 6)
    assert layers.Dense(4)(np.zeros((0, 3))).shape == (0, 4)
    layer = layers.Dense(4, input_dim=3)
    assert layer(np.zeros((5, 3))).shape == (5, 4)
    assert (layer.input_shape, layer.output_shape) == ((None, 3), (None, 4))
    flat = np.zeros((2, 3, 4), np.float32)
    assert not np.shares_memory(layers.Flatten()(flat), flat)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: layers.Dense(0), ValueError, "units must be at least 1; got 0"),
        (lambda: layers.Dense(2.0), TypeError, r"units must be a whole number \(int\); got 2.0"),
        (lambda: layers.Dense(True), TypeError, "units must be a whole number"),
        (lambda: layers.Dense(2, use_bias=1), TypeError, "use_bias must be True or False; got 1"),
        (lambda: layers.Dense(2, "relux"), ValueError, "activation must be one of .* Did you mean 'relu'"),
        (lambda: layers.Dense(2, kernel_penalty="l2"), TypeError, "kernel_penalty"),
        (lambda: layers.Dense(2, dtype="float16"), ValueError, "dtype must be one of float32, float64; got 'float16'"),
        (lambda: layers.Dense(2, name=3), TypeError, "name must be a str"),
        (lambda: layers.Dense(2, input_shape=(3, 0)), ValueError, r"input_shape\[1\] must be at least 1; got 0"),
        (lambda: layers.Dense(2, input_shape=()), ValueError, r"input_shape must have at least one dimension"),
        (lambda: layers.Dense(2, input_shape=(3,), input_dim=3), ValueError, "input_shape or input_dim, not both"),
        (lambda: layers.Dense(2).kernel, AttributeError, "has no weights before it is built"),
        (lambda: layers.Dense(2).input_shape, ValueError, "has no shape before it is built"),
        (lambda: layers.Dense(2).set_weights([]), ValueError, "has no weights before it is built"),
        (lambda: layers.Dense(2)(np.zeros(3)), ValueError, "must have at least one dimension beside the rows"),
        (lambda: layers.Dense(2, input_dim=3)(np.zeros((1, 4))), ValueError, r"was declared with \(3,\)"),
    ],
)
def test_bad_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_built_layer_keeps_its_shape():
    layer = layers.Dense(2)
    layer(np.zeros((1, 3)))
    with pytest.raises(ValueError, match=r"input_shape has rows of shape \(4,\); layer .* was built for \(3,\)"):
        layer(np.zeros((1, 4)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rows", [1, 5, 33, 70])
@pytest.mark.parametrize("units", [1, 7, 33, 64, 100, 200])
def test_bias_gradients_are_sums_in_the_order_of_the_rows(units, rows, dtype):
    rng = np.random.default_rng(units)
    model = gs.Sequential([gs.Input((2,)), layers.Dense(units, dtype=dtype)])
    model(rng.random((rows, 2)).astype(dtype), training=True)
    dy = rng.standard_normal((rows, units)).astype(dtype)
    (_, db) = model.backward(dy)[1]
    expected = np.zeros(units, dtype)
    for row in dy:
        expected += row
    np.testing.assert_array_equal(db, expected)
