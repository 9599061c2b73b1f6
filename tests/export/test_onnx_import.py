"""ONNX files as models: those that this package writes, and PyTorch's."""

from __future__ import annotations

import io

import gradstep as gs
import numpy as np
import pytest
from export_cases import case, predicted
from peers import needs

pytestmark = pytest.mark.peers

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper  # noqa: E402

THERE_AND_BACK = [
    "dense",
    "float64",
    "activation_layers",
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
    "normalization",
]


@pytest.mark.parametrize("name", THERE_AND_BACK)
def test_a_model_goes_there_and_back(name, tmp_path):
    model, data = case(name)
    model.export_onnx(tmp_path / "model.onnx")
    again = gs.models.from_onnx(tmp_path / "model.onnx")
    assert again.name == model.name
    for y, wanted in zip(predicted(again, data), predicted(model, data), strict=True):
        np.testing.assert_allclose(y, wanted, rtol=0, atol=2e-6 * max(1, np.abs(wanted).max()))


def test_layers_in_a_row_are_a_sequential_that_trains(tmp_path):
    model, data = case("dense")
    model.export_onnx(tmp_path / "model.onnx")
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


@pytest.mark.parametrize("kind", ["mlp", "cnn"])
def test_what_pytorch_writes_comes_over(kind, tmp_path):
    needs("torch")
    import warnings

    import torch

    nn = torch.nn
    torch.manual_seed(0)
    if kind == "mlp":
        module, x = (
            nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.LayerNorm(8), nn.Linear(8, 3), nn.Softmax(-1)),
            torch.randn(4, 6),
        )
    else:
        module = nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.SiLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(4, 6, 3, stride=2, padding=1),
            nn.Hardswish(),
            nn.Flatten(),
            nn.Linear(36, 5),
        )
        x = torch.randn(4, 3, 8, 10)
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


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (helper.make_node("Det", ["x"], ["y"]), r"operator Det has no layer here; there are those for Add,"),
        (helper.make_node("Transpose", ["x"], ["y"], perm=[1, 0, 2]), "Transpose must keep the rows as its first axis"),
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
