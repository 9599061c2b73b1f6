"""Promises of every loss, of outputs and of logits, by the engine's own list."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradients import WIDTHS, difference, numeric_gradient, targets_for
from gradstep import _core
from gradstep.losses.registry import table
from reference.losses import LOGITS, LOSSES

NAMES = _core.losses()
FORMS = [(name, False) for name in NAMES] + [(name, True) for name in LOGITS]
FORM_IDS = [f"{name}{'-logits' if logits else ''}" for name, logits in FORMS]

forms = pytest.mark.parametrize(("name", "from_logits"), FORMS, ids=FORM_IDS)


def make(name, from_logits):
    cls = table()[name]
    return cls(from_logits=True) if from_logits else cls()


def predictions(name, from_logits, rows, n, random):
    if from_logits or name.startswith("mean"):
        return 2 * random.normal(size=(rows, n))
    return random.uniform(0.05, 0.95, (rows, n))


def test_every_loss_has_an_oracle_and_a_class():
    assert set(NAMES) == set(LOSSES), "add the oracle to tests/reference/losses.py"
    assert set(NAMES) == {cls().name for cls in table().values()}


@forms
@pytest.mark.parametrize("width", WIDTHS)
def test_value_and_slope_equal_the_oracle(name, from_logits, width, dtype):
    random = np.random.default_rng(width)
    y = predictions(name, from_logits, 6, width, random).astype(dtype)
    t = targets_for(name, 6, width, random)
    t = t if t.ndim == 1 else t.astype(dtype)
    values, slopes = (LOGITS if from_logits else LOSSES)[name](t if t.ndim == 1 else t.astype(float), y.astype(float))
    loss = make(name, from_logits)
    value, slope = loss.value_and_grad(t, y)
    assert slope.dtype == dtype
    assert slope.shape == y.shape
    # A row is summed in the predictions' dtype; log and exp are within a few ULP. Slopes reach 1 / 0.05.
    eps = 16 * float(np.finfo(dtype).eps) * width**0.5
    np.testing.assert_allclose(loss.rows(t, y), values, rtol=eps, atol=eps)
    np.testing.assert_allclose(slope, slopes / 6, rtol=eps, atol=eps * 20)
    assert value == loss(t, y) == pytest.approx(values.mean(), rel=eps, abs=eps)


@forms
@pytest.mark.parametrize("width", WIDTHS)
def test_slope_equals_central_differences(name, from_logits, width):
    random = np.random.default_rng(width)
    y = predictions(name, from_logits, 4, width, random)
    t = targets_for(name, 4, width, random)
    if name == "mean_absolute_error":
        y[np.abs(y - t) < 1e-3] += 0.1  # away from the kink
    loss = make(name, from_logits)
    _, slope = loss.value_and_grad(t, y)
    assert difference(slope, numeric_gradient(lambda: loss(t, y), y)) <= 1e-7


@forms
@pytest.mark.parametrize("width", [1, 3, 9])
def test_gradients_through_a_model_equal_central_differences(name, from_logits, width):
    """Also where the last activation is taken into the loss."""
    random = np.random.default_rng(width)
    gs.utils.set_random_seed(width)
    activation = {"binary_crossentropy": "sigmoid", "mean_squared_error": "linear", "mean_absolute_error": "linear"}
    last = "linear" if from_logits else activation.get(name, "softmax")
    model = gs.Sequential(
        [gs.Input((4,)), gs.layers.Dense(6, "tanh", dtype="float64"), gs.layers.Dense(width, last, dtype="float64")]
    )
    model.compile("sgd", make(name, from_logits))
    x, t = random.normal(size=(5, 4)), targets_for(name, 5, width, random)
    _, gradients = model.value_and_grad(x, t)
    for weight, gradient in zip(model.weights, gradients, strict=True):
        assert difference(gradient, numeric_gradient(lambda: model.test_on_batch(x, t), weight)) <= 1e-7


@forms
def test_extremes_stay_finite(name, from_logits, dtype):
    size = 500.0 if from_logits or name.startswith("mean") else 1.0
    y = np.array([[0.0, size], [size, 0.0]], dtype)
    for t in ([0, 1], [1, 0]):
        loss = make(name, from_logits)
        value, slope = loss.value_and_grad(np.array(t) if loss.labels else np.eye(2)[t], y)
        assert np.isfinite(value)
        assert np.isfinite(slope).all()


@pytest.mark.parametrize("last", ["sigmoid", "softmax"])
def test_a_model_s_loss_is_not_clipped(last):
    """Taken into the loss, sigmoid and softmax of large logits keep their value and slope; apart they are clipped."""
    loss = "binary_crossentropy" if last == "sigmoid" else "categorical_crossentropy"
    steep = gs.layers.Dense(2, last, kernel_initializer=lambda shape, dtype: 100 * np.eye(2))
    model = gs.Sequential([gs.Input((2,)), steep])
    model.compile("sgd", loss)
    x, t = np.array([[1.0, -1.0]]), np.array([[0.0, 1.0]])
    value, gradients = model.value_and_grad(x, t)
    assert value == pytest.approx(100 if last == "sigmoid" else 200)
    assert np.abs(gradients[0]).max() > 0.4
    assert gs.losses.get(loss)(t, model(x)) == pytest.approx(-np.log(1e-7), rel=0.1)


@forms
def test_shapes_must_be_equal(name, from_logits):
    loss = make(name, from_logits)
    y = np.full((4, 3), 0.5)
    wrong = (5,) if loss.labels else (4,)
    with pytest.raises(ValueError, match=r"y_true has shape .* must be equal"):
        loss(np.zeros(wrong, int), y)
    with pytest.raises(ValueError, match=r"y_pred must have at least one row"):
        loss(np.zeros((0,) if loss.labels else (0, 3), int), y[:0])
    with pytest.raises(TypeError, match=r"y_pred must be an array of real numbers"):
        loss(np.zeros(4, int) if loss.labels else y, y + 0j)


def test_a_column_is_not_a_row():
    """(n,) against (n, 1) would broadcast to (n, n)."""
    with pytest.raises(ValueError, match=r"y_true has shape \(4,\); y_pred has shape \(4, 1\): they must be equal"):
        gs.losses.MeanSquaredError()(np.zeros(4), np.zeros((4, 1)))


@pytest.mark.parametrize("label", [-1, 3, 2**40])
def test_labels_outside_the_classes_are_refused(label):
    with pytest.raises(ValueError, match=rf"y_true\[2\] is {label}; labels must be in \[0, 3\)"):
        gs.losses.SparseCategoricalCrossentropy()([0, 1, label], np.full((3, 3), 1 / 3))
    with pytest.raises(ValueError, match=r"y_true must hold whole class numbers; y_true\[1\] is 0.5"):
        gs.losses.SparseCategoricalCrossentropy()([0, 0.5, 1], np.full((3, 3), 1 / 3))


@forms
def test_one_row_and_more_dimensions(name, from_logits):
    random = np.random.default_rng(0)
    loss = make(name, from_logits)
    y = predictions(name, from_logits, 6, 3, random)
    t = targets_for(name, 6, 3, random)
    rows = loss.rows(t, y)
    assert loss.rows(t[0], y[0]).shape == ()
    assert loss.rows(t[0], y[0]) == rows[0]
    cube = loss.rows(t.reshape(2, 3, *t.shape[1:]), y.reshape(2, 3, 3))
    np.testing.assert_array_equal(cube, rows.reshape(2, 3))
    if loss.labels:
        np.testing.assert_array_equal(loss.rows(t[:, None], y), rows)
