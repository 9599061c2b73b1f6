"""Promises of every loss, of outputs and of logits and with other settings."""

from __future__ import annotations

import inspect

import gradstep as gs
import numpy as np
import pytest
from gradients import WIDTHS, difference, numeric_gradient
from gradstep import _core
from gradstep.losses.registry import table
from loss_cases import CASES, KINDS, Case
from reference.losses import LOSSES

cases = pytest.mark.parametrize("case", CASES, ids=str)
plain = pytest.mark.parametrize("case", [case for case in CASES if not case.settings], ids=str)
REDUCTIONS = ["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None]


def together(case, reduction, t, values, weights=None, mask=None):
    """What losses are together, by the words of Keras."""
    own = case.counts(t, values)
    counts = np.ones(values.shape) if mask is None else mask.astype(float)
    counts = counts if own is None else counts * own
    masked = own is not None or mask is not None
    parts = values * counts * (1 if weights is None else weights)
    if reduction in (None, "none"):
        return parts
    if case.whole and weights is None and mask is None:
        return values[0]
    divisor = {"sum": 1.0, "mean_with_sample_weight": (counts * (1 if weights is None else weights)).sum()}
    whole = divisor.get(reduction, counts.sum() if masked else len(values))
    return parts.sum() / whole if whole else 0.0


def test_every_loss_has_an_oracle_and_a_class():
    assert set(KINDS) == set(LOSSES), "add the oracle to tests/support/reference/losses.py"
    assert set(KINDS) == {cls.kind for cls in table().values()}


@pytest.mark.parametrize("kind", KINDS)
def test_defaults_are_those_of_the_engine(kind):
    signature = inspect.signature(table()[kind]).parameters
    fields = {name: default for name, default, *_ in _core.losses()[kind]}
    beside = {"name", "reduction", "dtype", "axis", "from_logits"}
    assert set(signature) - beside == set(fields)
    for name, default in fields.items():
        assert signature[name].default in (default, None), name
        assert name in table()[kind].__doc__


@pytest.mark.grid(case=CASES, width=WIDTHS)
def test_value_and_slope_equal_the_oracle(case, width, dtype):
    """Sampled: every two of loss, width and dtype; --grid has all."""
    random = np.random.default_rng(width)
    y = case.predictions(6, width, random).astype(dtype)
    t = case.targets(6, width, random)
    t = t if case.labels else t.astype(dtype)
    values, slopes = case.oracle(t, y)
    loss = case.make(reduction="none")
    value, slope = loss.value_and_grad(t, y)
    assert slope.dtype == dtype
    assert slope.shape == y.shape
    # A row is summed in the predictions' dtype; log and exp are within a few ULP. Slopes reach 1 / 0.05, percent 1e4.
    eps = 16 * float(np.finfo(dtype).eps) * width**0.5
    scale = np.abs(slopes).max() + 1
    np.testing.assert_allclose(value, values, rtol=eps, atol=eps * (1 + np.abs(values).max()))
    np.testing.assert_allclose(slope, slopes, rtol=eps, atol=eps * 4 * scale)
    np.testing.assert_array_equal(loss.call(t, y), value)


@cases
@pytest.mark.parametrize("width", [1, 2, 7, 17, 33])
def test_slope_equals_central_differences(case, width):
    random = np.random.default_rng(width)
    y = case.predictions(4, width, random)
    t = case.targets(4, width, random)
    if not case.labels:
        y[np.abs(y - t) < 1e-3] += 0.1  # away from kinks
    loss = case.make()
    _, slope = loss.value_and_grad(t, y)
    assert difference(slope, numeric_gradient(lambda: loss(t, y), y)) <= 1e-7


@cases
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_reductions_weights_and_masks(case, reduction):
    random = np.random.default_rng(3)
    y, t = case.predictions(8, 3, random), case.targets(8, 3, random)
    loss = case.make(reduction=reduction)
    values = np.broadcast_to(case.oracle(t, y)[0], 8)
    weights, mask = random.uniform(0, 3, 8), np.arange(8) % 3 > 0
    for given in ({}, {"sample_weight": weights}, {"mask": mask}, {"sample_weight": weights, "mask": mask}):
        w, m = given.get("sample_weight"), given.get("mask")
        expected = together(case, reduction, t, values, w, m)
        if case.whole and not given and reduction in (None, "none"):
            expected = values[0]
        value, slope = loss.value_and_grad(t, y, **given)
        np.testing.assert_allclose(value, expected, rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(loss(t, y, **given), value)
        differences = numeric_gradient(lambda given=given: float(np.sum(loss(t, y, **given))), y)
        assert difference(slope, differences) <= 1e-7
    column = loss(t, y, sample_weight=weights[:, None])
    np.testing.assert_array_equal(np.ravel(column), np.ravel(loss(t, y, sample_weight=weights)))
    assert np.all(loss(t, y, mask=np.zeros(8, bool)) == 0)


def last_activation(case):
    if case.from_logits or not 0 < case.predictions(1, 2, np.random.default_rng(0))[0, 0] < 0.95:
        return "tanh" if case.kind == "circle" else "linear"
    return "softmax" if "categorical" in case.kind else "sigmoid"


@cases
@pytest.mark.parametrize("width", [1, 3, 9])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.filterwarnings("ignore:.*of one number does not depend on it:UserWarning")
def test_gradients_through_a_model_equal_central_differences(case, width, weighted):
    """Also where the last activation is taken into the loss."""
    if case.kind == "cosine_similarity" and width == 1:
        pytest.skip("it is 1 or -1: no slope")
    random = np.random.default_rng(width)
    gs.utils.set_random_seed(width)
    last = last_activation(case)
    model = gs.Sequential(
        [gs.Input((4,)), gs.layers.Dense(6, "tanh", dtype="float64"), gs.layers.Dense(width, last, dtype="float64")]
    )
    model.compile("sgd", case.make())
    x, t = random.normal(size=(5, 4)), case.targets(5, width, random)
    weights = random.uniform(0, 2, 5) if weighted else None
    value, gradients = model.value_and_grad(x, t, sample_weight=weights)
    assert value == model.test_on_batch(x, t, sample_weight=weights)
    for weight, gradient in zip(model.weights, gradients, strict=True):
        numeric = numeric_gradient(lambda: model.test_on_batch(x, t, sample_weight=weights), weight)
        assert difference(gradient, numeric) <= 1e-7


@cases
def test_a_model_scores_as_the_loss_does(case):
    """By batches: the mean of their losses, weighted by rows; of weighted rows too."""
    random = np.random.default_rng(5)
    model = gs.Sequential([gs.Input((4,)), gs.layers.Dense(3, dtype="float64"), gs.layers.Dense(3, dtype="float64")])
    if last_activation(case) != "linear":
        model.add(gs.layers.Activation("sigmoid", dtype="float64"))
    x, t = random.normal(size=(10, 4)), case.targets(10, 3, random)
    y, weights = model.predict(x, verbose=0), random.uniform(0, 2, 10)
    for reduction in ("sum_over_batch_size", "sum", "mean_with_sample_weight"):
        loss = case.make(reduction=reduction)
        model.compile("sgd", loss)
        parts = [slice(0, 4), slice(4, 8), slice(8, 10)]
        for w in (None, weights):
            run = model._run(model._rows(x, t, w), 4, train=False)
            run.start(None)
            run.advance(10.0)
            expected = sum(loss(t[p], y[p], None if w is None else w[p]) * (p.stop - p.start) for p in parts) / 10
            np.testing.assert_allclose(run.progress[2], expected, rtol=1e-9)


@plain
def test_extremes_stay_finite(case, dtype):
    size = 500.0 if case.predictions(9, 9, np.random.default_rng(0)).max() > 1 else 1.0
    y = np.array([[0.0, size], [size, 0.0]], dtype)
    for t in ([0, 1], [1, 0]):
        loss = case.make()
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


@plain
def test_shapes_must_be_equal(case):
    loss = case.make()
    y = np.full((4, 3), 0.5)
    wrong = (5,) if loss.labels else (4,)
    with pytest.raises(ValueError, match=r"y_true has shape .* must be equal"):
        loss(np.zeros(wrong, int), y)
    with pytest.raises(ValueError, match=r"y_pred must have at least one row"):
        loss(np.zeros((0,) if loss.labels else (0, 3), int), y[:0])
    with pytest.raises(TypeError, match=r"y_pred must be an array of real numbers"):
        loss(np.zeros(4, int) if loss.labels else y, y + 0j)
    good = np.zeros(4, int) if loss.labels else y
    with pytest.raises(ValueError, match=r"sample_weight must fit losses of shape \(4,\); its shape is \(3,\)"):
        case.make(**({"axis": -1} if case.whole else {}))(good, y, sample_weight=np.ones(3))


def test_a_column_is_not_a_row():
    """(n,) against (n, 1) is a column, as in Keras; it would broadcast to (n, n)."""
    random = np.random.default_rng(0)
    t, y = random.normal(size=4), random.normal(size=4)
    column = gs.losses.MeanSquaredError().value_and_grad(t[:, None], y[:, None])
    for targets, predicted in ((t, y[:, None]), (t[:, None], y)):
        value, slope = gs.losses.MeanSquaredError().value_and_grad(targets, predicted)
        assert value == column[0]
        assert slope.shape == predicted.shape
        np.testing.assert_array_equal(slope.ravel(), column[1].ravel())
    with pytest.raises(ValueError, match=r"y_true has shape \(1, 4\); y_pred has shape \(3, 4\)"):
        gs.losses.MeanSquaredError()(np.zeros((1, 4)), np.zeros((3, 4)))


@pytest.mark.parametrize("label", [-1, 3, 2**40])
def test_labels_outside_the_classes_are_refused(label):
    with pytest.raises(ValueError, match=rf"y_true\[2\] is {label}; labels must be in \[0, 3\)"):
        gs.losses.SparseCategoricalCrossentropy()([0, 1, label], np.full((3, 3), 1 / 3))
    with pytest.raises(ValueError, match=r"y_true must hold whole class numbers; y_true\[1\] is 0.5"):
        gs.losses.SparseCategoricalCrossentropy()([0, 0.5, 1], np.full((3, 3), 1 / 3))
    with pytest.raises(ValueError, match=rf"y_true\[2\] is {label}; labels must be in \[0, 3\)"):
        gs.losses.SparseCategoricalCrossentropy(ignore_class=7)([0, 7, label], np.full((3, 3), 1 / 3))


@plain
def test_one_row_and_more_dimensions(case):
    if case.whole or case.kind == "circle":
        pytest.skip("it sees all rows together")
    random = np.random.default_rng(0)
    loss = case.make()
    y = case.predictions(6, 3, random)
    t = case.targets(6, 3, random)
    rows = loss.call(t, y)
    assert loss.call(t[0], y[0]).shape == ()
    assert loss.call(t[0], y[0]) == rows[0]
    cube = loss.call(t.reshape(2, 3, *t.shape[1:]), y.reshape(2, 3, 3))
    np.testing.assert_array_equal(cube, rows.reshape(2, 3))
    if loss.labels:
        np.testing.assert_array_equal(loss.call(t[:, None], y), rows)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "axis" in inspect.signature(table()[kind]).parameters])
def test_axis(kind):
    random = np.random.default_rng(1)
    case = Case(kind, settings={"axis": -1})
    y = np.stack([case.predictions(4, 5, random) for _ in range(3)])  # (3, 4, 5)
    t = np.stack([case.targets(4, 5, random) for _ in range(3)])
    weights = random.uniform(0, 1, (3, 4))
    value, slope = case.make().value_and_grad(t, y, weights)
    for axis in (0, 1, -2):
        turned = t if case.labels else np.moveaxis(t, -1, axis)
        other, moved = (
            Case(kind, settings={"axis": axis}).make().value_and_grad(turned, np.moveaxis(y, -1, axis), weights)
        )
        assert other == value
        np.testing.assert_array_equal(np.moveaxis(moved, axis, -1), slope)
    with pytest.raises(ValueError, match="axis must be an axis of y_pred, which has 3; got 3"):
        Case(kind, settings={"axis": 3}).make()(t, y)
    with pytest.raises(ValueError, match="axis must be -1 in a model"):
        gs.Sequential([gs.layers.Dense(2)]).compile("sgd", Case(kind, settings={"axis": 0}).make())
    if case.whole:
        both = Case(kind, settings={"axis": (1, 2)}).make(reduction=None)
        np.testing.assert_allclose(both(t, y), [Case(kind).make()(t[i], y[i]) for i in range(3)], rtol=1e-12)
        model = gs.Sequential([gs.Input((4,)), gs.layers.Dense(5, "sigmoid", dtype="float64")])
        model.compile("sgd", case.make())
        x = random.normal(size=(4, 4))
        assert model.test_on_batch(x, t[0]) == pytest.approx(case.make()(t[0], model(x)), rel=1e-12)


@cases
def test_values_have_the_same_bits_on_every_instruction_set(case):
    random = np.random.default_rng(2)
    before = _core.build_info()["isa"]
    for dtype in ("float32", "float64"):
        y = case.predictions(6, 37, random).astype(dtype)
        t = case.targets(6, 37, random)
        found = set()
        for isa in _core.build_info()["isas"]:
            _core.set_isa(isa)
            try:
                value, slope = case.make(reduction=None).value_and_grad(t, y)
            finally:
                _core.set_isa(before)
            found.add((np.asarray(value).tobytes(), slope.tobytes()))
        assert len(found) == 1
