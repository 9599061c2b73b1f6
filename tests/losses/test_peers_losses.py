"""Our losses against Keras's own: values, reductions with weights and masks, and what its fit reports."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from loss_cases import CASES

pytestmark = pytest.mark.peers

keras = pytest.importorskip("keras")

# Quantile is not in Keras.
SHARED = [case for case in CASES if case.kind != "quantile"]


def theirs(case, **options):
    cls = getattr(keras.losses, type(case.make()).__name__)
    logits = {"from_logits": True} if case.from_logits else {}
    return cls(**logits, **case.settings, **options)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight", "none"])
@pytest.mark.parametrize("case", SHARED, ids=str)
def test_values_equal_those_of_keras(case, reduction):
    random = np.random.default_rng(0)
    y = case.predictions(8, 5, random).astype("float32")
    t = case.targets(8, 5, random)
    t = t if case.labels else t.astype("float32")
    loss, other = case.make(reduction=reduction), theirs(case, reduction=reduction)
    for weights in (None, random.uniform(0, 2, 8)):
        ours = loss(t, y, weights)
        value = np.asarray(other(t, y, None if weights is None else weights.astype("float32")))
        # Keras sums in float32; circle takes exponentials of numbers up to a hundred times as large.
        rtol = 2e-4 if case.kind == "circle" else 1e-5
        np.testing.assert_allclose(ours, value, rtol=rtol, atol=1e-6)
    assert loss.name == other.name


@pytest.mark.parametrize("case", [case for case in SHARED if not case.settings and not case.from_logits], ids=str)
def test_functions_equal_those_of_keras(case):
    random = np.random.default_rng(1)
    y, t = case.predictions(6, 4, random).astype("float32"), case.targets(6, 4, random)
    t = t if case.labels else t.astype("float32")
    function = keras.src.losses.losses.__dict__[case.kind]
    options = {"q": 0.5} if "generalized" in case.kind else {}
    expected = np.asarray(function(t, keras.ops.convert_to_tensor(y), **options))
    found = getattr(gs.losses, case.kind)(t, y, **options)
    np.testing.assert_allclose(found, expected, rtol=2e-4 if case.labels else 1e-5, atol=1e-6)


def pair(loss, other, activation="softmax"):
    """The same model, ours and Keras's, with the same weights."""
    model = gs.Sequential([gs.Input((5,)), gs.layers.Dense(4, "tanh"), gs.layers.Dense(3, activation)])
    peer = keras.Sequential([keras.Input((5,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(3, activation)])
    peer.set_weights(model.get_weights())
    model.compile(gs.optimizers.SGD(0.05), loss)
    peer.compile(keras.optimizers.SGD(0.05), other)
    return model, peer


@pytest.mark.parametrize(
    ("name", "options", "activation"),
    [
        ("SparseCategoricalCrossentropy", {}, "softmax"),
        ("SparseCategoricalCrossentropy", {"ignore_class": 1}, "softmax"),
        ("SparseCategoricalCrossentropy", {"reduction": "sum"}, "softmax"),
        ("SparseCategoricalCrossentropy", {"reduction": "mean_with_sample_weight"}, "softmax"),
        ("MeanSquaredError", {}, "linear"),
        ("Hinge", {}, "tanh"),
        ("Dice", {}, "sigmoid"),
        ("Dice", {"reduction": "sum"}, "sigmoid"),
        ("Tversky", {"axis": -1, "alpha": 0.2}, "sigmoid"),
        ("Circle", {"gamma": 4.0}, "tanh"),
        ("BinaryFocalCrossentropy", {"label_smoothing": 0.1}, "sigmoid"),
    ],
)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras's, with some backends
def test_fit_reports_and_learns_as_keras_does(name, options, activation, weighted):
    """With weights too: their mean is over rows, and over the batches weighted by rows."""
    random = np.random.default_rng(2)
    gs.utils.set_random_seed(3)
    x, labels = random.normal(size=(22, 5)).astype("float32"), random.integers(0, 3, 22)
    sparse = getattr(gs.losses, name).labels
    t = labels if sparse else np.eye(3, dtype="float32")[labels]
    weights = random.uniform(0, 2, 22) if weighted else None
    model, peer = pair(getattr(gs.losses, name)(**options), getattr(keras.losses, name)(**options), activation)
    theirs = peer.fit(x, t, batch_size=8, epochs=3, shuffle=False, verbose=0, sample_weight=weights).history["loss"]
    run = model._run(model._rows(x, t, weights), 8, train=True)
    ours = []
    for epoch in range(3):
        run.start(None, epoch)
        while not run.advance(1.0):
            pass
        ours.append(run.progress[2])
    np.testing.assert_allclose(ours, theirs, rtol=2e-5)
    for a, b in zip(model.get_weights(), peer.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-6)
