"""Losses and metrics by name."""

from __future__ import annotations

import json

import gradstep as gs
import numpy as np
import pytest
from gradstep import losses, metrics
from loss_cases import CASES


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("mse", losses.MeanSquaredError),
        ("MAE", losses.MeanAbsoluteError),
        ("mean_squared_error", losses.MeanSquaredError),
        ("MeanSquaredError", losses.MeanSquaredError),
        (losses.binary_crossentropy, losses.BinaryCrossentropy),
        ("sparse_categorical_crossentropy", losses.SparseCategoricalCrossentropy),
        ("kld", losses.KLDivergence),
        ("MAPE", losses.MeanAbsolutePercentageError),
        ("msle", losses.MeanSquaredLogarithmicError),
        ("pinball", losses.Quantile),
        (losses.hinge, losses.Hinge),
        ({"class_name": "Huber", "config": {"delta": 2.0}}, losses.Huber),
    ],
)
def test_get(name, cls):
    assert type(losses.get(name)) is cls


def test_get_keeps_an_object():
    loss = losses.CategoricalCrossentropy(from_logits=True)
    assert losses.get(loss) is loss
    assert repr(loss) == "CategoricalCrossentropy(from_logits=True)"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_serialize_and_back(case):
    loss = case.make(reduction="sum", name="mine", dtype="float64")
    config = json.loads(json.dumps(losses.serialize(loss)))
    again = losses.deserialize(config)
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    assert repr(again) == repr(loss)
    random = np.random.default_rng(0)
    y, t = case.predictions(4, 3, random), case.targets(4, 3, random)
    assert again(t, y) == loss(t, y)


def test_settings_are_what_is_computed_with():
    loss = losses.Huber(delta=0.5)
    assert (loss.delta, loss.name, loss.reduction) == (0.5, "huber_loss", "sum_over_batch_size")
    assert repr(loss) == "Huber(delta=0.5)"
    loss.delta = 2.0
    assert loss([[0.0]], [[2.0]]) == 2.0


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: losses.Huber(delta=0), ValueError, r"delta must be a number in \(0, inf\); got 0"),
        (lambda: losses.Huber(delta="1"), TypeError, "delta must be a real number; got '1'"),
        (lambda: losses.Quantile(q=1.0), ValueError, r"q must be a number in \(0, 1\); got 1"),
        (lambda: losses.CategoricalGeneralizedCrossEntropy(q=0), ValueError, r"q must be a number in \(0, 1\)"),
        (lambda: losses.BinaryCrossentropy(label_smoothing=1.5), ValueError, r"label_smoothing .* \[0, 1\]; got 1.5"),
        (lambda: losses.BinaryCrossentropy(from_logits=1), TypeError, "from_logits must be True or False; got 1"),
        (lambda: losses.CategoricalCrossentropy(axis=True), TypeError, "axis must be a whole number"),
        (lambda: losses.CosineSimilarity(axis=0.5), TypeError, "axis must be a whole number"),
        (lambda: losses.Dice(axis="all"), TypeError, "axis must be a whole number"),
        (lambda: losses.SparseCategoricalCrossentropy(ignore_class=1.5), TypeError, "ignore_class must be a whole"),
        (lambda: losses.Circle(remove_diagonal=None), TypeError, "remove_diagonal must be True or False"),
        (lambda: losses.Circle(gamma=float("nan")), ValueError, "gamma must be a number"),
        (lambda: losses.Hinge(reduction="average"), ValueError, "reduction must be one of .*; got 'average'"),
        (lambda: losses.Hinge(dtype="int8"), ValueError, "dtype must be one of float32, float64; got 'int8'"),
        (lambda: losses.Hinge(name=3), TypeError, "name must be a str; got an int"),
    ],
)
def test_bad_settings(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_dtype_is_what_is_computed_in():
    t, y = np.zeros((2, 3)), np.full((2, 3), 0.1)
    assert losses.MeanSquaredError(dtype="float32").value_and_grad(t, y)[1].dtype == np.float32
    assert losses.MeanSquaredError(dtype="float64").value_and_grad(t, y.astype("float32"))[1].dtype == np.float64


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ("categorical", ValueError, r"loss must be one of .*; got 'categorical'\. Did you mean 'categorical_cross"),
        (losses.MeanSquaredError, TypeError, "got the class MeanSquaredError: call it"),
        (3, TypeError, "loss must be a name, a dict, a function or a Loss; got an int"),
        ({"class_name": "os.system", "config": {}}, ValueError, "loss must be of a known class; got 'os.system'"),
        ({"class_name": "Huber"}, ValueError, "loss has no key 'config'"),
    ],
)
def test_what_is_no_loss(given, error, message):
    with pytest.raises(error, match=message):
        losses.get(given)


def test_functions_give_rows():
    np.testing.assert_array_equal(losses.mean_squared_error([[0.0], [3.0]], [[1.0], [1.0]]), [1.0, 4.0])
    np.testing.assert_array_equal(losses.mean_absolute_error([[0.0], [3.0]], [[1.0], [1.0]]), [1.0, 2.0])
    z = np.array([[0.3, -2.0]])
    for f, activation in ((losses.binary_crossentropy, "sigmoid"), (losses.categorical_crossentropy, "softmax")):
        y = gs.activations.get(activation)(z)
        np.testing.assert_allclose(f([[1, 0]], z, from_logits=True), f([[1, 0]], y), rtol=1e-6)
    np.testing.assert_allclose(
        losses.sparse_categorical_crossentropy([1], z, from_logits=True),
        losses.categorical_crossentropy([[0, 1]], z, from_logits=True),
    )


@pytest.mark.parametrize(
    ("loss", "outputs", "expected"),
    [
        ("binary_crossentropy", 1, "binary_accuracy"),
        ("mse", 1, "binary_accuracy"),
        ("binary_crossentropy", 3, "categorical_accuracy"),  # as Keras: by shapes
        ("categorical_crossentropy", 3, "categorical_accuracy"),
        ("sparse_categorical_crossentropy", 3, "sparse_categorical_accuracy"),
    ],
)
def test_accuracy_is_picked_as_in_keras(loss, outputs, expected):
    assert metrics.resolve("accuracy", losses.get(loss), outputs) == expected
    assert metrics.resolve("acc", losses.get(loss), outputs) == expected


def test_metrics_that_the_engine_computes_are_those_of_the_same_name():
    classes, engine = metrics.registry.table(), gs._core.metrics()
    assert {cls._engine for cls in classes.values() if getattr(cls, "_engine", "")} <= set(engine)
    others = {name for name in engine if name in classes and classes[name]._engine != name}
    assert others == {"cosine_similarity"}  # the metric is the negative of the loss, as in Keras
    assert metrics.resolve("cosine_similarity", losses.get("mse"), 3) == ""


def test_metrics_by_name():
    assert metrics.resolve("mse", losses.get("mae"), 1) == "mean_squared_error"
    with pytest.raises(ValueError, match=r"metrics must be one of .*; got 'acuracy'\. Did you mean 'accuracy'"):
        metrics.resolve("acuracy", losses.get("mse"), 1)
    with pytest.raises(ValueError, match=r"'categorical_accuracy' takes rows of numbers, .* takes class numbers"):
        metrics.resolve("categorical_accuracy", losses.get("sparse_categorical_crossentropy"), 3)
    with pytest.raises(TypeError, match="metrics must be a name; got a function"):
        metrics.resolve(lambda: 0, losses.get("mse"), 1)
