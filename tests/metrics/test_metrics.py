"""Metrics at the edges: predictions on thresholds, outside [0, 1] and NaN, ties, classes that are none, odd shapes."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import metrics

ON_A_GRID = np.array([-0.5, 0.0, 0.25, 0.5, 0.75, 1.0, 1.5, np.nan])


# -- means -------------------------------------------------------------------------------------------------------------


def test_weights_of_rows_and_of_numbers():
    values = np.array([[1.0, 3.0], [5.0, 9.0]])
    mean = metrics.Mean()
    assert mean(values, [1, 3]) == (1 * 2 + 3 * 7) / 4
    mean.reset_state()
    assert mean(values, [[1], [3]]) == (1 * 2 + 3 * 7) / 4
    mean.reset_state()
    # Each number its own weight, a row the mean of them, as in Keras.
    assert mean(values, [[1, 0], [2, 2]]) == (1 / 2 + (10 + 18) / 2) / (1 / 2 + 2)
    mean.update_state(4.5)
    assert mean.result() == (1 / 2 + 14 + 4.5) / (1 / 2 + 2 + 1)
    assert metrics.Sum()(values, [1, 2]) == 4 + 28
    assert metrics.Sum()(values, [[1, 0], [0, 1]]) == 10
    with pytest.raises(ValueError, match=r"sample_weight has shape \(3,\); it must have one number for each row"):
        mean.update_state(values, [1, 2, 3])


def test_a_mean_of_nothing_is_zero():
    assert metrics.Mean().result() == metrics.Mean()([1, 2], [0, 0]) == metrics.Sum().result() == 0


def test_columns_and_vectors_are_the_same_targets():
    t, y = np.array([0, 1, 1]), np.array([0.2, 0.9, 0.1])
    for cls in (
        metrics.BinaryAccuracy,
        metrics.Precision,
        metrics.AUC,
        metrics.RootMeanSquaredError,
        metrics.BinaryIoU,
    ):
        expected = cls()(t, y)
        assert cls()(t[:, None], y) == cls()(t, y[:, None]) == cls()(t[:, None], y[:, None]) == expected
    with pytest.raises(ValueError, match=r"y_true has shape \(3,\); y_pred has shape \(3, 3\)"):
        metrics.RootMeanSquaredError()(t, np.eye(3))


def test_a_wrapped_function_gets_its_arguments():
    metric = metrics.MeanMetricWrapper(metrics.binary_accuracy, "above", threshold=0.8)
    assert metric([1, 1], [0.7, 0.9]) == 0.5
    assert metric.get_config() == {"fn": metrics.binary_accuracy, "name": "above", "dtype": "float64", "threshold": 0.8}
    assert metrics.MeanMetricWrapper.from_config(metric.get_config())([1, 1], [0.7, 0.9]) == 0.5


# -- thresholds --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_prediction_on_a_threshold_is_not_above_it(dtype):
    y = ON_A_GRID.astype(dtype)
    yes = metrics.TruePositives([0.25, 0.75])(np.ones(8), y)
    np.testing.assert_array_equal(yes, [4, 2])
    assert metrics.FalseNegatives()(np.ones(8), y) == 8 - 3  # NaN is above none
    # A threshold is rounded as the predictions are: 0.3 in float32 is not above 0.3.
    assert metrics.TruePositives(0.3)([1], np.array([0.3], dtype)) == 0
    assert metrics.TruePositives([0.1, 0.3])([1], np.array([0.3], dtype))[1] == 0
    assert metrics.binary_accuracy([1], np.array([0.3], dtype), threshold=0.3) == 0
    assert metrics.BinaryIoU(threshold=0.3, target_class_ids=[1])([1], np.array([0.3], dtype)) == 1


def test_even_thresholds_clip_predictions():
    """As Keras does: 1.5 is not above 1 then."""
    np.testing.assert_array_equal(
        metrics.TruePositives([0.0, 0.25, 0.5, 0.75, 1.0])(np.ones(8), ON_A_GRID), [5, 4, 3, 2, 0]
    )
    np.testing.assert_array_equal(metrics.TruePositives([0.0, 1.0])(np.ones(8), ON_A_GRID), [5, 1])


def test_counts_of_an_area():
    """Its first threshold is below all predictions, its last above."""
    for thresholds in (None, [0.25, 0.5, 0.75]):
        metric = metrics.AUC(5, thresholds=thresholds)
        metric.update_state(np.ones(8), ON_A_GRID)
        np.testing.assert_array_equal(metric.true_positives, [8, 4, 3, 2, 0])
        np.testing.assert_array_equal(metric.false_negatives, [0, 4, 5, 6, 8])
        np.testing.assert_array_equal(metric.false_positives, np.zeros(5))
    assert metric.thresholds == pytest.approx([0, 0.25, 0.5, 0.75, 1], abs=2e-7)


def test_labels_of_an_area_stay():
    metric = metrics.AUC(multi_label=True)
    metric.update_state(np.eye(3), np.eye(3))
    with pytest.raises(ValueError, match=r"y_pred must have shape \(rows, 3\); its shape is \(4, 4\)"):
        metric.update_state(np.eye(4), np.eye(4))
    assert metric.result() == 1
    metric.reset_state()
    assert metric(np.eye(4), np.eye(4)) == 1
    with pytest.raises(ValueError, match=r"y_pred must have shape \(rows, 2\)"):
        metrics.AUC(multi_label=True, num_labels=2)(np.eye(3), np.eye(3))


def test_top_k_takes_the_first_of_equals():
    t, y = [[0, 1, 0, 1]], [[0.5, 0.5, 0.5, 0.1]]
    assert metrics.Precision(top_k=1)(t, y) == 0
    assert metrics.Precision(top_k=2)(t, y) == 0.5
    assert metrics.Recall(top_k=4)(t, y) == 1
    with pytest.raises(ValueError, match=r"at least top_k=5 classes; its shape is \(1, 4\)"):
        metrics.Recall(top_k=5)(t, y)
    with pytest.raises(ValueError, match=r"with a class 4; its shape is \(1, 4\)"):
        metrics.Recall(class_id=4)(t, y)


# -- classes -----------------------------------------------------------------------------------------------------------


def test_rows_of_an_ignored_class_do_not_count():
    t, y = np.array([0, -1, 1]), np.array([[0.2, 0.8], [0.5, 0.5], [0.4, 0.6]])
    metric = metrics.SparseCategoricalCrossentropy(ignore_class=-1)
    expected = metrics.SparseCategoricalCrossentropy()(t[[0, 2]], y[[0, 2]])
    assert metric(t, y) == metric(t[:, None], y) == pytest.approx(expected)
    metric.reset_state()
    assert metric(t, y, [1, 5, 0]) == pytest.approx(-np.log(0.2))


def test_equal_predictions_share_a_place():
    y = np.array([[0.4, 0.4, 0.2], [0.4, 0.4, 0.2]])
    np.testing.assert_array_equal(metrics.sparse_top_k_categorical_accuracy([0, 1], y, k=1), [1, 1])
    np.testing.assert_array_equal(metrics.sparse_categorical_accuracy([0, 1], y), [1, 0])  # the first of equals


def test_a_label_that_is_no_class_is_wrong():
    y = np.array([[0.1, 0.9], [0.1, 0.9], [np.nan, 0.9]])
    np.testing.assert_array_equal(metrics.sparse_top_k_categorical_accuracy([-1, 2, 0], y, k=5), [0, 0, 0])
    np.testing.assert_array_equal(metrics.sparse_categorical_accuracy([-1, 2, 0], y[[0, 1, 1]]), [0, 0, 0])
    with pytest.raises(ValueError, match="whole class numbers"):
        metrics.sparse_categorical_accuracy([0.5], y[:1])


def test_elements_without_a_class_do_not_count():
    t, y = [0, 0, 1, -1, 255, 1, 1], [0, 1, 1, 0, 1, 7, -2]
    assert metrics.MeanIoU(2)(t, y) == metrics.MeanIoU(2)(t[:3], y[:3]) == 0.5
    assert metrics.MeanIoU(2, ignore_class=0)(t, y) == 1
    pictures = np.array(t[:4]).reshape(1, 2, 2), np.array(y[:4]).reshape(1, 2, 2)
    assert metrics.MeanIoU(2)(*pictures, sample_weight=[2.0]) == 0.5


def test_a_row_of_zeros_says_no_class():
    score = metrics.F1Score("micro")
    assert score(np.eye(2), np.zeros((2, 2))) == 0
    score.reset_state()
    # TP 1, FN 1, FP 0
    assert score(np.eye(2), np.array([[0.9, 0.1], [0.0, 0.0]])) == pytest.approx(2 / 3)


def test_classes_of_a_score_stay():
    for metric, noun in ((metrics.F1Score(), "classes"), (metrics.R2Score(), "outputs")):
        metric.update_state(np.eye(3), np.eye(3))
        with pytest.raises(ValueError, match=f"y_pred must have 3 {noun}, as before"):
            metric.update_state(np.eye(4), np.eye(4))
        metric.reset_state()
        metric.update_state(np.eye(4), np.eye(4))


# -- numbers -----------------------------------------------------------------------------------------------------------


def test_adjusted_r2_counts_numbers_as_keras_does():
    t, y = np.array([[1.0, 2.0], [4.0, 1.0], [3.0, 6.0]]), np.array([[2.0, 2.0], [4.0, 2.0], [4.0, 6.0]])
    plain = metrics.R2Score()(t, y)
    assert metrics.R2Score(num_regressors=2)(t, y) == pytest.approx(1 - (1 - plain) * 5 / 3)
    for many in (5, 9):
        with pytest.warns(UserWarning, match=f"num_regressors={many} needs at least {many + 2} targets; it has seen 6"):
            assert metrics.R2Score(num_regressors=many)(t, y) == plain


def test_r2_of_constant_targets():
    score = metrics.R2Score(None)(np.ones((3, 2)), np.array([[1.0, 0.0]] * 3))
    np.testing.assert_array_equal(score, [np.nan, 0.0])
    assert np.isnan(metrics.R2Score().result())


def test_a_constant_row_has_no_correlation():
    assert np.isnan(metrics.PearsonCorrelation()([[1, 1]], [[0, 1]]))
    assert metrics.ConcordanceCorrelation()([[1, 1]], [[0, 1]]) == 0
    along_rows = metrics.PearsonCorrelation(axis=0)(np.array([[0.0], [1.0], [3.0]]), np.array([[0.0], [2.0], [6.0]]))
    assert along_rows == pytest.approx(1)


# -- by name, and settings that cannot be ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["AUC", "auc", "Precision", "mse", "MAE", "top_k_categorical_accuracy", "f1_score"])
def test_get(name):
    metric = metrics.get(name)
    assert isinstance(metric, metrics.Metric)
    assert metrics.get(metric) is metric
    config = {"class_name": type(metric).__name__, "config": metric.get_config()}
    assert metrics.get(config).get_config() == metric.get_config()


BAD = {
    "dtype": (lambda: metrics.AUC(dtype="int8"), ValueError, "dtype must be one of float32, float64; got 'int8'"),
    "name": (lambda: metrics.AUC(name=3), TypeError, "name must be a str"),
    "threshold": (lambda: metrics.Precision(1.5), ValueError, r"thresholds must be numbers in \[0, 1\].*got 1\.5"),
    "thresholds": (lambda: metrics.Recall([0.5, None]), TypeError, r"thresholds\[1\] must be a real number"),
    "thresholds of text": (lambda: metrics.Recall("0.5"), TypeError, "thresholds must be a number or a list"),
    "no thresholds": (lambda: metrics.Recall([]), ValueError, "at least one"),
    "top_k": (lambda: metrics.Recall(top_k=0), ValueError, "top_k must be at least 1; got 0"),
    "class_id": (lambda: metrics.Recall(class_id=-1), ValueError, "class_id must be at least 0"),
    "num_thresholds": (lambda: metrics.AUC(1), ValueError, "num_thresholds must be at least 2"),
    "curve": (lambda: metrics.AUC(curve="RCO"), ValueError, "curve must be one of ROC.*got 'RCO'"),
    "method": (lambda: metrics.AUC(summation_method="mean"), ValueError, "summation_method must be one of"),
    "num_labels": (lambda: metrics.AUC(num_labels=3), ValueError, "num_labels is for multi_label=True"),
    "label_weights": (lambda: metrics.AUC(label_weights=[[1.0]]), ValueError, r"label_weights must have shape"),
    "recall": (lambda: metrics.PrecisionAtRecall(1.2), ValueError, r"recall must be in \[0, 1\]; got 1\.2"),
    "average": (lambda: metrics.F1Score("samples"), ValueError, "average must be one of micro, macro, weighted"),
    "beta": (lambda: metrics.FBetaScore(beta=0.0), ValueError, "beta must be above 0; got 0"),
    "f threshold": (lambda: metrics.F1Score(threshold=0.0), ValueError, "threshold must be above 0"),
    "class_aggregation": (lambda: metrics.R2Score("mean"), ValueError, "class_aggregation must be one of uniform"),
    "num_regressors": (lambda: metrics.R2Score(num_regressors=-1), ValueError, "num_regressors must be at least 0"),
    "target_class_ids": (lambda: metrics.IoU(2, [2]), ValueError, r"target_class_ids must be classes in \[0, 2\)"),
    "num_classes": (lambda: metrics.MeanIoU(0), ValueError, "num_classes must be at least 1"),
    "k": (lambda: metrics.TopKCategoricalAccuracy(2.0), TypeError, "k must be a whole number"),
    "fn": (lambda: metrics.MeanMetricWrapper(3), TypeError, "fn must be a function of y_true and y_pred; got an int"),
    "axis": (lambda: metrics.PearsonCorrelation(axis=2)(np.eye(2), np.eye(2)), ValueError, "axis must be one of"),
    "unknown": (lambda: metrics.get("aucc"), ValueError, "Did you mean 'auc'"),
    "no metric": (lambda: metrics.get(3), TypeError, "metric must be a name, a Metric or a function"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_settings(case):
    make, error, message = BAD[case]
    with pytest.raises(error, match=message):
        make()


def test_a_base_says_what_to_write():
    class Nothing(gs.metrics.Metric):
        def reset_state(self):
            pass

    for call in (Nothing().result, Nothing().update_state):
        with pytest.raises(NotImplementedError, match="Nothing must have a method"):
            call()


def test_a_column_of_labels_for_predictions_of_more_axes():
    """(2, 1) against (1, 2, 3): Keras's own test case, of which it makes the same number."""
    labels, predicted = np.array([[2], [1]]), np.array([[[0.1, 0.6, 0.3], [0.05, 0.95, 0.0]]])
    assert metrics.SparseCategoricalAccuracy()(labels, predicted) == 0.5
    assert metrics.sparse_top_k_categorical_accuracy(labels, predicted, k=2).tolist() == [[1.0, 1.0]]
    with pytest.raises(ValueError, match="they must be equal"):
        metrics.SparseCategoricalAccuracy()(np.array([[2], [1], [0]]), predicted)


def test_a_constructor_that_makes_the_state_itself():
    """As in Keras: attributes that reset_state reads are set after super().__init__()."""

    class Counted(gs.metrics.Metric):
        def __init__(self, start=2, name="counted"):
            super().__init__(name=name)
            self.start = start
            self.count = start

        def reset_state(self):
            self.count = self.start + 0

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.count += len(y_true)

        def result(self):
            return self.count

    metric = Counted()
    assert metric(np.ones(3), np.ones(3)) == 5
    model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=[metric])
    history = model.fit(np.ones((4, 2)), np.ones(4), epochs=2, verbose=0)
    assert history.history["counted"] == [6, 6]
    with pytest.raises(AttributeError, match="'add_weight': state is in any attributes"):
        metric.add_weight(name="total")


def test_a_constructor_that_forgets_super():
    class Lost(gs.metrics.Metric):
        def __init__(self):
            self.count = 0

    class LostLoss(gs.losses.Loss):
        def __init__(self):
            self.count = 0

    model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(1)])
    with pytest.raises(TypeError, match=r"metrics\[0\]: Lost must call super"):
        model.compile("sgd", "mse", metrics=[Lost()])
    with pytest.raises(TypeError, match="loss LostLoss must call super"):
        model.compile("sgd", LostLoss())
