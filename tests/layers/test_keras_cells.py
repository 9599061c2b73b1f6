"""Models of cells are trained as Keras trains them; files go both ways."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from cell_cases import CASES, data_of, own_cell
from keras_runs import keras_says

pytestmark = pytest.mark.peers

EPOCHS, BATCH = 3, 4
OWN = own_cell(gs)


@pytest.fixture(scope="module", autouse=True)
def in_float64():
    before = gs.config.floatx()
    gs.config.set_floatx("float64")
    yield
    gs.config.set_floatx(before)


@pytest.fixture(scope="module")
def files(tmp_path_factory, in_float64):
    """Ours for Keras to read, and Keras's."""
    folder = tmp_path_factory.mktemp("cells")
    for name in CASES:
        model, _, _ = trained(name)
        model.save(folder / f"{name}.ours.keras")
        model.save_weights(folder / f"{name}.ours.weights.h5")
    return folder


@pytest.fixture(scope="module")
def keras(files):
    """For each model: start, losses, weights, and what it makes of our files."""
    return keras_says(
        """
from cell_cases import CASES, data_of, own_cell
own, answer = own_cell(keras), {}
for name, case in CASES.items():
    keras.utils.set_random_seed(1)
    x, y = data_of(name)
    model = case.model(keras, own)
    start, before = model.get_weights(), model.predict(x, verbose=0)
    model.compile(keras.optimizers.Adam(0.01), "mse")
    fit = model.fit(x, y, epochs=data["epochs"], batch_size=data["batch"], shuffle=False, verbose=0)
    model.save(f"{data['folder']}/{name}.theirs.keras")
    model.save_weights(f"{data['folder']}/{name}.theirs.weights.h5")
    read = keras.models.load_model(f"{data['folder']}/{name}.ours.keras", custom_objects={"Own": own})
    other = case.model(keras, own)
    other.load_weights(f"{data['folder']}/{name}.ours.weights.h5")
    answer[name] = {
        "start": start,
        "before": before,
        "losses": fit.history["loss"],
        "end": model.get_weights(),
        "predicted": model.predict(x, verbose=0),
        "of our file": [read.predict(x, verbose=0), other.predict(x, verbose=0)],
        "names": [weight.path.split("/")[-1] for weight in model.weights],
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
    model = CASES[name].model(gs, OWN)
    model.compile(gs.optimizers.Adam(0.01), "mse")
    model.fit(x, y, epochs=1, batch_size=BATCH, verbose=0)
    return model, x, y


@pytest.mark.parametrize("name", CASES)
def test_trains_as_keras_does(name, keras):
    theirs, (x, y) = keras[name], data_of(name)
    model = CASES[name].model(gs, OWN)
    for path, last in zip(model.weight_names, theirs["names"], strict=True):
        assert path.endswith(last)
    model.set_weights([np.array(weight) for weight in theirs["start"]])
    np.testing.assert_allclose(model.predict(x, verbose=0), theirs["before"], rtol=1e-6, atol=1e-7)
    model.compile(gs.optimizers.Adam(0.01), "mse")
    losses = model.fit(x, y, epochs=EPOCHS, batch_size=BATCH, shuffle=False, verbose=0).history["loss"]
    np.testing.assert_allclose(losses, theirs["losses"], rtol=3e-6)  # Keras's loss is in float32 in part
    for weight, other in zip(model.weights, theirs["end"], strict=True):
        np.testing.assert_allclose(weight, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_keras_reads_our_files(name, keras):
    model, x, _ = trained(name)
    for predicted in keras[name]["of our file"]:
        np.testing.assert_allclose(predicted, model.predict(x, verbose=0), rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("name", CASES)
def test_keras_files_are_read(name, keras, files):
    x, y = data_of(name)
    model = gs.models.load_model(files / f"{name}.theirs.keras", custom_objects={"Own": OWN})
    np.testing.assert_allclose(model.predict(x, verbose=0), keras[name]["predicted"], rtol=1e-5, atol=2e-6)
    assert int(model.optimizer.iterations) == EPOCHS * len(y) // BATCH
    other = CASES[name].model(gs, OWN)
    other.load_weights(files / f"{name}.theirs.weights.h5")
    np.testing.assert_array_equal(other.predict(x, verbose=0), model.predict(x, verbose=0))
