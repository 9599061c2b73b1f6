"""Models called in training, and the way back: what value_and_grad gives, in the user's own hands."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradients import difference, numeric_gradient
from own_layers import NumpyDense
from probe import draw_as_in_call

FLOAT = {"dtype": "float64"}
KINDS = pytest.mark.parametrize("kind", [gs.layers.Dense, NumpyDense], ids=["engine", "NumPy"])


def model_of(kind, sizes=(5, 6, 3), rate=0.3, name="model"):
    layers = [gs.Input(sizes[:1])]
    for i, n in enumerate(sizes[1:]):
        layers += [
            kind(n, kernel_regularizer="l2", name=f"{name}_{i}", **FLOAT),
            gs.layers.BatchNormalization(name=f"{name}_norm_{i}", **FLOAT),
            gs.layers.Activation("tanh", name=f"{name}_f_{i}", **FLOAT),
            gs.layers.Dropout(rate, seed=i + 1, name=f"{name}_drop_{i}", **FLOAT),
        ]
    gs.utils.set_random_seed(len(sizes))
    return gs.Sequential(layers, name=name)


@KINDS
def test_it_is_what_value_and_grad_does(kind):
    random = np.random.default_rng(0)
    model, other = model_of(kind), model_of(kind)
    other.set_weights(model.weights)
    for each in (model, other):
        each.compile("sgd", "mse")
    for rows in (8, 3, 8):
        x, y = random.normal(size=(rows, 5)), random.normal(size=(rows, 3))
        value, expected = other.value_and_grad(x, y)
        outputs = model(x, training=True)
        assert outputs.shape == (rows, 3)
        data, dy = model.loss.value_and_grad(y, outputs)
        dx, gradients = model.backward(dy)
        assert data + sum(model.losses) == pytest.approx(value, rel=1e-13)
        assert dx.shape == x.shape
        for weight, first, second in zip(model.trainable_weights, gradients, expected, strict=True):
            assert first.shape == weight.shape
            np.testing.assert_allclose(first, second, rtol=1e-13, atol=1e-16)
        for first, second in zip(model.weights, other.weights, strict=True):
            np.testing.assert_array_equal(first, second)  # the moving averages have moved, and nothing else


@KINDS
def test_dx_equals_central_differences(kind):
    random = np.random.default_rng(1)
    model = model_of(kind)
    x, dy = random.normal(size=(4, 5)), random.normal(size=(4, 3))

    def loss():
        draw_as_in_call(model, 7)  # so that the same numbers are dropped
        return float((model(x, training=True) * dy).sum())

    loss()
    dx, _ = model.backward(dy)
    assert difference(dx, numeric_gradient(loss, x)) <= 1e-7


@KINDS
def test_a_loop_is_fit(kind):
    """Steps by hand with an optimizer, in the order of rows that fit takes without shuffling."""
    random = np.random.default_rng(2)
    x, y = random.normal(size=(20, 5)), random.normal(size=(20, 3))
    fitted, stepped = model_of(kind, rate=0.0), model_of(kind, rate=0.0)
    fitted.compile(gs.optimizers.Adam(0.01), "mse")
    fitted.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0)
    optimizer, loss = gs.optimizers.Adam(0.01), gs.losses.MeanSquaredError()
    for _ in range(3):
        for begin in range(0, 20, 8):
            rows = slice(begin, begin + 8)
            _, dy = loss.value_and_grad(y[rows], stepped(x[rows], training=True))
            _, gradients = stepped.backward(dy)
            optimizer.step(stepped.trainable_weights, gradients)
    for first, second in zip(fitted.weights, stepped.weights, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-11, atol=1e-13)


@KINDS
def test_chained_models(kind):
    """A step of a GAN: the discriminator's slope by its input is the generator's by its output."""
    random = np.random.default_rng(3)
    generator, discriminator = model_of(kind, (2, 6, 4), 0.0, "g"), model_of(kind, (4, 5, 1), 0.0, "d")
    z, real = random.normal(size=(6, 2)), random.normal(size=(6, 4))
    loss = gs.losses.BinaryCrossentropy(from_logits=True)

    def fooled():
        return loss(np.ones((6, 1)), discriminator(generator(z, training=True), training=True)) + sum(generator.losses)

    fake = generator(z, training=True)
    for x, label in ((real, 1.0), (fake, 0.0)):
        _, dy = loss.value_and_grad(np.full((6, 1), label), discriminator(x, training=True))
        _, gradients = discriminator.backward(dy)
        gs.optimizers.SGD(0.1).step(discriminator.trainable_weights, gradients)
    _, dy = loss.value_and_grad(np.ones((6, 1)), discriminator(fake, training=True))
    dx, _ = discriminator.backward(dy)
    dz, gradients = generator.backward(dx)
    assert dz.shape == z.shape
    for weight, gradient in zip(generator.trainable_weights, gradients, strict=True):
        if np.abs(gradient).max() > 1e-12:  # a normalization takes biases off again
            assert difference(gradient, numeric_gradient(fooled, weight)) <= 1e-7
    before = fooled()
    gs.optimizers.SGD(0.01).step(generator.trainable_weights, gradients)
    assert fooled() < before


@KINDS
def test_what_is_dropped(kind):
    model, x = model_of(kind, rate=0.5), np.ones((50, 5)) * np.arange(5)
    random = np.random.default_rng(0)
    x = random.normal(size=(50, 5))
    first, second = model(x, training=True), model(x, training=True)
    assert ((first == 0) != (second == 0)).any()
    again = model_of(kind, rate=0.5)
    np.testing.assert_array_equal(again(x, training=True), first)
    np.testing.assert_array_equal(model(x), model.predict(x, verbose=0))


@KINDS
def test_gradients_are_the_caller_s(kind):
    """Neither the next backward nor a change of x after the call changes them."""
    model, other = model_of(kind, rate=0.0), model_of(kind, rate=0.0)
    x, dy = np.random.default_rng(0).normal(size=(4, 5)), np.ones((4, 3))
    other(x, training=True)
    expected = other.backward(dy)
    mine = x.copy()
    model(mine, training=True)
    mine[...] = 9.0
    dx, gradients = model.backward(dy)
    kept = [gradient.copy() for gradient in gradients]
    model(x + 1, training=True)
    model.backward(dy)
    np.testing.assert_array_equal(dx, expected[0])
    for gradient, copy, other_s in zip(gradients, kept, expected[1], strict=True):
        np.testing.assert_array_equal(gradient, copy)
        np.testing.assert_array_equal(gradient, other_s)


@KINDS
def test_the_last_call_counts(kind):
    model, other = model_of(kind, rate=0.0), model_of(kind, rate=0.0)
    x, dy = np.random.default_rng(0).normal(size=(4, 5)), np.ones((4, 3))
    model(2 * x, training=True)
    model(x, training=True)
    other(x, training=True)
    np.testing.assert_array_equal(model.backward(dy)[0], other.backward(dy)[0])


def test_frozen_layers_and_shapes():
    model = gs.Sequential(
        [
            gs.Input((2, 2)),
            gs.layers.Flatten(),
            gs.layers.Dense(4, name="frozen"),
            gs.layers.Dense(6),
            gs.layers.Reshape((2, 3)),
        ]
    )
    model.layers[1].trainable = False
    model.compile("sgd", "mse")
    x = np.ones((5, 2, 2), np.float32)
    y = model(x, training=True)
    assert y.shape == model(x).shape == (5, 2, 3)
    dx, gradients = model.backward(np.ones((5, 2, 3)))
    assert dx.shape == x.shape
    assert [gradient.shape for gradient in gradients] == [(4, 6), (6,)]


def uncalled(model, x):
    """No call."""


def called_without(model, x):
    model(x)


def gone_back(model, x):
    model.backward(np.ones_like(model(x, training=True)))


def compiled(model, x):
    model(x, training=True)
    model.compile("sgd", "mse")


def grown(model, x):
    model(x, training=True)
    model.add(gs.layers.Dense(3, **FLOAT))


def failed(model, x):
    model(x, training=True)
    with pytest.raises(ValueError, match="shape"):
        model(x[:, :2], training=True)
    with pytest.raises(ValueError, match="at least one row"):
        model(x[:0], training=True)
    model.backward(np.ones((4, 3)))


@KINDS
@pytest.mark.parametrize("before", [uncalled, called_without, gone_back, compiled, grown, failed])
def test_no_way_back(before, kind):
    model, x = model_of(kind), np.random.default_rng(0).normal(size=(4, 5))
    before(model, x)
    with pytest.raises(RuntimeError, match=r"model 'model' must be called with training=True before each backward"):
        model.backward(np.ones((4, 3)))


@KINDS
def test_slopes_that_do_not_fit(kind):
    model, x = model_of(kind), np.random.default_rng(0).normal(size=(4, 5))
    model(x, training=True)
    for wrong in (np.ones((3, 3)), np.ones((4, 2)), np.ones(12), 1.0):
        with pytest.raises(ValueError, match=r"dy has shape .*; the call gave \(4, 3\)"):
            model.backward(wrong)
    for wrong in ("a", None, np.ones((4, 3), complex)):
        with pytest.raises(TypeError, match="dy must be"):
            model.backward(wrong)
    with pytest.raises(TypeError, match="training"):
        model(x, training=1)
    model.backward([[1, 2, 3]] * 4)  # the call is still remembered


@KINDS
def test_other_uses_in_between(kind):
    """A model remembers its call whatever else it, and its layers, do."""
    x, dy = np.random.default_rng(0).normal(size=(4, 5)), np.ones((4, 3))
    model, other = model_of(kind, rate=0.0), model_of(kind, rate=0.0)
    for each in (model, other):
        each(x, training=True)
    for rows in range(1, 9):
        model.predict(np.ones((rows, 5)), verbose=0)
    model.layers[1](np.ones((2, *model.layers[1].input_shape[1:])), training=True)
    found, expected = model.backward(dy), other.backward(dy)
    np.testing.assert_array_equal(found[0], expected[0])
    for a, b in zip(found[1], expected[1], strict=True):
        np.testing.assert_array_equal(a, b)
