"""Constraints: their formulas, and weights after each step."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import constraints


def bounded(w, low, high, rate, axis):
    norms = np.sqrt((w**2).sum(axis=axis, keepdims=True))
    return w * (rate * np.clip(norms, low, high) + (1 - rate) * norms) / (1e-7 + norms)


FORMULAS = {
    "max": (lambda: constraints.MaxNorm(1.5), lambda w: bounded(w, 0, 1.5, 1, 0)),
    "max of rows": (lambda: constraints.MaxNorm(1.5, axis=-1), lambda w: bounded(w, 0, 1.5, 1, -1)),
    "max of all": (lambda: constraints.MaxNorm(1.5, axis=None), lambda w: bounded(w, 0, 1.5, 1, None)),
    "unit": (lambda: constraints.UnitNorm(), lambda w: bounded(w, 1, 1, 1, 0)),
    "between": (lambda: constraints.MinMaxNorm(2.0, 3.0, 0.5), lambda w: bounded(w, 2, 3, 0.5, 0)),
    "signs": (lambda: constraints.NonNeg(), lambda w: np.maximum(w, 0)),
}
SHAPES = [(5, 7), (1, 16), (300, 130), (17, 1), (9,)]


@pytest.fixture(params=FORMULAS)
def rule(request):
    return FORMULAS[request.param]


@pytest.mark.parametrize("shape", SHAPES)
def test_formula(rule, shape, dtype):
    w = np.random.default_rng(0).normal(size=shape).astype(dtype)
    kept = w.copy()
    make, formula = rule
    expected = formula(w.astype(float))
    result = make()(w)
    np.testing.assert_allclose(result, expected, rtol=max(2 * float(np.finfo(dtype).eps), 1e-14), atol=0)
    assert result.dtype == dtype
    np.testing.assert_array_equal(w, kept)


def test_zeros_stay_zeros():
    for make, _ in FORMULAS.values():
        np.testing.assert_array_equal(make()(np.zeros((3, 4))), np.zeros((3, 4)))


OPTIMIZERS = {
    "sgd": lambda: gs.optimizers.SGD(0.1),
    "adam": lambda: gs.optimizers.Adam(0.1),
    "from whole gradients": lambda: gs.optimizers.Adam(0.1, global_clipnorm=1.0),
    "by Python": lambda: gs.optimizers.Lookahead(gs.optimizers.SGD(0.1)),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_after_each_step(rule, optimizer, threads):
    """One step of the same model without constraint, then the formula, is one step of the model with it."""
    make, formula = rule
    random = np.random.default_rng(1)
    x, y = random.normal(size=(16, 6)), random.normal(size=(16, 2))
    steps = []
    for options in ({}, {"kernel_constraint": make(), "bias_constraint": make() if "rows" in str(rule) else None}):
        gs.utils.set_random_seed(2)
        first = gs.layers.Dense(70, "tanh", dtype="float64", **options)
        model = gs.Sequential([gs.Input((6,)), first, gs.layers.Dense(2, dtype="float64")])
        model.compile(OPTIMIZERS[optimizer](), "mse")
        model.fit(x, y, batch_size=16, epochs=1, shuffle=False, verbose=0)
        steps.append(model.get_weights())
    free, bound = steps
    np.testing.assert_allclose(bound[0], formula(free[0]), rtol=1e-14)
    for one, other in zip(free[1:], bound[1:], strict=True):
        np.testing.assert_array_equal(one, other)


def test_bias():
    layer = gs.layers.Dense(3, bias_initializer="ones", bias_constraint=constraints.UnitNorm(), dtype="float64")
    model = gs.Sequential([gs.Input((2,)), layer])
    model.compile("sgd", "mse")
    model.train_on_batch(np.ones((4, 2)), np.zeros((4, 3)))
    assert np.linalg.norm(layer.bias) == pytest.approx(1, abs=1e-6)


def test_get_and_config(rule):
    make = rule[0]
    assert type(make()).from_config(make().get_config()).get_config() == make().get_config()
    assert type(constraints.get("non_neg")) is constraints.non_neg is constraints.NonNeg
    assert constraints.get(None) is None


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: constraints.MaxNorm(-1), ValueError, "max_value must be at least 0; got -1"),
        (lambda: constraints.MaxNorm("a"), TypeError, "max_value must be a real number"),
        (lambda: constraints.MinMaxNorm(2.0, 1.0), ValueError, "0 <= min_value <= max_value; got 2.0 and 1.0"),
        (lambda: constraints.MinMaxNorm(rate=1.5), ValueError, r"rate must be in \[0, 1\]; got 1.5"),
        (lambda: constraints.UnitNorm(axis=2), ValueError, r"axis must be in \[-2, 2\)"),
        (lambda: constraints.UnitNorm(axis="0"), TypeError, "axis must be an int, some of them, or None; got '0'"),
        (lambda: constraints.UnitNorm(axis=[]), ValueError, "axis must name an axis"),
        (lambda: constraints.UnitNorm(axis=1)(np.zeros(3)), ValueError, r"axis must be in \[-1, 1\)"),
        (
            lambda: constraints.UnitNorm()(np.zeros((2, 2, 2))),
            ValueError,
            "all but the last of a kernel of 3 dimensions",
        ),
        (lambda: constraints.get("norm"), ValueError, "constraint must be one of .*; got 'norm'"),
        (lambda: constraints.get(np.abs), TypeError, "a name or a Constraint"),
        (
            lambda: gs.layers.Dense(3, bias_constraint=constraints.MaxNorm(axis=1))(np.zeros((1, 2))),
            ValueError,
            r"axis must be in \[-1, 1\)",
        ),
    ],
)
def test_bad_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()
