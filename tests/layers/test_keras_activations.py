"""Activations equal Keras's own, and so do their gradients through a layer."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import _core
from keras_runs import keras_says

pytestmark = pytest.mark.peers

CALLS = {
    "celu": {"alpha": 0.7},
    "elu": {"alpha": 0.7},
    "exponential": {},
    "gelu": {"approximate": True},
    "glu": {"axis": 0},
    "hard_shrink": {"threshold": 0.3},
    "hard_sigmoid": {},
    "hard_silu": {},
    "hard_tanh": {},
    "leaky_relu": {"negative_slope": 0.05},
    "linear": {},
    "log_sigmoid": {},
    "log_softmax": {"axis": 0},
    "mish": {},
    "relu": {"negative_slope": 0.1, "max_value": 1.5, "threshold": 0.4},
    "relu6": {},
    "selu": {},
    "sigmoid": {},
    "silu": {},
    "soft_shrink": {"threshold": 0.3},
    "softmax": {"axis": 0},
    "softplus": {},
    "softsign": {},
    "sparse_plus": {},
    "sparse_sigmoid": {},
    "sparsemax": {"axis": -1},
    "squareplus": {"b": 2.0},
    "tanh": {},
    "tanh_shrink": {},
    "threshold": {"threshold": 0.3, "default_value": -0.5},
}
NEEDED = {"threshold": CALLS["threshold"]}
X = 2 * np.random.default_rng(1).normal(size=(6, 8))
DY = np.random.default_rng(2).normal(size=(6, 8))


@pytest.fixture(scope="module")
def keras():
    """Names, and by name [values with settings, values without, gradient without]."""
    return keras_says(
        """
x, dy = (keras.ops.convert_to_tensor(data[name], "float64") for name in ("x", "dy"))
names = [name for name in dir(keras.activations) if not name.startswith("_")]
values = {}
for name, settings in data["calls"].items():
    f, needed = getattr(keras.activations, name), data["needed"].get(name, {})
    slope = None if name == "glu" else jax.grad(lambda x: (f(x, **needed) * dy).sum())(x)
    values[name] = [f(x, **settings), f(x, **needed), slope, str(f(x, **needed).dtype)]
answer = {"names": names, "values": values}
""",
        calls=CALLS,
        needed=NEEDED,
        x=X.tolist(),
        dy=DY.tolist(),
    )


def test_all_of_them_are_here(keras):
    theirs = set(keras["names"]) - {"deserialize", "serialize", "get"}
    assert theirs <= set(dir(gs.activations))
    assert set(CALLS) == theirs - {"swish", "hard_swish"}


def test_sparsemax(keras):
    """Keras adds up the sums of the numbers that stay, where the paper takes the last of them: where more than one
    stays, what it gives does not sum to 1. Where one does they agree."""
    ours, theirs = gs.activations.sparsemax(X), np.array(keras["values"]["sparsemax"][1])
    alone = (ours > 0).sum(-1) == 1
    assert 0 < alone.sum() < len(X)
    np.testing.assert_allclose(ours[alone], theirs[alone], rtol=1e-12)
    np.testing.assert_allclose(ours.sum(-1), 1, rtol=1e-12)
    assert (theirs[~alone].sum(-1) < 0.99).all()


@pytest.mark.parametrize("name", [name for name in CALLS if name != "sparsemax"])
def test_values_and_gradients(name, keras):
    f, needed = getattr(gs.activations, name), NEEDED.get(name, {})
    with_settings, as_it_is, slope, dtype = keras["values"][name]
    # Some roundings of numbers up to e^6, in float64; but Keras makes float32 of it in some.
    tolerance = {"rtol": 1e-12, "atol": 1e-12} if dtype == "float64" else {"rtol": 1e-6, "atol": 1e-6}
    np.testing.assert_allclose(f(X, **CALLS[name]), with_settings, **tolerance)
    np.testing.assert_allclose(f(X, **needed), as_it_is, **tolerance)
    if slope is not None:
        use = {"kind": name} | needed
        np.testing.assert_allclose(_core.activation_backward(use, X, DY), slope, **tolerance)
