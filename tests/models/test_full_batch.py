"""Training by methods of `minimize`: an epoch is an iteration over all rows."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers, minimizers
from threads import same_at_any_number_of_threads

METHODS = ["lbfgs", "bfgs", "cg"]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 3))
Y = np.sin(X[:, :1]) + 0.5 * X[:, 1:2] * X[:, 2:]


def made(optimizer, loss="mse", seed=1, dtype="float64", **kinds):
    gs.utils.set_random_seed(seed)
    model = gs.Sequential(
        [gs.Input((3,)), layers.Dense(6, "tanh", dtype=dtype, **kinds), layers.Dense(1, dtype=dtype, **kinds)]
    )
    model.compile(optimizer, loss)
    return model


def flat(arrays):
    return np.concatenate([np.ravel(array) for array in arrays])


def of_weights(model, x, y, sample_weight=None):
    """The training loss as a function of flat weights."""

    def fun(w):
        begin, parts = 0, []
        for weight in model.trainable_weights:
            parts.append(w[begin : begin + weight.size].reshape(weight.shape))
            begin += weight.size
        model.set_weights(parts)
        value, gradients = model.value_and_grad(x, y, sample_weight)
        return value, flat(gradients)

    return fun


@pytest.mark.parametrize("method", METHODS)
def test_fit_is_minimize(method):
    model, other = made(method), made("sgd")
    history = model.fit(X, Y, epochs=25, verbose=0).history
    calls = []
    res = gs.minimize(
        of_weights(other, X, Y),
        flat(other.trainable_weights),
        jac=True,
        method=method,
        maxiter=25,
        callback=lambda intermediate_result: calls.append(intermediate_result.nfev),
    )
    np.testing.assert_allclose(flat(model.trainable_weights), res.x, rtol=0, atol=1e-12)
    assert history["loss"][-1] == pytest.approx(res.fun, abs=1e-12)
    assert history["nfev"] == calls
    np.testing.assert_allclose(history["gnorm"], res.history["gnorm"][1:], atol=1e-12)
    np.testing.assert_allclose(history["alpha"], res.history["alpha"][1:], atol=1e-12)
    assert model.optimizer.iterations == 25
    assert history["loss"][-1] == pytest.approx(model.evaluate(X, Y, verbose=0), abs=1e-14)


def test_float32_falls_and_stays_float32():
    model = made("lbfgs", dtype="float32")
    history = model.fit(X, Y, epochs=60, verbose=0).history
    assert history["loss"][-1] < 0.05 * history["loss"][0]
    assert np.all(np.diff(history["loss"]) <= 1e-6)
    assert {weight.dtype for weight in model.weights} == {np.dtype("float32")}


@pytest.mark.parametrize("batch_size", [7, 25, 49, None])
def test_chunks_change_nothing_but_rounding(batch_size):
    whole, chunked = made("bfgs"), made("bfgs")
    whole.fit(X, Y, epochs=8, batch_size="full", verbose=0)
    chunked.fit(X, Y, epochs=8, batch_size=batch_size, verbose=0)
    np.testing.assert_allclose(flat(chunked.weights), flat(whole.weights), rtol=0, atol=1e-9)


CLASSES = RNG.integers(0, 4, size=50)
SOME_IGNORED = np.where(RNG.random(50) < 0.3, -1, CLASSES)
LOSSES = {
    "sum": (gs.losses.MeanSquaredError(reduction="sum"), Y, None),
    "weights": ("mse", Y, RNG.random(50)),
    "mean of weights": (gs.losses.Huber(reduction="mean_with_sample_weight"), Y, RNG.random(50)),
    "sum of weights": (gs.losses.Huber(reduction="sum"), Y, RNG.random(50)),
}


@pytest.mark.parametrize("case", LOSSES)
@pytest.mark.parametrize("batch_size", [9, 50])
def test_gradients_of_reductions(case, batch_size):
    loss, y, weights = LOSSES[case]
    model = made("bfgs", loss, kernel_regularizer=gs.regularizers.L2(0.1))
    before = flat(model.weights)
    expected, gradients = model.value_and_grad(X, y, weights)
    method = model.optimizer
    model.fit(X, y, sample_weight=weights, epochs=1, batch_size=batch_size, verbose=0)
    # The first step is along the gradient: both say what it was.
    step = flat(model.weights) - before
    gradient = flat(gradients)
    np.testing.assert_allclose(step / np.linalg.norm(step), -gradient / np.linalg.norm(gradient), atol=1e-10)
    now, gradients = model.value_and_grad(X, y, weights)
    assert model.history.history["loss"][0] == pytest.approx(now, rel=1e-12)
    np.testing.assert_allclose(method.state_dict()["g"], flat(gradients), rtol=1e-9, atol=1e-12)
    assert now < expected


def test_rows_that_do_not_count():
    def classes():
        gs.utils.set_random_seed(0)
        model = gs.Sequential([gs.Input((3,)), layers.Dense(4, dtype="float64")])
        model.compile("cg", gs.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1))
        return model

    whole, chunked = classes(), classes()
    whole.fit(X, SOME_IGNORED, epochs=5, batch_size="full", verbose=0)
    chunked.fit(X, SOME_IGNORED, epochs=5, batch_size=8, verbose=0)
    np.testing.assert_allclose(flat(chunked.weights), flat(whole.weights), rtol=0, atol=1e-10)


def two_outputs(optimizer):
    gs.utils.set_random_seed(0)
    x = gs.Input((3,), name="x", dtype="float64")
    hidden = layers.Dense(5, "tanh", name="hidden", dtype="float64")(x)
    a = layers.Dense(1, name="a", dtype="float64")(hidden)
    b = layers.Dense(4, "softmax", name="b", dtype="float64")(hidden)
    model = gs.Model(x, [a, b])
    losses = [gs.losses.MeanSquaredError(reduction="sum"), "sparse_categorical_crossentropy"]
    model.compile(optimizer, losses, loss_weights=[0.1, 2.0], metrics=[["mae"], ["accuracy"]])
    return model


def test_several_outputs_and_metrics():
    whole, chunked = two_outputs("lbfgs"), two_outputs("lbfgs")
    histories = [
        model.fit(X, [Y, CLASSES], epochs=6, batch_size=size, verbose=0).history
        for model, size in ((whole, "full"), (chunked, 11))
    ]
    assert list(histories[0]) == list(histories[1])
    assert {"loss", "a_loss", "b_loss", "a_mae", "b_accuracy", "nfev", "gnorm", "alpha"} <= set(histories[0])
    for name in ("loss", "a_mae", "b_accuracy", "gnorm"):
        np.testing.assert_allclose(histories[1][name], histories[0][name], rtol=1e-9)
    scores = whole.evaluate(X, [Y, CLASSES], batch_size="full", verbose=0, return_dict=True)
    for name, value in scores.items():
        assert histories[0][name][-1] == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("method", [*METHODS, "owlqn"])
def test_same_bits_with_threads(method):
    x = np.random.default_rng(1).normal(size=(500, 8))
    y = np.sin(x @ np.arange(8.0))[:, None]

    def trained():
        gs.utils.set_random_seed(0)
        units = (100, 8) if method == "bfgs" else (150, 150)  # its matrix has as many rows as there are weights
        hidden = [layers.Dense(n, "tanh") for n in units]
        model = gs.Sequential([gs.Input((8,)), *hidden, layers.Dense(1)])
        model.compile(method, "mse")
        model.fit(x, y, epochs=2, batch_size=200, verbose=0)
        return model.get_weights()

    same_at_any_number_of_threads(trained, (1, 2, 7))


def test_owlqn_takes_the_penalties_of_layers():
    def fitted(regularizer):
        model = made("owlqn", kernel_regularizer=regularizer)
        model.fit(X, Y, epochs=60, verbose=0)
        return model

    plain, proximal = fitted(gs.regularizers.L1(0.02)), fitted(gs.regularizers.L1(0.02, proximal=True))
    kernels = flat([weight for weight in plain.weights if weight.ndim == 2])
    assert 3 <= np.count_nonzero(kernels == 0) < kernels.size
    np.testing.assert_allclose(flat(proximal.weights), flat(plain.weights), atol=1e-6)
    assert plain.history.history["loss"][-1] == pytest.approx(plain.evaluate(X, Y, verbose=0), abs=1e-12)


def test_owlqn_is_minimize():
    model, other = made(minimizers.OWLQN(l1=0.01)), made("sgd")
    history = model.fit(X, Y, epochs=20, verbose=0).history
    res = gs.minimize(
        of_weights(other, X, Y), flat(other.trainable_weights), jac=True, method=minimizers.OWLQN(l1=0.01), maxiter=20
    )
    np.testing.assert_allclose(flat(model.trainable_weights), res.x, rtol=0, atol=1e-12)
    assert history["loss"][-1] == pytest.approx(res.fun, abs=1e-12)


def test_statistics_are_of_the_points_that_are_taken():
    gs.utils.set_random_seed(0)
    norm = layers.BatchNormalization(momentum=0.5, dtype="float64")
    model = gs.Sequential([gs.Input((3,)), norm, layers.Dense(1, dtype="float64")])
    model.compile("lbfgs", "mse")
    model.fit(X, Y, epochs=3, verbose=0)
    assert model.optimizer.nfev > 3
    np.testing.assert_allclose(norm.moving_mean, X.mean(axis=0) * (1 - 0.5**3), rtol=1e-9)


def test_layers_that_draw_have_the_same_draws():
    def drawing():
        gs.utils.set_random_seed(3)
        model = gs.Sequential(
            [gs.Input((3,)), layers.Dense(8, "tanh", dtype="float64"), layers.Dropout(0.3, dtype="float64"),
             layers.Dense(1, dtype="float64")]
        )  # fmt: skip
        model.compile("lbfgs", "mse")
        return model

    models = drawing(), drawing()
    for model in models:
        with pytest.warns(UserWarning, match="draws random numbers"):
            losses = model.fit(X, Y, epochs=15, verbose=0, batch_size=20).history["loss"]
        assert np.all(np.diff(losses) <= 0)
    assert flat(models[0].weights).tobytes() == flat(models[1].weights).tobytes()


def test_it_ends_where_there_is_no_lower_loss():
    model = gs.Sequential([gs.Input((3,)), layers.Dense(1, dtype="float64")])
    model.compile("bfgs", "mse")
    history = model.fit(X, X @ np.array([[1.0], [2.0], [3.0]]) + Y, epochs=500, verbose=0).history
    assert len(history["loss"]) < 60
    assert "largest gradient component" in model.optimizer.message
    assert model.optimizer.message.startswith('"bfgs" ended training after')
    assert history["gnorm"][-1] < 1e-7


def test_weights_and_data_that_changed_begin_anew():
    model = made("bfgs")
    model.fit(X, Y, epochs=5, verbose=0)
    learned = model.optimizer.state_dict()
    assert not np.array_equal(learned["H"], np.eye(len(learned["H"])))
    model.fit(X[:30], Y[:30], epochs=0, verbose=0)
    np.testing.assert_array_equal(model.optimizer.state_dict()["H"], learned["H"])
    other = made("bfgs")
    other.set_weights(model.get_weights())
    first, second = (one.fit(X[:30], Y[:30], epochs=4, verbose=0).history["loss"] for one in (model, other))
    assert first == second


def test_a_failing_metric_leaves_the_last_point():
    class Failing(gs.metrics.Metric):
        calls = 0

        def update_state(self, y_true, y_pred, sample_weight=None):
            Failing.calls += 1
            if Failing.calls == 9:
                raise RuntimeError("enough")

        def result(self):
            return float(self.calls)

        def reset_state(self):
            pass

    gs.utils.set_random_seed(1)
    model = made("lbfgs")
    model.compile("lbfgs", "mse", metrics=[Failing()])
    kept = []
    keep = gs.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: kept.append(model.get_weights()))
    with pytest.raises(RuntimeError, match="enough"):
        model.fit(X, Y, epochs=30, callbacks=[keep], verbose=0)
    assert len(kept) > 1
    assert flat(model.get_weights()).tobytes() == flat(kept[-1]).tobytes()


def test_custom_losses_and_layers_in_numpy():
    def cubed(y_true, y_pred):
        difference = y_pred - y_true
        return np.abs(difference[:, 0]) ** 3, 3 * difference * np.abs(difference)

    whole, chunked = made("lbfgs", cubed), made("lbfgs", cubed)
    whole.fit(X, Y, epochs=5, batch_size="full", verbose=0)
    chunked.fit(X, Y, epochs=5, batch_size=13, verbose=0)
    np.testing.assert_allclose(flat(chunked.weights), flat(whole.weights), rtol=0, atol=1e-9)
