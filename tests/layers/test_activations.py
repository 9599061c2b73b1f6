"""Activations as functions: accuracy in ULP, kinds of arrays, names."""

from __future__ import annotations

from functools import partial

import gradstep as gs
import numpy as np
import pytest
from gradstep import _core
from reference.layers import ACTIVATIONS, FUNCTIONS

ELEMENTWISE = [name for name in _core.activations() if not name.endswith("max")]


def function_of(name):
    return FUNCTIONS.get(name) or gs.activations.get(name)


# Largest error, in ULP of the exact value; above what csrc/core/math.hpp says of exp, log and the rest by the
# roundings of the formula. Where a formula cancels, or an exponent is rounded, they are in ULP of `UNITS`.
ULP = {
    "linear": 0,
    "relu": 0,
    "relu6": 0,
    "leaky_relu": 1,
    "elu": 2,
    "selu": 3,
    "sigmoid": 3,
    "hard_sigmoid": 1,
    "tanh": 3,
    "exponential": 1,
    "softplus": 2,
    "softsign": 2,
    "gelu": 2,
    "silu": 4,
    "mish": 5,
    "rectifier": 2,
    "celu": 2,
    "sparse_sigmoid": 1,
    "log_sigmoid": 2,
    "hard_tanh": 0,
    "tanh_shrink": 3,
    "hard_shrink": 0,
    "soft_shrink": 1,
    "threshold": 0,
    "sparse_plus": 3,
    "squareplus": 3,
    "gelu_tanh": 4,
    "hard_silu": 2,
}


UNITS = {
    "hard_sigmoid": np.ones_like,
    "gelu": lambda x: np.maximum(np.abs(x), 1),
    "gelu_tanh": lambda x: np.maximum(np.abs(x), 1),
    "tanh_shrink": np.abs,
    "hard_silu": np.abs,
}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_error_in_ulp(name, dtype, isa):
    tails = np.geomspace(1e-8, 80, 2000)
    x = np.concatenate([np.linspace(-12, 12, 20001), tails, -tails]).astype(dtype)
    y = function_of(name)(x)
    # gelu's oracle needs math.erf, which is float64: good enough for an absolute error.
    expected = ACTIVATIONS[name](x.astype(float if name == "gelu" else np.longdouble))
    unit = UNITS.get(name, lambda x: np.abs(expected))(x).astype(dtype)
    error = np.abs(y - expected) / np.spacing(np.maximum(unit, np.finfo(dtype).tiny))
    assert error.max() <= ULP[name], x[error.argmax()]


ROWWISE = ["softmax", "log_softmax", "sparsemax"]


@pytest.mark.parametrize("name", ROWWISE)
@pytest.mark.parametrize("n", [1, 2, 9, 16, 17, 47, 1000])
def test_rowwise_error(name, n, dtype):
    x = (5 * np.random.default_rng(n).normal(size=(7, n))).astype(dtype)
    expected = ACTIVATIONS[name](x.astype(np.longdouble))
    y = gs.activations.get(name)(x)
    # A sum of n terms, so n roundings at worst, seldom more than their root; 4 for exp, log and division.
    limit = (4 + 2 * n**0.5) * np.finfo(dtype).eps
    assert (np.abs(y - expected) <= limit * np.maximum(np.abs(expected), 0 if name == "softmax" else 1)).all()


@pytest.mark.parametrize("name", ROWWISE)
def test_rows_have_the_same_bits_on_every_isa(name, dtype, isa):
    """Sums and largest numbers are found in lanes, as many whatever the width of a vector."""
    rng = np.random.default_rng(0)
    rows = [rng.normal(size=(2, 3, n)).astype(dtype) for n in (*range(2, 70), 1001)]

    def run():
        layers = [gs.layers.Activation(name, dtype=dtype.name) for _ in rows]
        forward = [layer(x, training=True).tobytes() for layer, (x, _) in zip(layers, rows, strict=True)]
        return forward, [layer.backward(dy)[0].tobytes() for layer, (_, dy) in zip(layers, rows, strict=True)]

    found = run()
    _core.set_isa(_core.build_info()["isas"][0])
    assert found == run()


@pytest.mark.parametrize("name", ROWWISE)
@pytest.mark.parametrize("n", [5, 16, 37])
def test_the_largest_of_a_row_lies_anywhere(name, n, dtype):
    """So that no exponential overflows; and a NaN anywhere makes NaN of all."""
    f = gs.activations.get(name)
    x = np.zeros((n, n), dtype)
    np.fill_diagonal(x, 1e4)
    zero, one = (-1e4, 0) if name == "log_softmax" else (0, 1)
    np.testing.assert_array_equal(f(x), np.where(np.eye(n), one, zero))
    np.fill_diagonal(x, np.nan)
    assert np.isnan(f(x)).all()


def test_softmax_of_large_numbers():
    y = gs.activations.softmax(np.array([[1e4, 1e4], [-1e4, 0.0]]))
    np.testing.assert_array_equal(y, [[0.5, 0.5], [0.0, 1.0]])
    np.testing.assert_array_equal(gs.activations.log_softmax(np.array([[-1e4, 0.0]])), [[-1e4, 0.0]])


@pytest.mark.parametrize("name", list(_core.activations()))
def test_nan_goes_through(name):
    assert np.isnan(function_of(name)(np.array([np.nan]))).all()


@pytest.mark.parametrize("name", ["relu", "softmax"])
def test_kinds_of_arrays(name):
    f = gs.activations.get(name)
    x = np.random.default_rng(0).normal(size=(4, 6))
    expected = f(x)
    for same in (np.asfortranarray(x), np.repeat(x, 2, axis=1)[:, ::2], x[::-1][::-1], x.astype(">f8"), x.tolist()):
        np.testing.assert_allclose(f(same), expected, rtol=1e-6)
    assert f(x.astype(np.float32)).dtype == np.float32
    assert f(x.tolist()).dtype == np.float32
    assert f([1, 2]).dtype == np.float32
    assert f(np.zeros((0, 3))).shape == (0, 3)
    assert f(np.zeros((2, 3, 4))).shape == (2, 3, 4)
    read_only = x.copy()
    read_only.flags.writeable = False
    np.testing.assert_array_equal(f(read_only), expected)
    np.testing.assert_array_equal(read_only, x)


@pytest.mark.parametrize("wrong", ["text", None, 1j, [object()], np.ma.masked_array([1.0], [True])])
def test_what_is_no_array_is_refused(wrong):
    with pytest.raises(TypeError, match=r"^x must be an array"):
        gs.activations.relu(wrong)


def test_get():
    assert gs.activations.get(None) is gs.activations.linear
    assert gs.activations.get("swish") is gs.activations.swish is gs.activations.silu
    assert gs.activations.get(gs.activations.relu) is gs.activations.relu
    with pytest.raises(ValueError, match=r"activation must be one of .*; got 'rellu'\. Did you mean 'relu'\?"):
        gs.activations.get("rellu")
    assert gs.activations.get(np.abs) is np.abs
    with pytest.raises(TypeError, match=r"a name or a function; got an int"):
        gs.activations.get(3)


@pytest.mark.parametrize(
    ("call", "same"),
    [
        (lambda x: gs.activations.elu(x, alpha=0.5), lambda x: np.where(x > 0, x, 0.5 * np.expm1(np.minimum(x, 0)))),
        (lambda x: gs.activations.celu(x, 2.0), lambda x: np.where(x > 0, x, 2 * np.expm1(np.minimum(x, 0) / 2))),
        (lambda x: gs.activations.leaky_relu(x, 0.01), lambda x: np.where(x > 0, x, 0.01 * x)),
        (lambda x: gs.activations.relu(x, max_value=1.5), lambda x: np.clip(x, 0, 1.5)),
        (lambda x: gs.activations.relu(x, threshold=1), lambda x: np.where(x > 1, x, 0)),
        (lambda x: gs.activations.soft_shrink(x, 1.0), lambda x: np.sign(x) * np.maximum(np.abs(x) - 1, 0)),
        (lambda x: gs.activations.squareplus(x, b=0.5), lambda x: (x + np.sqrt(x**2 + 0.5)) / 2),
        (lambda x: gs.activations.softmax(x, axis=0), lambda x: ACTIVATIONS["softmax"](x.T).T),
        (lambda x: gs.activations.log_softmax(x, axis=-2), lambda x: ACTIVATIONS["log_softmax"](x.T).T),
        (lambda x: gs.activations.glu(x), lambda x: x[:, :3] * ACTIVATIONS["sigmoid"](x[:, 3:])),
        (lambda x: gs.activations.glu(x, axis=0), lambda x: x[:2] * ACTIVATIONS["sigmoid"](x[2:])),
    ],
)
def test_settings(call, same):
    x = 2 * np.random.default_rng(0).normal(size=(4, 6))
    np.testing.assert_allclose(call(x), same(x), rtol=1e-14, atol=1e-15)


def test_infinities():
    x = np.array([-np.inf, np.inf])
    np.testing.assert_array_equal(gs.activations.relu(x, max_value=3.0), [0, 3])
    np.testing.assert_array_equal(gs.activations.squareplus(x), [0, np.inf])
    np.testing.assert_array_equal(gs.activations.hard_silu(x), [0, np.inf])
    np.testing.assert_array_equal(gs.activations.gelu(x[1:], approximate=True), [np.inf])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: gs.activations.relu(x, negative_slope=-1.0), ValueError, r"negative_slope must be a number in \[0"),
        (lambda x: gs.activations.elu(x, "1"), TypeError, "alpha must be a real number; got '1'"),
        (lambda x: gs.activations.celu(x, 0.0), ValueError, r"alpha must be a number in \(0"),
        (lambda x: gs.activations.gelu(x, 1), TypeError, "approximate must be True or False"),
        (lambda x: gs.activations.softmax(x, axis=2), ValueError, r"axis must be in \[-2, 2\); got 2"),
        (lambda x: gs.activations.softmax(x, axis=1.0), TypeError, r"axis must be an int; got 1.0"),
        (lambda x: gs.activations.glu(x), ValueError, "x must have an even length along axis -1"),
        (lambda x: gs.layers.Dense(2, "threshold"), TypeError, r"activation: threshold\(\) missing 2"),
        (lambda x: gs.layers.Dense(2, "glu"), ValueError, "glu halves its input"),
        (lambda x: gs.layers.LeakyReLU(-0.5), ValueError, r"negative_slope must be a number in \[0"),
        (lambda x: gs.layers.Softmax(axis=0), ValueError, "axis must not be that of the rows, 0"),
        (lambda x: gs.layers.Activation(partial(gs.activations.elu, beta=1)), TypeError, "unexpected keyword argument"),
        (lambda x: gs.layers.Activation(partial(np.sign)), TypeError, "activation partial has no derivative"),
    ],
)
def test_bad_settings(call, error, message):
    with pytest.raises(error, match=message):
        call(np.zeros((2, 3)))


def test_layers_of_settings():
    x = np.random.default_rng(0).normal(size=(5, 4))
    for layer, same in (
        (gs.layers.ReLU(1.0, 0.1, 0.2), lambda x: gs.activations.relu(x, 0.1, 1.0, 0.2)),
        (gs.layers.LeakyReLU(), lambda x: gs.activations.leaky_relu(x, 0.3)),
        (gs.layers.ELU(0.5), lambda x: gs.activations.elu(x, 0.5)),
        (gs.layers.Softmax(), gs.activations.softmax),
    ):
        expected = same(x.astype(np.float32))
        np.testing.assert_array_equal(layer(x), expected)
        in_dense = gs.layers.Dense(4, layer, kernel_initializer="ones", use_bias=False)
        np.testing.assert_array_equal(in_dense(x[:, :1]), same(np.repeat(x[:, :1].astype(np.float32), 4, axis=1)))
    assert gs.layers.ReLU()(np.zeros((2, 3, 4))).shape == (2, 3, 4)


def test_settings_in_configs():
    for activation in ("relu", partial(gs.activations.elu, alpha=0.5), gs.layers.LeakyReLU(0.1)):
        layer = gs.layers.Dense(3, activation)
        config = layer.get_config()
        again = gs.layers.Dense.from_config(config)
        assert again.get_config() == config
        assert gs.activations.specify(again.activation) == gs.activations.specify(activation)
    with pytest.raises(ValueError, match="a name or a function with settings"):
        gs.activations.get({"class_name": "elu"})
