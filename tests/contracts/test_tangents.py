"""Every layer: how its outputs move is a central difference, and the transpose of its way back."""

from __future__ import annotations

import numpy as np
import pytest
from gradstep import layers
from probe import draw_as_in_call
from tangent_cases import CASES, made, not_tangent


def test_every_layer_is_here():
    for name in layers.__all__:
        assert not name[0].isupper() or not_tangent(name) or any(case.startswith(name) for case in CASES), name


def moved(x, dx, by):
    return [one if d is None else one + by * d for one, d in zip(x, dx, strict=True)]


def packed(values):
    return values[0] if len(values) == 1 else values


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_tangents(name, training):
    random = np.random.default_rng(len(name))
    model, x, moves = made(name, random)
    weights, step = model.trainable_weights, 1e-5
    dx = [random.normal(size=one.shape) * (one != 0) if moves else None for one in x]
    dws = [random.normal(size=weight.shape) for weight in weights]

    def output(x):
        draw_as_in_call(model, 7)  # what is drawn depends on the number of the call
        return model(packed(x), training=True) if training else model.predict_on_batch(packed(x))

    y = output(x)
    before = [weight.copy() for weight in model.weights]
    draw_as_in_call(model, 8 if training else 7)
    found, dy = model.jvp(packed(x), dws, packed(dx) if moves else None, training=training)
    for weight, old in zip(model.weights, before, strict=True):
        assert np.array_equal(weight, old)
    assert np.array_equal(found, y)
    ends = []
    for by in (step, -step):
        for weight, dw in zip(weights, dws, strict=True):
            weight += by * dw
        ends.append(output(moved(x, dx, by)))
        for weight, old in zip(model.weights, before, strict=True):
            weight[...] = old
    numeric = (ends[0] - ends[1]) / (2 * step)
    assert np.abs(dy).max() > 1e-3
    # Of what stands still nothing is computed, which changes no number that moves.
    parts = [model.jvp(packed(x), dws, training=training)[1]]
    if moves:
        parts.append(model.jvp(packed(x), dx=packed(dx), training=training)[1])
    assert np.abs(sum(parts) - dy).max() <= 1e-13 * max(1, np.abs(dy).max())
    assert np.abs(dy - numeric).max() <= 1e-7 * max(1, np.abs(numeric).max())


@pytest.mark.parametrize("name", CASES)
def test_adjoint(name):
    random = np.random.default_rng(len(name))
    model, x, moves = made(name, random)
    dx = [random.normal(size=one.shape) if moves else None for one in x]
    dws = [random.normal(size=weight.shape) for weight in model.trainable_weights]
    y = model(packed(x), training=True)
    _, dy = model.jvp(packed(x), dws, packed(dx) if moves else None, training=True)
    u = random.normal(size=y.shape)
    if "Regularization" in name:
        return  # whose way back adds the gradient of the penalty
    dxs, gradients = model.backward(u)
    dxs = dxs if isinstance(dxs, list) else [dxs]
    back = sum(float(np.sum(a * b)) for a, b in zip(gradients, dws, strict=True))
    back += sum(float(np.sum(a * b)) for a, b in zip(dxs, dx, strict=True) if b is not None)
    forth = float(np.sum(u * dy))
    size = np.linalg.norm(u) * np.linalg.norm(dy)
    assert abs(back - forth) <= 1e-10 * max(size, 1)
