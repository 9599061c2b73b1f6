"""The way back through a model called in training is what JAX finds through Keras's, in float64."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from keras_runs import built, keras_says
from own_layers import NumpyDense

pytestmark = pytest.mark.peers

ROWS = [
    ["Dense", {"units": 6, "kernel_regularizer": ["L2", {"l2": 0.1}]}],
    ["BatchNormalization", {"momentum": 0.5, "gamma_regularizer": ["L1", {"l1": 0.2}]}],
    ["Activation", {"activation": "swish"}],
    ["Dense", {"units": 3, "bias_regularizer": ["L2", {"l2": 0.3}]}],
    ["LayerNormalization", {}],
]

PROGRAM = """
from keras_runs import built
model = keras.Sequential([keras.Input((4,)), *built(keras, data["rows"])])
model.set_weights([np.array(w) for w in data["weights"]])
trained = [v.value for v in model.trainable_variables]
others = [v.value for v in model.non_trainable_variables]

def loss(x, trained):
    y, moved, losses = model.stateless_call(trained, others, x, training=True, return_losses=True)
    return (y * np.array(data["dy"])).sum() + sum(losses), (y, moved)

(value, (y, moved)), (dx, dws) = jax.value_and_grad(loss, (0, 1), has_aux=True)(np.array(data["x"]), trained)
answer = {"y": y, "dx": dx, "dws": dws, "moved": moved}
"""


def data():
    random = np.random.default_rng(0)
    return random.normal(size=(7, 4)), random.normal(size=(7, 3))


def model_of(own):
    layers = built(gs, ROWS)
    if own:
        layers[0] = NumpyDense(6, kernel_regularizer=gs.regularizers.L2(0.1), dtype="float64")
    model, random = gs.Sequential([gs.Input((4,)), *layers]), np.random.default_rng(1)
    model.set_weights([0.1 + random.random(weight.shape) for weight in model.weights])
    return model


@pytest.fixture(scope="module")
def keras():
    x, dy = data()
    weights = [weight.tolist() for weight in model_of(False).weights]
    return keras_says(PROGRAM, rows=ROWS, weights=weights, x=x.tolist(), dy=dy.tolist())


@pytest.mark.parametrize("own", [False, True], ids=["engine", "with a layer in NumPy"])
def test_backward_is_what_jax_finds(own, keras):
    model, (x, dy) = model_of(own), data()
    y = model(x, training=True)
    dx, dws = model.backward(dy)
    ours = {"y": [y], "dx": [dx], "dws": dws, "moved": model.non_trainable_weights}
    theirs = {name: found if name in {"dws", "moved"} else [found] for name, found in keras.items()}
    assert list(ours) == list(theirs)
    for name, arrays in ours.items():
        for mine, other in zip(arrays, theirs[name], strict=True):
            # Keras takes some roots in float32, also of float64.
            np.testing.assert_allclose(mine, np.array(other), rtol=5e-6, atol=5e-6, err_msg=name)
