"""Regularizers: their formulas, their part in the loss and in gradients, exact zeros."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradients import difference, numeric_gradient
from gradstep import regularizers


def cosines(w, factor):
    unit = w / np.linalg.norm(w, axis=1, keepdims=True)
    n = len(w)
    return factor * np.abs(np.tril(unit @ unit.T, -1)).sum() / (n * (n - 1) / 2)


# What each is, in NumPy.
FORMULAS = {
    "l1": (lambda: regularizers.L1(0.3), lambda w: 0.3 * np.abs(w).sum()),
    "proximal": (lambda: regularizers.L1(0.3, proximal=True), lambda w: 0.3 * np.abs(w).sum()),
    "l2": (lambda: regularizers.L2(0.2), lambda w: 0.2 * (w**2).sum()),
    "l1_l2": (lambda: regularizers.L1L2(0.1, 0.2), lambda w: 0.1 * np.abs(w).sum() + 0.2 * (w**2).sum()),
    "rows": (lambda: regularizers.OrthogonalRegularizer(0.5), lambda w: cosines(w, 0.5)),
    "columns": (lambda: regularizers.OrthogonalRegularizer(0.5, "columns"), lambda w: cosines(w.T, 0.5)),
}
SHAPES = [(5, 7), (1, 16), (40, 33), (17, 1)]


@pytest.fixture(params=FORMULAS)
def rule(request):
    return FORMULAS[request.param]


def data(inputs, rows=12, outputs=3):
    random = np.random.default_rng(inputs)
    return random.normal(size=(rows, inputs)), random.normal(size=(rows, outputs))


def network(shape, dtype="float64", optimizer="sgd", **options):
    gs.utils.set_random_seed(7)
    layers = [
        gs.Input((shape[0],)),
        gs.layers.Dense(shape[1], "tanh", bias_initializer="random_normal", dtype=dtype, **options),
        gs.layers.Dense(3, dtype=dtype),
    ]
    model = gs.Sequential(layers)
    model.compile(optimizer, "mse")
    return model


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if min(shape) > 1])
def test_formula(rule, shape, dtype):
    w = np.random.default_rng(0).normal(size=shape).astype(dtype)
    make, formula = rule
    # Terms are float, sums double: a few roundings of the terms.
    assert make()(w) == pytest.approx(formula(w.astype(float)), rel=8 * float(np.finfo(dtype).eps))
    assert isinstance(make()(w), float)


@pytest.mark.parametrize("shape", SHAPES)
def test_loss_and_gradient(rule, shape):
    make, formula = rule
    (x, y), model, plain = data(shape[0]), network(shape, kernel_regularizer=make()), network(shape)
    kernel = model.weights[0]
    penalty = formula(kernel) if min(shape) > 1 or "Orth" not in type(make()).__name__ else make()(kernel)
    value, gradients = model.value_and_grad(x, y)
    bare, without = plain.value_and_grad(x, y)
    assert value - bare == pytest.approx(penalty, rel=1e-12, abs=1e-14)
    assert model.losses == [pytest.approx(penalty, rel=1e-12)]
    assert model.evaluate(x, y, verbose=0) == pytest.approx(value, rel=1e-14)
    assert model.test_on_batch(x, y) == pytest.approx(value, rel=1e-14)
    assert model.train_on_batch(x, y) == pytest.approx(value, rel=1e-14)
    for ours, theirs in list(zip(gradients, without, strict=True))[1:]:
        np.testing.assert_array_equal(ours, theirs)
    joined = gradients[0] - without[0]
    if getattr(make(), "proximal", False):
        assert not joined.any()
        return
    model.set_weights(plain.get_weights())
    assert difference(joined, numeric_gradient(lambda: make()(kernel), kernel)) <= 1e-7


def test_bias_and_names():
    model = network((4, 5), kernel_regularizer="l2", bias_regularizer=regularizers.L1(0.5))
    kernel, bias = model.weights[:2]
    assert model.losses == [pytest.approx(0.01 * (kernel**2).sum()), pytest.approx(0.5 * np.abs(bias).sum())]
    x, y = data(4)
    _, gradients = model.value_and_grad(x, y)
    _, without = network((4, 5)).value_and_grad(x, y)
    np.testing.assert_allclose(gradients[0] - without[0], 0.02 * kernel, atol=1e-15)
    np.testing.assert_allclose(gradients[1] - without[1], 0.5 * np.sign(bias), atol=1e-15)


@pytest.mark.parametrize("make", ["sgd", "adam", lambda: gs.optimizers.Adam(global_clipnorm=0.5), "lamb"])
def test_fit_takes_the_gradients_that_are_given_out(rule, make):
    """Steps in the fused pass, from whole gradients, and by hand: the same weights. The loss of an epoch is the mean
    over its rows of the loss of their batch."""
    if getattr(rule[0](), "proximal", False):
        pytest.skip("its steps are not those of its gradients")
    x, y = data(6, rows=20)
    first = network((6, 9), optimizer=make if isinstance(make, str) else make(), kernel_regularizer=rule[0]())
    second = network((6, 9), optimizer=make if isinstance(make, str) else make(), kernel_regularizer=rule[0]())
    history = first.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0).history["loss"]
    for epoch in range(2):
        loss = 0.0
        for begin in (0, 8, 16):
            value, gradients = second.value_and_grad(x[begin : begin + 8], y[begin : begin + 8])
            loss += value * len(x[begin : begin + 8])
            second.optimizer.step(second.weights, gradients)
        assert history[epoch] == pytest.approx(loss / 20, rel=1e-13)
    for one, other in zip(first.weights, second.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_proximal_steps():
    x, y = data(6, rows=8)
    model = network((6, 9), optimizer=gs.optimizers.SGD(0.1), kernel_regularizer=regularizers.L1(0.4, proximal=True))
    _, gradients = model.value_and_grad(x, y)
    moved = [w - 0.1 * g for w, g in zip(model.weights, gradients, strict=True)]
    moved[0] = np.sign(moved[0]) * np.maximum(np.abs(moved[0]) - 0.1 * 0.4, 0)
    model.train_on_batch(x, y)
    for weight, expected in zip(model.weights, moved, strict=True):
        np.testing.assert_allclose(weight, expected, rtol=1e-14, atol=1e-16)


@pytest.mark.parametrize("make", ["sgd", "adam", "adamw"])
def test_proximal_finds_the_inputs_that_count(make):
    random = np.random.default_rng(0)
    x = random.normal(size=(400, 20))
    y = 3 * x[:, :1] - 2 * x[:, 1:2]
    both = {}
    for proximal in (True, False):
        gs.utils.set_random_seed(1)
        layer = gs.layers.Dense(1, kernel_regularizer=regularizers.L1(0.1, proximal=proximal), dtype="float64")
        model = gs.Sequential([gs.Input((20,)), layer])
        model.compile(make, "mse")
        model.optimizer.learning_rate = 0.02
        model.fit(x, y, epochs=60, verbose=0)
        both[proximal] = layer.kernel[:, 0].copy()
    assert (both[True][2:] == 0).mean() > 0.9
    assert (np.abs(both[True][:2]) > 1.5).all()
    assert (both[False] != 0).all()


def test_proximal_waits_for_the_step():
    """With gradient accumulation nothing moves until the step is made."""
    x, y = data(6, rows=8)
    optimizer = gs.optimizers.SGD(0.1, gradient_accumulation_steps=2)
    model = network((6, 9), optimizer=optimizer, kernel_regularizer=regularizers.L1(0.4, proximal=True))
    before = model.get_weights()
    model.train_on_batch(x, y)
    np.testing.assert_array_equal(model.weights[0], before[0])
    model.train_on_batch(x, y)
    assert (model.weights[0] != before[0]).all()


def test_same_bits_for_any_threads_and_instruction_set(rule, isa, threads):
    x, y = data(64, rows=64)
    model = network((64, 300), dtype="float32", kernel_regularizer=rule[0](), kernel_constraint="max_norm")
    model.fit(x, y, batch_size=32, epochs=1, shuffle=False, verbose=0)
    # gemm may fuse a product and a sum, and sums of penalties may not: only those are compared between machines.
    gs.set_num_threads(1)
    again = network((64, 300), dtype="float32", kernel_regularizer=rule[0](), kernel_constraint="max_norm")
    again.fit(x, y, batch_size=32, epochs=1, shuffle=False, verbose=0)
    np.testing.assert_array_equal(model.weights[0], again.weights[0])
    assert model.history.history == again.history.history


def test_penalties_have_the_same_bits_on_every_instruction_set(isa):
    from gradstep import _core

    w = np.random.default_rng(0).normal(size=(50, 77)).astype(np.float32)
    values = [regularizers.L1L2(0.1, 0.2)(w), gs.constraints.MaxNorm(0.5)(w).tobytes()]
    _core.set_isa(_core.build_info()["isas"][0])
    assert values == [regularizers.L1L2(0.1, 0.2)(w), gs.constraints.MaxNorm(0.5)(w).tobytes()]


def test_get_and_config(rule):
    make = rule[0]
    again = type(make()).from_config(make().get_config())
    assert again.get_config() == make().get_config()
    assert regularizers.get(make()).get_config() == make().get_config()
    assert regularizers.get(None) is None
    assert regularizers.get("L1L2").l1 == regularizers.get("l1l2").l2 == 0
    assert regularizers.l2 is regularizers.L2


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: regularizers.L1(-1), ValueError, "l1 must be a finite number, at least 0; got -1"),
        (lambda: regularizers.L2("a"), TypeError, "l2 must be a real number; got 'a'"),
        (lambda: regularizers.L2(np.inf), ValueError, "l2 must be a finite number"),
        (lambda: regularizers.L1(0.1, proximal=1), TypeError, "proximal must be True or False"),
        (lambda: regularizers.OrthogonalRegularizer(mode="both"), ValueError, "mode must be one of rows, columns"),
        (lambda: regularizers.get("l3"), ValueError, "regularizer must be one of .*; got 'l3'"),
        (lambda: regularizers.get(regularizers.L1), TypeError, "got the class L1: call it"),
        (lambda: regularizers.get(lambda w: 0.0), TypeError, "a name or a Regularizer; got a function"),
        (lambda: regularizers.L2()(np.zeros(())), ValueError, "an array of one axis or more"),
        (lambda: regularizers.L2()("a"), TypeError, "x must be an array"),
        (
            lambda: gs.Sequential([gs.Input((2,)), gs.layers.Dense(3, bias_regularizer="orthogonal_regularizer")]),
            ValueError,
            r"OrthogonalRegularizer is for matrices; the shape is \(3,\)",
        ),
    ],
)
def test_bad_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()
