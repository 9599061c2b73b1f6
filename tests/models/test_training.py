"""Training: equal to a plain NumPy loop, the same bits for any number of threads, batches, validation, going on."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import _core
from probe import arrays_known, order
from reference import layers as reference
from reference.losses import LOSSES
from reference.training import train as numpy_train
from training import DENSE_784, classifier, clusters, snapshot, train

CASES = {
    "softmax": ("softmax", "categorical_crossentropy"),
    "labels": ("softmax", "sparse_categorical_crossentropy"),
    "sigmoid": ("sigmoid", "binary_crossentropy"),
    "linear": ("linear", "mean_squared_error"),
    "absolute": ("linear", "mean_absolute_error"),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("rule", "options"),
    [
        ("SGD", {"learning_rate": 0.1}),
        ("Adam", {"learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}),
    ],
)
def test_equals_a_numpy_loop(case, rule, options, dtype):
    last, loss = CASES[case]
    random = np.random.default_rng(3)
    x = random.normal(size=(45, 6)).astype(dtype)
    labels = random.integers(0, 3, 45)
    y = {"labels": labels, "linear": random.normal(size=(45, 3)), "absolute": random.normal(size=(45, 3))}.get(
        case, np.eye(3)[labels]
    )
    gs.utils.set_random_seed(0)
    shape = ((7, "tanh"), (5, "relu"), (3, last))
    model = gs.Sequential([gs.layers.Dense(n, f, dtype=dtype.name) for n, f in shape])
    model.build((None, 6))
    start = [w.astype(float) for w in model.get_weights()]
    network = list(zip(start[::2], start[1::2], (f for _, f in shape), strict=True))
    model.compile(getattr(gs.optimizers, rule)(**options), loss)
    history = model.fit(x, y, batch_size=10, epochs=4, shuffle=False, verbose=0)  # the last batch has 5 rows

    expected = labels if case == "labels" else y.astype(float)
    weights, losses = numpy_train(network, loss, x.astype(float), expected, 10, 4, rule, options)
    # float64: the promise. float32: 20 steps of rounding errors, which Adam scales up where gradients are tiny.
    tolerance = 1e-9 if dtype == np.float64 else 2e-4
    np.testing.assert_allclose(history.history["loss"], losses, rtol=tolerance)
    for weight, right in zip(model.weights, weights, strict=True):
        np.testing.assert_allclose(weight, right, rtol=tolerance, atol=tolerance)
    assert model.optimizer.iterations == 20
    assert LOSSES[loss](
        expected,
        reference.forward(zip(weights[::2], weights[1::2], (f for _, f in shape), strict=True), x.astype(float))[0],
    )[0].mean() == pytest.approx(model.evaluate(x, y, verbose=0), rel=tolerance)


@pytest.fixture(scope="module")
def big():
    """Enough work for several threads: weights and history of two epochs on one thread."""
    return train_big(1)


def train_big(threads):
    before = _core.get_num_threads()
    _core.set_num_threads(threads)
    try:
        x, y = clusters(1000, 784, 10)
        model = classifier(784, DENSE_784, 10)
        history = model.fit(x, y, batch_size=128, epochs=2, validation_split=0.2, verbose=0)
        return snapshot(model), history.history, model.predict(x, verbose=0).tobytes(), model.value_and_grad(x, y)[0]
    finally:
        _core.set_num_threads(before)


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_same_bits_for_any_number_of_threads(big, threads):
    for _ in range(3):  # races do not show every time
        assert train_big(threads) == big


@pytest.mark.parametrize(("rows", "batch"), [(10, 3), (10, 100), (10, 1), (10, "full"), (1, 32), (64, 32), (65, 32)])
def test_batches(rows, batch):
    x, y = clusters(rows)
    model = classifier()
    history = model.fit(x, y, batch_size=batch, epochs=2, verbose=0)
    size = rows if batch == "full" else batch
    assert history.params["steps"] == -(-rows // size)
    assert model.optimizer.iterations == 2 * -(-rows // size)


def test_epoch_means_are_weighted_by_rows():
    x, y = clusters(10)
    model = classifier(optimizer=gs.optimizers.SGD(0.0))  # nothing moves: every epoch has the loss of the data
    exact = model.evaluate(x, y, batch_size="full", verbose=0)
    for batch in (1, 3, 4, 7, 100):
        history = model.fit(x, y, batch_size=batch, verbose=0).history
        assert [history["loss"][0], history["accuracy"][0]] == pytest.approx(exact, rel=1e-6)
        assert model.evaluate(x, y, batch_size=batch, verbose=0) == pytest.approx(exact, rel=1e-6)


def test_shuffling():
    x, y = clusters(64)
    seen = {}
    for name, options in {"a": {}, "again": {}, "other seed": {"seed": 2}}.items():
        model = classifier()
        gs.utils.set_random_seed(options.get("seed", 1))
        model.fit(x, y, batch_size=8, epochs=3, verbose=0)
        seen[name] = snapshot(model)
    assert seen["a"] == seen["again"] != seen["other seed"]
    still = classifier()
    still.fit(x, y, batch_size=8, epochs=3, verbose=0, shuffle=False)
    assert snapshot(still) != seen["a"]


def test_every_epoch_takes_another_order_and_every_row_once():
    model = classifier()
    orders = [order(model, epoch, 50) for epoch in range(3)]
    assert all(sorted(rows) == list(range(50)) for rows in orders)
    assert len({rows.tobytes() for rows in orders}) == 3


def test_going_on_equals_never_stopping():
    x, y = clusters(70)
    whole, parts, numbered = classifier(), classifier(), classifier()
    expected = train(whole, x, y, epochs=4).history["loss"]
    seen = [train(parts, x, y).history["loss"][0] for _ in range(4)]
    assert seen == expected
    assert snapshot(parts) == snapshot(whole)
    train(numbered, x, y, epochs=1)
    history = train(numbered, x, y, epochs=4, initial_epoch=1)
    assert history.epoch == [1, 2, 3]
    assert snapshot(numbered) == snapshot(whole)


def test_set_weights_in_between_keeps_views_and_state():
    x, y = clusters(40)
    model = classifier()
    kernel = model.layers[0].kernel
    model.fit(x, y, verbose=0)
    model.set_weights([np.zeros_like(w) for w in model.weights])
    assert not kernel.any()
    model.layers[0].kernel[...] = 1
    model.fit(x, y, verbose=0)
    assert model.layers[0].kernel is kernel
    assert kernel.any()
    assert model.optimizer.iterations == 4
    assert arrays_known(model.optimizer) == 4


def test_validation():
    x, y = clusters(50)
    model = classifier()
    history = model.fit(x, y, epochs=2, validation_data=(x[:20], y[:20]), verbose=0).history
    assert list(history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert [history["val_loss"][-1], history["val_accuracy"][-1]] == model.evaluate(x[:20], y[:20], verbose=0)
    # The last rows, before shuffling; they are not trained on.
    split, given = classifier(), classifier()
    a = train(split, x, y, epochs=2, validation_split=0.3).history
    b = train(given, x[:35], y[:35], epochs=2, validation_data=(x[35:], y[35:])).history
    assert a == b
    assert snapshot(split) == snapshot(given)


def test_one_batch():
    x, y = clusters(30)
    steps, fitted = classifier(), classifier()
    before = steps.evaluate(x, y, batch_size="full", verbose=0)
    assert steps.test_on_batch(x, y) == before
    assert steps.train_on_batch(x, y) == before  # from before the step
    assert steps.train_on_batch(x, y, return_dict=True)["loss"] < before[0]
    fitted.fit(x, y, batch_size="full", epochs=2, shuffle=False, verbose=0)
    assert snapshot(steps) == snapshot(fitted)
    np.testing.assert_array_equal(steps.predict_on_batch(x), steps(x))


def test_a_loop_of_ones_own():
    """value_and_grad and optimizer.step make the steps that fit makes, to the bit."""
    x, y = clusters(32)
    fitted, own = classifier(), classifier()
    fitted.fit(x, y, batch_size="full", epochs=3, shuffle=False, verbose=0)
    for _ in range(3):
        _, gradients = own.value_and_grad(x, y)
        own.optimizer.step(own.weights, gradients)
    for a, b in zip(fitted.weights, own.weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_non_finite_data_go_through():
    x, y = clusters(40)
    x[3, 2] = np.nan
    model = classifier()
    assert np.isnan(model.fit(x, y, verbose=0).history["loss"][0])


def test_one_optimizer_for_two_models_is_refused_as_in_keras():
    x, y = clusters(40)
    optimizer = gs.optimizers.Adam()
    first, second = classifier(optimizer=optimizer), classifier(optimizer=optimizer)
    first.fit(x, y, verbose=0)
    with pytest.raises(ValueError, match="An optimizer serves one model"):
        second.fit(x, y, verbose=0)
    assert optimizer.iterations == 2
    assert arrays_known(optimizer) == 4


def test_memory_does_not_grow_with_fits():
    x, y = clusters(40)
    model = classifier()
    for _ in range(20):
        model.fit(x, y, verbose=0)
        model.train_on_batch(x, y)
    assert arrays_known(model.optimizer) == 4


def test_compiling_again_begins_anew():
    x, y = clusters(40)
    model = classifier()
    model.fit(x, y, verbose=0)
    weights = model.get_weights()
    model.compile(gs.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    for now, then in zip(model.weights, weights, strict=True):
        np.testing.assert_array_equal(now, then)
    model.fit(x, y, verbose=0)
    assert model.optimizer.iterations == 2
    assert (model.weights[0] != weights[0]).any()
