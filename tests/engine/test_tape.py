"""Batches in two halves: what `Network.value_and_grad` finds in one, to the bit, over batches of any sizes."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import _core
from probe import engine_of, halves, pass_gradients


def model_of(dtype="float64"):
    gs.utils.set_random_seed(3)
    options = {"dtype": dtype}
    model = gs.Sequential(
        [
            gs.Input((5,)),
            gs.layers.Dense(7, "relu", kernel_regularizer=gs.regularizers.L1L2(0.1, 0.2), **options),
            gs.layers.BatchNormalization(**options),
            gs.layers.Dropout(0.3, **options),
            gs.layers.LayerNormalization(**options),
            gs.layers.Dense(4, "softmax", kernel_regularizer="orthogonal_regularizer", **options),
            gs.layers.Dense(3, **options),
        ]
    )
    model.compile("sgd", "mse")
    return model


def flat(gradients):
    return [gradient for layer in gradients for gradient in layer]


def equal(first, second):
    return len(first) == len(second) and all((a == b).all() for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("source", ["float32", "float64", "uint8"])
def test_halves_are_the_whole(dtype, source):
    model, random = model_of(dtype.name), np.random.default_rng(0)
    tape, loss = halves(model), model.loss
    for rows in (9, 4, 9, 1):
        x = (10 * random.random((rows, 5))).astype(source)
        y = random.normal(size=(rows, 3)).astype(dtype)
        state = model.get_weights()
        value, gradients, dx = pass_gradients(engine_of(model), loss, x, y, rows)
        moved = model.get_weights()
        model.set_weights(state)
        outputs = tape.forward(x, training=True, number=rows, dx=True)
        data, dy = loss.value_and_grad(y, outputs)
        # Predictions in between, of more sizes than are kept.
        for other in range(1, 9):
            tape.forward(random.normal(size=(other, 5)))
        assert (tape.backward(dy) == dx).all()
        assert data + engine_of(model).penalty == pytest.approx(value, rel=1e-6)
        assert equal(tape.gradients, flat(gradients))
        assert equal(model.get_weights(), moved)


def test_without_dx_the_gradients_are_the_same():
    model, random = model_of(), np.random.default_rng(0)
    x, dy, state = random.normal(size=(6, 5)), random.normal(size=(6, 3)), model.get_weights()
    found = []
    for dx in (True, False):
        model.set_weights(state)
        tape = halves(model)
        tape.forward(x, training=True, dx=dx)
        assert (tape.backward(dy) is not None) == dx
        found.append(tape.gradients)
    assert equal(*found)


def test_inference_is_predict_and_moves_nothing():
    model, x = model_of(), np.random.default_rng(0).normal(size=(6, 5))
    before = model.get_weights()
    assert (halves(model).forward(x) == model.predict(x, verbose=0)).all()
    assert equal(model.get_weights(), before)


def test_what_is_dropped_follows_the_numbers_of_the_rows():
    model, x = model_of(), np.ones((4, 5))
    model.layers[1].trainable = False  # rows of a batch do not see each other then
    model.compile("sgd", "mse")
    tape = halves(model)
    whole = tape.forward(x, training=True, number=5)
    order = np.array([2, 0, 3, 1])
    np.testing.assert_allclose(tape.forward(x, training=True, number=5, ids=order), whole[order], rtol=1e-13)
    assert not np.allclose(tape.forward(x, training=True, number=6), whole)


def test_refusals():
    model, x = model_of(), np.ones((4, 5))
    tape, dy = halves(model), np.ones((4, 3))
    with pytest.raises(RuntimeError, match="backward must follow forward"):
        tape.backward(dy)
    tape.forward(x)
    with pytest.raises(RuntimeError, match="backward must follow forward"):
        tape.backward(dy)
    tape.forward(x, training=True)
    for wrong in (np.ones((3, 3)), np.ones((4, 2)), np.ones((4, 3), np.float32), [[1.0]]):
        with pytest.raises((ValueError, TypeError), match="dy"):
            tape.backward(wrong)
    assert tape.backward(dy) is None
    with pytest.raises(RuntimeError, match="once"):
        tape.backward(dy)
    with pytest.raises(ValueError, match="ids"):
        tape.forward(x, ids=np.arange(3))
    with pytest.raises(ValueError, match="at least one row"):
        tape.forward(x[:0])
    tape.forward(x, training=True)
    model.compile("adam", "mse")
    with pytest.raises(RuntimeError, match="attributes have changed"):
        tape.backward(dy)


@pytest.mark.parametrize("shape", [(6,), (4, 3)])
def test_penalties_add_their_slope(shape, dtype):
    random = np.random.default_rng(1)
    w, g = random.normal(size=shape).astype(dtype), random.normal(size=shape).astype(dtype)
    words, expected = {"penalty": {"l1": 0.25, "l2": 0.5}}, g + 0.25 * np.sign(w) + w
    assert _core.penalize(w, words, g) == _core.penalty(w, words)
    np.testing.assert_allclose(g, expected, rtol=0, atol=8 * np.finfo(dtype).eps)  # three roundings of numbers below 4
    with pytest.raises(ValueError, match="one shape and dtype"):
        _core.penalize(w, words, np.zeros(3, dtype))
