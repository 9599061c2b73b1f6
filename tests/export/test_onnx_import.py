"""ONNX files as models: those that this package writes, and PyTorch's."""

from __future__ import annotations

import io

import gradstep as gs
import numpy as np
import pytest
from export_cases import ACTIVATIONS, CASES, case, predicted
from peers import needs

pytestmark = pytest.mark.peers

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper  # noqa: E402

# Models that come back by the operators of their files alone, without what the metadata say.
BY_OPERATORS = [
    "dense",
    "dense_of_sequences",
    "float64",
    "activation_layers",
    "prelu_shared",
    "batch_normalization",
    "batch_normalization_of_an_axis",
    "convolution",
    "images",
    "images_channels_first",
    "grouped",
    "video",
    "transposed",
    "transposed_steps",
    "transposed_channels_first",
    "depthwise",
    "depthwise_steps",
    "separable",
    "separable_channels_first",
    "pooling",
    "add",
    "subtract",
    "multiply_stretched",
    "average",
    "maximum",
    "minimum",
    "concatenate",
    "two_outputs",
    "nested",
    "shared_layer",
    "embedding",
    "nothing_in_inference",
    "spatial_dropout",
    "normalization",
    "normalization_inverted",
    "softmax_of_two_axes",
    "pooling_steps",
    "dot",
    "time_distributed",
]


@pytest.mark.parametrize("name", CASES)
def test_a_model_comes_back_as_it_was(name, tmp_path):
    model, data = case(name)
    model.export_onnx(tmp_path / "model.onnx")
    again = gs.models.from_onnx(tmp_path / "model.onnx")
    assert again.to_json() == model.to_json()
    for weight, wanted in zip(again.get_weights(), model.get_weights(), strict=True):
        assert (weight == wanted).all()
    for y, wanted in zip(predicted(again, data), predicted(model, data), strict=True):
        assert (y == wanted).all()


def without_metadata(path):
    """A file as another tool would have written it."""
    read = onnx.load(path)
    del read.metadata_props[:]
    onnx.save(read, path)


@pytest.mark.parametrize("name", CASES)
def test_operators_alone_give_the_model_or_an_error_that_names_one(name, tmp_path):
    model, data = case(name)
    model.export_onnx(tmp_path / "model.onnx")
    without_metadata(tmp_path / "model.onnx")
    if name not in BY_OPERATORS:
        with pytest.raises(ValueError, match=r"operator \w+ (has no layer here|must .* to become a layer here)"):
            gs.models.from_onnx(tmp_path / "model.onnx")
        return
    again = gs.models.from_onnx(tmp_path / "model.onnx")
    assert again.name == model.name
    for y, wanted in zip(predicted(again, data), predicted(model, data), strict=True):
        np.testing.assert_allclose(y, wanted, rtol=0, atol=2e-6 * max(1, np.abs(wanted).max()))


def test_what_was_changed_in_the_graph_counts_and_not_the_metadata(tmp_path):
    from onnx.reference import ReferenceEvaluator

    model, data = case("dense")
    path = tmp_path / "model.onnx"
    model.export_onnx(path)
    read = onnx.load(path)
    weight = next(one for one in read.graph.initializer if one.name.endswith("_kernel"))
    weight.CopyFrom(onnx.numpy_helper.from_array(2 * onnx.numpy_helper.to_array(weight), weight.name))
    onnx.save(read, path)
    assert (gs.models.from_onnx(path).get_weights()[0] == 2 * model.get_weights()[0]).all()
    next(node for node in read.graph.node if node.op_type == "Relu").op_type = "Tanh"
    onnx.save(read, path)
    again = gs.models.from_onnx(path)
    assert again.layers[1].get_config()["activation"] == "tanh"
    (wanted,) = ReferenceEvaluator(read).run(None, {read.graph.input[0].name: data[0]})
    np.testing.assert_allclose(again.predict(data[0], verbose=0), wanted, atol=1e-6)
    for entry in read.metadata_props:
        entry.value = entry.value[:-7]
    onnx.save(read, path)
    assert len(gs.models.from_onnx(path, name="again").layers) == 4


def test_a_file_gives_the_model_with_dropout_and_a_name(tmp_path):
    model, _ = case("nothing_in_inference")
    model.export_onnx(tmp_path / "model.onnx")
    again = gs.models.from_onnx(tmp_path / "model.onnx", name="again")
    assert again.name == "again"
    assert [type(layer) for layer in again.layers] == [type(layer) for layer in model.layers]
    assert again.layers[0].rate == 0.5


@pytest.mark.parametrize("activation", [*(name for name in ACTIVATIONS if name not in ("log_softmax", "sparsemax"))])
def test_activations_in_many_nodes_become_one_layer(activation, tmp_path):
    model = gs.Sequential([gs.Input((6,)), gs.layers.Dense(4, use_bias=False), gs.layers.Activation(activation)])
    model.export_onnx(tmp_path / "model.onnx")
    without_metadata(tmp_path / "model.onnx")
    again = gs.models.from_onnx(tmp_path / "model.onnx")
    assert len(again.layers) == 2
    x = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
    np.testing.assert_allclose(again.predict(x, verbose=0), model.predict(x, verbose=0), atol=2e-6)


def test_layers_in_a_row_are_a_sequential_that_trains(tmp_path):
    model, data = case("dense")
    model.export_onnx(tmp_path / "model.onnx")
    without_metadata(tmp_path / "model.onnx")
    again = gs.models.from_onnx(tmp_path / "model.onnx", name="again")
    assert type(again) is gs.Sequential
    assert [type(layer).__name__ for layer in again.layers] == ["Dense", "Activation", "Dense", "Softmax"]
    again.compile("adam", "mse")
    history = again.fit(data[0], np.eye(3)[np.arange(5) % 3], epochs=20, verbose=0).history["loss"]
    assert history[-1] < history[0]


def network(*nodes, out=("n", "a", "b"), row=(3, 4), constants=()):
    """An ONNX file of some nodes from x to y."""
    info = helper.make_tensor_value_info
    initializers = [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in constants]
    graph = helper.make_graph(
        list(nodes),
        "net",
        [info("x", TensorProto.FLOAT, ["n", *row])],
        [info("y", TensorProto.FLOAT, out)],
        initializers,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_moves_of_numbers(tmp_path):
    f = np.float32
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Gather", ["shape", "zero"], ["rows"]),
        helper.make_node("Concat", ["rows", "sizes"], ["to"], axis=0),
        helper.make_node("Reshape", ["x", "to"], ["a"]),
        helper.make_node("Unsqueeze", ["a", "one"], ["b"]),
        helper.make_node("Pad", ["b", "pads"], ["c"]),
        helper.make_node("Slice", ["c", "begin", "end", "axes"], ["d"]),
        helper.make_node("Squeeze", ["d", "one"], ["e"]),
        helper.make_node("Clip", ["e", "low", "high"], ["f"]),
        helper.make_node("Sub", ["half", "f"], ["g"]),
        helper.make_node("Mul", ["g", "scales"], ["y"]),
    ]
    constants = [
        ("zero", [0]),
        ("sizes", [2, 6]),
        ("one", [1]),
        ("pads", [0, 0, 1, 0, 0, 0, 0, 2]),
        ("begin", [1]),
        ("end", [7]),
        ("axes", [3]),
        ("low", f(0)),
        ("high", f(1.5)),
        ("half", f(0.5)),
        ("scales", np.array([[1.0], [2], [3]], f)),
    ]
    made = network(*nodes, constants=constants)
    (tmp_path / "model.onnx").write_bytes(made.SerializeToString())
    model = gs.models.from_onnx(tmp_path / "model.onnx")
    x = np.random.default_rng(0).normal(size=(5, 3, 4)).astype(f)
    from onnx.reference import ReferenceEvaluator

    (wanted,) = ReferenceEvaluator(made).run(None, {"x": x})
    np.testing.assert_allclose(model.predict(x, verbose=0), wanted, atol=1e-6)


def recurrent(torch, kind, last=False, **options):
    """A recurrent module, its sequences or its last step, and a Linear."""

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.cells = getattr(torch.nn, kind)(4, 5, batch_first=True, **options)
            self.out = torch.nn.Linear(10 if options.get("bidirectional") and not last else 5, 3)

        def forward(self, x):
            y, states = self.cells(x)
            states = states[0] if kind == "LSTM" else states
            return self.out(torch.nn.functional.gelu(states[-1] if last else y))

    return Net(), torch.randn(4, 7, 4)


def mlp(torch):
    nn = torch.nn
    return (
        nn.Sequential(nn.Linear(6, 8), nn.GELU(), nn.LayerNorm(8), nn.Mish(), nn.Linear(8, 3), nn.Softmax(-1)),
        torch.randn(4, 6),
    )


def cnn(torch):
    nn = torch.nn
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.SiLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3, stride=2, padding=1),
        nn.Hardswish(),
        nn.Flatten(),
        nn.Linear(36, 5),
        nn.GELU("tanh"),
    )
    return module, torch.randn(4, 3, 8, 10)


def tokens(torch):
    nn = torch.nn
    return nn.Sequential(nn.Embedding(11, 4), nn.Flatten(), nn.Linear(28, 2)), torch.randint(0, 11, (4, 7))


THEIRS = {
    "mlp": mlp,
    "cnn": cnn,
    "tokens": tokens,
    "lstm": lambda torch: recurrent(torch, "LSTM"),
    "lstm_last": lambda torch: recurrent(torch, "LSTM", last=True),
    "lstm_both_ways": lambda torch: recurrent(torch, "LSTM", bidirectional=True),
    "lstm_both_ways_last": lambda torch: recurrent(torch, "LSTM", last=True, bidirectional=True),
    "lstm_layers": lambda torch: recurrent(torch, "LSTM", num_layers=2, bias=False),
    "gru": lambda torch: recurrent(torch, "GRU"),
    "gru_both_ways": lambda torch: recurrent(torch, "GRU", num_layers=2, bidirectional=True),
    "rnn": lambda torch: recurrent(torch, "RNN", nonlinearity="relu", last=True),
}
ROWS = {"mlp": "Sequential", "cnn": "Sequential", "tokens": "Sequential", "lstm": "Sequential"}


@pytest.mark.parametrize("kind", THEIRS)
def test_what_pytorch_writes_comes_over(kind, tmp_path):
    needs("torch")
    import warnings

    import torch

    torch.manual_seed(0)
    module, x = THEIRS[kind](torch)
    module.eval()
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module, (x,), file, dynamo=False, opset_version=17, dynamic_axes={"x": {0: "n"}}, input_names=["x"]
        )
    (tmp_path / "model.onnx").write_bytes(file.getvalue())
    with torch.no_grad():
        wanted = module(x).numpy()
    model = gs.models.from_onnx(tmp_path / "model.onnx")
    np.testing.assert_allclose(model.predict(x.numpy(), verbose=0), wanted, atol=2e-6)
    assert type(model).__name__ == ROWS.get(kind, type(model).__name__)


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (helper.make_node("Det", ["x"], ["y"]), r"operator Det has no layer here; there are those for Add,"),
        (
            helper.make_node("Transpose", ["x"], ["y"], perm=[1, 0, 2]),
            "output 'y' must have the rows as its first axis",
        ),
        (
            helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[3], pads=[0, 2]),
            "MaxPool must have pads of the least",
        ),
        (helper.make_node("ReduceMean", ["x"], ["y"], axes=[0]), "ReduceMean must be over all axes of places"),
    ],
)
def test_what_has_no_layer_is_named(node, message, tmp_path):
    (tmp_path / "model.onnx").write_bytes(network(node).SerializeToString())
    with pytest.raises(ValueError, match=message):
        gs.models.from_onnx(tmp_path / "model.onnx")


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_recurrence_the_other_way_around(kind, tmp_path):
    """Both outputs of a reversed operator: those of the other one, of the steps from the last to the first."""
    random = np.random.default_rng(0)
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[kind]
    arrays = [("w", (1, gates * 5, 4)), ("r", (1, gates * 5, 5)), ("b", (1, gates * 10))]
    constants = [(name, random.normal(size=shape).astype(np.float32)) for name, shape in arrays]
    x = random.normal(size=(6, 7, 4)).astype(np.float32)
    found = []
    for direction in ("forward", "reverse"):
        made = network(
            helper.make_node("Transpose", ["x"], ["t"], perm=[1, 0, 2]),
            helper.make_node(kind, ["t", "w", "r", "b"], ["each", "last"], hidden_size=5, direction=direction),
            helper.make_node("Squeeze", ["each", "one"], ["steps"]),
            helper.make_node("Transpose", ["steps"], ["rows"], perm=[1, 0, 2]),
            helper.make_node("Transpose", ["last"], ["ends"], perm=[1, 0, 2]),
            helper.make_node("Concat", ["rows", "ends"], ["y"], axis=1),
            row=(7, 4),
            constants=[*constants, ("one", [1])],
        )
        (tmp_path / "model.onnx").write_bytes(made.SerializeToString())
        given = x if direction == "forward" else x[:, ::-1]
        found.append(gs.models.from_onnx(tmp_path / "model.onnx").predict(given, verbose=0))
    np.testing.assert_allclose(found[0][:, 7], found[0][:, 6])
    np.testing.assert_allclose(found[1][:, 7], found[0][:, 7], atol=1e-6)
    np.testing.assert_allclose(found[1][:, :7], found[0][:, 6::-1], atol=1e-6)


def test_recurrence_that_reads_more_is_named(tmp_path):
    random = np.random.default_rng(0)
    f = np.float32
    weights = [("w", random.normal(size=(1, 20, 4)).astype(f)), ("r", random.normal(size=(1, 20, 5)).astype(f))]
    move = helper.make_node("Transpose", ["x"], ["t"], perm=[1, 0, 2])
    for more, output, message in [
        (["", "", "h"], ["y"], "LSTM must begin with zeros"),
        ([], ["", "", "y"], "LSTM must be read for its outputs alone, not its cells,"),
    ]:
        cells = helper.make_node("LSTM", ["t", "w", "r", *more], output, hidden_size=5)
        made = network(move, cells, constants=[*weights, ("h", np.ones((1, 1, 5), f))])
        (tmp_path / "model.onnx").write_bytes(made.SerializeToString())
        with pytest.raises(ValueError, match=message):
            gs.models.from_onnx(tmp_path / "model.onnx")


def test_damaged_files_are_the_files_error(tmp_path):
    path = tmp_path / "model.onnx"
    case("dense")[0].export_onnx(path)
    data = path.read_bytes()
    for cut in (0, 1, 10, len(data) // 2):
        path.write_bytes(data[:cut])
        with pytest.raises(ValueError, match=r"model\.onnx"):
            gs.models.from_onnx(path)
    with pytest.raises(FileNotFoundError):
        gs.models.from_onnx(tmp_path / "other.onnx")
