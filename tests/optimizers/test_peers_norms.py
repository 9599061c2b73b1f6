"""Rules with norms against the libraries themselves, where those are installed."""

from __future__ import annotations

import os

import numpy as np
import pytest
from gradstep.optimizers import Lamb

os.environ.setdefault("KERAS_BACKEND", "jax")


def streams():
    """Of two arrays: a quadratic's slopes, Rosenbrock's, and random gradients."""
    rng = np.random.default_rng(0)
    random = rng.standard_normal((20, 6))
    curvature = np.array([1.0, 3.0, 10.0, 0.1, 0.5, 2.0])
    yield "quadratic", lambda w, t: curvature * (w - 1)
    yield (
        "rosenbrock",
        lambda w, t: np.concatenate(
            [[-2 * (1 - w[0]) - 400 * w[0] * (w[1] - w[0] ** 2), 200 * (w[1] - w[0] ** 2)], np.zeros(4)]
        ),
    )
    yield "random", lambda w, t: random[t]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"learning_rate": 0.03, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3},
        {"weight_decay": 0.1, "learning_rate": 0.05},
        {"global_clipnorm": 0.5},
    ],
    ids=["defaults", "other values", "decay", "clipped"],
)
@pytest.mark.parametrize(("name", "slope"), streams())
def test_lamb_equals_keras(name, slope, options):
    keras = pytest.importorskip("keras")
    if keras.backend.backend() == "jax":
        pytest.importorskip("jax").config.update("jax_enable_x64", True)
    start = np.array([-1.2, 1.0, 0.3, 0.0, 2.0, -0.5])
    variables = [keras.Variable(start[:2], dtype="float64"), keras.Variable(start[2:], dtype="float64")]
    theirs, ours = keras.optimizers.Lamb(**options), Lamb(**options)
    w = [start[:2].copy(), start[2:].copy()]
    for t in range(20):
        g = slope(np.concatenate(w), t)
        theirs.apply(
            [keras.ops.convert_to_tensor(part, dtype="float64") for part in (g[:2], g[2:])],
            None if t else variables,
        )
        ours.step(w, [g[:2].copy(), g[2:].copy()])
        for variable, mine in zip(variables, w, strict=True):
            np.testing.assert_allclose(keras.ops.convert_to_numpy(variable), mine, rtol=1e-9, atol=1e-12)
    assert abs(np.concatenate(w) - start).max() > 1e-3
