"""Endings of other formats are refused, with the call that writes or reads them."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep.saving.endings import FORMATS


@pytest.fixture
def model():
    return gs.Sequential([gs.Input((3,)), gs.layers.Dense(2)])


@pytest.mark.parametrize("ending", FORMATS)
def test_nothing_is_written_under_another_format(model, tmp_path, ending):
    path = tmp_path / f"model{ending.upper()}"
    for save in (model.save, model.save_weights):
        with pytest.raises(ValueError, match="filepath must have another ending: this is that of"):
            save(path)
    assert not path.exists()


@pytest.mark.parametrize("ending", FORMATS)
def test_reading_says_what_reads_it(model, tmp_path, ending):
    path = tmp_path / f"model{ending}"
    path.write_bytes(b"\x08\x07 something else")
    for load in (gs.models.load_model, model.load_weights):
        with pytest.raises(ValueError, match="must be a file of gradstep or Keras; its ending is that of"):
            load(path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("model.onnx", r"model\.export_onnx\(\) writes it"),
        ("model.pt", r"torch\.save\(models\.to_torch\(model\), path\) writes it"),
        ("model.safetensors", r"weights alone, which save_weights\(\) writes"),
        ("model.h5", r"save_weights\(\) writes Keras's \.weights\.h5"),
    ],
)
def test_the_right_call_is_named(model, tmp_path, name, message):
    with pytest.raises(ValueError, match=message):
        model.save(tmp_path / name)


def test_a_checkpoint_of_such_a_name_ends_training_before_it_begins(model, tmp_path):
    model.compile("sgd", "mse")
    before = model.get_weights()
    with pytest.raises(ValueError, match="another ending"):
        model.fit(np.ones((4, 3)), np.ones((4, 2)), callbacks=[gs.callbacks.ModelCheckpoint(tmp_path / "a.onnx")])
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


def test_a_file_of_ours_is_read_under_any_name(model, tmp_path):
    model.save(tmp_path / "model.gradstep")
    (tmp_path / "model.gradstep").rename(tmp_path / "model.pt")
    assert (gs.models.load_model(tmp_path / "model.pt").get_weights()[0] == model.get_weights()[0]).all()
