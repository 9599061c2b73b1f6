"""Operators, merges and layers that move numbers in files: Keras's read here, ours read there."""

from __future__ import annotations

import inspect
import json

import gradstep as gs
import numpy as np
import pytest
from keras_runs import said_with_keras
from peers import needs

ROW = (4, 6, 2)
X = [np.random.default_rng(seed).normal(size=(5, *ROW)).astype(np.float32) for seed in range(2)]


def operators(library):
    h, i = library.Input(ROW), library.Input(ROW)
    total = 1 - (h + i) * 2 / 4
    part = -total[:, :2] + i[:, 2:]
    return library.Model([h, i], [part * total[:, :2, ..., 0:1], total[:, 1, ::2, None] - 3])


def moved(library):
    layers = library.layers
    h, i = library.Input(ROW), library.Input(ROW)
    wide = layers.ZeroPadding2D(((1, 0), (0, 2)))(layers.UpSampling2D((2, 1))(h))
    small = layers.Cropping2D((1, 0))(layers.Permute((1, 2, 3))(i))
    vector = layers.RepeatVector(3)(layers.Dense(4, name="dense")(layers.Flatten()(small)))
    steps = layers.ZeroPadding1D(2)(layers.UpSampling1D(2)(layers.Cropping1D((0, 1))(vector)))
    likeness = layers.Dot((2, 2), normalize=True)([steps, vector])
    return library.Model(
        [h, i], [wide, layers.Add()([likeness, layers.Multiply()([steps[..., :3], vector[:, :1, 1:]])])]
    )


MODELS = {"operators": operators, "moved": moved}


@pytest.mark.parametrize("name", MODELS)
def test_ours_come_back(name):
    model = MODELS[name](gs)
    text = model.to_json()
    kinds = {(words["module"], words["class_name"]) for words in json.loads(text)["config"]["layers"]}
    assert ("keras.src.ops.numpy", "GetItem") in kinds
    assert ("keras.layers", "GetItem") not in kinds
    again = gs.models.model_from_json(text)
    again.set_weights(model.get_weights())
    assert again.to_json() == text
    for one, other in zip(again.predict(X, verbose=0), model.predict(X, verbose=0), strict=True):
        np.testing.assert_array_equal(one, other)


KERAS = """
import keras, pathlib
folder, found = pathlib.Path(FOLDER), {}
for name, make in MODELS.items():
    model = make(keras)
    model.save(folder / f"{name}.keras")
    ours = keras.models.model_from_json((folder / f"ours {name}.json").read_text())
    ours.load_weights(folder / f"ours {name}.weights.h5")
    for whose, one in (("theirs", model), ("ours", ours)):
        for i, y in enumerate(one.predict(X, verbose=0)):
            found[f"{whose} {name} {i}"] = y
np.savez(folder / "found.npz", **found)
"""


@pytest.mark.peers
def test_both_ways(tmp_path):
    needs("keras", "torch")
    pytest.importorskip("h5py")
    ours = {name: make(gs) for name, make in MODELS.items()}
    for name, model in ours.items():
        (tmp_path / f"ours {name}.json").write_text(model.to_json())
        model.save_weights(tmp_path / f"ours {name}.weights.h5")
    parts = [
        "import numpy as np",
        *(inspect.getsource(make) for make in MODELS.values()),
        f"ROW, FOLDER = {ROW}, {str(tmp_path)!r}",
        "X = [np.random.default_rng(seed).normal(size=(5, *ROW)).astype(np.float32) for seed in range(2)]",
        'MODELS = {"operators": operators, "moved": moved}',
        KERAS,
    ]
    said_with_keras("\n".join(parts), "torch")
    found = np.load(tmp_path / "found.npz")
    for name in MODELS:
        theirs = gs.models.load_model(tmp_path / f"{name}.keras")
        for whose, model in (("theirs", theirs), ("ours", ours[name])):
            for i, y in enumerate(model.predict(X, verbose=0)):
                np.testing.assert_allclose(y, found[f"{whose} {name} {i}"], rtol=1e-5, atol=1e-5)


def changed(change):
    """The words of Keras's h - 1, changed."""
    where = {"shape": [None, 3], "dtype": "float32", "keras_history": ["i", 0, 0]}
    tensor = {"class_name": "__keras_tensor__", "config": where}
    entrance = {"class_name": "InputLayer", "config": {"batch_shape": [None, 3], "name": "i"}, "inbound_nodes": []}
    operation = {
        "module": "keras.src.ops.numpy",
        "class_name": "Subtract",
        "config": {"name": "o"},
        "inbound_nodes": [{"args": [tensor, 1], "kwargs": {}}],
    }
    change(operation, tensor)
    ends = {"input_layers": ["i", 0, 0], "output_layers": ["o", 0, 0]}
    config = {"name": "m", "layers": [entrance | {"name": "i"}, operation | {"name": "o"}], **ends}
    return gs.models.model_from_json(json.dumps({"class_name": "Functional", "config": config}))


def test_of_a_number():
    x = np.array([[1.0, 2.0, 4.0]], np.float32)
    np.testing.assert_array_equal(changed(lambda words, tensor: None)(x), x - 1)
    reversed_ = changed(lambda words, tensor: words["inbound_nodes"][0].update(args=[1, tensor]))
    np.testing.assert_array_equal(reversed_(x), 1 - x)
    named = changed(lambda words, tensor: words["inbound_nodes"][0].update(args=[tensor], kwargs={"x2": 2}))
    np.testing.assert_array_equal(named(x), x - 2)


WRONG = {
    "another": (lambda words, _: words.update(class_name="Power"), "must be one of add, .*; got power of"),
    "of another module": (lambda words, _: words.update(module="keras.src.ops.nn"), None),
    "array": (lambda words, t: words["inbound_nodes"][0].update(args=[t, {"class_name": "__numpy__"}]), "of symbolic"),
    "bool": (lambda words, t: words["inbound_nodes"][0].update(args=[t, True]), "and numbers"),
    "no tensor": (lambda words, _: words["inbound_nodes"][0].update(args=[1, 2]), "of symbolic tensors"),
    "three": (lambda words, t: words["inbound_nodes"][0].update(args=[t, 1, 2]), "of symbolic tensors"),
    "no call": (lambda words, _: words.update(inbound_nodes=[]), "must be called"),
    "no calls": (lambda words, _: words.update(inbound_nodes=5), "must be called"),
    "two ways": (
        lambda words, t: words["inbound_nodes"].append({"args": [t, 2], "kwargs": {}}),
        "in the same way always",
    ),
    "division": (
        lambda words, t: words.update(class_name="TrueDivide", inbound_nodes=[{"args": [1, t], "kwargs": {}}]),
        "got true_divide",
    ),
    "index": (
        lambda words, t: words.update(class_name="GetItem", inbound_nodes=[{"args": [t, [0]], "kwargs": {}}]),
        "must begin with ':'",
    ),
    "slice": (
        lambda words, t: words.update(
            class_name="GetItem",
            inbound_nodes=[{"args": [t, [{"class_name": "__slice__", "config": {"start": "a"}}]], "kwargs": {}}],
        ),
        "whole number",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_refused(case):
    change, message = WRONG[case]
    if message is None:
        changed(change)
        return
    with pytest.raises((ValueError, TypeError), match=message):
        changed(change)
