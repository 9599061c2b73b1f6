"""Losses of every kind beside metrics of every kind: who is given which rows, weights and outputs."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest

ROWS = 40
RANDOM = np.random.default_rng(6)
X, W = RANDOM.normal(size=(ROWS, 4)), RANDOM.uniform(0, 2, ROWS)
T = RANDOM.normal(size=(ROWS, 3))
LABELS = RANDOM.integers(0, 3, ROWS)


def square(y_true, y_pred):
    return np.mean((y_pred - y_true) ** 2, axis=-1), 2 * (y_pred - y_true) / y_pred.shape[-1]


def surprise(y_true, y_pred):
    """Cross-entropy of logits and class numbers."""
    chosen = np.eye(y_pred.shape[1])[y_true.astype(int)]
    p = gs.activations.softmax(y_pred)
    return -np.log((p * chosen).sum(1)), p - chosen


def model(loss, metrics=None, weighted=None, optimizer="sgd", last=None):
    gs.utils.set_random_seed(1)
    first, second = gs.layers.Dense(5, "tanh", dtype="float64"), gs.layers.Dense(3, last, dtype="float64")
    made = gs.Sequential([gs.Input((4,)), first, second])
    made.compile(optimizer, loss, metrics=metrics, weighted_metrics=weighted)
    return made


def measures():
    return {"metrics": ["mae", gs.metrics.R2Score()], "weighted": ["mse", "huber", gs.metrics.R2Score(name="w")]}


@pytest.mark.parametrize("optimizer", ["sgd", "sam"])
def test_a_loss_of_ones_own_is_measured_as_the_engines(optimizer):
    make = {"sgd": gs.optimizers.SGD, "sam": lambda: gs.optimizers.SAM(gs.optimizers.SGD(0.05))}[optimizer]
    found = []
    for loss in (square, "mse"):
        made = model(loss, **measures(), optimizer=make())
        found.append(list(made.fit(X, T, batch_size=16, epochs=2, validation_split=0.25, verbose=0).history.items()))
        found[-1] += made.test_on_batch(X, T, sample_weight=W, return_dict=True).items()
    for (name, ours), (same, theirs) in zip(*found, strict=True):
        assert name == same
        np.testing.assert_allclose(ours, theirs, rtol=1e-10)  # sums in another order


@pytest.mark.parametrize("loss", [square, "mse"])
def test_weights_are_given_to_what_counts_them(loss):
    made = model(loss, **measures())
    logs = made.test_on_batch(X, T, sample_weight=W, return_dict=True)
    y = made.predict(X, verbose=0)
    rows = {name: getattr(gs.losses, name)(T, y) for name in ("mean_squared_error", "mean_absolute_error", "huber")}
    assert logs["loss"] == pytest.approx(np.mean(W * rows["mean_squared_error"]), rel=1e-12)
    assert logs["mae"] == pytest.approx(np.mean(rows["mean_absolute_error"]), rel=1e-12)
    assert logs["mse"] == pytest.approx(np.average(rows["mean_squared_error"], weights=W), rel=1e-12)
    assert logs["huber"] == pytest.approx(np.average(rows["huber"], weights=W), rel=1e-12)
    assert logs["r2_score"] == pytest.approx(gs.metrics.R2Score()(T, y), rel=1e-12)
    assert logs["w"] == pytest.approx(gs.metrics.R2Score()(T, y, W), rel=1e-12)
    assert logs["w"] != logs["r2_score"]


def test_targets_that_only_the_loss_and_metrics_can_read():
    hits = gs.metrics.SparseCategoricalAccuracy()
    made = model(surprise, [hits])
    made.fit(X, LABELS, batch_size=16, epochs=2, verbose=0)
    accuracy = made.evaluate(X, LABELS, verbose=0)[1]
    assert accuracy == np.mean(made.predict(X, verbose=0).argmax(1) == LABELS)
    refused = model(surprise, ["mse"])
    before = refused.get_weights()
    with pytest.raises(ValueError, match="metric 'mse' does not fit the loss and the outputs"):
        refused.fit(X, LABELS, verbose=0)
    assert all(map(np.array_equal, before, refused.weights))


def test_labels_that_the_loss_ignores():
    labels = np.where(np.arange(ROWS) % 4 == 0, -1, LABELS)
    loss = gs.losses.SparseCategoricalCrossentropy(ignore_class=-1)
    made = model(loss, ["accuracy"], last="softmax")
    value, accuracy = made.evaluate(X, labels, batch_size=ROWS, verbose=0)
    y, kept = made.predict(X, verbose=0), labels >= 0
    assert value == pytest.approx(np.mean(-np.log(y[kept, labels[kept]])), rel=1e-6)
    assert accuracy == np.mean(y.argmax(1) == labels)
    # What reads the output of a row's label has none to read.
    for name in ("categorical_generalized_cross_entropy", "sparse_categorical_crossentropy"):
        with pytest.raises(ValueError, match=r"y\[0\] is -1; labels must be in \[0, 3\)"):
            model(loss, [name], last="softmax").evaluate(X, labels, verbose=0)


def test_metrics_of_the_engine_take_the_targets_of_the_loss():
    name = "categorical_generalized_cross_entropy"
    made = model("sparse_categorical_crossentropy", [name], last="softmax")
    y = made.predict(X, verbose=0)
    rows = getattr(gs.losses, name)(LABELS, y)
    assert made.evaluate(X, LABELS, verbose=0)[1] == pytest.approx(rows.mean(), rel=1e-12)
    with pytest.raises(ValueError, match="takes class numbers, mean_squared_error takes rows of numbers"):
        model("mse", [name])
