"""Keras's files of layers whose weights no gradient moves: read here, and ours read there."""

from __future__ import annotations

import inspect

import gradstep as gs
import numpy as np
import pytest
from keras_runs import said_with_keras
from peers import needs

pytestmark = pytest.mark.peers

pytest.importorskip("h5py")

X = (3 + 2 * np.random.default_rng(3).standard_normal((40, 4))).astype(np.float32)
# How Normalization is made; it is adapted unless it is given its mean.
SETTINGS = [{}, {"axis": None}, {"mean": [1.0, 2, 3, 4], "variance": [1.0, 2, 1, 1]}, {"invert": True}, {"axis": (1,)}]
SETTINGS += [{"axis": (1, 2)}, {"axis": 2}]  # of rows of shape (2, 2)


def row(library, settings):
    """The same layers of either library."""
    layers = library.layers
    first = layers.Normalization(**settings)
    shape = (2, 2) if settings.get("axis") in ((1, 2), 2) else (4,)
    if "mean" not in settings:
        first.adapt(X.reshape(-1, *shape))
    return library.Sequential(
        [
            library.Input((4,)),
            layers.Reshape(shape),
            first,
            layers.Flatten(),
            layers.Dense(6, activation="relu"),
            layers.BatchNormalization(momentum=0.8),
            layers.LayerNormalization(),
            layers.GroupNormalization(2),
            layers.PReLU(),
            layers.Dense(5, trainable=False),
            layers.BatchNormalization(scale=False),
            layers.Dense(2),
        ]
    )


def trained(library, settings):
    model = row(library, settings)
    model.compile("adam", "mse")
    model.fit(X, np.ones((40, 2), np.float32), verbose=0)
    return model


KERAS = """
import keras, pathlib
folder, found = pathlib.Path(FOLDER), {}
for i, settings in enumerate(SETTINGS):
    model = trained(keras, settings)
    model.save(folder / f"{i}.keras")
    model.save_weights(folder / f"{i}.weights.h5")
    found[f"theirs {i}"] = model.predict(X, verbose=0)
    model.load_weights(folder / f"ours-{i}.weights.h5")
    found[f"ours {i}"] = model.predict(X, verbose=0)
    again = keras.models.model_from_json((folder / f"ours-{i}.json").read_text())
    again.load_weights(folder / f"ours-{i}.weights.h5")
    found[f"ours again {i}"] = again.predict(X, verbose=0)
np.savez(folder / "found.npz", **found)
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder of both libraries' files, what Keras predicts, and what we do."""
    needs("keras", "torch")
    folder = tmp_path_factory.mktemp("keras")
    ours = []
    for i, settings in enumerate(SETTINGS):
        model = trained(gs, settings)
        model.save_weights(folder / f"ours-{i}.weights.h5")
        (folder / f"ours-{i}.json").write_text(model.to_json())
        ours.append(model.predict(X, verbose=0))
    sources = "\n".join(inspect.getsource(each) for each in (row, trained))
    known = f"import numpy as np\nFOLDER, SETTINGS = {str(folder)!r}, {SETTINGS!r}\n"
    said_with_keras(f"{known}X = np.array({X.tolist()}, np.float32)\n{sources}\n{KERAS}", "torch")
    with np.load(folder / "found.npz") as found:
        return folder, dict(found), ours


@pytest.mark.parametrize("i", range(len(SETTINGS)), ids=str)
def test_files_go_both_ways(files, i):
    folder, found, ours = files
    whole = gs.models.load_model(folder / f"{i}.keras")
    assert [layer.trainable for layer in whole.layers] == [layer.trainable for layer in row(gs, SETTINGS[i]).layers]
    weights = row(gs, SETTINGS[i])
    weights.load_weights(folder / f"{i}.weights.h5")
    # float32, through the layers that divide by standard deviations; with axis=None by that of columns of one mean
    for model in (whole, weights):
        np.testing.assert_allclose(model.predict(X, verbose=0), found[f"theirs {i}"], rtol=1e-4, atol=1e-4)
    for name in ("ours", "ours again"):
        np.testing.assert_allclose(found[f"{name} {i}"], ours[i], rtol=1e-4, atol=1e-4)
    assert np.abs(found[f"theirs {i}"] - ours[i]).max() > 1e-2  # other weights give other outputs
