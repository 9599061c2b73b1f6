"""Sample weights of each step of sequences, or of each place of images."""

from __future__ import annotations

from typing import Any

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers
from keras_runs import keras_says

random = np.random.default_rng(0)
X, LABELS, WEIGHTS = random.normal(size=(10, 6, 3)), random.integers(0, 4, size=(10, 6)), random.uniform(0, 2, (10, 6))


def model(**options):
    gs.utils.set_random_seed(1)
    row = [layers.LSTM(5, return_sequences=True), layers.Dense(4, activation="softmax")]
    made = gs.Sequential([gs.Input((6, 3), dtype="float64"), *row])
    made.compile("sgd", "sparse_categorical_crossentropy", **options)
    return made


def test_weights_of_rows_are_those_of_their_steps():
    of_rows = WEIGHTS[:, 0]
    same = np.repeat(of_rows[:, None], 6, axis=1)
    values = [model().evaluate(X, LABELS, sample_weight=weights, verbose=0) for weights in (of_rows, same)]
    assert values[0] == values[1]
    trained = []
    for weights in (of_rows, same):
        one = model()
        one.fit(X, LABELS, sample_weight=weights, batch_size=4, epochs=2, verbose=0)
        trained.append(one.get_weights())
    for one, other in zip(*trained, strict=True):
        np.testing.assert_array_equal(one, other)


def test_steps_that_do_not_count():
    """A weight of 0 is as if the target were anything."""
    weights = (WEIGHTS > 1).astype(float)
    other = np.where(weights > 0, LABELS, 3 - LABELS)
    values = [model().value_and_grad(X, y, sample_weight=weights) for y in (LABELS, other)]
    assert values[0][0] == values[1][0]
    for one, two in zip(values[0][1], values[1][1], strict=True):
        np.testing.assert_array_equal(one, two)


def test_custom_losses_and_metrics_get_them():
    class Absolute(gs.losses.Loss):
        def call(self, y_true, y_pred):
            return np.abs(y_pred - y_true).mean(-1)

        def gradient(self, y_true, y_pred):
            return np.sign(y_pred - y_true) / y_pred.shape[-1]

    y = random.normal(size=(10, 6, 4))
    found = []
    for loss in (Absolute(), "mae"):
        made = model()
        made.compile("sgd", loss, weighted_metrics=["mse"])
        made.fit(X, y, sample_weight=WEIGHTS, batch_size=4, epochs=2, shuffle=False, verbose=0)
        found.append([made.evaluate(X, y, sample_weight=WEIGHTS, verbose=0), *made.get_weights()])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"for each of 10 rows, or have shape \(10, 6\); its shape is \(10, 5\)"):
        model().fit(X, LABELS, sample_weight=WEIGHTS[:, :5], verbose=0)
    bad = WEIGHTS.copy()
    bad[2, 3] = np.nan
    with pytest.raises(ValueError, match=r"sample_weight must be finite; sample_weight\[2, 3\] is nan"):
        model().fit(X, LABELS, sample_weight=bad, verbose=0)


# In both libraries, whose name is `L`.
PROGRAM = """
def runs(x, labels, weights, start):
    inputs = L.Input((6, 3))
    hidden = L.layers.GRU(5, return_sequences=True)(inputs)
    classes = L.layers.Dense(4, activation="softmax", name="classes")(hidden)
    numbers = L.layers.Dense(2, name="numbers")(hidden)
    model = L.Model(inputs, [classes, numbers])
    model.compile("adam", ["sparse_categorical_crossentropy", "mse"], weighted_metrics=[["accuracy"], ["mae"]])
    if start is not None:
        model.set_weights([np.array(weight) for weight in start])
    start = model.get_weights()
    y, weights = [labels, x[..., :2] + 1], [weights, weights[::-1]]
    logs = model.fit(x, y, sample_weight=weights, batch_size=4, epochs=3, shuffle=False, verbose=0).history
    return start, logs, model.evaluate(x, y, sample_weight=weights, verbose=0), model.get_weights()
"""


@pytest.mark.peers
def test_as_in_keras():
    start, logs, scores, weights = keras_says(
        f"L = keras\n{PROGRAM}\nx, labels, weights = (np.array(one) for one in data['arrays'])\n"
        "answer = runs(x, labels, weights, None)",
        "torch",
        arrays=[X.tolist(), LABELS.tolist(), WEIGHTS.tolist()],
    )
    names: dict[str, Any] = {"L": gs, "np": np}
    exec(PROGRAM, names)
    before = gs.config.floatx()
    gs.config.set_floatx("float64")
    try:
        _, our_logs, our_scores, ours = names["runs"](X, LABELS, WEIGHTS, start)
    finally:
        gs.config.set_floatx(before)
    assert set(our_logs) == set(logs)
    for name, values in logs.items():
        assert our_logs[name] == pytest.approx(values, rel=1e-4), name
    assert our_scores == pytest.approx(scores, rel=1e-4)
    for one, other in zip(ours, weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
