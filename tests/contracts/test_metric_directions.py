"""Every metric says which way is better, it is true, and callbacks go by it whatever the metric is called."""

from __future__ import annotations

import inspect

import gradstep as gs
import numpy as np
import pytest
from gradstep import _core, losses, metrics
from gradstep.callbacks import EarlyStopping
from metric_cases import CASES, IDS, data
from training import classifier, clusters

PLAIN = {"Metric", "Mean", "Sum", "MeanMetricWrapper"}  # of any numbers: they cannot know
CLASSES = sorted({name for name in metrics.__all__ if inspect.isclass(getattr(metrics, name))} - PLAIN)
FUNCTIONS = [
    name for name in metrics.__all__ if inspect.isfunction(getattr(metrics, name)) and name[:3] not in ("get", "res")
]


def extremes(kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Targets, perfect predictions and the worst ones."""
    t, _ = data(kind, 60)
    if kind in ("yes", "columns", "logits"):
        good, bad = np.where(t > 0, 0.99, 0.01), np.where(t > 0, 0.01, 0.99)
        return (t, np.log(good / (1 - good)), np.log(bad / (1 - bad))) if kind == "logits" else (t, good, bad)
    if kind == "numbers":
        return t, t, -t
    if kind == "classes":
        return t, t, (t + 1) % 6
    if kind == "ids":
        good = (t[:, None] + np.arange(6)) % 6
        return t, good, good[:, ::-1]
    labels = t if kind == "labels" else t.argmax(axis=1)
    ranks = (np.arange(6) - labels[:, None]) % 6  # 0 at the target
    shares = np.array([0.9, 0.04, 0.03, 0.015, 0.01, 0.005])
    return t, shares[ranks], shares[5 - ranks]


@pytest.mark.parametrize("name", CLASSES)
def test_every_class_says_which_way_is_better(name):
    assert isinstance(getattr(metrics, name).higher_is_better, bool)


# But for thresholds and sums that leave nothing between the best and the worst.
TELLING = [
    pytest.param(case, id=name)
    for case, name in zip(CASES, IDS, strict=True)
    if case.arguments.get("num_thresholds", 3) > 2
    and case.arguments.get("summation_method", "interpolation") == "interpolation"
]


@pytest.mark.parametrize("case", TELLING)
def test_a_perfect_prediction_is_better_than_a_bad_one(case):
    t, good, bad = extremes(case.data)
    made = [getattr(metrics, case.cls)(**case.arguments) for _ in range(2)]
    best, worst = np.asarray(made[0](t, good)), np.asarray(made[1](t, bad))
    if not made[0].higher_is_better:
        best, worst = -best, -worst
    assert (best >= worst).all()
    assert (best > worst).any()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_say_it_too(name):
    function = getattr(metrics, name)
    cls = metrics.registry.table().get(name, metrics.LogCoshError)
    assert metrics.MeanMetricWrapper(function).higher_is_better is cls.higher_is_better
    assert metrics.get(function).higher_is_better is cls.higher_is_better


@pytest.mark.parametrize("name", sorted({*_core.metrics(), *metrics.registry.table(), "acc", "Accuracy"}))
def test_names_say_it_too(name):
    cls = metrics.registry.table().get(name)
    plain = cls in (metrics.Mean, metrics.Sum)
    assert (metrics.registry.higher_is_better(name) is None) == plain
    if cls is not None:
        assert metrics.registry.higher_is_better(name) is cls.higher_is_better or name.lower() == "accuracy"
    elif name not in ("acc", "accuracy"):
        assert metrics.registry.higher_is_better(name) is False  # a loss


@pytest.mark.parametrize("name", [name for name in losses.__all__ if inspect.isfunction(getattr(losses, name))])
def test_a_loss_as_a_metric_is_better_when_smaller(name):
    function = getattr(losses, name)
    if losses.registry.is_own(function):
        assert metrics.MeanMetricWrapper(function, "accuracy").higher_is_better is False


def error(t, y):
    return np.abs(t - y)


def skill(t, y):
    return -np.abs(t - y)


skill.higher_is_better = True


def told(value, name):
    metric = metrics.MeanMetricWrapper(error, name)
    metric.higher_is_better = value
    return metric


WATCHED = [
    (lambda: metrics.AUC(name="val_roc"), "val_roc", True),
    (lambda: metrics.AUC(name="val_roc"), "val_val_roc", True),
    (lambda: metrics.Recall(name="mine"), "val_mine", True),
    (lambda: metrics.F1Score(name="loss2", average="macro"), "loss2", True),
    (lambda: metrics.R2Score(name="mine"), "mine", True),
    (lambda: metrics.MeanSquaredError(name="inaccuracy"), "val_inaccuracy", False),
    (lambda: metrics.FalsePositives(name="true_positives"), "true_positives", False),
    (lambda: metrics.MeanMetricWrapper(metrics.binary_accuracy, "b"), "val_b", True),
    (lambda: metrics.MeanMetricWrapper(losses.huber, "auc"), "auc", False),
    (lambda: skill, "val_skill", True),
    (lambda: told(True, "k"), "k", True),
    (lambda: told(False, "accuracy_k"), "accuracy_k", False),
    (lambda: "acc", "val_acc", True),
    (lambda: "mse", "mse", False),
    (lambda: "AUC", "AUC", True),
    (lambda: "cosine_similarity", "cosine_similarity", True),
]


def binary(**compiled):
    model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(1, "sigmoid")])
    model.compile("sgd", "binary_crossentropy", **compiled)
    return model


def larger(model, monitor):
    stop = EarlyStopping(monitor)
    stop.set_model(model)
    stop.on_train_begin()
    return stop._larger


@pytest.mark.parametrize(("make", "monitor", "expected"), WATCHED, ids=[w[1] for w in WATCHED])
def test_auto_goes_by_the_metric_and_not_by_its_name(make, monitor, expected):
    assert larger(binary(metrics=[make()]), monitor) is expected


def test_weighted_metrics_and_outputs_are_found():
    x = gs.Input((3,))
    model = gs.Model(x, [gs.layers.Dense(1, name="accuracy")(x), gs.layers.Dense(1, name="b")(x)])
    plain = {"accuracy": ["mae", metrics.R2Score(name="error")], "b": ["mse", metrics.R2Score(name="skill")]}
    model.compile("sgd", "mse", metrics=plain, weighted_metrics={"b": ["mse"]})
    found = {name: larger(model, name) for name in model.metrics_names}
    assert found == {
        "loss": False, "accuracy_loss": False, "b_loss": False, "accuracy_mae": False,
        "accuracy_error": True, "b_mse": False, "b_skill": True, "b_weighted_mse": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    "make",
    [lambda: error, lambda: metrics.MeanMetricWrapper(error, "accuracy_of_mine"), lambda: told(None, "auc_of_mine")],
)
def test_a_metric_that_does_not_say_asks_for_a_mode(make):
    given = make()
    model, name = binary(metrics=[given]), getattr(given, "name", "error")
    before = model.get_weights()
    for monitor in (name, f"val_{name}"):
        with pytest.raises(ValueError, match=r"does not say.* Give mode='min' or mode='max'"):
            model.fit(np.ones((4, 2)), np.ones(4), verbose=0, callbacks=[EarlyStopping(monitor)])
        assert EarlyStopping(monitor, mode="max").mode == "max"
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize("monitor", ["watched", "auc_of_mine", "learning_rate"])
def test_a_name_of_no_metric_asks_for_a_mode(monitor):
    model = classifier()
    with pytest.raises(ValueError, match=r"no loss or metric of that name; it has loss, .* Give mode="):
        model.fit(*clusters(40), verbose=0, callbacks=[EarlyStopping(monitor)])


@pytest.mark.peers
def test_directions_are_those_of_keras():
    """Where Keras knows one."""
    keras = pytest.importorskip("keras")
    for case in CASES:
        theirs = getattr(getattr(keras.metrics, case.cls, None), "__init__", None)
        direction = {'"up"': True, '"down"': False}
        source = inspect.getsource(theirs) if inspect.isfunction(theirs) else ""
        for text, expected in direction.items():
            if f"_direction = {text}" in source:
                assert getattr(metrics, case.cls).higher_is_better is expected, case.cls
