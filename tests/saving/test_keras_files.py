"""Keras's files, written by Keras itself and read here, and the other way round."""

from __future__ import annotations

import io
import json
import os
import zipfile

import gradstep as gs
import numpy as np
import pytest

h5py = pytest.importorskip("h5py")
# Keras's own, when it turns its variables into arrays.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")

X = np.random.default_rng(3).standard_normal((20, 2, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def keras():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_BACKEND", os.environ.get("KERAS_BACKEND", "jax"))
        module = pytest.importorskip("keras")
    module.utils.set_random_seed(5)
    return module


def row(library, input=True):
    """The same layers of either library."""
    layers = library.layers
    first = [library.Input((2, 3))] if input else []
    return library.Sequential(
        [
            *first,
            layers.Rescaling(0.5, offset=0.1),
            layers.Flatten(),
            layers.Dense(7, activation="relu", kernel_initializer="he_normal", name="some"),
            layers.Dropout(0.5),
            layers.Dense(5, use_bias=False, bias_initializer="ones"),
            layers.Activation("tanh"),
            layers.Dense(4, activation="softmax"),
        ]
    )


def close(ours, theirs):
    # float32 sums of up to 7 terms of size 1
    np.testing.assert_allclose(
        ours.predict(X, verbose=0), np.asarray(theirs.predict(X, verbose=0)), rtol=1e-6, atol=1e-6
    )


def test_reading_weights(keras, tmp_path):
    theirs, ours = row(keras), row(gs)
    theirs.save_weights(tmp_path / "it.weights.h5")
    ours.load_weights(tmp_path / "it.weights.h5")
    close(ours, theirs)
    for one, other in zip(ours.weights, theirs.weights, strict=True):
        assert (one == np.asarray(other)).all()


def test_writing_weights(keras, tmp_path):
    theirs, ours = row(keras), row(gs)
    ours.save_weights(tmp_path / "it.weights.h5")
    theirs.load_weights(tmp_path / "it.weights.h5")
    close(ours, theirs)


@pytest.mark.parametrize("trained", [False, True])
def test_reading_models(keras, tmp_path, trained):
    theirs = row(keras)
    if trained:
        rate = keras.optimizers.schedules.CosineDecay(0.01, 100, warmup_target=0.02, warmup_steps=10)
        theirs.compile(
            keras.optimizers.AdamW(rate, weight_decay=0.02, clipnorm=1.0),
            "sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        theirs.fit(X, np.arange(20) % 4, verbose=0)
    theirs.save(tmp_path / "it.keras")
    ours = gs.models.load_model(tmp_path / "it.keras")
    close(ours, theirs)
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
    other = row(gs)
    other.load_weights(tmp_path / "it.keras")
    close(other, theirs)
    if not trained:
        assert ours.optimizer is None
        return
    assert isinstance(ours.optimizer, gs.optimizers.AdamW)
    assert (ours.optimizer.weight_decay, ours.optimizer.clipnorm) == (0.02, 1.0)
    schedule = ours.optimizer.schedules["learning_rate"]
    assert schedule(50) == pytest.approx(float(theirs.optimizer._learning_rate(50)), rel=1e-6)
    assert ours.metrics_names == ["loss", "accuracy"]
    losses = ours.evaluate(X, np.arange(20) % 4, verbose=0), theirs.evaluate(X, np.arange(20) % 4, verbose=0)
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    ours.fit(X, np.arange(20) % 4, verbose=0)
    assert gs.models.load_model(tmp_path / "it.keras", compile=False).optimizer is None


def test_texts_go_both_ways(keras):
    ours, theirs = row(gs), row(keras)
    again = keras.models.model_from_json(ours.to_json())
    assert [layer.name for layer in again.layers] == [layer.name for layer in ours.layers]
    assert [w.shape for w in again.weights] == [w.shape for w in ours.weights]
    back = gs.models.model_from_json(theirs.to_json())
    assert [layer.name for layer in back.layers] == [layer.name for layer in theirs.layers]
    again.set_weights(back.get_weights())
    close(back, again)


def test_what_is_not_here_is_said(keras, tmp_path):
    models = {
        "Conv1D": [keras.Input((6, 3)), keras.layers.Conv1D(2, 3)],
        "noise_shape": [
            keras.Input((6, 3)),
            keras.layers.Dropout(0.5, noise_shape=(None, 1, 3)),
            keras.layers.Flatten(),
        ],
        "mixed_bfloat16": [keras.Input((6,)), keras.layers.Dense(3, dtype="mixed_bfloat16")],
    }
    for word, layers in models.items():
        keras.Sequential(layers).save(tmp_path / "it.keras")
        with pytest.raises((TypeError, ValueError), match=word):
            gs.models.load_model(tmp_path / "it.keras")
    inputs = keras.Input((3,))
    keras.Model(inputs, keras.layers.Dense(2)(inputs)).save(tmp_path / "it.keras")
    with pytest.raises(ValueError, match="Functional"):
        gs.models.load_model(tmp_path / "it.keras")


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
