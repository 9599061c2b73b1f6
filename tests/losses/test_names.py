"""Losses and metrics by name."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import losses, metrics


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("mse", losses.MeanSquaredError),
        ("MAE", losses.MeanAbsoluteError),
        ("mean_squared_error", losses.MeanSquaredError),
        ("MeanSquaredError", losses.MeanSquaredError),
        (losses.binary_crossentropy, losses.BinaryCrossentropy),
        ("sparse_categorical_crossentropy", losses.SparseCategoricalCrossentropy),
    ],
)
def test_get(name, cls):
    assert type(losses.get(name)) is cls


def test_get_keeps_an_object():
    loss = losses.CategoricalCrossentropy(from_logits=True)
    assert losses.get(loss) is loss
    assert repr(loss) == "CategoricalCrossentropy(from_logits=True)"


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ("categorical", ValueError, r"loss must be one of .*; got 'categorical'\. Did you mean 'categorical_crossen"),
        (losses.MeanSquaredError, TypeError, "got the class MeanSquaredError: call it"),
        (lambda t, y: 0.0, TypeError, "loss must be a name or a Loss of gradstep.losses; got a function"),
        (np.abs, TypeError, "loss must be a name or a Loss"),
        (3, TypeError, "loss must be a name or a Loss of gradstep.losses; got an int"),
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


def test_every_metric_of_the_engine_has_a_class():
    classes = metrics.registry.table()
    engine = [name for name in gs._core.metrics() if name in classes]
    assert engine == [classes[name]._engine for name in engine]
    assert {cls._engine for cls in classes.values() if getattr(cls, "_engine", "")} == set(engine)


def test_metrics_by_name():
    assert metrics.resolve("mse", losses.get("mae"), 1) == "mean_squared_error"
    with pytest.raises(ValueError, match=r"metrics must be one of .*; got 'acuracy'\. Did you mean 'accuracy'"):
        metrics.resolve("acuracy", losses.get("mse"), 1)
    with pytest.raises(ValueError, match=r"'categorical_accuracy' takes rows of numbers, .* takes class numbers"):
        metrics.resolve("categorical_accuracy", losses.get("sparse_categorical_crossentropy"), 3)
    with pytest.raises(TypeError, match="metrics must be a name; got a function"):
        metrics.resolve(lambda: 0, losses.get("mse"), 1)
