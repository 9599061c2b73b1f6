"""What a callback needs later is checked when training begins: nothing is trained for a file that cannot be written."""

from __future__ import annotations

import os
import sys

import gradstep as gs
import numpy as np
import pytest
from gradstep import callbacks
from training import classifier, clusters

X, Y = clusters(40)
ONE_RATE = gs.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
as_root = os.geteuid() == 0 if hasattr(os, "geteuid") else True


class Undescribed(gs.layers.Layer):
    """A layer that no file can hold: its argument is no attribute."""

    def __init__(self, function):
        super().__init__()
        self._function = function

    def forward(self, x):
        return self._function(x)

    def backward(self, dy):
        return dy


def undescribed():
    model = gs.Sequential([gs.Input((20,)), Undescribed(lambda x: x), gs.layers.Dense(4, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def scheduled():
    return classifier(optimizer=gs.optimizers.SGD(ONE_RATE))


def without(monkeypatch, *modules):
    inside = tuple(f"{module}." for module in modules)
    for module in {*modules, *(name for name in sys.modules if name.startswith(inside))}:
        monkeypatch.setitem(sys.modules, module, None)


def file_at(path):
    path.write_text("mine")
    return path


def save(path, **more):
    return callbacks.ModelCheckpoint(path, **more)


# Name: what makes the callback in a folder, the error, what it says, the model, arguments of fit.
REFUSED = {
    "whole model as HDF5": (lambda t: save(t / "best.h5"), ValueError, "another ending", classifier, {}),
    "ending in a format": (lambda t: save(t / "{epoch}.hdf5"), ValueError, "another ending", classifier, {}),
    "unknown name": (lambda t: save(t / "{mae}.keras"), KeyError, "'mae'; there are epoch, loss, acc", classifier, {}),
    "no validation": (lambda t: save(t / "{val_loss}.keras"), KeyError, "val_loss", classifier, {}),
    "rare validation": (
        lambda t: save(t / "{val_loss}.keras"),
        KeyError,
        "val_loss",
        classifier,
        {"validation_split": 0.5, "validation_freq": 2},
    ),
    "no batch": (lambda t: save(t / "{batch}.keras"), KeyError, "'batch'", classifier, {}),
    "validation within an epoch": (
        lambda t: save(t / "{val_loss}.keras", save_freq=2),
        KeyError,
        "val_loss",
        classifier,
        {"validation_split": 0.5},
    ),
    "folder in place of a file": (lambda t: save(t), OSError, "folder", classifier, {}),
    "weights in place of a folder": (lambda t: save(t, save_weights_only=True), OSError, "folder", classifier, {}),
    "file in place of a folder": (
        lambda t: save(file_at(t / "a") / "m.gradstep"),
        NotADirectoryError,
        "folder",
        classifier,
        {},
    ),
    "file far up": (
        lambda t: save(file_at(t / "a") / "b" / "e{epoch}" / "m.gradstep"),
        NotADirectoryError,
        "folder",
        classifier,
        {},
    ),
    "layer that no file holds": (lambda t: save(t / "m.gradstep"), TypeError, "function", undescribed, {}),
    "backup of it": (lambda t: callbacks.BackupAndRestore(t / "b"), TypeError, "function", undescribed, {}),
    "backup in a file": (
        lambda t: callbacks.BackupAndRestore(file_at(t / "b")),
        NotADirectoryError,
        "directory",
        classifier,
        {},
    ),
    "events in a file": (
        lambda t: callbacks.TensorBoard(file_at(t / "b")),
        NotADirectoryError,
        "folder",
        classifier,
        {},
    ),
    "table in a folder": (lambda t: callbacks.CSVLogger(t), OSError, "directory", classifier, {}),
    "table in no folder": (lambda t: callbacks.CSVLogger(t / "no" / "a.csv"), OSError, "No such", classifier, {}),
    "rate of a schedule": (
        lambda t: callbacks.ReduceLROnPlateau("loss"),
        TypeError,
        "follows a schedule",
        scheduled,
        {},
    ),
    "rate of two schedules": (
        lambda t: callbacks.LearningRateScheduler(lambda epoch: 0.1),
        TypeError,
        "follows a schedule",
        scheduled,
        {},
    ),
    "no averages": (lambda t: callbacks.SwapEMAWeights(), ValueError, "use_ema", classifier, {}),
    "unknown monitor": (lambda t: callbacks.EarlyStopping("mae"), ValueError, "mode='auto'", classifier, {}),
}


class Begun(callbacks.Callback):
    """Says whether an epoch began."""

    begun = False

    def on_epoch_begin(self, epoch, logs=None):
        self.begun = True


def refused(make, error, message, made, options, folder):
    model, begun, callback = made(), Begun(), make(folder)
    before, there = model.get_weights(), sorted(folder.rglob("*"))
    with pytest.raises(error, match=message):
        model.fit(X, Y, epochs=2, verbose=0, callbacks=[callback, begun], **options)
    assert not begun.begun
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert sorted(folder.rglob("*")) == there


@pytest.mark.parametrize("case", REFUSED)
def test_refused_when_training_begins(case, tmp_path):
    refused(*REFUSED[case], tmp_path)


@pytest.mark.parametrize(
    ("modules", "make"),
    [
        (["h5py"], lambda t: save(t / "{epoch}.weights.h5", save_weights_only=True)),
        (["tensorboardX", "tensorboard"], lambda t: callbacks.TensorBoard(t / "l")),
    ],
)
def test_what_must_be_installed_is_asked_for_when_training_begins(modules, make, tmp_path, monkeypatch):
    without(monkeypatch, *modules)
    refused(make, ImportError, "pip install", classifier, {}, tmp_path)


@pytest.mark.skipif(as_root, reason="root may write everywhere")
@pytest.mark.parametrize(
    "make",
    [
        lambda t: save(t / "m.gradstep"),
        lambda t: save(t / "{epoch}" / "m.gradstep"),
        lambda t: callbacks.BackupAndRestore(t / "b"),
        lambda t: callbacks.TensorBoard(t / "b"),
        lambda t: callbacks.CSVLogger(t / "a.csv"),
    ],
)
def test_a_read_only_folder_is_refused_when_training_begins(make, tmp_path):
    tmp_path.chmod(0o500)
    try:
        refused(make, PermissionError, "", classifier, {}, tmp_path)
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("path", ["{epoch", "{}", "{0}.keras", "{epoch:.2q}", "{val_loss:d}", "{epoch.x}", "a}b"])
def test_a_path_of_no_format_is_refused_at_once(path):
    with pytest.raises(ValueError, match="filepath must be a path with names"):
        save(path)


class Adds(callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        logs["mine"] = 0.25


TAKEN = {
    "a name that a callback adds": (["{mine:.2f}.gradstep"], [Adds()], "0.25.gradstep"),
    "a rate": (["{learning_rate}.gradstep"], [callbacks.ReduceLROnPlateau("loss")], "0.5.gradstep"),
    "a function that adds": (
        ["{mine}.gradstep"],
        [callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(mine=7))],
        "7.gradstep",
    ),
    "folders of epochs": (["e{epoch}/w{loss:.0f}.gradstep"], [], "e1"),
}


@pytest.mark.parametrize("case", TAKEN)
def test_names_that_others_add_are_taken(case, tmp_path):
    (path,), before, expected = TAKEN[case]
    model = classifier(optimizer=gs.optimizers.SGD(0.5))
    model.fit(X, Y, verbose=0, callbacks=[*before, save(tmp_path / path)])
    assert [entry.name for entry in tmp_path.iterdir()] == [expected]


def test_a_callback_of_one_s_own_that_comes_later_adds_nothing(tmp_path):
    with pytest.raises(KeyError, match="'mine'"):
        classifier().fit(X, Y, verbose=0, callbacks=[save(tmp_path / "{mine}.gradstep"), Adds()])


def test_a_model_with_its_own_save_says_itself_what_it_can_write(tmp_path):
    class Saving(gs.Sequential):
        def save(self, path):
            with open(path, "w") as file:
                file.write("mine")

    model = Saving([gs.Input((20,)), Undescribed(lambda x: x), gs.layers.Dense(4, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(X, Y, verbose=0, callbacks=[save(tmp_path / "a" / "best.h5")])
    assert (tmp_path / "a" / "best.h5").read_text() == "mine"


def test_a_home_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    backup = callbacks.BackupAndRestore("~/backup", delete_checkpoint=False)
    classifier().fit(X, Y, verbose=0, callbacks=[save("~/runs/{epoch}.gradstep"), backup])
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()) == [
        "backup/latest.gradstep",
        "runs/1.gradstep",
    ]


@pytest.mark.parametrize(
    "make",
    [
        lambda: callbacks.EarlyStopping(),
        lambda: callbacks.ReduceLROnPlateau(),
        lambda: callbacks.EarlyStopping("mine", mode="max"),
    ],
)
def test_a_number_that_cannot_come_is_said_before_the_first_epoch(make):
    begun = Begun()
    with pytest.warns(UserWarning, match="in the logs; they have loss, accuracy"), pytest.raises(RuntimeError):
        classifier().fit(X, Y, verbose=0, callbacks=[make(), Stops()])
    assert not begun.begun


class Stops(callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        raise RuntimeError("an epoch began")


def test_a_subclass_may_find_its_number_elsewhere():
    class Own(callbacks.EarlyStopping):
        def get_monitor_value(self, logs):
            return 0.5

    classifier().fit(X, Y, verbose=0, callbacks=[Own("mine", mode="min")])


@pytest.mark.peers
def test_several_numbers_of_one_metric_are_written(tmp_path):
    pytest.importorskip("tensorboardX")
    model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(3, "softmax")])
    model.compile("sgd", "categorical_crossentropy", metrics=[gs.metrics.F1Score(name="f")])
    members = [callbacks.TensorBoard(tmp_path / "logs"), callbacks.CSVLogger(tmp_path / "log.csv")]
    model.fit(np.ones((6, 2)), np.eye(3)[[0, 1, 2] * 2], verbose=0, callbacks=members)
    data = next((tmp_path / "logs" / "train").iterdir()).read_bytes()
    assert all(f"epoch_f/{i}".encode() in data for i in range(3))
