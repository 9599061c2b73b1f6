"""Models with a method `call` are trained as Keras trains them; files go both ways."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from keras_runs import keras_says
from subclassed import CASES, classes, data_of

pytestmark = pytest.mark.peers

EPOCHS, BATCH = 3, 8


@pytest.fixture(scope="module", autouse=True)
def in_float64():
    before = gs.config.floatx()
    gs.config.set_floatx("float64")
    yield
    gs.config.set_floatx(before)


@pytest.fixture(scope="module")
def files(tmp_path_factory, in_float64):
    """Ours for Keras to read, and Keras's."""
    folder = tmp_path_factory.mktemp("subclassed")
    for name in CASES:
        model, _, _ = trained(name)
        model.save(folder / f"{name}.ours.keras")
        model.save_weights(folder / f"{name}.ours.weights.h5")
    return folder


@pytest.fixture(scope="module")
def keras(files):
    """For each model: start, logs of the epochs, scores, weights, and what it makes of our files."""
    return keras_says(
        """
from subclassed import CASES, classes, data_of
made = classes(keras)
answer = {}
for name, case in CASES.items():
    keras.utils.set_random_seed(1)
    x, y = data_of(name)
    model = made[name]()
    before = model(x)
    start = model.get_weights()
    model.compile(keras.optimizers.Adam(0.01), case.loss, metrics=["mae"] if case.loss == "mse" else ["accuracy"])
    fit = model.fit(x, y, epochs=data["epochs"], batch_size=data["batch"], shuffle=False, verbose=0)
    model.save(f"{data['folder']}/{name}.theirs.keras")
    model.save_weights(f"{data['folder']}/{name}.theirs.weights.h5")
    read = keras.models.load_model(f"{data['folder']}/{name}.ours.keras", custom_objects=made)
    other = made[name]()
    other(x)
    other.load_weights(f"{data['folder']}/{name}.ours.weights.h5")
    answer[name] = {
        "start": start,
        "before": before.detach().numpy(),
        "logs": fit.history,
        "scores": model.evaluate(x, y, verbose=0),
        "end": model.get_weights(),
        "predicted": model.predict(x, verbose=0),
        "of our file": [read.predict(x, verbose=0), other.predict(x, verbose=0)],
        "names": [weight.path.split("/")[-1] for weight in model.weights],
        "trained": len(model.trainable_weights),
        "layers": [type(layer).__name__ for layer in model.layers],
    }
""",
        backend="torch",
        epochs=EPOCHS,
        batch=BATCH,
        folder=str(files),
    )


def trained(name):
    gs.utils.set_random_seed(2)
    x, y = data_of(name)
    model = classes(gs)[name]()
    model.compile(gs.optimizers.Adam(0.01), CASES[name].loss)
    model.fit(x, y, epochs=1, batch_size=BATCH, verbose=0)
    return model, x, y


@pytest.mark.parametrize("name", CASES)
def test_trains_as_keras_does(name, keras):
    theirs, (x, y) = keras[name], data_of(name)
    model = classes(gs)[name]()
    model.build(CASES[name].shape)
    assert [type(layer).__name__ for layer in model.layers] == theirs["layers"]
    # Keras has the kernels of attention in layers inside.
    for path, last in zip(model.weight_names, theirs["names"], strict=True):
        assert path.endswith(last)
    assert len(model.trainable_weights) == theirs["trained"]
    model.set_weights([np.array(weight) for weight in theirs["start"]])
    np.testing.assert_allclose(model(x), theirs["before"], rtol=1e-6, atol=1e-7)
    loss = CASES[name].loss
    model.compile(gs.optimizers.Adam(0.01), loss, metrics=["mae"] if loss == "mse" else ["accuracy"])
    logs = model.fit(x, y, epochs=EPOCHS, batch_size=BATCH, shuffle=False, verbose=0).history
    # Keras computes losses and metrics in float32 in part; biases of keys, which cancel, move by rounding alone.
    for key, curve in theirs["logs"].items():
        np.testing.assert_allclose(logs[key], curve, rtol=3e-6, err_msg=key)
    np.testing.assert_allclose(model.evaluate(x, y, verbose=0), theirs["scores"], rtol=3e-6)
    np.testing.assert_allclose(model.predict(x, verbose=0), theirs["predicted"], rtol=1e-5, atol=1e-6)
    for weight, other in zip(model.weights, theirs["end"], strict=True):
        np.testing.assert_allclose(weight, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_keras_reads_our_files(name, keras):
    model, x, _ = trained(name)
    for predicted in keras[name]["of our file"]:
        np.testing.assert_allclose(predicted, model.predict(x, verbose=0), rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("name", CASES)
def test_keras_files_are_read(name, keras, files):
    made, (x, y) = classes(gs), data_of(name)
    model = gs.models.load_model(files / f"{name}.theirs.keras", custom_objects=made)
    np.testing.assert_allclose(model.predict(x, verbose=0), keras[name]["predicted"], rtol=1e-5, atol=2e-6)
    assert int(model.optimizer.iterations) == EPOCHS * len(y) // BATCH
    other = made[name]()
    other.build(CASES[name].shape)
    other.load_weights(files / f"{name}.theirs.weights.h5")
    np.testing.assert_array_equal(other.predict(x, verbose=0), model.predict(x, verbose=0))
