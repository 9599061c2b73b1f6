"""Activations as functions: accuracy in ULP, kinds of arrays, names."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import _core
from reference.layers import ACTIVATIONS

ELEMENTWISE = [name for name in _core.activations() if "softmax" not in name]

# Largest error, in ULP of the exact value; above what csrc/core/math.hpp says of exp, log and the rest by the
# roundings of the formula. hard_sigmoid and gelu cancel in their lower tails: theirs are in ULP of 1 and of x.
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
}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_error_in_ulp(name, dtype, isa):
    tails = np.geomspace(1e-8, 80, 2000)
    x = np.concatenate([np.linspace(-12, 12, 20001), tails, -tails]).astype(dtype)
    y = gs.activations.get(name)(x)
    # gelu's oracle needs math.erf, which is float64: good enough for an absolute error.
    expected = ACTIVATIONS[name](x.astype(float if name == "gelu" else np.longdouble))
    unit = {"hard_sigmoid": np.ones_like(x), "gelu": np.maximum(np.abs(x), 1)}.get(name, np.abs(expected).astype(dtype))
    error = np.abs(y - expected) / np.spacing(np.maximum(unit, np.finfo(dtype).tiny))
    assert error.max() <= ULP[name], x[error.argmax()]


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("n", [1, 2, 9, 1000])
def test_rowwise_error(name, n, dtype):
    x = (5 * np.random.default_rng(n).normal(size=(7, n))).astype(dtype)
    expected = ACTIVATIONS[name](x.astype(np.longdouble))
    y = gs.activations.get(name)(x)
    # A sum of n terms in order, so n roundings at worst, seldom more than their root; 4 for exp, log and division.
    limit = (4 + 2 * n**0.5) * np.finfo(dtype).eps
    assert (np.abs(y - expected) <= limit * np.maximum(np.abs(expected), 1 if name == "log_softmax" else 0)).all()


def test_softmax_of_large_numbers():
    y = gs.activations.softmax(np.array([[1e4, 1e4], [-1e4, 0.0]]))
    np.testing.assert_array_equal(y, [[0.5, 0.5], [0.0, 1.0]])
    np.testing.assert_array_equal(gs.activations.log_softmax(np.array([[-1e4, 0.0]])), [[-1e4, 0.0]])


@pytest.mark.parametrize("name", _core.activations())
def test_nan_goes_through(name):
    assert np.isnan(gs.activations.get(name)(np.array([np.nan]))).all()


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
    with pytest.raises(TypeError, match=r"a name or a function of gradstep.activations; got absolute"):
        gs.activations.get(np.abs)
