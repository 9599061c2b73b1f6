"""Training with these layers, penalties and constraints equals Keras's own: losses and weights, in float64."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from keras_runs import built, keras_says

pytestmark = pytest.mark.peers

# A model is a list of [class, arguments]; rules are [class, arguments] too.
MODELS = {
    "penalties": [
        ["Dense", {"units": 6, "activation": "tanh", "kernel_regularizer": ["L1L2", {"l1": 0.01, "l2": 0.02}]}],
        ["Dense", {"units": 2, "bias_regularizer": ["L2", {"l2": 0.1}], "kernel_regularizer": ["L1", {"l1": 0.03}]}],
    ],
    "orthogonal": [
        ["Dense", {"units": 6, "kernel_regularizer": ["OrthogonalRegularizer", {"factor": 0.3}]}],
        ["Dense", {"units": 2, "kernel_regularizer": ["OrthogonalRegularizer", {"factor": 0.3, "mode": "columns"}]}],
    ],
    "constraints": [
        ["Dense", {"units": 6, "activation": "elu", "kernel_constraint": ["MaxNorm", {"max_value": 0.7}]}],
        ["Dense", {"units": 5, "kernel_constraint": ["MinMaxNorm", {"min_value": 0.2, "max_value": 0.5, "rate": 0.3}]}],
        ["Dense", {"units": 4, "kernel_constraint": ["UnitNorm", {"axis": 1}], "bias_constraint": ["NonNeg", {}]}],
        ["Dense", {"units": 2}],
    ],
    "batch normalization": [
        ["Dense", {"units": 6, "use_bias": False}],
        ["BatchNormalization", {"momentum": 0.8, "gamma_regularizer": ["L2", {"l2": 0.01}]}],
        ["Activation", {"activation": "silu"}],
        ["BatchNormalization", {"scale": False}],
        ["Dense", {"units": 2}],
    ],
    "layer normalization": [
        ["Dense", {"units": 6, "activation": "gelu"}],
        ["LayerNormalization", {"epsilon": 1e-4}],
        ["PReLU", {"alpha_initializer": "ones"}],
        ["Dense", {"units": 2}],
    ],
    "group normalization": [
        ["Dense", {"units": 6, "activation": "gelu"}],
        ["GroupNormalization", {"groups": 3}],
        ["Dense", {"units": 2}],
    ],
    "frozen": [
        ["Dense", {"units": 6, "trainable": False, "kernel_regularizer": ["L2", {"l2": 1.0}]}],
        ["BatchNormalization", {"trainable": False}],
        ["Dense", {"units": 2}],
    ],
    "normalization": [
        ["Normalization", {"mean": [0.1, 0.2, 0.3, 0.4], "variance": [1.0, 2.0, 3.0, 4.0]}],
        ["LeakyReLU", {"negative_slope": 0.1}],
        ["Dense", {"units": 2, "activation": "softsign"}],
    ],
}
OPTIMIZERS = {"SGD": {"learning_rate": 0.1, "momentum": 0.5}, "Adam": {"learning_rate": 0.05}}
EPOCHS, BATCH = 3, 8


def data():
    random = np.random.default_rng(0)
    return random.normal(size=(20, 4)), random.normal(size=(20, 2))


@pytest.fixture(scope="module")
def keras():
    """For each model and optimizer: start, losses of the epochs, of evaluate, and weights in the end."""
    x, y = data()
    return keras_says(
        """
from keras_runs import built
x, y, answer = np.array(data["x"]), np.array(data["y"]), {}
for name, rows in data["models"].items():
    for optimizer, arguments in data["optimizers"].items():
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((4,)), *built(keras, rows)])
        start = [w for w in model.get_weights()]
        model.compile(getattr(keras.optimizers, optimizer)(**arguments), "mse")
        history = model.fit(x, y, epochs=data["epochs"], batch_size=data["batch"], shuffle=False, verbose=0)
        last = model.evaluate(x, y, verbose=0)
        answer[name + optimizer] = [start, history.history["loss"], last, model.get_weights()]
""",
        optimized=True,
        x=x.tolist(),
        y=y.tolist(),
        models=MODELS,
        optimizers=OPTIMIZERS,
        epochs=EPOCHS,
        batch=BATCH,
    )


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", MODELS)
def test_fit(name, optimizer, keras):
    x, y = data()
    start, losses, last, end = keras[name + optimizer]
    model = gs.Sequential([gs.Input((4,)), *built(gs, MODELS[name])])
    assert [w.shape for w in model.weights] == [np.shape(w) for w in start]
    model.set_weights([np.array(w) for w in start])
    model.compile(getattr(gs.optimizers, optimizer)(**OPTIMIZERS[optimizer]), "mse")
    history = model.fit(x, y, epochs=EPOCHS, batch_size=BATCH, shuffle=False, verbose=0)
    # Keras reports losses in float32, and takes some roots and norms in it; all of GroupNormalization.
    loose = 20 if name == "group normalization" else 1
    np.testing.assert_allclose(history.history["loss"], losses, rtol=2e-6 * loose)
    assert model.evaluate(x, y, verbose=0) == pytest.approx(last, rel=2e-6 * loose)
    for weight, other in zip(model.weights, end, strict=True):
        np.testing.assert_allclose(weight, other, rtol=1e-6 * loose, atol=1e-7 * loose)
