"""Initializers: Keras's formulas, seeds, dtypes."""

from __future__ import annotations

import math

import gradstep as gs
import numpy as np
import pytest
from gradstep import initializers

SHAPE = (300, 500)

# Variance of a kernel of shape (inputs, outputs), and the furthest a number may be from 0.
FORMULAS = {
    "GlorotUniform": (2 / 800, math.sqrt(6 / 800)),
    "GlorotNormal": (2 / 800, 2 * math.sqrt(2 / 800) / 0.87962566103423978),
    "HeUniform": (2 / 300, math.sqrt(6 / 300)),
    "HeNormal": (2 / 300, 2 * math.sqrt(2 / 300) / 0.87962566103423978),
    "LecunUniform": (1 / 300, math.sqrt(3 / 300)),
    "LecunNormal": (1 / 300, 2 * math.sqrt(1 / 300) / 0.87962566103423978),
    "RandomUniform": (0.1**2 / 12, 0.05),
    "RandomNormal": (0.05**2, math.inf),
    "TruncatedNormal": ((0.05 * 0.87962566103423978) ** 2, 0.1),
    "VarianceScaling": (1 / 300, 2 * math.sqrt(1 / 300) / 0.87962566103423978),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_variance_and_bounds(name):
    variance, bound = FORMULAS[name]
    w = getattr(initializers, name)(seed=3)(SHAPE, "float64")
    assert w.shape == SHAPE
    # 150,000 draws: the variance is known to about 0.5 %, the mean to 0.003 standard deviations.
    assert w.var() == pytest.approx(variance, rel=0.02)
    assert abs(w.mean()) < 0.015 * math.sqrt(variance)
    assert np.abs(w).max() <= bound
    if bound < math.inf:
        assert np.abs(w).max() > 0.99 * bound


@pytest.mark.parametrize("name", FORMULAS)
def test_seeds(name):
    cls = getattr(initializers, name)
    one, two = cls(seed=5), cls(seed=5)
    np.testing.assert_array_equal(one(SHAPE), two(SHAPE))
    np.testing.assert_array_equal(one(SHAPE), two(SHAPE))  # at each call
    assert (one(SHAPE) != cls(seed=6)(SHAPE)).mean() > 0.99
    np.testing.assert_array_equal(one(SHAPE, "float64").astype(np.float32), one(SHAPE, "float32"))
    gs.utils.set_random_seed(1)
    free = cls()
    first, second = free(SHAPE), free(SHAPE)
    assert (first != second).mean() > 0.99
    gs.utils.set_random_seed(1)
    np.testing.assert_array_equal(cls()(SHAPE), first)


@pytest.mark.parametrize(("mode", "distribution"), [("fan_out", "uniform"), ("fan_avg", "untruncated_normal")])
def test_variance_scaling(mode, distribution):
    w = initializers.VarianceScaling(3.0, mode, distribution, seed=0)(SHAPE, "float64")
    assert w.var() == pytest.approx(3 / {"fan_out": 500, "fan_avg": 400}[mode], rel=0.02)


def test_constants():
    np.testing.assert_array_equal(initializers.Zeros()((2, 3)), np.zeros((2, 3), np.float32))
    np.testing.assert_array_equal(initializers.Ones()((2,), "float64"), np.ones(2))
    np.testing.assert_array_equal(initializers.Constant(2.5)(()), np.float32(2.5))


@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (2, 3, 4), (1, 1), (0, 3)])
def test_orthogonal(shape):
    w = initializers.Orthogonal(2.0, seed=1)(shape, "float64")
    assert w.shape == shape
    flat = w.reshape(math.prod(shape[:-1]), shape[-1])
    if flat.shape[0] < flat.shape[1]:
        flat = flat.T
    np.testing.assert_allclose(flat.T @ flat, 4 * np.eye(flat.shape[1]), atol=1e-14)
    np.testing.assert_array_equal(w, initializers.Orthogonal(2.0, seed=1)(shape, "float64"))


def test_orthogonal_has_no_preferred_sign():
    """Without the signs of R's diagonal, those of Q's follow LAPACK's habits: a mean far from 0."""
    corners = [initializers.Orthogonal(seed=seed)((2, 2), "float64")[0, 0] for seed in range(400)]
    assert abs(np.mean(corners)) < 4 * math.sqrt(1 / 2 / 400)


def test_identity():
    np.testing.assert_array_equal(initializers.Identity(3.0)((2, 4)), 3 * np.eye(2, 4, dtype=np.float32))
    np.testing.assert_array_equal(gs.layers.Dense(3, kernel_initializer="identity")(np.eye(3)), np.eye(3))


def test_get():
    for name, cls in (
        ("glorot_uniform", "GlorotUniform"),
        ("he_normal", "HeNormal"),
        ("zeros", "Zeros"),
        ("uniform", "RandomUniform"),
    ):
        assert type(initializers.get(name)) is type(initializers.get(cls)) is getattr(initializers, cls)
    with pytest.raises(ValueError, match=r"initializer must be one of .*; got 'glorot'\. Did you mean"):
        initializers.get("glorot")
    with pytest.raises(TypeError, match=r"got the class HeNormal: call it"):
        initializers.get(initializers.HeNormal)
    with pytest.raises(TypeError, match=r"a name or an Initializer; got an int"):
        initializers.get(3)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: initializers.HeNormal(seed=-1), ValueError, "seed must be at least 0; got -1"),
        (lambda: initializers.HeNormal(seed=2**32), ValueError, r"seed must be less than 2\*\*32; got 4294967296"),
        (lambda: initializers.HeNormal(seed=1.5), TypeError, r"seed must be a whole number \(int\); got 1.5"),
        (lambda: initializers.RandomNormal(stddev=-1.0), ValueError, "stddev must be at least 0; got -1.0"),
        (lambda: initializers.RandomUniform(1.0, 0.0), ValueError, "minval must be at most maxval; got 1.0 and 0.0"),
        (lambda: initializers.VarianceScaling(0.0), ValueError, "scale must be a number above 0; got 0.0"),
        (lambda: initializers.VarianceScaling(mode="fan"), ValueError, "mode must be one of .*; got 'fan'"),
        (lambda: initializers.Identity()((3,)), ValueError, r"that of a matrix for Identity; got \(3,\)"),
        (lambda: initializers.Orthogonal()((3,)), ValueError, r"two dimensions for Orthogonal; got \(3,\)"),
        (lambda: initializers.Orthogonal("1"), TypeError, "gain must be a real number"),
        (lambda: initializers.Constant("1"), TypeError, "value must be a real number; got '1'"),
        (lambda: initializers.Zeros()((2, -1)), ValueError, r"shape\[1\] must be at least 0; got -1"),
        (lambda: initializers.Zeros()((2,), "int8"), ValueError, "dtype must be one of float32, float64; got 'int8'"),
    ],
)
def test_bad_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()
