"""Keras's second names: MaxPool2D is MaxPooling2D, he_normal is HeNormal."""

from __future__ import annotations

from collections import defaultdict

import gradstep as gs
import pytest

MODULES = ("activations", "callbacks", "constraints", "initializers", "layers", "losses", "metrics", "regularizers")


@pytest.mark.parametrize(
    ("module", "second", "first"),
    [
        ("layers", "MaxPool2D", "MaxPooling2D"),
        ("layers", "AvgPool1D", "AveragePooling1D"),
        ("layers", "GlobalAvgPool2D", "GlobalAveragePooling2D"),
        ("layers", "Convolution2D", "Conv2D"),
        ("layers", "Convolution1DTranspose", "Conv1DTranspose"),
        ("layers", "SeparableConvolution2D", "SeparableConv2D"),
        ("initializers", "he_normal", "HeNormal"),
        ("initializers", "identity", "Identity"),
        ("utils", "CustomObjectScope", "custom_object_scope"),
    ],
)
def test_a_second_name_is_the_same(module, second, first):
    where = getattr(gs, module)
    assert getattr(where, second) is getattr(where, first)
    assert second not in dir(where)


@pytest.mark.peers
@pytest.mark.parametrize("module", [*MODULES, "optimizers", "utils"])
def test_every_second_name_of_keras_is_one_here(module):
    """Of what both have."""
    keras = pytest.importorskip("keras")
    ours, theirs = getattr(gs, module), getattr(keras, module)
    names = defaultdict(list)
    for name in dir(theirs):
        if not name.startswith("_"):
            names[id(getattr(theirs, name))].append(name)
    for same in names.values():
        here = [name for name in same if hasattr(ours, name)]
        assert here in ([], same)
        assert len({id(getattr(ours, name)) for name in here}) <= 1


def test_a_model_of_second_names_is_saved_under_the_first():
    layers = gs.layers
    model = gs.Sequential([gs.Input((8, 8, 1)), layers.Convolution2D(2, 3, name="c"), layers.MaxPool2D(name="p")])
    plain = gs.Sequential([gs.Input((8, 8, 1)), layers.Conv2D(2, 3, name="c"), layers.MaxPooling2D(name="p")])
    assert model.get_config()["layers"][1:] == plain.get_config()["layers"][1:]


def test_keras_s_defaults():
    for module in (gs.backend, gs.config):
        assert (module.epsilon(), module.image_data_format()) == (1e-7, "channels_last")
        module.set_image_data_format("channels_last")
        with pytest.raises(ValueError, match="data_format must be one of channels_last"):
            module.set_image_data_format("channels_first")


def test_padding_of_sequences_where_keras_has_it():
    from gradstep.preprocessing.sequence import pad_sequences

    assert pad_sequences is gs.utils.pad_sequences is gs.preprocessing.sequence.pad_sequences
