"""Metrics in `compile`: what the engine computes itself, and what is fed with each batch."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import metrics
from probe import is_fed_in_python, run_of
from training import clusters, snapshot, train

X, LABELS = clusters(150)
YES = (LABELS % 2).astype(np.float32)
# The engine's outputs for a batch do not depend on which rows share it, so by hand means the same numbers; sums of
# 150 rows in another order.
CLOSE = 1e-12


def model(given=(), last="sigmoid", outputs=1, loss="binary_crossentropy", optimizer="adam", **more):
    gs.utils.set_random_seed(3)
    layers = [gs.Input((20,)), gs.layers.Dense(12, "relu"), gs.layers.Dense(outputs, last)]
    made = gs.Sequential(layers)
    made.compile(optimizer, loss, metrics=list(given), **more)
    return made


def yes_or_no():
    return [
        metrics.AUC(name="auc"),
        metrics.AUC(curve="PR", name="pr"),
        metrics.Precision(name="precision"),
        metrics.Recall(thresholds=[0.3, 0.7], name="recall"),
        metrics.TruePositives(name="tp"),
        metrics.SensitivityAtSpecificity(0.6, name="sensitivity"),
        metrics.BinaryIoU(name="iou"),
        metrics.RootMeanSquaredError(),
        metrics.R2Score(),
        metrics.BinaryAccuracy(),
        metrics.BinaryAccuracy("above", threshold=0.3),
        metrics.MeanSquaredError(),
        metrics.MeanMetricWrapper(lambda t, y: np.abs(t - y), name="apart"),
    ]


def of_classes():
    return [
        metrics.SparseCategoricalAccuracy(),
        metrics.SparseTopKCategoricalAccuracy(k=2),
        metrics.SparseCategoricalCrossentropy(),
        metrics.MeanIoU(4, sparse_y_pred=False, name="iou"),
    ]


def of_shares():
    return [
        metrics.F1Score("macro"),
        metrics.CategoricalAccuracy(),
        metrics.TopKCategoricalAccuracy(2),
        metrics.AUC(multi_label=True, name="auc"),
    ]


KINDS = {
    "yes": (yes_or_no, YES, {}),
    "logits": (
        lambda: [metrics.AUC(from_logits=True, name="auc"), metrics.BinaryCrossentropy(from_logits=True)],
        YES,
        {"last": "linear", "loss": gs.losses.BinaryCrossentropy(from_logits=True)},
    ),
    "classes": (of_classes, LABELS, {"last": "softmax", "outputs": 4, "loss": "sparse_categorical_crossentropy"}),
    "shares": (of_shares, np.eye(4)[LABELS], {"last": "softmax", "outputs": 4, "loss": "categorical_crossentropy"}),
}
kinds = pytest.mark.parametrize("kind", KINDS)


@kinds
@pytest.mark.parametrize("batch", [32, 150, 7])
def test_evaluate_equals_metrics_by_hand(kind, batch):
    make, y, more = KINDS[kind]
    trained = model(make(), **more)
    predicted = trained.predict(X, verbose=0)
    logs = trained.evaluate(X, y, batch_size=batch, verbose=0, return_dict=True)
    for metric in make():
        by_hand = metric(y if predicted.shape[1] > 1 else y[:, None], predicted)
        # The engine clips no outputs that it made from logits, and sums a row in float32.
        close = 1e-6 if isinstance(metric, metrics.loss_metrics.LossMetric) else CLOSE
        np.testing.assert_allclose(logs[metric.name], by_hand, rtol=close, atol=close, err_msg=metric.name)


@kinds
def test_objects_hold_what_the_logs_say(kind):
    make, y, more = KINDS[kind]
    given = make()
    trained = model(given, **more)
    logs = trained.evaluate(X, y, verbose=0, return_dict=True)
    for metric in given:
        np.testing.assert_allclose(metric.result(), logs[metric.name], rtol=CLOSE)
    assert trained.metrics_names == ["loss", *(metric.name for metric in given)]


@kinds
def test_training_is_as_without_metrics(kind):
    """Also in its bits: only somebody looks at the outputs."""
    make, y, more = KINDS[kind]
    measured, plain = model(make(), **more), model(**more)
    history = train(measured, X, y, epochs=3, batch_size=16, validation_split=0.2).history
    expected = train(plain, X, y, epochs=3, batch_size=16, validation_split=0.2).history
    assert snapshot(measured) == snapshot(plain)
    assert history["loss"] == expected["loss"]
    assert history["val_loss"] == expected["val_loss"]
    assert set(history) == {f"{p}{name}" for p in ("", "val_") for name in ["loss", *(m.name for m in make())]}


def test_an_epoch_sees_the_outputs_before_each_step():
    """By hand: predict a batch, feed the metric, take the step."""
    trained, by_hand = model([metrics.AUC(name="auc")]), model()
    history = train(trained, X, YES, epochs=2, batch_size=32, shuffle=False).history["auc"]
    for value in history:
        metric = metrics.AUC()
        for first in range(0, len(X), 32):
            x, y = X[first : first + 32], YES[first : first + 32]
            metric.update_state(y, by_hand.predict_on_batch(x))
            by_hand.train_on_batch(x, y)
        assert value == pytest.approx(metric.result(), rel=CLOSE)


@pytest.mark.parametrize("kind", ["sam", "lookahead"])
def test_wrapped_optimizers_feed_each_batch_once(kind):
    """SAM runs a batch twice: what counts are the outputs at the weights, not at those beside them."""

    def optimizer():
        inner = gs.optimizers.SGD(0.1)
        return gs.optimizers.SAM(inner, rho=0.5) if kind == "sam" else gs.optimizers.Lookahead(inner)

    trained = model(
        [metrics.TruePositives(name="tp"), "accuracy", metrics.BinaryAccuracy("above", threshold=0.4999)],
        optimizer=optimizer(),
    )
    logs = train(trained, X, YES, epochs=3, batch_size=50).history
    assert logs["above"] == pytest.approx(logs["accuracy"], abs=0.01)
    plain = model(optimizer=optimizer())
    train(plain, X, YES, epochs=3, batch_size=50)
    assert snapshot(trained) == snapshot(plain)


def test_shuffled_rows_meet_their_targets():
    """A model that knows all answers is always right, in whatever order."""
    known = gs.Sequential([gs.Input((1,)), gs.layers.Dense(1, "linear", kernel_initializer="ones")])
    known.compile(gs.optimizers.SGD(0.0), "mse", metrics=[metrics.Accuracy("same"), metrics.R2Score()])
    x = np.arange(100.0)
    history = known.fit(x, x, batch_size=7, epochs=3, verbose=0).history
    assert history["same"] == [1.0] * 3
    assert history["r2_score"] == [1.0] * 3


def test_one_batch():
    trained = model(["accuracy", metrics.Precision(name="precision")])
    predicted = trained.predict_on_batch(X[:40])
    expected = metrics.Precision()(YES[:40, None], predicted)
    assert trained.test_on_batch(X[:40], YES[:40], return_dict=True)["precision"] == pytest.approx(expected)
    assert trained.train_on_batch(X[:40], YES[:40])[2] == pytest.approx(expected)
    again = trained.train_on_batch(X[:40], YES[:40], return_dict=True)
    assert list(again) == ["loss", "accuracy", "precision"]


def test_names_of_all_kinds():
    """A string keeps its spelling, as in Keras."""

    def spread(y_true, y_pred):
        return y_pred - y_pred.min()

    wanted = ["acc", "AUC", "Precision", "mse", "MeanAbsoluteError", metrics.Recall, spread, metrics.BinaryAccuracy()]
    trained = model(wanted, weighted_metrics=["acc", "auc"])
    names = trained.metrics_names
    assert names[:6] == ["loss", "acc", "AUC", "Precision", "mse", "MeanAbsoluteError"]
    assert names[6].startswith("recall")
    assert names[7:] == ["spread", "binary_accuracy", "weighted_acc", "auc"]
    logs = trained.evaluate(X, YES, verbose=0, return_dict=True)
    assert logs["acc"] == logs["binary_accuracy"] == logs["weighted_acc"]
    assert logs["AUC"] == logs["auc"]


def test_weighted_metrics_count_weights():
    """Given weights of the rows, those of weighted_metrics count them, others do not."""
    both = lambda: ["accuracy", metrics.AUC(name="auc")]  # noqa: E731
    trained = model(both(), weighted_metrics=both())
    assert trained.metrics_names == ["loss", "accuracy", "auc", "weighted_accuracy", "weighted_auc"]
    y, w = YES[:, None].astype(np.float32), np.random.default_rng(0).random(150)
    _, *values = trained.evaluate(X, y, sample_weight=w, verbose=0)
    predicted = trained.predict(X, verbose=0)
    by_hand = [m(y, predicted, weight) for weight in (None, w) for m in (metrics.BinaryAccuracy(), metrics.AUC())]
    np.testing.assert_allclose(values, by_hand, rtol=CLOSE)
    assert len(set(values)) == 4


def test_only_metrics_that_need_it_bring_python_to_every_batch():
    trained = model(["accuracy", "mse"])
    trained.predict(X[:1], verbose=0)
    assert not is_fed_in_python(trained, X, YES)
    assert not is_fed_in_python(model([metrics.BinaryAccuracy(), metrics.MeanSquaredError()]), X, YES)
    assert is_fed_in_python(model([metrics.AUC()]), X, YES)


def test_outputs_of_a_run():
    trained = model(last="softmax", outputs=4, loss="sparse_categorical_crossentropy")
    run = run_of(trained, X, LABELS, 64)
    assert run.outputs.shape == (0, 4)
    run.start(None)
    first = (run.advance(0.0), run.outputs)[1]
    kept = first.copy()
    run.advance(10.0)
    assert run.outputs.shape == (150 - 128, 4)
    np.testing.assert_array_equal(first, kept)  # it is a copy
    predicted = trained.predict(X, batch_size=64, verbose=0)
    np.testing.assert_array_equal(first, predicted[:64])
    np.testing.assert_array_equal(run.outputs, predicted[128:])


def test_the_bar_shows_metrics_of_many_numbers(capsys):
    trained = model([metrics.Precision(thresholds=[0.2, 0.8], name="precision")])
    trained.fit(X, YES, verbose=2)
    assert "precision 0." in capsys.readouterr().out


def test_a_metric_of_one_s_own():
    class Largest(metrics.Metric):
        def reset_state(self):
            self.largest, self.seen = 0.0, []

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.largest = max(self.largest, float(np.abs(y_pred - y_true).max()))
            self.seen.append(y_pred)

        def result(self):
            return self.largest

    own = Largest(name="largest")
    trained = model([own])
    predicted = trained.predict(X, verbose=0)
    logs = trained.evaluate(X, YES, verbose=0, return_dict=True)
    assert logs["largest"] == np.abs(predicted - YES[:, None]).max()
    np.testing.assert_array_equal(np.concatenate(own.seen), predicted)  # what it keeps is its own


MISFITS = {
    "F scores need columns": (
        lambda: metrics.F1Score(),
        ValueError,
        "does not fit the loss and the outputs.*rows, classes",
    ),
    "precision of class numbers": (lambda: metrics.Precision(), ValueError, "metric 'precision.*' does not fit"),
    "a class that is not there": (
        lambda: metrics.SparseTopKCategoricalAccuracy(k=0),
        ValueError,
        "k must be at least 1",
    ),
}


@pytest.mark.parametrize("case", MISFITS)
def test_a_misfit_is_refused_before_the_first_step(case):
    make, error, message = MISFITS[case]
    trained = model(last="softmax", outputs=4, loss="sparse_categorical_crossentropy")
    trained.fit(X, LABELS, verbose=0)
    before = snapshot(trained)
    with pytest.raises(error, match=message):
        _refit(trained, make)
    assert snapshot(trained) == before


def _refit(trained, make):
    trained.compile(trained.optimizer, "sparse_categorical_crossentropy", metrics=[make()])
    trained.fit(X, LABELS, verbose=0)


def test_a_refused_call_leaves_the_metrics_as_they_were():
    """Also those that were tried on a row before the one that does not fit, whatever they had seen."""
    score = metrics.F1Score()
    score.update_state(np.eye(3), np.eye(3))
    model([score], last="softmax", outputs=4, loss="categorical_crossentropy").evaluate(X, np.eye(4)[LABELS], verbose=0)
    fine = metrics.SparseTopKCategoricalAccuracy(k=2)
    trained = model([fine, metrics.F1Score()], last="softmax", outputs=4, loss="sparse_categorical_crossentropy")
    before = fine(LABELS, np.eye(4)[LABELS])
    with pytest.raises(ValueError, match="metric 'f1_score' does not fit"):
        trained.fit(X, LABELS, verbose=0)
    assert (before, fine.result(), fine.count) == (1.0, 1.0, 150)


BAD = {
    "no list": (lambda: ["adam", "mse", metrics.AUC()], TypeError, "metrics must be a list of names and metrics"),
    "a number": (lambda: ["adam", "mse", [3]], TypeError, r"metrics\[0\] must be a name, a Metric or a function"),
    "a loss": (lambda: ["adam", "mse", [gs.losses.get("mse")]], TypeError, r"metrics\[0\] must be a name"),
    "unknown": (lambda: ["adam", "mse", ["acuracy"]], ValueError, "Did you mean 'accuracy'"),
    "needs arguments": (lambda: ["adam", "mse", ["IoU"]], TypeError, "IoU cannot be made by name alone.*num_classes"),
    "twice": (lambda: ["adam", "mse", [metrics.AUC(name="a"), metrics.Recall(name="a")]], ValueError, "got 'a' again"),
    "called loss": (lambda: ["adam", "mse", [metrics.AUC(name="loss")]], ValueError, "got 'loss' again"),
    "the same": (lambda: ["adam", "mse", *[[SHARED]] * 2], ValueError, r"weighted_metrics\[0\] is in the list already"),
    "weighted without loss": (lambda: ["adam", None, None, ["acc"]], ValueError, "weighted_metrics need a loss"),
}
SHARED = metrics.AUC(name="shared")


@pytest.mark.parametrize("case", BAD)
def test_bad_metrics(case):
    arguments, error, message = BAD[case]
    trained = model(["accuracy"])
    before = trained.optimizer
    with pytest.raises(error, match=message):
        trained.compile(**dict(zip(("optimizer", "loss", "metrics", "weighted_metrics"), arguments(), strict=False)))
    assert trained.optimizer is before
    assert trained.metrics_names == ["loss", "accuracy"]
