"""Keras's files, written by Keras itself and read here, and the other way round."""

from __future__ import annotations

import inspect
import io
import json
import zipfile

import gradstep as gs
import numpy as np
import pytest
from keras_runs import said_with_keras
from peers import needs

pytestmark = pytest.mark.peers

h5py = pytest.importorskip("h5py")

X = np.random.default_rng(3).standard_normal((20, 2, 3)).astype(np.float32)
LABELS = np.arange(20) % 4


def row(library):
    """The same layers of either library."""
    layers = library.layers
    return library.Sequential(
        [
            library.Input((2, 3)),
            layers.Rescaling(0.5, offset=0.1),
            layers.Flatten(),
            layers.Dense(7, activation="relu", kernel_initializer="he_normal", name="some"),
            layers.Dropout(0.5),
            layers.Dense(5, use_bias=False, bias_initializer="ones"),
            layers.Activation("tanh"),
            layers.Dense(4, activation="softmax"),
        ]
    )


# In a process of its own, where Keras writes its files and reads ours.
KERAS = """
import json, os, pathlib, sys
import keras
import numpy as np

folder = pathlib.Path(FOLDER)
x = np.load(folder / "x.npy")
found = {}

def note(name, model):
    found[name] = np.asarray(model.predict(x, verbose=0))
    found[name + " names"] = np.array([layer.name for layer in model.layers])

keras.utils.set_random_seed(5)
plain = row(keras)
plain.save_weights(folder / "plain.weights.h5")
plain.save(folder / "plain.keras")
(folder / "plain.json").write_text(plain.to_json())
note("plain", plain)

trained = row(keras)
rate = keras.optimizers.schedules.CosineDecay(0.01, 100, warmup_target=0.02, warmup_steps=10)
optimizer = keras.optimizers.AdamW(rate, weight_decay=0.02, clipnorm=1.0)
trained.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
trained.fit(x, np.arange(20) % 4, verbose=0)
trained.save(folder / "trained.keras")
note("trained", trained)
found["scores"] = np.array(trained.evaluate(x, np.arange(20) % 4, verbose=0))
found["rate"] = np.array(float(rate(50)))

ours = row(keras)
ours.load_weights(folder / "ours.weights.h5")
note("ours", ours)
again = keras.models.model_from_json((folder / "ours.json").read_text())
again.set_weights(ours.get_weights())
note("again", again)

layers = keras.layers
others = {
    "SpectralNormalization": keras.Sequential([keras.Input((6,)), layers.SpectralNormalization(layers.Dense(2))]),
    "mixed_bfloat16": keras.Sequential([keras.Input((6,)), layers.Dense(3, dtype="mixed_bfloat16")]),
}
inputs = keras.Input((3,))
others["training"] = keras.Model(inputs, layers.Dropout(0.5)(layers.Dense(2)(inputs), training=True))
for name, model in others.items():
    model.save(folder / f"{name}.keras")
np.savez(folder / "found.npz", **found)
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder of Keras's files, and what Keras predicts."""
    needs("keras")
    folder = tmp_path_factory.mktemp("keras")
    np.save(folder / "x.npy", X)
    ours = row(gs)
    ours.save_weights(folder / "ours.weights.h5")
    (folder / "ours.json").write_text(ours.to_json())
    said_with_keras(f"FOLDER = {str(folder)!r}\n{inspect.getsource(row)}\n{KERAS}", "torch")
    with np.load(folder / "found.npz") as found:
        return folder, dict(found), ours


def close(ours, theirs):
    # float32 sums of up to 7 terms of size 1
    np.testing.assert_allclose(ours.predict(X, verbose=0), theirs, rtol=1e-6, atol=1e-6)


def names(model):
    return [layer.name for layer in model.layers]


def test_reading_weights(files):
    folder, found, _ = files
    for file in ("plain.weights.h5", "plain.keras"):
        ours = row(gs)
        ours.load_weights(folder / file)
        close(ours, found["plain"])


def test_writing_weights(files):
    _, found, ours = files
    close(ours, found["ours"])


def test_reading_models(files):
    folder, found, _ = files
    plain = gs.models.load_model(folder / "plain.keras")
    close(plain, found["plain"])
    assert names(plain) == list(found["plain names"])
    assert plain.optimizer is None

    trained = gs.models.load_model(folder / "trained.keras")
    close(trained, found["trained"])
    assert isinstance(trained.optimizer, gs.optimizers.AdamW)
    assert (trained.optimizer.weight_decay, trained.optimizer.clipnorm) == (0.02, 1.0)
    assert trained.optimizer.schedules["learning_rate"](50) == pytest.approx(found["rate"], rel=1e-6)
    assert trained.metrics_names == ["loss", "accuracy"]
    np.testing.assert_allclose(trained.evaluate(X, LABELS, verbose=0), found["scores"], rtol=1e-5)
    trained.fit(X, LABELS, verbose=0)
    assert gs.models.load_model(folder / "trained.keras", compile=False).optimizer is None


def test_texts_go_both_ways(files):
    folder, found, ours = files
    close(ours, found["again"])
    assert list(found["again names"]) == names(ours)
    back = gs.models.model_from_json((folder / "plain.json").read_text())
    assert names(back) == list(found["plain names"])
    assert [w.shape for w in back.weights] == [w.shape for w in ours.weights]


@pytest.mark.parametrize("word", ["SpectralNormalization", "mixed_bfloat16", "training"])
def test_what_is_not_here_is_said(files, word):
    with pytest.raises((TypeError, ValueError), match=word):
        gs.models.load_model(files[0] / f"{word}.keras")


# -- files made here ---------------------------------------------------------------------------------------------------


def model():
    return gs.Sequential([gs.Input((3,)), gs.layers.Dense(2, name="d")])


def test_weights_come_back(tmp_path):
    first, second = model(), model()
    first.save_weights(tmp_path / "it.weights.h5")
    second.load_weights(tmp_path / "it.weights.h5")
    assert all(map(np.array_equal, first.weights, second.weights))
    wider = gs.Sequential([gs.Input((3,)), gs.layers.Dense(4)])
    with pytest.raises(ValueError, match="has weights of shapes"):
        wider.load_weights(tmp_path / "it.weights.h5")


def hostile(change):
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        group = file.create_group("layers/dense/vars")
        group["0"], group["1"] = np.ones((3, 2), np.float32), np.ones(2, np.float32)
        change(file, group)
    return buffer.getvalue()


def replaced(make):
    def change(file, group):
        del group["0"]
        make(file, group)

    return change


def linked_outside(file, group):
    group["0"] = h5py.ExternalLink("/etc/hostname", "/x")


def linked_inside(file, group):
    file["there"] = np.ones((3, 2))
    group["0"] = h5py.SoftLink("/there")


def external(file, group):
    group.create_dataset("0", (3, 2), "<f4", external=[("/etc/hostname", 0, 24)])


def virtual(file, group):
    layout = h5py.VirtualLayout((3, 2), "<f4")
    layout[:] = h5py.VirtualSource("/etc/hostname", "x", (3, 2))
    group.create_virtual_dataset("0", layout)


HOSTILE = {
    "link outside": replaced(linked_outside),
    "link inside": replaced(linked_inside),
    "external": replaced(external),
    "virtual": replaced(virtual),
    "text": replaced(lambda file, group: group.create_dataset("0", data="text")),
    "group": replaced(lambda file, group: group.create_group("0")),
    "huge": replaced(lambda file, group: group.create_dataset("0", (2**40, 2**20), "<f4", chunks=(1, 1024))),
    "missing": replaced(lambda file, group: None),
    "more": lambda file, group: group.create_dataset("2", data=1.0),
    "vars is no group": lambda file, group: (
        file.__delitem__("layers/dense/vars"),
        file.create_dataset("layers/dense/vars", (2**50,), "<f4", chunks=(1024,)),
    ),
    "no layers": lambda file, group: file.__delitem__("layers"),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_hostile_weights(tmp_path, change):
    path, made = tmp_path / "it.weights.h5", model()
    path.write_bytes(hostile(lambda file, group: None))
    made.load_weights(path)
    path.write_bytes(hostile(change))
    before = made.get_weights()
    with pytest.raises(ValueError, match=r"it\.weights\.h5"):
        made.load_weights(path)
    assert all(map(np.array_equal, before, made.weights))


def test_cut_files(tmp_path):
    path, made = tmp_path / "it.weights.h5", model()
    data = hostile(lambda file, group: None)
    for length in range(8, len(data), 97):
        path.write_bytes(data[:length])
        with pytest.raises(ValueError, match=r"it\.weights\.h5"):
            made.load_weights(path)


@pytest.mark.parametrize(
    "words",
    [
        [],
        {},
        {"class_name": "Sequential"},
        {"class_name": "Sequential", "config": {"layers": 3}},
        {"class_name": "Sequential", "config": {"layers": [3]}},
        {"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda", "config": {"function": "x"}}]}},
    ],
)
def test_hostile_models(tmp_path, words):
    path = tmp_path / "it.keras"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("metadata.json", "{}")
        file.writestr("config.json", json.dumps(words))
        file.writestr("model.weights.h5", hostile(lambda file, group: None))
    with pytest.raises((TypeError, ValueError)):
        gs.models.load_model(path)
