"""Promises of every metric, over tests/support/metric_cases.py."""

from __future__ import annotations

import inspect

import gradstep as gs
import numpy as np
import pytest
from gradstep import metrics
from metric_cases import CASES, IDS, data

cases = pytest.mark.parametrize("case", CASES, ids=IDS)

# Sums of some hundred terms in float64, in another order: a few ULP each.
CLOSE = 1e-12


def make(case, **more):
    return getattr(metrics, case.cls)(**case.arguments, **more)


def weights_of(rows):
    """Whole numbers, some 0."""
    return np.random.default_rng(5).integers(0, 4, rows)


def streamed(metric, t, y, w=None, borders=(0,)):
    for first, last in zip(borders, [*borders[1:], len(t)], strict=True):
        metric.update_state(t[first:last], y[first:last], None if w is None else w[first:last])
    return metric.result()


def test_every_metric_has_a_case():
    classes = {name for name in metrics.__all__ if inspect.isclass(getattr(metrics, name))}
    plain = {"Metric", "Mean", "Sum", "MeanMetricWrapper"}  # of numbers, not of targets and predictions
    assert {case.cls for case in CASES} == classes - plain


@cases
def test_equals_the_oracle(case):
    t, y = data(case.data, 60)
    np.testing.assert_allclose(make(case)(t, y), case.expected(t, y), rtol=CLOSE, atol=CLOSE)


@cases
def test_float32_predictions_are_taken_as_they_are(case):
    """The numbers themselves are rounded to float32, and losses are summed in it along a row."""
    t, y = data(case.data, 60)
    y = y.astype(np.float32)
    kept = y.copy()
    np.testing.assert_allclose(make(case)(t, y), case.expected(t, y.astype(float)), rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(y, kept)


@cases
@pytest.mark.parametrize("weighted", [False, True])
def test_batching_does_not_matter(case, weighted):
    t, y = data(case.data, 50)
    w = weights_of(50) if weighted else None
    whole = make(case)(t, y, w)
    for borders in ((0, 1, 2, 30), range(0, 50, 7), range(50), (0, 20, 20, 50)):
        np.testing.assert_allclose(streamed(make(case), t, y, w, borders), whole, rtol=CLOSE, atol=CLOSE)


@cases
def test_weights_are_repeated_rows(case):
    t, y = data(case.data, 40)
    w = weights_of(40)
    weighted = make(case)(t, y, w)
    np.testing.assert_allclose(weighted, make(case)(np.repeat(t, w, 0), np.repeat(y, w, 0)), rtol=CLOSE, atol=CLOSE)
    np.testing.assert_allclose(weighted, case.expected(t, y, w.astype(float)), rtol=CLOSE, atol=CLOSE)


@cases
def test_one_weight_for_all_is_one_for_each(case):
    t, y = data(case.data, 40)
    each = make(case)(t, y, np.full(40, 0.25))
    np.testing.assert_allclose(make(case)(t, y, 0.25), each, rtol=CLOSE, atol=CLOSE)


@cases
def test_reset_forgets(case):
    t, y = data(case.data, 30)
    metric = make(case)
    metric.update_state(*data(case.data, 20, seed=3))
    metric.reset_state()
    np.testing.assert_array_equal(metric(t, y), make(case)(t, y))


@cases
def test_config_makes_another_like_it(case):
    metric = make(case, name="mine", dtype="float32")
    other = type(metric).from_config(metric.get_config())
    assert (other.name, other.dtype) == ("mine", "float32")
    assert other.get_config() == metric.get_config()
    assert set(case.arguments) <= set(metric.get_config())
    t, y = data(case.data, 30)
    np.testing.assert_array_equal(other(t, y), metric(t, y))


@cases
def test_config_has_every_argument(case):
    arguments = set(inspect.signature(getattr(metrics, case.cls).__init__).parameters) - {"self"}
    optional = {"thresholds"} if case.cls == "AUC" else set()
    assert set(make(case).get_config()) | optional == arguments


@cases
def test_results_are_in_the_metric_s_dtype(case):
    t, y = data(case.data, 30)
    exact, rounded = make(case)(t, y), make(case, dtype="float32")(t, y)
    assert type(rounded) is type(exact)
    assert type(exact) is float or exact.dtype == np.float64
    np.testing.assert_array_equal(rounded, np.float32(exact))


@cases
def test_an_error_changes_nothing(case):
    t, y = data(case.data, 30)
    metric = make(case)
    before = metric(t, y)
    for bad in ((t[:-1], y), (t, y + 0j), (t, y, np.ones(7))):
        with pytest.raises((TypeError, ValueError), match=r"y_true|y_pred|sample_weight"):
            metric.update_state(*bad)
    np.testing.assert_array_equal(metric.result(), before)


@cases
def test_nothing_gives_no_warning(case):
    """Before the first batch, and after one of no rows or no weight."""
    metric = make(case)
    metric.result()
    t, y = data(case.data, 4)
    metric.update_state(t[:0], y[:0])
    metric.update_state(t, y, 0.0)
    metric.result()


@pytest.mark.parametrize("name", [name for name in metrics.__all__ if name[0].isupper()])
def test_docstrings_name_every_argument(name):
    cls = getattr(metrics, name)
    arguments = set(inspect.signature(cls.__init__).parameters) - {"self", "kwargs"}
    assert not [argument for argument in arguments if argument not in cls.__doc__]


def test_names_follow_keras():
    assert gs.metrics.AUC(name="mine").name == "mine"
    assert gs.metrics.Precision().name.startswith("precision")
    assert gs.metrics.MeanIoU(3).name.startswith("mean_io_u")
    first, second = gs.metrics.AUC(), gs.metrics.AUC()
    assert first.name != second.name
    assert gs.metrics.R2Score().name == "r2_score"
