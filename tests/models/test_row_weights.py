"""What rows count for in training and scoring."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from threads import same_at_any_number_of_threads
from training import classifier, clusters


def weighted_fit(model, x, t, weights, batch, epochs=1):
    options = {"batch_size": batch, "epochs": epochs, "shuffle": False, "verbose": 0}
    return model.fit(x, t, sample_weight=weights, **options).history["loss"]


@pytest.mark.parametrize("optimizer", ["adam", "lamb"])
def test_whole_weights_are_repeated_rows(optimizer):
    """In a sum: a row of weight 3 is three rows, one of weight 0 is none."""
    x, t = clusters(40, dtype="float64")
    counts = np.random.default_rng(0).integers(0, 4, 40)
    loss = gs.losses.SparseCategoricalCrossentropy(reduction="sum")
    models = [classifier(dtype="float64", optimizer=optimizer) for _ in range(2)]
    for model in models:
        model.compile(optimizer, loss)
    weighted_fit(models[0], x, t, counts.astype(float), 40, 3)
    weighted_fit(models[1], np.repeat(x, counts, 0), np.repeat(t, counts), None, int(counts.sum()), 3)
    for a, b in zip(models[0].weights, models[1].weights, strict=True):
        # The same sums in another order; adam divides small gradients by their size.
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)


def test_weights_follow_their_rows():
    """Also through a shuffle: a batch in another order has the same loss."""
    x, t = clusters(30, dtype="float64")
    weights = np.random.default_rng(1).uniform(0, 2, 30)
    model = classifier(dtype="float64")
    first, order = model.test_on_batch(x, t, weights)[0], np.random.default_rng(2).permutation(30)
    assert model.test_on_batch(x[order], t[order], weights[order])[0] == pytest.approx(first, rel=1e-12)
    model.optimizer.learning_rate = 0.0
    history = model.fit(x, t, 30, 3, 0, sample_weight=weights, seed=2).history
    assert history["loss"] == pytest.approx([first] * 3, rel=1e-12)
    values = model.loss.call(t, model(x))
    assert first == pytest.approx(np.mean(weights * values), rel=1e-9)


def test_ones_are_no_weights():
    x, t = clusters(50)
    models = [classifier(), classifier()]
    a = weighted_fit(models[0], x, t, np.ones(50), 16, 2)
    b = weighted_fit(models[1], x, t, None, 16, 2)
    assert a == b
    assert [w.tobytes() for w in models[0].weights] == [w.tobytes() for w in models[1].weights]


def test_weights_give_the_same_bits_at_any_number_of_threads():
    x, t = clusters(2000, inputs=64)
    weights = np.random.default_rng(3).uniform(0, 2, 2000)

    def trained():
        model = classifier(64, (256,), 4)
        return weighted_fit(model, x, t, weights, 500), model.get_weights()

    same_at_any_number_of_threads(trained)


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        (np.ones(9), ValueError, r"sample_weight must have a number for each of 10 rows; its shape is \(9,\)"),
        (np.ones((10, 2)), ValueError, r"sample_weight must have a number for each of 10 rows; its shape is \(10, 2\)"),
        (np.r_[np.ones(9), np.nan], ValueError, r"sample_weight must be finite; sample_weight\[9\] is nan"),
        ("all", TypeError, "sample_weight must be an array of real numbers"),
        (np.ones(10) + 0j, TypeError, "sample_weight must be an array of real numbers"),
    ],
)
def test_bad_weights_are_refused(weights, error, message):
    x, t = clusters(10)
    model = classifier()
    before = [w.tobytes() for w in model.weights]
    for act in (model.train_on_batch, model.test_on_batch, model.value_and_grad):
        with pytest.raises(error, match=message):
            act(x, t, sample_weight=weights)
    assert [w.tobytes() for w in model.weights] == before


def test_rows_that_do_not_count_teach_nothing():
    x, t = clusters(12, dtype="float64")
    t = t.copy()
    t[::3] = -1
    loss = gs.losses.SparseCategoricalCrossentropy(ignore_class=-1)
    model = classifier(dtype="float64")
    model.compile("sgd", loss)
    value, gradients = model.value_and_grad(x, t)
    keep = t >= 0
    kept, expected = model.value_and_grad(x[keep], t[keep])
    assert value == pytest.approx(kept, rel=1e-12)
    for a, b in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-14)
    with pytest.raises(ValueError, match=r"y\[1\] is -1; labels must be in \[0, 4\)"):
        classifier().test_on_batch(x[:2], [0, -1])
