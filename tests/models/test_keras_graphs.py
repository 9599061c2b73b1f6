"""Models of several inputs and outputs are trained as Keras trains them: logs, scores and weights, in float64."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from graphs import GRAPHS, arrays
from keras_runs import keras_says

pytestmark = pytest.mark.peers

EPOCHS, BATCH = 3, 8


@pytest.fixture(scope="module")
def keras():
    """For each model: start, logs of the epochs, evaluate, weights and the layers' names."""
    return keras_says(
        """
from graphs import GRAPHS, arrays
answer = {}
for name, (make, arguments) in GRAPHS.items():
    keras.utils.set_random_seed(1)
    model = make(keras)
    start = model.get_weights()
    model.compile(keras.optimizers.Adam(0.05), **arguments)
    x, y, weights = arrays(name)
    fit = model.fit(x, y, epochs=data["epochs"], batch_size=data["batch"], shuffle=False, verbose=0,
                    sample_weight=weights)
    answer[name] = {
        "start": start,
        "logs": fit.history,
        "scores": model.evaluate(x, y, verbose=0, sample_weight=weights),
        "end": model.get_weights(),
        "layers": [layer.name for layer in model.layers],
        "paths": [weight.path for weight in model.weights],
    }
""",
        epochs=EPOCHS,
        batch=BATCH,
    )


@pytest.mark.parametrize("name", GRAPHS)
def test_trains_as_keras_does(name, keras):
    make, arguments = GRAPHS[name]
    theirs = keras[name]
    model = make(gs)
    assert [layer.name for layer in model.layers] == theirs["layers"]
    # Keras names a layer after models around it only if those made it.
    assert [path.split("/")[-2:] for path in model.weight_names] == [path.split("/")[-2:] for path in theirs["paths"]]
    model.set_weights([np.array(weight) for weight in theirs["start"]])
    model.compile(gs.optimizers.Adam(0.05), **arguments)
    x, y, weights = arrays(name)
    logs = model.fit(x, y, epochs=EPOCHS, batch_size=BATCH, shuffle=False, verbose=0, sample_weight=weights).history
    # Keras sorts the names; and computes losses and metrics in float32 in part.
    assert sorted(logs) == list(theirs["logs"])
    for key, curve in theirs["logs"].items():
        np.testing.assert_allclose(logs[key], curve, rtol=3e-6, err_msg=key)
    np.testing.assert_allclose(model.evaluate(x, y, verbose=0, sample_weight=weights), theirs["scores"], rtol=3e-6)
    for weight, other in zip(model.weights, theirs["end"], strict=True):
        np.testing.assert_allclose(weight, other, rtol=1e-5, atol=1e-6)


# In both libraries, whose name is `L`: names of what `evaluate` lists, found by their values.
LISTED = """
def listed(by_key, losses, weighs):
    x = L.Input((4,))
    heads = {name: L.layers.Dense(2, name=name, kernel_initializer="ones")(x) for name in ("cls", "box", "aux")}
    model = L.Model(x, heads if by_key else list(heads.values()))
    kinds = {"cls": "mse", "box": "mae", "aux": "huber"}
    more = {"weighted_metrics": {"cls": ["mae"], "box": ["mse"]}} if weighs else {}
    metrics = {name: ["mean_squared_logarithmic_error"] for name in losses}
    model.compile("sgd", {name: kinds[name] for name in losses}, metrics=metrics, **more)
    values = np.arange(48.0).reshape(12, 4) / 10
    y = {"cls": values[:, :2] + 1, "box": values[:, 2:] * 2, "aux": values[:, 1:3] + 9}
    y = y if by_key else list(y.values())
    named = model.evaluate(values, y, verbose=0, return_dict=True)
    names = {round(float(value), 4): name for name, value in named.items()}
    return [names[round(float(value), 4)] for value in model.evaluate(values, y, verbose=0)]

answer = [
    listed(by_key, losses, weighs)
    for by_key in (True, False)
    for losses in (("cls", "box", "aux"), ("box", "aux", "cls"))
    for weighs in (True, False)
]
"""


def test_evaluate_lists_in_keras_order():
    theirs = keras_says(f"L = keras\n{LISTED}", "torch")
    ours = {"L": gs, "np": np}
    exec(LISTED, ours)
    assert ours["answer"] == theirs
