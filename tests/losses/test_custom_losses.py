"""Losses of the user's own: classes and functions, on arrays and in models."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradients import difference, numeric_gradient


class Own(gs.losses.Loss):
    """The mean squared error again."""

    def call(self, y_true, y_pred):
        return np.mean((y_pred - y_true) ** 2, axis=-1)

    def gradient(self, y_true, y_pred):
        return 2 * (y_pred - y_true) / y_pred.shape[-1]


def own(y_true, y_pred):
    return Own().call(y_true, y_pred), Own().gradient(y_true, y_pred)


def mean_of_all(y_true, y_pred):
    """One number for the batch."""
    return np.mean((y_pred - y_true) ** 2), 2 * (y_pred - y_true) / y_pred.size


def data(rows=50, outputs=3):
    random = np.random.default_rng(4)
    return random.normal(size=(rows, 4)), random.normal(size=(rows, outputs))


def network(loss, optimizer="adam", metrics=None, dtype="float64", outputs=3):
    gs.utils.set_random_seed(2)
    model = gs.Sequential(
        [gs.Input((4,)), gs.layers.Dense(5, "tanh", dtype=dtype), gs.layers.Dense(outputs, "gelu", dtype=dtype)]
    )
    model.compile(optimizer, loss, metrics=metrics)
    return model


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight", "none"])
@pytest.mark.parametrize("loss", [Own, own], ids=["class", "function"])
def test_on_arrays_they_are_as_those_of_the_package(loss, reduction):
    made = loss(reduction=reduction) if loss is Own else gs.losses.LossFunctionWrapper(loss, reduction)
    same = gs.losses.MeanSquaredError(reduction=reduction)
    t, y = np.random.default_rng(0).normal(size=(2, 6, 3))
    weights, mask = np.arange(6.0), np.arange(6) % 2 == 0
    for given in ({}, {"sample_weight": weights}, {"mask": mask}, {"sample_weight": weights, "mask": mask}):
        value, slope = made.value_and_grad(t, y, **given)
        expected, expected_slope = same.value_and_grad(t, y, **given)
        np.testing.assert_allclose(value, expected, rtol=1e-12)
        np.testing.assert_allclose(slope, expected_slope, rtol=1e-12)
        np.testing.assert_array_equal(made(t, y, **given), value)


@pytest.mark.parametrize("optimizer", ["adam", "lamb", "sam", "clipped"])
@pytest.mark.parametrize("loss", [Own(), own, mean_of_all], ids=["class", "function", "one-number"])
def test_fit_takes_the_steps_of_the_same_loss_in_the_engine(loss, optimizer):
    make = {
        "adam": lambda: gs.optimizers.Adam(0.01),
        "lamb": lambda: gs.optimizers.Lamb(0.01),
        "sam": lambda: gs.optimizers.SAM(gs.optimizers.SGD(0.05)),
        "clipped": lambda: gs.optimizers.SGD(0.05, global_clipnorm=0.1),
    }[optimizer]
    x, t = data()
    found = []
    for used in (loss, "mse"):
        model = network(used, make(), ["mae"])
        history = model.fit(x, t, batch_size=16, epochs=3, verbose=0, validation_split=0.2).history
        found.append((history, model.get_weights(), model.evaluate(x, t, verbose=0)))
    # The gradient of the outputs is the same but for the order of a product.
    for name in found[0][0]:
        np.testing.assert_allclose(found[0][0][name], found[1][0][name], rtol=1e-10)
    for ours, theirs in zip(found[0][1], found[1][1], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found[0][2], found[1][2], rtol=1e-10)


@pytest.mark.parametrize("loss", [Own(), own, mean_of_all], ids=["class", "function", "one-number"])
def test_weights_and_gradients_in_a_model(loss):
    x, t = data(7)
    weights = np.random.default_rng(1).uniform(0, 2, 7)
    model, same = network(loss), network("mse")
    for given in (None, weights):
        value, gradients = model.value_and_grad(x, t, sample_weight=given)
        if loss is not mean_of_all or given is None:
            expected = same.value_and_grad(x, t, sample_weight=given)
            assert value == pytest.approx(expected[0], rel=1e-12)
            assert all(difference(a, b) < 1e-12 for a, b in zip(gradients, expected[1], strict=True))
        for weight, gradient in zip(model.weights, gradients, strict=True):
            numeric = numeric_gradient(lambda given=given: model.test_on_batch(x, t, sample_weight=given), weight)
            assert difference(gradient, numeric) <= 1e-7
    before = model.get_weights()
    assert model.train_on_batch(x, t, sample_weight=weights) == pytest.approx(
        model.value_and_grad(x, t, sample_weight=weights)[0], rel=0.5
    )
    assert any((a != b).any() for a, b in zip(before, model.weights, strict=True))


def test_targets_may_have_any_shape():
    """A policy gradient: actions and advantages as targets of logits."""

    def surprise(y_true, y_pred):
        action, advantage = y_true[:, 0].astype(int), y_true[:, 1]
        p = gs.activations.softmax(y_pred)
        chosen = np.eye(y_pred.shape[1])[action]
        return -advantage * np.log((p * chosen).sum(1)), advantage[:, None] * (p - chosen)

    x, _ = data(20)
    random = np.random.default_rng(0)
    t = np.stack([random.integers(0, 3, 20), random.normal(size=20)], axis=1)
    model = network(surprise)
    _, gradients = model.value_and_grad(x, t)
    numeric = numeric_gradient(lambda: model.test_on_batch(x, t), model.weights[0])
    assert difference(gradients[0], numeric) <= 1e-7
    model.fit(x, t, batch_size=8, epochs=2, verbose=0)


def test_float32_stays_float32():
    seen = set()

    def spy(y_true, y_pred):
        seen.add((y_true.dtype.name, y_pred.dtype.name))
        return own(y_true, y_pred)

    x, t = data()
    network(spy, dtype="float32").fit(x, t, epochs=1, verbose=0)
    assert seen == {("float32", "float32")}


def no_gradient(y_true, y_pred):
    return np.mean((y_pred - y_true) ** 2, axis=-1)


@pytest.mark.parametrize(
    ("loss", "error", "message"),
    [
        (no_gradient, TypeError, r"loss 'no_gradient' must give \(values, gradient\); got one array"),
        (lambda t, y: (y, y), ValueError, r"must have a number for each|gave values"),
        (lambda t, y: (y[:, 0], y[:, 0]), ValueError, r"gave a gradient of shape \(50,\); predictions .* \(50, 3\)"),
        (lambda t, y: (y[:3, 0], y), ValueError, r"gave values of shape \(3,\); predictions have shape \(50, 3\)"),
        (lambda t, y: 1 / 0, ZeroDivisionError, "division"),
        (gs.losses.Loss(), NotImplementedError, r"Loss must define call\(y_true, y_pred\)"),
    ],
)
def test_what_goes_wrong_changes_nothing(loss, error, message):
    x, t = data()
    model = network(loss)
    before = [w.tobytes() for w in model.weights]
    if message.startswith("must have"):
        # A loss for each number is a loss: a mean over all of them.
        assert model.test_on_batch(x, t) == pytest.approx(model.predict(x, verbose=0).mean())
        return
    for act in (model.train_on_batch, model.value_and_grad, lambda x, t: model.fit(x, t, batch_size=50, verbose=0)):
        with pytest.raises(error, match=message):
            act(x, t)
    assert [w.tobytes() for w in model.weights] == before
    assert model.optimizer.iterations == 0
    model.compile("sgd", "mse")
    model.fit(x, t, verbose=0)


def test_a_loss_without_one_number_cannot_train():
    with pytest.raises(ValueError, match="loss 'own' must give one number to train by; its reduction is none"):
        network(Own(reduction="none"))
    with pytest.raises(ValueError, match="loss 'mean_squared_error' must give one number"):
        network(gs.losses.MeanSquaredError(reduction=None))
