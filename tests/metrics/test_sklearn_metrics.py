"""Metrics against scikit-learn's: exactly where no threshold grid is between them."""

from __future__ import annotations

import numpy as np
import pytest
from gradstep import metrics

sklearn = pytest.importorskip("sklearn.metrics")

ROWS = 400
EXACT = 1e-13


@pytest.fixture(scope="module")
def answers():
    """Targets, predictions and weights of a yes-or-no question."""
    random = np.random.default_rng(0)
    t = (random.random(ROWS) < 0.3).astype(int)
    return t, np.clip(0.3 * t + 0.7 * random.random(ROWS), 0, 1), random.random(ROWS)


@pytest.fixture(scope="module")
def classes():
    """Class numbers, predictions of each class, and weights."""
    random = np.random.default_rng(1)
    labels = random.integers(0, 5, ROWS)
    return labels, (random.dirichlet(np.ones(5), ROWS) + 0.2 * np.eye(5)[labels]) / 1.2, random.random(ROWS)


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=EXACT, atol=EXACT)


def test_precision_and_recall(answers):
    t, y, w = answers
    for threshold in (0.5, 0.3):
        said = y > threshold
        close(metrics.Precision(threshold)(t, y, w), sklearn.precision_score(t, said, sample_weight=w))
        close(metrics.Recall(threshold)(t, y, w), sklearn.recall_score(t, said, sample_weight=w))
        tn, fp, fn, tp = sklearn.confusion_matrix(t, said, sample_weight=w).ravel()
        counts = metrics.TrueNegatives, metrics.FalsePositives, metrics.FalseNegatives, metrics.TruePositives
        close([count(threshold)(t, y, w) for count in counts], [tn, fp, fn, tp])


@pytest.mark.parametrize("average", [None, "micro", "macro", "weighted"])
def test_f_scores(classes, average):
    labels, y, w = classes
    known, said = np.eye(5)[labels], np.eye(5)[y.argmax(1)]
    close(
        metrics.F1Score(average)(known, y, w),
        sklearn.f1_score(known.astype(int), said.astype(int), average=average, sample_weight=w),
    )
    said = y > 0.3
    close(
        metrics.FBetaScore(average, beta=0.5, threshold=0.3)(known, y, w),
        sklearn.fbeta_score(known.astype(int), said.astype(int), beta=0.5, average=average, sample_weight=w),
    )


def test_accuracies(classes):
    labels, y, w = classes
    close(
        metrics.SparseCategoricalAccuracy()(labels, y, w), sklearn.accuracy_score(labels, y.argmax(1), sample_weight=w)
    )
    for k in (1, 2, 4):
        expected = sklearn.top_k_accuracy_score(labels, y, k=k, sample_weight=w)
        close(metrics.SparseTopKCategoricalAccuracy(k)(labels, y, w), expected)


def test_intersections_over_unions(classes):
    labels, y, w = classes
    said = y.argmax(1)
    expected = sklearn.jaccard_score(labels, said, average="macro", sample_weight=w)
    close(metrics.MeanIoU(5)(labels, said, w), expected)


@pytest.mark.parametrize("offset", [0, 1e6])
def test_r2(offset):
    """Also far from 0, where sums of squares, as Keras keeps them, have lost all digits."""
    random = np.random.default_rng(2)
    t = offset + random.normal(size=(ROWS, 3))
    y, w = t + 0.3 * random.normal(size=(ROWS, 3)), random.random(ROWS)
    names = {"uniform_average": "uniform_average", "variance_weighted_average": "variance_weighted", None: "raw_values"}
    for ours, theirs in names.items():
        metric = metrics.R2Score(ours)
        for first in range(0, ROWS, 90):
            metric.update_state(t[first : first + 90], y[first : first + 90], w[first : first + 90])
        expected = sklearn.r2_score(t, y, sample_weight=w, multioutput=theirs)
        # Targets near 1e6 have 2**-33 as their last digit: both sides start from such numbers.
        np.testing.assert_allclose(metric.result(), expected, rtol=EXACT if not offset else 1e-9)


def test_errors_of_numbers():
    random = np.random.default_rng(3)
    t, y, w = random.normal(size=(ROWS, 2)), random.normal(size=(ROWS, 2)), random.random(ROWS)
    close(metrics.MeanSquaredError()(t, y, w), sklearn.mean_squared_error(t, y, sample_weight=w))
    close(metrics.MeanAbsoluteError()(t, y, w), sklearn.mean_absolute_error(t, y, sample_weight=w))
    close(metrics.RootMeanSquaredError()(t, y, w), sklearn.mean_squared_error(t, y, sample_weight=w) ** 0.5)


@pytest.mark.parametrize("number", [20, 200, 2000])
def test_area_under_the_roc_curve(answers, number):
    """Within the promise of the docstring: half the sum of the grid's rectangles."""
    t, y, w = answers
    bins = np.linspace(0, 1, number)
    yes, no = (
        np.histogram(y[t == answer], bins, weights=w[t == answer])[0] / w[t == answer].sum() for answer in (1, 0)
    )
    error = abs(metrics.AUC(number)(t, y, w) - sklearn.roc_auc_score(t, y, sample_weight=w))
    assert error <= (yes * no).sum() / 2 + EXACT


def test_area_with_every_prediction_as_a_threshold(answers):
    """Then nothing is between the points: the areas are exactly scikit-learn's."""
    t, y, w = answers
    exact = {"thresholds": np.unique(y)}
    close(metrics.AUC(**exact)(t, y, w), sklearn.roc_auc_score(t, y, sample_weight=w))
    # The average precision takes the height at the right end of each step.
    precision, recall, _ = sklearn.precision_recall_curve(t, y, sample_weight=w)
    close(
        metrics.AUC(curve="PR", summation_method="minoring", **exact)(t, y, w),
        -np.sum(np.diff(recall) * np.minimum(precision[1:], precision[:-1]) * (recall[1:] > 0)),
    )


def test_areas_of_labels(classes):
    labels, y, w = classes
    known = np.eye(5)[labels]
    metric = metrics.AUC(multi_label=True, thresholds=np.unique(y))
    close(metric(known, y, w), sklearn.roc_auc_score(known, y, average="macro", sample_weight=w))
