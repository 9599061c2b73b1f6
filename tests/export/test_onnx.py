"""Models as ONNX files: the reference runtime gives their predictions."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from export_cases import CASES, case, predicted
from own_layers import NumpyDense

pytestmark = pytest.mark.peers

onnx = pytest.importorskip("onnx")
from onnx.reference import ReferenceEvaluator  # noqa: E402


def given(session_inputs, data):
    return dict(zip(session_inputs, data, strict=True))


@pytest.mark.parametrize("name", CASES)
def test_the_reference_runtime_gives_the_predictions(name, tmp_path):
    model, data = case(name)
    model.export_onnx(tmp_path / "model.onnx")
    session = ReferenceEvaluator(str(tmp_path / "model.onnx"))
    assert session.input_names == model.input_names
    made = session.run(None, given(session.input_names, data))
    for y, wanted in zip(made, predicted(model, data), strict=True):
        assert y.shape == wanted.shape
        assert y.dtype == wanted.dtype
        np.testing.assert_allclose(y, wanted, rtol=0, atol=1e-6 * max(1, np.abs(wanted).max()))


def test_it_takes_any_number_of_rows_and_names_inputs_and_outputs(tmp_path):
    model, data = case("two_outputs")
    model.export_onnx(tmp_path / "model.onnx")
    session = ReferenceEvaluator(str(tmp_path / "model.onnx"))
    assert session.output_names == model.output_names == ["kind", "price"]
    one = session.run(None, {model.input_names[0]: data[0][:1]})
    np.testing.assert_allclose(one[0], predicted(model, data)[0][:1], atol=1e-6)


def test_ids_are_ints_where_the_input_says_so(tmp_path):
    model, _ = case("text")
    model.export_onnx(tmp_path / "model.onnx")
    (taken,) = onnx.load(tmp_path / "model.onnx").graph.input
    assert taken.type.tensor_type.elem_type == onnx.TensorProto.INT32


def test_what_it_refuses(tmp_path):
    own = gs.Sequential([gs.Input((3,)), NumpyDense(2, name="mine")])
    with pytest.raises(
        ValueError, match="layer 'mine', a NumpyDense, must be one of this package to be written as ONNX"
    ):
        own.export_onnx(tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_inputs_of_any_size_are_refused(tmp_path):
    model = gs.Sequential([gs.Input((None, 3)), gs.layers.Dense(2)], "fcn")
    with pytest.raises(ValueError, match=r"model 'fcn' must have inputs of known sizes for this; .*\(None, 3\)"):
        model.export(tmp_path / "fcn.onnx")
    assert not list(tmp_path.iterdir())
