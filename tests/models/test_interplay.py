"""A model with everything at once (penalties, constraints, moving statistics, frozen layers), trained in every way.

Ways that must come to the same are compared with each other; the plain way is compared with Keras elsewhere.
"""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from everything import BATCH, EPOCHS, ROWS, data, everything
from gradstep import optimizers


class SquaredError(gs.losses.Loss):
    """The mean squared error as a user writes it."""

    def call(self, y_true, y_pred):
        return ((y_pred - y_true) ** 2).mean(axis=1)

    def gradient(self, y_true, y_pred):
        return 2 * (y_pred - y_true) / y_pred.shape[1]


def squares(y_true, y_pred):
    return ((y_pred - y_true) ** 2).mean(axis=1), 2 * (y_pred - y_true) / y_pred.shape[1]


def mean_of_outputs(y_true, y_pred):
    return y_pred.mean(axis=1)


def fitted(rule=None, loss="mse", callbacks=None, **settings):
    """A model after some epochs, and their losses."""
    model = everything()
    model.compile(optimizers.SGD(0.05, momentum=0.9) if rule is None else rule, loss, **settings)
    history = model.fit(
        *data(), batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0, callbacks=callbacks, validation_data=data()
    )
    return model, history.history


def by_batches(weights=None):
    """The same by hand; the losses of the epochs are means over the rows."""
    model, (x, y) = everything(), data()
    model.compile(optimizers.SGD(0.05, momentum=0.9), "mse")
    curves = {"loss": [], "val_loss": []}
    for _ in range(EPOCHS):
        total = 0.0
        for i in range(0, ROWS, BATCH):
            rows = slice(i, i + BATCH)
            total += len(x[rows]) * model.train_on_batch(x[rows], y[rows], weights)
        curves["loss"].append(total / ROWS)
        curves["val_loss"].append(model.evaluate(x, y, batch_size=BATCH, verbose=0))
    return model, curves


def by_gradients():
    """The same with the optimizer apart, which is told the gradients of what is trained."""
    model, (x, y) = everything(), data()
    model.compile(loss="mse")
    rule, curves = optimizers.SGD(0.05, momentum=0.9), {"loss": [], "val_loss": []}
    bound = model.layers[6]
    for _ in range(EPOCHS):
        total = 0.0
        for i in range(0, ROWS, BATCH):
            rows = slice(i, i + BATCH)
            value, gradients = model.value_and_grad(x[rows], y[rows])
            rule.step(model.trainable_weights, gradients)
            bound.kernel[...] = bound.kernel_constraint(bound.kernel)
            total += len(x[rows]) * value
        curves["loss"].append(total / ROWS)
        curves["val_loss"].append(model.evaluate(x, y, batch_size=BATCH, verbose=0))
    return model, curves


def sgd():
    return optimizers.SGD(0.05, momentum=0.9)


WAYS = {
    "a function as the loss": lambda: fitted(loss=squares),
    "a loss of one's own": lambda: fitted(loss=SquaredError()),
    "a metric of one's own": lambda: fitted(metrics=[mean_of_outputs]),
    "both": lambda: fitted(loss=squares, metrics=[mean_of_outputs, gs.metrics.R2Score()]),
    "metrics of the engine": lambda: fitted(metrics=["mae", "mse"]),
    "Lookahead that never looks": lambda: fitted(optimizers.Lookahead(sgd(), sync_period=1000)),
    "Lookahead, a loss of one's own": lambda: fitted(optimizers.Lookahead(sgd(), sync_period=1000), SquaredError()),
    "MultiOptimizer of one": lambda: fitted(optimizers.MultiOptimizer({"*": sgd()})),
    "whole gradients": lambda: fitted(optimizers.SGD(0.05, momentum=0.9, global_clipnorm=1e9)),
    "batches in Python": lambda: fitted(
        callbacks=[gs.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)]
    ),
    "batch by batch": by_batches,
    "gradients by hand": by_gradients,
}


@pytest.fixture(scope="module")
def plainly():
    return fitted()


@pytest.mark.parametrize("way", WAYS)
def test_ways_to_the_same(way, plainly):
    model, curves = WAYS[way]()
    # Sums in another order, in float64, over fifteen steps.
    for weight, other in zip(model.weights, plainly[0].weights, strict=True):
        np.testing.assert_allclose(weight, other, rtol=1e-9, atol=1e-12)
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(curves[name], plainly[1][name], rtol=1e-12)


def test_the_loss_has_the_penalties(plainly):
    """And evaluate as well as training counts them; nothing of the frozen layer."""
    model, curves = plainly
    x, y = data()
    assert len(model.losses) == 5
    error = ((model.predict(x, verbose=0) - y) ** 2).mean()
    assert curves["val_loss"][-1] == pytest.approx(error + sum(model.losses), rel=1e-12)
    assert model.evaluate(x, y, verbose=0) == pytest.approx(error + sum(model.losses), rel=1e-12)


@pytest.mark.parametrize("loss", ["mse", squares])
@pytest.mark.parametrize("metrics", [None, [mean_of_outputs]])
def test_weights_of_rows_leave_penalties_alone(loss, metrics):
    """Rows count for their weights, the penalties once."""
    x, y = data()
    weights = np.random.default_rng(1).uniform(0, 2, ROWS)
    model = everything()
    model.compile("sgd", loss, metrics=metrics)
    values = ((model.predict(x, verbose=0) - y) ** 2).mean(axis=1)
    scores = model.test_on_batch(x, y, sample_weight=weights)
    got = scores[0] if metrics else scores
    assert got == pytest.approx((weights * values).mean() + sum(model.losses), rel=1e-12)
    _, plain = model.value_and_grad(x, y)
    _, none = model.value_and_grad(x, y, sample_weight=np.zeros(ROWS))
    kernel = model.layers[1].kernel
    np.testing.assert_allclose(none[0], 0.01 * np.sign(kernel) + 2 * 0.02 * kernel, rtol=1e-12)
    assert not np.allclose(plain[0], none[0])


def test_sharpness_is_of_the_loss_with_penalties():
    """SAM by hand: up by the gradient's direction, the gradient there, back, and the step."""
    x, y = data()
    model = everything()
    model.compile(optimizers.SAM(optimizers.SGD(0.1), rho=0.05), "mse")
    other = everything()
    other.compile("sgd", "mse")
    for _ in range(3):
        model.train_on_batch(x, y)
        _, gradients = other.value_and_grad(x, y)
        moving = [w.copy() for w in other.non_trainable_weights]
        norm = np.sqrt(sum((g**2).sum() for g in gradients))
        kept = [w.copy() for w in other.trainable_weights]
        for w, g in zip(other.trainable_weights, gradients, strict=True):
            w += 0.05 * g / norm
        _, gradients = other.value_and_grad(x, y)
        for w, start, g in zip(other.trainable_weights, kept, gradients, strict=True):
            w[...] = start - 0.1 * g
        for w, now in zip(other.non_trainable_weights, moving, strict=True):
            w[...] = now
        bound = other.layers[6]
        bound.kernel[...] = bound.kernel_constraint(bound.kernel)
    for weight, expected in zip(model.weights, other.weights, strict=True):
        np.testing.assert_allclose(weight, expected, rtol=1e-9, atol=1e-12)


def test_moving_statistics_see_each_batch_once(plainly):
    """By hand from what enters the layer, also of the short last batch; evaluate and predict move nothing."""
    model = everything()
    model.compile(optimizers.SGD(0.0), "mse")
    x, y = data()
    entering = model.layers[1](model.layers[0](x))
    mean, variance = np.zeros(9), np.ones(9)
    for _ in range(2):
        for i in range(0, ROWS, BATCH):
            part = entering[i : i + BATCH]
            mean, variance = 0.8 * mean + 0.2 * part.mean(0), 0.8 * variance + 0.2 * part.var(0)
    model.fit(x, y, batch_size=BATCH, epochs=2, shuffle=False, verbose=0, validation_data=(x, y))
    model.evaluate(x, y, verbose=0)
    model.predict(x, verbose=0)
    np.testing.assert_allclose(model.layers[2].moving_mean, mean, rtol=1e-12)
    np.testing.assert_allclose(model.layers[2].moving_variance, variance, rtol=1e-12)
    frozen = model.layers[7]
    np.testing.assert_array_equal(frozen.moving_mean, np.zeros(7))
    np.testing.assert_array_equal(frozen.moving_variance, np.ones(7))


def test_training_alone_moves_what_is_not_trained(plainly):
    start = everything()
    for i, (layer, before) in enumerate(zip(plainly[0].layers, start.layers, strict=True)):
        for name, now, then in zip(layer.weight_names, layer.weights, before.weights, strict=True):
            still = i == 0 or not layer.trainable
            assert np.array_equal(now, then) == still, (layer.name, name)
