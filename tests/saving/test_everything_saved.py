"""Runs of a model of which some weights are moved, measured or frozen: files, backups, and going on."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from everything import BATCH, data, everything
from gradstep import optimizers
from training import snapshot


def made(rule="adam"):
    model = everything(dropout=0.3)
    model.compile(rule if isinstance(rule, str) else rule(), "mse", metrics=["mae"])
    return model


def fit(model, begin, end, callbacks=None):
    return model.fit(*data(), batch_size=BATCH, initial_epoch=begin, epochs=end, verbose=0, callbacks=callbacks).history


RULES = {
    "adam": lambda: "adam",
    "average": lambda: lambda: optimizers.AdamW(0.01, use_ema=True, weight_decay=0.1),
    "sam": lambda: lambda: optimizers.SAM(optimizers.SGD(0.05, momentum=0.9)),
    "lookahead": lambda: lambda: optimizers.Lookahead(optimizers.Adam(0.01), sync_period=3),
    "several": lambda: lambda: optimizers.MultiOptimizer({"*kernel": optimizers.Lamb(), "*": optimizers.SGD(0.1)}),
}


@pytest.mark.parametrize("rule", RULES)
def test_goes_on_bit_for_bit_from_a_file(rule, tmp_path):
    gs.utils.set_random_seed(5)
    model = made(RULES[rule]())
    fit(model, 0, 2)
    model.save(tmp_path / "model")
    curves = fit(model, 2, 4)
    loaded = gs.models.load_model(tmp_path / "model")
    assert [layer.trainable for layer in loaded.layers] == [layer.trainable for layer in model.layers]
    assert fit(loaded, 2, 4) == curves
    assert snapshot(loaded) == snapshot(model)


@pytest.mark.parametrize("rule", RULES)
def test_a_checkpoint_is_taken_up_by_a_model_of_other_names(rule, tmp_path):
    """Automatic names count on from model to model, also within one program."""
    gs.utils.set_random_seed(5)
    model = made(RULES[rule]())
    fit(model, 0, 2)
    gs.saving.Checkpoint(model).save(tmp_path / "run", epoch=2)
    curves = fit(model, 2, 4)
    other = made(RULES[rule]())
    assert [layer.name for layer in other.layers] != [layer.name for layer in model.layers]
    assert gs.saving.Checkpoint(other).restore(tmp_path / "run") == {"epoch": 2}
    assert fit(other, 2, 4) == curves
    assert snapshot(other) == snapshot(model)


class PowerCut(gs.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 3:
            raise RuntimeError("dark")


def test_a_backup_has_the_statistics(tmp_path):
    gs.utils.set_random_seed(5)
    whole = made()
    curves = fit(whole, 0, 5)
    gs.utils.set_random_seed(5)
    first = made()
    with pytest.raises(RuntimeError, match="dark"):
        fit(first, 0, 5, [gs.callbacks.BackupAndRestore(tmp_path), PowerCut()])
    again = made()
    rest = fit(again, 0, 5, [gs.callbacks.BackupAndRestore(tmp_path)])
    assert {name: curve[3:] for name, curve in curves.items()} == {name: curve[-2:] for name, curve in rest.items()}
    assert snapshot(again) == snapshot(whole)


@pytest.mark.parametrize("ending", [pytest.param(".weights.h5", marks=pytest.mark.peers), ".safetensors"])
def test_weights_of_every_kind(ending, tmp_path):
    if ending == ".weights.h5":
        pytest.importorskip("h5py")
    model, other = made(), made()
    fit(model, 0, 2)
    model.save_weights(tmp_path / f"model{ending}")
    other.load_weights(tmp_path / f"model{ending}")
    for weight, theirs in zip(other.weights, model.weights, strict=True):
        np.testing.assert_array_equal(weight, theirs)


def test_frozen_otherwise_is_refused_as_it_is(tmp_path):
    """The optimizer of the file knows other weights than this model trains."""
    model, other = made(), made()
    fit(model, 0, 2)
    gs.saving.Checkpoint(model).save(tmp_path / "run")
    other.layers[1].trainable = False
    other.compile("adam", "mse")
    before = snapshot(other)
    with pytest.raises(ValueError, match="trained"):
        gs.saving.Checkpoint(other).restore(tmp_path / "run")
    assert snapshot(other) == before
    fit(other, 0, 1)
