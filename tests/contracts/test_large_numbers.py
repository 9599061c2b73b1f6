"""Activations and losses of numbers of any size: finite wherever the exact value is, and near it."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import _core
from loss_cases import CASES

SIZES = {
    "float32": np.array([1e-30, 1e-6, 0.3, 3.0, 21.0, 30.0, 89.0, 1e3, 1e10, 1e20, 1e30, 3.4e38]),
    "float64": np.array([1e-300, 1e-30, 0.3, 3.0, 21.0, 30.0, 711.0, 1e10, 1e30, 1e160, 1e300, 1.7e308]),
}
ELEMENTWISE = [name for name in _core.activations() if not name.endswith("max")]


def function(name):
    if name in ("rectifier", "threshold"):
        return {"rectifier": lambda x: gs.activations.relu(x, negative_slope=0.1)}.get(name, gs.activations.threshold)
    return gs.activations.get("gelu" if name == "gelu_tanh" else name)


def value_and_slope(name, x):
    model = gs.Sequential([gs.Input((x.shape[-1],)), gs.layers.Activation(name, dtype=x.dtype.name)])
    y = model(x, training=True)
    dx, _ = model.backward(np.ones_like(x))
    return np.asarray(y), np.asarray(dx)


# The exact value far right and its slope; far left likewise. What is not here is x on the right, and 0 on the left.
RIGHT = {
    "selu": (lambda x: 1.05070098735548049342 * x, 1.05070098735548049342),
    "exponential": (lambda x: np.full_like(x, np.inf), np.inf),
    "tanh_shrink": (lambda x: x - 1, 1.0),
    "soft_shrink": (lambda x: x - 0.5, 1.0),
    **dict.fromkeys(
        ["sigmoid", "hard_sigmoid", "tanh", "softsign", "hard_tanh", "sparse_sigmoid"], (np.ones_like, 0.0)
    ),
    "relu6": (lambda x: np.full_like(x, 6), 0.0),
    "log_sigmoid": (np.zeros_like, 0.0),
}
LEFT = {
    "linear": (lambda x: x, 1.0),
    "leaky_relu": (lambda x: 0.2 * x, 0.2),
    "elu": (lambda x: -np.ones_like(x), 0.0),
    "celu": (lambda x: -np.ones_like(x), 0.0),
    "selu": (lambda x: np.full_like(x, -1.05070098735548049342 * 1.67326324235437728482), 0.0),
    **dict.fromkeys(["tanh", "softsign", "hard_tanh"], (lambda x: -np.ones_like(x), 0.0)),
    "log_sigmoid": (lambda x: x, 1.0),
    "tanh_shrink": (lambda x: x + 1, 1.0),
    "soft_shrink": (lambda x: x + 0.5, 1.0),
    "hard_shrink": (lambda x: x, 1.0),
}


@pytest.mark.parametrize("kind", SIZES)
@pytest.mark.parametrize("name", [name for name in ELEMENTWISE if name not in ("rectifier", "threshold", "gelu_tanh")])
def test_activations_far_out(name, kind):
    sizes = SIZES[kind].astype(kind)
    for x, table, default in [(sizes, RIGHT, (lambda x: x, 1.0)), (-sizes, LEFT, (np.zeros_like, 0.0))]:
        y, slope = value_and_slope(name, x[None])
        far = np.abs(x) >= 1e3
        limit, tilt = table.get(name, default)
        with np.errstate(over="ignore"):
            exact = limit(x[far].astype("f8")).astype(kind)
        np.testing.assert_allclose(y[0, far], exact, rtol=2e-3, atol=2e-3)
        np.testing.assert_allclose(slope[0, far], tilt, rtol=2e-3, atol=2e-3)
        assert np.isfinite(y[0, ~far]).all() or name == "exponential"
        assert np.isfinite(slope[0, ~far]).all() or name == "exponential"


def test_gelu_by_tanh_far_out():
    for kind, sizes in SIZES.items():
        x = np.concatenate([sizes, -sizes]).astype(kind)
        y = np.asarray(gs.activations.gelu(x, approximate=True))
        far = np.abs(x) > 1e2
        np.testing.assert_array_equal(y[far], np.maximum(x, 0)[far])


@pytest.mark.parametrize("kind", SIZES)
def test_softmaxes_of_large_numbers(kind):
    most = SIZES[kind][-1]
    x = np.array([[most, -most, most], [1e30, 1e30, 1e30], [0.0, -np.inf, 0.0]], kind)
    y, _ = value_and_slope("softmax", x)
    np.testing.assert_allclose(y, [[0.5, 0, 0.5], [1 / 3] * 3, [0.5, 0, 0.5]], rtol=1e-6)
    y, slope = value_and_slope("log_softmax", x)
    half = np.log(0.5)
    np.testing.assert_allclose(y, [[half, -np.inf, half], [-np.log(3)] * 3, [half, -np.inf, half]], rtol=1e-6)
    np.testing.assert_allclose(slope, [[-0.5, 1, -0.5], [0] * 3, [-0.5, 1, -0.5]], atol=1e-6)


LOGITS = [case for case in CASES if case.from_logits and "label_smoothing" not in case.settings]


@pytest.mark.parametrize("kind", SIZES)
@pytest.mark.parametrize("case", LOGITS, ids=str)
def test_losses_of_logits_that_are_infinite_or_large(case, kind):
    most = SIZES[kind][-1]
    for low, high in [(-np.inf, 0.0), (-np.inf, 50.0), (-most, 0.0), (-most, most), (-1e10, 1e10)]:
        y = np.array([[low, high, low], [high, low, low]], kind)
        t = np.array([1, 0]) if case.labels else (y == kind_max(y)).astype(kind)
        value, slope = case.make().value_and_grad(t, y)
        # What is not true has no part in it; what is true is certain, of two classes at 0 half so.
        certain = high > 0 or not case.kind.startswith("binary")
        assert np.isfinite(value)
        assert np.isfinite(slope).all()
        if certain:
            np.testing.assert_allclose(value, 0, atol=1e-6)
            np.testing.assert_allclose(slope, 0, atol=1e-6)


def kind_max(y):
    return y.max(axis=1, keepdims=True)


OUTPUTS = [case for case in CASES if not case.from_logits and "crossentropy" in case.kind]


@pytest.mark.parametrize("kind", SIZES)
@pytest.mark.parametrize("case", OUTPUTS, ids=str)
def test_losses_of_probabilities_0_and_1(case, kind):
    y = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]], kind)
    for labels in ([1, 0], [0, 1], [2, 2]):
        t = np.array(labels) if case.labels else np.eye(3, dtype=kind)[labels]
        value, slope = case.make().value_and_grad(t, y)
        assert np.isfinite(value)
        assert np.isfinite(slope).all()


@pytest.mark.parametrize("kind", SIZES)
def test_cosine_of_rows_of_any_length(kind):
    loss = gs.losses.CosineSimilarity()
    t, y = np.array([[3.0, 4.0]], kind), np.array([[4.0, 3.0]], kind)
    exact, along = loss.value_and_grad(t, y)
    for of_t, of_y in [(1e30, 1.0), (1.0, 1e30), (1e35, 1e35), (1e-3, 1e30)]:
        value, slope = loss.value_and_grad(t * np.asarray(of_t, kind), y * np.asarray(of_y, kind))
        np.testing.assert_allclose(value, exact, rtol=1e-6)
        np.testing.assert_allclose(slope * np.asarray(of_y, kind), along, rtol=1e-4)
