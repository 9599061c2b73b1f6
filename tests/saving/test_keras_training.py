"""``.keras`` files between Keras and this package: training goes on where the other left it, optimizer and all."""

from __future__ import annotations

import io
import json
import zipfile

import gradstep as gs
import numpy as np
import pytest
from gradstep import optimizers
from keras_runs import said_with_keras
from peers import needs

pytestmark = pytest.mark.peers

pytest.importorskip("h5py")

X = np.random.default_rng(0).normal(size=(64, 6)).astype(np.float32)
Y = X[:, :2] ** 2
RUN = {"epochs": 3, "verbose": 0, "shuffle": False}
OPTIMIZERS = {
    "accumulated": lambda: optimizers.Adam(0.01, gradient_accumulation_steps=4),
    "adafactor": optimizers.Adafactor,
    "adam": lambda: optimizers.Adam(optimizers.schedules.ExponentialDecay(0.01, 10, 0.9), amsgrad=True, clipnorm=1.0),
    "adamw": lambda: optimizers.AdamW(weight_decay=0.01),
    "adamax": optimizers.Adamax,
    "adagrad": lambda: optimizers.Adagrad(0.05),
    "adadelta": lambda: optimizers.Adadelta(1.0),
    "averaged": lambda: optimizers.RMSprop(0.001, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=3),
    "ftrl": lambda: optimizers.Ftrl(0.05),
    "lamb": optimizers.Lamb,
    "lion": optimizers.Lion,
    "muon": optimizers.Muon,
    "nadam": optimizers.Nadam,
    "nesterov": lambda: optimizers.SGD(0.01, momentum=0.9, nesterov=True),
    "rmsprop": lambda: optimizers.RMSprop(momentum=0.5, centered=True),
    "sgd": lambda: optimizers.SGD(0.01),
}
KERAS = """
import json, keras, pathlib
import numpy as np

folder = pathlib.Path(FOLDER)
x, y = np.load(folder / "x.npy"), np.load(folder / "y.npy")
found = {}
for path in sorted(folder.glob("*.ours.keras")):
    name = path.name.partition(".")[0]
    model = keras.models.load_model(path)
    found[name] = [model.fit(x, y, **RUN).history["loss"]]
    model.save(folder / f"{name}.theirs.keras")
    found[name].append(model.fit(x, y, **RUN).history["loss"])
(folder / "found.json").write_text(json.dumps(found))
"""


def trained(optimizer):
    gs.utils.set_random_seed(1)
    layers = [gs.layers.Dense(8, "tanh"), gs.layers.BatchNormalization(), gs.layers.Dense(2)]
    model = gs.Sequential([gs.Input((6,)), *layers])
    model.compile(optimizer, "mse", metrics=["mae"])
    model.fit(X, Y, **RUN)
    return model


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder of files of both, and the losses with which Keras went on."""
    needs("keras", "torch")
    folder = tmp_path_factory.mktemp("keras")
    np.save(folder / "x.npy", X)
    np.save(folder / "y.npy", Y)
    for name, make in OPTIMIZERS.items():
        trained(make()).save(folder / f"{name}.ours.keras")
    said_with_keras(f"FOLDER, RUN = {str(folder)!r}, {RUN!r}\n{KERAS}", "torch")
    return folder, json.loads((folder / "found.json").read_text())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_keras_goes_on_with_our_losses(runs, name):
    _, found = runs
    wanted = trained(OPTIMIZERS[name]()).fit(X, Y, **RUN).history["loss"]
    np.testing.assert_allclose(found[name][0], wanted, rtol=1e-5)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_we_go_on_with_the_losses_of_keras(runs, name):
    folder, found = runs
    model = gs.models.load_model(folder / f"{name}.theirs.keras")
    np.testing.assert_allclose(model.fit(X, Y, **RUN).history["loss"], found[name][1], rtol=1e-5)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_we_read_our_own(runs, name):
    folder, _ = runs
    model = gs.models.load_model(folder / f"{name}.ours.keras")
    assert model.fit(X, Y, **RUN).history == trained(OPTIMIZERS[name]()).fit(X, Y, **RUN).history


def test_state_that_has_another_layout_is_said_to_be_lost(runs, tmp_path):
    import h5py

    folder, _ = runs
    path = tmp_path / "less.keras"
    with zipfile.ZipFile(folder / "nesterov.theirs.keras") as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith(".h5"):
                buffer = io.BytesIO(data)
                with h5py.File(buffer, "r+") as file:
                    del file[f"optimizer/vars/{len(file['optimizer/vars']) - 1}"]
                data = buffer.getvalue()
            new.writestr(name, data)
    with pytest.warns(UserWarning, match="state of the optimizer is not read, and training begins it anew"):
        model = gs.models.load_model(path)
    model.fit(X, Y, **RUN)


def test_what_a_file_of_keras_cannot_hold(tmp_path):
    model = trained("kfac")
    with pytest.raises(ValueError, match=r"the optimizer must be one of Adadelta, .* for Keras; got KFAC"):
        model.save(tmp_path / "model.keras")
    model.save(tmp_path / "model.keras", include_optimizer=False)
    assert gs.models.load_model(tmp_path / "model.keras").optimizer is None
    with pytest.raises(ValueError, match="optimizer's maximize must be False"):
        trained(optimizers.SGD(maximize=True)).save(tmp_path / "other.keras")
    with pytest.raises(ValueError, match="callbacks must be None for Keras's format"):
        model.save(tmp_path / "other.keras", callbacks=[])
    assert not (tmp_path / "other.keras").exists()
