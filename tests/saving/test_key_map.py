"""Weights of other libraries' safetensors files, by a map of names."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep.saving import safetensors

RANDOM = np.random.default_rng(0)
THEIRS = {
    "fc.weight": RANDOM.normal(size=(2, 3)).astype("f"),
    "fc.bias": RANDOM.normal(size=2).astype("f"),
    "steps": np.ones(1),
}
MAP = {"fc.weight": ("out/kernel", np.transpose), "fc.bias": "out/bias", "steps": None}


@pytest.fixture
def model():
    return gs.Sequential([gs.Input((3,)), gs.layers.Dense(2, name="out")])


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "theirs.safetensors"
    file.write_bytes(b"".join(bytes(piece) for piece in safetensors.encode(THEIRS, checked=False)))
    return file


def test_arrays_go_where_the_map_says(model, path):
    model.load_weights(path, key_map=MAP)
    assert (model.layers[0].kernel == THEIRS["fc.weight"].T).all()
    assert (model.layers[0].bias == THEIRS["fc.bias"]).all()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"steps": "out/steps"}, ValueError, "has a weight 'out/steps', which the model does not have"),
        ({"fc.weight": "out/kernel"}, ValueError, r"has weights of shapes \[\(3, 2\), \(2,\)\]"),
        ({"other": None}, ValueError, "has no array 'other', which is in key_map"),
        ({"fc.bias": "out/kernel"}, ValueError, "'out/kernel' is there twice"),
        ({"fc.bias": 3}, TypeError, r"key_map\['fc.bias'\] must be a name, None, or a name and a function; got an int"),
        ({"fc.bias": None}, ValueError, "has no weight 'out/bias'"),
    ],
)
def test_what_does_not_fit_changes_nothing(model, path, change, error, message):
    before = model.get_weights()
    with pytest.raises(error, match=message):
        model.load_weights(path, key_map={**MAP, **change})
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


def test_the_map_is_whole_and_for_safetensors(model, path, tmp_path):
    with pytest.raises(ValueError, match=r"key_map must have every array of .*'steps' is not"):
        model.load_weights(path, key_map={name: to for name, to in MAP.items() if name != "steps"})
    with pytest.raises(TypeError, match="key_map must be a dict from names in the file"):
        model.load_weights(path, key_map=[1])
    model.save(tmp_path / "model.gradstep")
    with pytest.raises(ValueError, match="key_map is for files of safetensors"):
        model.load_weights(tmp_path / "model.gradstep", key_map=MAP)
