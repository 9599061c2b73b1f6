"""Metrics against Keras's own, in float64 and batch by batch, and against scikit-learn's."""

from __future__ import annotations

import json

import numpy as np
import pytest
from gradstep import metrics
from keras_runs import said_with_keras
from metric_cases import CASES, IDS, data
from peers import needs

pytestmark = pytest.mark.peers

BATCHES = [slice(first, first + 20) for first in (0, 20, 40)]
# Both sides sum in float64, but Keras's means along an axis are float32 even there (6e-8): of a row's numbers, and of
# the labels of AUC and R2Score.
CLOSE = 1e-9
MEANS = {"BinaryAccuracy", "AUC", "R2Score", "RootMeanSquaredError", "PearsonCorrelation", "ConcordanceCorrelation"}
MEANS |= {"MeanSquaredError", "MeanAbsoluteError", "BinaryCrossentropy", "MeanAbsolutePercentageError", "LogCoshError"}
MEANS |= {"MeanSquaredLogarithmicError", "Poisson", "Hinge", "SquaredHinge"}
# Keras adds 1e-7 to denominators, here at least 1, or 0.2 for the last one of an F score.
PADDED = {"F1Score", "FBetaScore", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU", "BinaryIoU"}
TOLERANCE = dict.fromkeys(MEANS, 1.2e-7) | dict.fromkeys(PADDED, 1e-6)


def weights(kind):
    random = np.random.default_rng(2)
    return random.integers(1, 5, 60).astype(float) if kind == "classes" else random.random(60) + 0.1


@pytest.fixture(scope="module")
def keras():
    """What Keras gives for all cases, without weights and with, in a process of its own: its backend and its precision
    are set for a whole process."""
    needs("keras", "jax")
    cases = [(case.cls, case.arguments, case.data) for case in CASES]
    program = f"""
import json, keras, numpy as np
from metric_cases import data

def weights(kind):
    random = np.random.default_rng(2)
    return random.integers(1, 5, 60).astype(float) if kind == "classes" else random.random(60) + 0.1

keras.config.set_floatx("float64")
results = []
for cls, arguments, kind in json.loads({json.dumps(json.dumps(cases))}):
    (t, y), both = data(kind, 60), []
    for w in (None, weights(kind)):
        metric = getattr(keras.metrics, cls)(**arguments, dtype="float64")
        for rows in {BATCHES}:
            metric.update_state(t[rows], y[rows], None if w is None else w[rows])
        both.append(np.asarray(metric.result(), float).tolist())
    results.append(both)
print(json.dumps(results))
"""
    return json.loads(said_with_keras(program, "jax").splitlines()[-1])


@pytest.mark.parametrize("number", range(len(CASES)), ids=IDS)
def test_keras_gives_the_same(keras, number):
    case = CASES[number]
    t, y = data(case.data, 60)
    close = TOLERANCE.get(case.cls, CLOSE)
    for w, expected in zip((None, weights(case.data)), keras[number], strict=True):
        metric = getattr(metrics, case.cls)(**case.arguments)
        for rows in BATCHES:
            metric.update_state(t[rows], y[rows], None if w is None else w[rows])
        np.testing.assert_allclose(metric.result(), expected, rtol=close, atol=close)
