"""Optimizers that are made of others train models as the same steps by hand do."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers
from gradstep.optimizers import SAM, SGD, Adam, Lookahead, MultiOptimizer

BATCH = 20


def data():
    rng = np.random.default_rng(0)
    return rng.standard_normal((70, 5)), rng.standard_normal((70, 2))


def network(optimizer):
    model = gs.Sequential(
        [
            layers.Dense(7, "tanh", input_shape=(5,), dtype="float64", kernel_initializer=start(1)),
            layers.Dense(2, dtype="float64", kernel_initializer=start(2)),
        ]
    )
    model.compile(optimizer, "mse")
    return model


def start(seed):
    return gs.initializers.GlorotUniform(seed=seed)


def by_hand(step):
    """step(model, optimizer's arrays by name, gradients of a batch) over two epochs."""
    model, (x, y) = network("sgd"), data()
    params = dict(zip(model.weight_names, model.weights, strict=True))
    for _ in range(2):
        for begin in range(0, len(x), BATCH):
            part = x[begin : begin + BATCH], y[begin : begin + BATCH]
            step(params, lambda part=part: dict(zip(params, model.value_and_grad(*part)[1], strict=True)))
    return model


def compare(make, step):
    optimizer = make()
    expected, model = by_hand(lambda params, grads: step(optimizer, params, grads)), network(make())
    model.fit(*data(), batch_size=BATCH, epochs=1, shuffle=False, verbose=0)
    model.fit(*data(), batch_size=BATCH, epochs=1, shuffle=False, verbose=0)  # it goes on where it was
    assert model.optimizer.iterations == 8
    for ours, theirs in zip(model.weights, expected.weights, strict=True):
        assert ours.tobytes() == theirs.tobytes()


def test_lookahead():
    compare(lambda: Lookahead(Adam(0.01), sync_period=3), lambda o, params, grads: o.step(params, grads()))


def test_sharpness_aware():
    compare(lambda: SAM(SGD(0.1, momentum=0.9), rho=0.1), lambda o, params, grads: o.step(params, lambda _: grads()))


def test_a_rule_for_each_name():
    compare(
        lambda: MultiOptimizer({"*/bias": SGD(0.1), "*": Adam(0.01)}),
        lambda o, params, grads: o.step(params, grads()),
    )


def test_train_on_batch_and_an_unnamed_weight():
    model, (x, y) = network(Lookahead(SGD(0.1))), data()
    first, second = model.train_on_batch(x, y), model.train_on_batch(x, y)
    assert second < first
    model = network(MultiOptimizer({"*/kernel": SGD(0.1)}))
    before = [w.copy() for w in model.weights]
    with pytest.raises(ValueError, match=r"bias"):
        model.fit(x, y, verbose=0)
    assert all((w == b).all() for w, b in zip(model.weights, before, strict=True))
