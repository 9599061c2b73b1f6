"""Rules with norms against the libraries themselves, where those are installed."""

from __future__ import annotations

import os

import numpy as np
import pytest
from gradstep.optimizers import Lamb

os.environ.setdefault("KERAS_BACKEND", "jax")


STREAMS = {
    "quadratic": lambda w, t: np.array([1.0, 3.0, 10.0, 0.1, 0.5, 2.0]) * (w - 1),
    # of the first two; the others never have a gradient
    "rosenbrock": lambda w, t: np.array(
        [-2 * (1 - w[0]) - 400 * w[0] * (w[1] - w[0] ** 2), 200 * (w[1] - w[0] ** 2), 0, 0, 0, 0]
    ),
    "random": lambda w, t: np.random.default_rng(t).standard_normal(6),
}


@pytest.fixture
def keras():
    """Keras, which then has its learning rate in float64 too."""
    keras = pytest.importorskip("keras")
    if keras.backend.backend() == "jax":
        pytest.importorskip("jax").config.update("jax_enable_x64", True)
    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    yield keras
    keras.config.set_floatx(before)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:keras")  # of its own calls to NumPy
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
@pytest.mark.parametrize("stream", STREAMS)
def test_lamb_equals_keras(keras, stream, options):
    start = np.array([-1.2, 1.0, 0.3, 0.0, 2.0, -0.5])
    variables = [keras.Variable(start[:2], dtype="float64"), keras.Variable(start[2:], dtype="float64")]
    theirs, ours = keras.optimizers.Lamb(**options), Lamb(**options)
    w = [start[:2].copy(), start[2:].copy()]
    for t in range(20):
        g = STREAMS[stream](np.concatenate(w), t)
        theirs.apply(
            [keras.ops.convert_to_tensor(part, dtype="float64") for part in (g[:2], g[2:])],
            None if t else variables,
        )
        ours.step(w, [g[:2].copy(), g[2:].copy()])
        for variable, mine in zip(variables, w, strict=True):
            np.testing.assert_allclose(keras.ops.convert_to_numpy(variable), mine, rtol=0, atol=1e-9)
    assert abs(np.concatenate(w) - start).max() > 1e-3
