"""BackupAndRestore: a run that was cut short goes on as if it had not been, to the bit."""

from __future__ import annotations

import os

import gradstep as gs
import pytest
from children import said
from gradstep import callbacks, layers, optimizers
from training import clusters, snapshot

X, Y = clusters(80)


class Crash(callbacks.Callback):
    def __init__(self, epoch, batch=0):
        super().__init__()
        self.at, self.epoch = (epoch, batch), 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            raise RuntimeError("the power fails")


def made(seed, optimizer=None):
    gs.utils.set_random_seed(seed)
    # Names of their own: in one process layers without are counted on.
    hidden = [layers.Dense(16, "relu", name="hidden"), layers.Dropout(0.5, name="drop")]
    model = gs.Sequential([gs.Input((20,)), *hidden, layers.Dense(4, "softmax", name="out")])
    model.compile(optimizer or optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def members(folder):
    return [
        callbacks.ReduceLROnPlateau("loss", patience=0, factor=0.5, min_delta=0.1),
        callbacks.BackupAndRestore(folder),
        callbacks.EarlyStopping("loss", patience=2, min_delta=0.05, restore_best_weights=True),
        callbacks.History(),
    ]


def fit(model, hooks, epochs=9):
    return model.fit(X, Y, batch_size=16, epochs=epochs, validation_split=0.2, verbose=0, callbacks=hooks)


def ends(model, hooks):
    return snapshot(model), hooks[-1].history, hooks[-1].epoch


@pytest.mark.parametrize("crashes", [[(1, 0)], [(3, 2)], [(1, 1), (2, 0), (5, 3)]])
def test_as_if_nothing_had_happened(tmp_path, crashes):
    model, hooks = made(1), members(tmp_path / "a")
    fit(model, hooks)
    whole = ends(model, hooks)
    assert not (tmp_path / "a").exists()
    for place in crashes:
        # As a new process: other seeds, other objects.
        model, hooks = made(1 if place == crashes[0] else 77), members(tmp_path / "b")
        with pytest.raises(RuntimeError, match="the power fails"):
            fit(model, [*hooks[:-1], Crash(*place), hooks[-1]])
    model, hooks = made(55), members(tmp_path / "b")
    fit(model, hooks)
    assert ends(model, hooks) == whole
    assert not (tmp_path / "b").exists()


def test_in_another_process(tmp_path):
    def run(seed, folder, crash):
        return said(f"""
import sys
from hashlib import sha256
sys.path.insert(0, {os.path.dirname(__file__)!r})
from test_backup_after_crashes import Crash, fit, made, members, snapshot

model, hooks = made({seed}), members({str(tmp_path / folder)!r})
try:
    fit(model, [*hooks[:-1], Crash({crash}), hooks[-1]])
except RuntimeError:
    pass
print(sha256(snapshot(model)).hexdigest(), hooks[-1].epoch)
""")

    whole = run(1, "a", 99)
    assert run(1, "b", 2) != whole
    assert run(2, "b", 99) == whole


def test_history_of_its_own_process_as_in_keras(tmp_path):
    for crash, expected in (([Crash(4)], None), ([], [4, 5, 6, 7, 8, 9])):
        model, backup = made(1), callbacks.BackupAndRestore(tmp_path / "a")
        if crash:
            with pytest.raises(RuntimeError):
                fit(model, [backup, *crash], 10)
        else:
            assert fit(model, [backup], 10).epoch == expected
    assert fit(model, [backup], 2).epoch == [0, 1]


def test_in_the_middle_of_an_epoch(tmp_path):
    model = made(1)
    backup = callbacks.BackupAndRestore(tmp_path / "a", save_freq=3)
    with pytest.raises(RuntimeError):
        fit(model, [backup, Crash(2, 2)])  # 4 batches an epoch: the last backup is of the 9th, the first of epoch 2
    again = made(5)
    assert fit(again, [callbacks.BackupAndRestore(tmp_path / "a", save_freq=3)], 3).epoch == [2]
    assert again.optimizer.iterations == 9 + 4


def test_a_damaged_backup(tmp_path):
    folder = tmp_path / "a"
    with pytest.raises(RuntimeError):
        fit(made(1), [callbacks.BackupAndRestore(folder, double_checkpoint=True), Crash(3)])
    latest = folder / "latest.gradstep"
    latest.write_bytes(latest.read_bytes()[:-100])
    (folder / "previous.gradstep").rename(folder / "kept")
    with pytest.raises(ValueError):
        fit(made(1), [callbacks.BackupAndRestore(folder)])
    (folder / "kept").rename(folder / "previous.gradstep")
    with pytest.warns(UserWarning, match="Training continues from the previous backup"):
        assert fit(made(1), [callbacks.BackupAndRestore(folder, double_checkpoint=True)], 4).epoch == [2, 3]


def test_a_backup_of_something_else(tmp_path):
    with pytest.raises(RuntimeError):
        fit(made(1), [callbacks.BackupAndRestore(tmp_path), Crash(2)])
    other = made(1, optimizers.SGD(0.1))
    before = other.get_weights()
    with pytest.raises(ValueError):
        fit(other, [callbacks.BackupAndRestore(tmp_path)])
    assert all((a == b).all() for a, b in zip(before, other.weights, strict=True))


def test_the_folder_keeps_what_is_not_ours(tmp_path):
    (tmp_path / "mine").write_text("mine")
    fit(made(1), [callbacks.BackupAndRestore(tmp_path)], 2)
    assert [file.name for file in tmp_path.iterdir()] == ["mine"]
    fit(made(1), [callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)], 2)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["latest.gradstep", "mine"]


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"backup_dir": ""}, ValueError),
        ({"backup_dir": 3}, TypeError),
        ({"save_freq": "batch"}, ValueError),
        ({"save_freq": 0}, ValueError),
        ({"double_checkpoint": 1}, TypeError),
        ({"delete_checkpoint": None}, TypeError),
    ],
)
def test_arguments(wrong, error):
    with pytest.raises(error, match=next(iter(wrong))):
        callbacks.BackupAndRestore(**({"backup_dir": "a"} | wrong))
