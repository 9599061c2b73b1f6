"""Event files, read back by TensorBoard's own reader."""

from __future__ import annotations

import json
import sys
import zlib

import gradstep as gs
import numpy as np
import pytest
from gradstep.callbacks import TensorBoard
from gradstep.callbacks.events import EventFile
from gradstep.callbacks.weight_images import weight_images
from graphs import GRAPHS, arrays
from training import classifier, clusters, snapshot, train

X, Y = clusters(80)


@pytest.fixture(params=[pytest.param(writer, marks=pytest.mark.peers) for writer in ("tensorboardX", "tensorboard")])
def board(request, monkeypatch):
    """Each of the two packages that write; what reads is always TensorBoard."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    pytest.importorskip(request.param)
    if request.param == "tensorboard":
        for name in [name for name in sys.modules if name.split(".")[0] == "tensorboardX"]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "tensorboardX", None)

    def read(folder):
        reader = accumulator.EventAccumulator(str(folder), size_guidance={"scalars": 0, "histograms": 0})
        return reader.Reload()

    return read


def scalars(reader):
    return {tag: [(e.step, e.value) for e in reader.Scalars(tag)] for tag in reader.Tags()["scalars"]}


def rounded(values):
    return [float(np.float32(value)) for value in values]  # event files hold float32


def test_epochs(board, tmp_path):
    model = classifier(optimizer=gs.optimizers.SGD(0.25))
    history = model.fit(
        X, Y, batch_size=16, epochs=3, validation_split=0.2, verbose=0, callbacks=[TensorBoard(tmp_path)]
    ).history
    got = scalars(board(tmp_path / "train"))
    assert got == {
        "epoch_loss": list(enumerate(rounded(history["loss"]))),
        "epoch_accuracy": list(enumerate(rounded(history["accuracy"]))),
        "epoch_learning_rate": [(epoch, 0.25) for epoch in range(3)],
    }
    steps = [4, 8, 12]
    assert scalars(board(tmp_path / "validation")) == {
        "epoch_loss": list(enumerate(rounded(history["val_loss"]))),
        "epoch_accuracy": list(enumerate(rounded(history["val_accuracy"]))),
        "evaluation_loss_vs_iterations": list(zip(steps, rounded(history["val_loss"]), strict=True)),
        "evaluation_accuracy_vs_iterations": list(zip(steps, rounded(history["val_accuracy"]), strict=True)),
    }


@pytest.mark.parametrize(("update_freq", "steps"), [("batch", range(1, 11)), (1, range(1, 11)), (4, (4, 8))])
def test_batches(board, tmp_path, update_freq, steps):
    seen = []
    each = gs.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(logs["loss"]))
    classifier().fit(
        X, Y, batch_size=16, epochs=2, verbose=0, callbacks=[each, TensorBoard(tmp_path, update_freq=update_freq)]
    )
    got = scalars(board(tmp_path / "train"))
    assert got["batch_loss"] == [(step, rounded(seen)[step - 1]) for step in steps]
    assert len(got["batch_accuracy"]) == len(steps)
    assert "batch_steps_per_second" not in got


def test_epochs_alone_need_no_batches(tmp_path):
    assert not gs.callbacks.CallbackList([TensorBoard(tmp_path)]).wants_batches("train")
    assert gs.callbacks.CallbackList([TensorBoard(tmp_path, update_freq=7)]).wants_batches("train")


def test_histograms(board, tmp_path):
    model, kept = classifier(hidden=(8,)), []
    keep = gs.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: kept.append(model.get_weights()))
    model.fit(X, Y, epochs=4, verbose=0, callbacks=[keep, TensorBoard(tmp_path, histogram_freq=3)])
    reader = board(tmp_path / "train")
    names = [f"{model.name}/{layer.name}/{w}/histogram" for layer in model.layers for w in ("kernel", "bias")]
    assert sorted(reader.Tags()["histograms"]) == sorted(names)
    for i, name in enumerate(names):
        events = reader.Histograms(name)
        assert [event.step for event in events] == [0, 3]
        for event in events:
            weight = kept[event.step][i].astype(np.float64)
            shape = event.histogram_value
            assert (shape.min, shape.max, shape.num) == (weight.min(), weight.max(), weight.size)
            assert shape.sum == pytest.approx(weight.sum(), rel=1e-12, abs=1e-12)
            counts = np.histogram(weight, 30)[0]
            np.testing.assert_array_equal(shape.bucket, counts)


def test_histograms_of_what_is_not_finite(board, tmp_path):
    file = EventFile(str(tmp_path))
    file.histogram("some", np.array([1.0, np.nan, 2.0, np.inf]), 0)
    file.histogram("none", np.array([np.nan]), 0)
    file.histogram("equal", np.full(5, 3.0), 0)
    file.close()
    reader = board(tmp_path)
    assert reader.Tags()["histograms"] == ["some", "equal"]
    assert reader.Histograms("some")[0].histogram_value.num == 2
    assert sum(reader.Histograms("equal")[0].histogram_value.bucket) == 5


def pixels(file):
    """The pixels of a PNG file that was not filtered."""
    header, packed = file[16:29], file[file.index(b"IDAT") + 4 : file.index(b"IEND") - 8]
    width, height = (int.from_bytes(header[i : i + 4], "big") for i in (0, 4))
    assert header[8:] == bytes((8, 0, 0, 0, 0))
    return np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, width + 1)[:, 1:]


def test_images_of_weights(board, tmp_path):
    layers = [gs.layers.Conv1D(4, 3, name="conv"), gs.layers.Flatten(), gs.layers.Dense(2, name="dense")]
    model = gs.Sequential([gs.Input((6, 5)), *layers], name="net")
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 6, 5)), np.ones((8, 2)), verbose=0, callbacks=[TensorBoard(tmp_path, 1, write_images=True)])
    reader = board(tmp_path / "train")
    assert sorted(reader.Tags()["images"]) == [
        *(f"net/conv/{name}" for name in ("bias/image", "kernel/image", "kernel/image/1", "kernel/image/2")),
        *(f"net/dense/{name}/image" for name in ("bias", "kernel")),
    ]
    kernel = model.layers[2].kernel  # (16, 2), lying on its longer side
    (seen,) = reader.Images("net/dense/kernel/image")
    assert (seen.step, seen.width, seen.height) == (0, 16, 2)
    shown = pixels(seen.encoded_image_string)
    expected = (kernel.T - kernel.min()) / (kernel.max() - kernel.min()) * 255
    assert np.abs(shown - expected).max() <= 0.5 + 1e-3
    kernel = model.layers[0].kernel
    shown = pixels(reader.Images("net/conv/kernel/image/2")[0].encoded_image_string)
    assert shown.shape == (3, 5)
    assert np.unravel_index(shown.argmax(), shown.shape) == np.unravel_index(kernel[..., 2].argmax(), (3, 5))


def test_what_is_no_image():
    for weight in (np.ones((3, 3, 2, 2)), np.array(1.0), np.array([1.0, np.nan])):
        assert weight_images(weight) == []
    assert [image.tolist() for image in weight_images(np.full((2, 1), 3.0))] == [[[0, 0]]]  # all the same: black


def test_steps_per_second(board, tmp_path):
    callback = TensorBoard(tmp_path, write_steps_per_second=True, update_freq="batch")
    classifier().fit(X, Y, batch_size=16, epochs=2, verbose=0, callbacks=[callback])
    got = scalars(board(tmp_path / "train"))
    assert [step for step, _ in got["epoch_steps_per_second"]] == [0, 1]
    assert len(got["batch_steps_per_second"]) == 10
    assert all(value > 0 for _, value in got["epoch_steps_per_second"] + got["batch_steps_per_second"])


def drawn(board, model, folder, data):
    """The edges that TensorBoard draws: the sources of each node, without the name of the model."""
    keras_util = pytest.importorskip("tensorboard.plugins.graph.keras_util")
    model.fit(*data, verbose=0, callbacks=[TensorBoard(folder)])
    reader = board(folder / "train")
    assert reader.PluginTagToContent("graph_keras_model") == {"keras": b"1"}
    (event,) = reader.Tensors("keras")
    graph = keras_util.keras_model_to_graph_def(json.loads(event.tensor_proto.string_val[0]))
    begin = f"{model.name}/"
    assert all(name.startswith(begin) for node in graph.node for name in (node.name, *node.input))
    edges = {node.name.removeprefix(begin): [name.removeprefix(begin) for name in node.input] for node in graph.node}
    assert len(edges) == len(graph.node)
    assert {name for names in edges.values() for name in names} <= set(edges)
    return edges


def test_the_graph_of_layers_in_a_row(board, tmp_path):
    model = classifier(hidden=(8, 8))
    names = [layer.name for layer in model.layers]
    edges = drawn(board, model, tmp_path, (X, Y))
    (begin,) = set(edges) - set(names)
    assert edges == {begin: [], names[0]: [begin], names[1]: [names[0]], names[2]: [names[1]]}
    other = tmp_path / "without"
    model.fit(X, Y, verbose=0, callbacks=[TensorBoard(other, write_graph=False)])
    assert board(other / "train").Tags()["tensors"] == []


EDGES = {
    "two heads": {"x": [], "trunk": ["x"], "a": ["trunk"], "b": ["trunk"]},
    "siamese": {
        "left": [],
        "right": [],
        "twice/call_1": ["left"],
        "twice/call_2": ["twice/call_1"],
        "twice/call_3": ["right"],
        "apart": ["twice/call_2", "twice/call_3"],
        "alike": ["twice/call_2", "twice/call_3"],
        "both": ["apart", "alike", "left"],
        "same": ["both"],
    },
    "mixed": {
        "x": [],
        "z": [],
        "u": ["x"],
        "v": ["z"],
        "norm": ["v"],
        "gate": ["norm"],
        "gated": ["u", "gate", "u"],
        "most": ["u", "norm", "gated"],
        "least": ["u", "norm"],
        "mean": ["most", "least", "gated"],
        "scale": ["mean"],
        "total": ["mean", "scale"],
        "a": ["total"],
        "end": ["a", "total"],
        "b": ["end"],
    },
    "nested": {
        "x": [],
        "encoder/e1/call_1": ["x"],
        "encoder/e2/call_1": ["encoder/e1/call_1"],
        "decoder/d1/call_1": ["encoder/e2/call_1"],
        "encoder/e1/call_2": ["decoder/d1/call_1"],
        "encoder/e2/call_2": ["encoder/e1/call_2"],
        "decoder/d1/call_2": ["encoder/e2/call_2"],
        "first": ["decoder/d1/call_1"],
        "second": ["decoder/d1/call_2"],
    },
}


@pytest.mark.parametrize("name", EDGES)
def test_the_graph_of_branches_shared_layers_and_models_in_it(board, tmp_path, name):
    make, compiled = GRAPHS[name]
    model = make(gs)
    model.compile("sgd", **compiled)
    x, y, _ = arrays(name)
    assert drawn(board, model, tmp_path, (x, y)) == EDGES[name]


def test_the_graph_of_models_in_a_row(board, tmp_path):
    inner = gs.Input((4,), name="i")
    pair = gs.Model(inner, gs.layers.Add(name="sum")([inner, gs.layers.Dense(4, name="d")(inner)]), name="pair")
    model = gs.Sequential([gs.Input((4,)), gs.Sequential([gs.layers.Dense(4, name="a")], name="in"), pair])
    model.compile("sgd", "mse")
    edges = drawn(board, model, tmp_path, (np.ones((3, 4)), np.ones((3, 4))))
    begin = next(iter(edges))
    assert edges == {
        begin: [],
        "in/a": [begin],
        "pair/d": ["in/a"],
        "pair/sum": ["in/a", "pair/d"],
    }


def test_several_runs_in_one_second_keep_their_files(board, tmp_path):
    model, callback = classifier(), TensorBoard(tmp_path)
    model.fit(X, Y, epochs=1, verbose=0, callbacks=[callback])
    for _ in range(2):
        model.evaluate(X, Y, verbose=0, callbacks=[callback])
    assert len(list((tmp_path / "validation").iterdir())) == 2
    assert len(scalars(board(tmp_path / "validation"))["evaluation_loss_vs_iterations"]) == 2


def test_several_optimizers(board, tmp_path):
    o = gs.optimizers
    model = classifier(optimizer=o.MultiOptimizer({"*bias": o.SGD(0.5), "*": o.Adam(0.25)}))
    model.fit(X, Y, verbose=0, callbacks=[TensorBoard(tmp_path)])
    got = scalars(board(tmp_path / "train"))
    assert got["epoch_learning_rate_SGD"] == [(0, 0.5)]
    assert got["epoch_learning_rate_adam"] == [(0, 0.25)]


def test_training_is_not_touched(board, tmp_path):
    plain, shown = classifier(), classifier()
    train(plain, X, Y, batch_size=16, epochs=3)
    callback = TensorBoard(tmp_path, histogram_freq=1, update_freq="batch")
    train(shown, X, Y, batch_size=16, epochs=3, callbacks=[callback])
    assert snapshot(plain) == snapshot(shown)


def test_neither_package(monkeypatch, tmp_path):
    for name in ("tensorboardX", "tensorboard"):
        for module in [m for m in sys.modules if m.split(".")[0] == name]:
            monkeypatch.delitem(sys.modules, module)
        monkeypatch.setitem(sys.modules, name, None)
    model = classifier()
    before = model.get_weights()
    with pytest.raises(ImportError, match=r"pip install 'gradstep\[tensorboard\]'"):
        model.fit(X, Y, verbose=0, callbacks=[TensorBoard(tmp_path / "logs")])
    assert all((a == b).all() for a, b in zip(before, model.weights, strict=True))
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"log_dir": 3}, TypeError),
        ({"histogram_freq": -1}, ValueError),
        ({"update_freq": "epochs"}, ValueError),
        ({"update_freq": 0}, ValueError),
        ({"write_graph": 1}, TypeError),
        ({"write_steps_per_second": None}, TypeError),
        ({"write_images": 1}, TypeError),
        ({"embeddings_freq": 1}, ValueError),
        ({"profile_batch": (2, 5)}, ValueError),
        ({"histograms": 1}, TypeError),
    ],
)
def test_arguments(wrong, error):
    with pytest.raises(error, match=next(iter(wrong))):
        TensorBoard(**wrong)
    TensorBoard(profile_batch=0, embeddings_freq=0, embeddings_metadata=None)
