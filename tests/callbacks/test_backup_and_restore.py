"""A run that is interrupted and started again comes to the bits of one that never was."""

from __future__ import annotations

import contextlib
import os

import gradstep as gs
import numpy as np
import pytest
from children import command
from gradstep import callbacks
from resuming import model, outcome

EPOCHS, CUT = 6, 4


class PowerCut(callbacks.Callback):
    def __init__(self, epoch=None, batch=None):
        super().__init__()
        self.epoch, self.batch = epoch, batch

    def on_epoch_begin(self, epoch, logs=None):
        if self.batch is None and epoch == self.epoch:
            raise RuntimeError("dark")
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.batch is not None and (self.now, batch) == (self.epoch, self.batch):
            raise RuntimeError("dark")


def members(folder, cut, last=False, **settings):
    """The callbacks of a run; the backup before those whose state it has, or after them."""
    backup = callbacks.BackupAndRestore(folder / "backup", **settings)
    others = [
        callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=1, min_delta=0.5),
        callbacks.EarlyStopping(monitor="loss", patience=50, restore_best_weights=True, min_delta=0.3),
        cut,
    ]
    return [*others, backup] if last else [backup, *others]


def run(made, chosen):
    random = np.random.default_rng(5)
    x, y = random.standard_normal((45, 6)), random.integers(0, 3, 45)
    return made.fit(x, y, batch_size=10, epochs=EPOCHS, verbose=0, callbacks=chosen).history


@pytest.mark.parametrize("last", [False, True], ids=["first in the list", "last"])
@pytest.mark.parametrize("case", ["average", "several", "int8", "sam"])
def test_goes_on_as_if_nothing_had_been(case, last, tmp_path):
    gs.utils.set_random_seed(1)
    whole = model(case)
    curves = run(whole, members(tmp_path, PowerCut(), last))
    assert os.listdir(tmp_path) == []  # the backup is removed at the end

    gs.utils.set_random_seed(1)
    with pytest.raises(RuntimeError, match="dark"):
        run(model(case), members(tmp_path, PowerCut(CUT), last))
    assert os.listdir(tmp_path / "backup") == ["latest.gradstep"]
    gs.utils.set_random_seed(2)
    again = model(case)
    rest = run(again, members(tmp_path, PowerCut(), last))
    assert len(rest["loss"]) == EPOCHS - CUT
    assert outcome(again, rest, EPOCHS - CUT) == outcome(whole, curves, EPOCHS - CUT)
    assert os.listdir(tmp_path) == []


KILLED = """
import os, pathlib, sys
import gradstep as gs
from resuming import model, outcome
sys.path.insert(0, {tests!r})
from test_backup_and_restore import PowerCut, members, run

class Kill(PowerCut):
    def on_train_batch_end(self, batch, logs=None):
        if (self.now, batch) == ({cut}, 2):
            os.kill(os.getpid(), 9)

Kill.__name__ = "PowerCut"
gs.utils.set_random_seed(1)
run(model("average"), members(pathlib.Path({folder!r}), Kill()))
"""


def test_killed_within_an_epoch(tmp_path):
    import subprocess

    gs.utils.set_random_seed(1)
    whole = model("average")
    curves = run(whole, members(tmp_path, PowerCut()))
    program = KILLED.format(tests=os.path.dirname(__file__), cut=CUT, folder=str(tmp_path))
    done = subprocess.run(**command(program), check=False, capture_output=True)
    assert done.returncode == -9, done.stderr
    again = model("average")
    rest = run(again, members(tmp_path, PowerCut()))
    assert outcome(again, rest, EPOCHS - CUT) == outcome(whole, curves, EPOCHS - CUT)


def test_by_batches(tmp_path):
    with pytest.raises(RuntimeError, match="dark"):
        run(model("average"), members(tmp_path, PowerCut(2, 3), save_freq=4))
    again = model("average")
    rest = run(again, members(tmp_path, PowerCut(), save_freq=4, delete_checkpoint=False))
    assert len(rest["loss"]) == EPOCHS - 2  # the epoch begins anew
    # 12 batches were trained and saved before, 5 an epoch after
    assert again.optimizer.iterations == 12 + 5 * (EPOCHS - 2)
    assert os.listdir(tmp_path / "backup") == ["latest.gradstep"]


def test_the_one_before_the_latest(tmp_path):
    with pytest.raises(RuntimeError, match="dark"):
        run(model("average"), members(tmp_path, PowerCut(CUT), double_checkpoint=True))
    assert sorted(os.listdir(tmp_path / "backup")) == ["latest.gradstep", "previous.gradstep"]
    latest = tmp_path / "backup" / "latest.gradstep"
    latest.write_bytes(latest.read_bytes()[:-1])
    (tmp_path / "backup" / "mine").write_text("stays")
    with pytest.warns(UserWarning, match="continues from the previous backup"):
        rest = run(model("average"), members(tmp_path, PowerCut(), double_checkpoint=True))
    assert len(rest["loss"]) == EPOCHS - CUT + 1
    assert os.listdir(tmp_path / "backup") == ["mine"]


@pytest.mark.parametrize("when", ["before the run", "during the run"])
def test_a_damaged_backup_never_takes_the_place_of_a_good_one(tmp_path, monkeypatch, when):
    """One bit of the latest is changed; the power fails while the next is written; the one before is still there."""
    latest, previous = (tmp_path / "backup" / f"{name}.gradstep" for name in ("latest", "previous"))

    def damage(*_):
        data = bytearray(latest.read_bytes())
        data[100] ^= 1
        latest.write_bytes(data)

    def fail(*_):
        raise OSError("the power fails")

    def fit(*others):
        backup = callbacks.BackupAndRestore(tmp_path / "backup", double_checkpoint=True)
        return run(model("average"), [backup, *others])

    with pytest.raises(RuntimeError, match="dark"):
        fit(PowerCut(CUT))
    good = previous.read_bytes()
    if when == "before the run":
        damage()
    again = [] if when == "before the run" else [callbacks.LambdaCallback(on_epoch_begin=damage)]
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fail)
        expected = pytest.warns(UserWarning, match="before it") if not again else contextlib.nullcontext()
        with expected, pytest.raises(OSError, match="the power fails"):
            fit(*again)
    assert previous.read_bytes() == good
    with pytest.warns(UserWarning, match="continues from the previous backup"):
        rest = fit()
    assert len(rest["loss"]) == EPOCHS - CUT + 1


def test_backups_of_other_runs_are_refused(tmp_path):
    with pytest.raises(RuntimeError, match="dark"):
        run(model("average"), members(tmp_path, PowerCut(CUT)))
    other = model("several")
    before = other.get_weights()
    with pytest.raises(ValueError, match="optimizer must be of the class"):
        run(other, members(tmp_path, PowerCut()))
    with pytest.raises(ValueError, match="callbacks must be those"):
        run(model("average"), [callbacks.BackupAndRestore(tmp_path / "backup")])
    assert all(map(np.array_equal, before, other.weights))
    latest = tmp_path / "backup" / "latest.gradstep"
    latest.write_bytes(latest.read_bytes()[:-1])
    with pytest.raises(ValueError, match="does not end as one"):
        run(model("average"), members(tmp_path, PowerCut()))


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"backup_dir": ""}, ValueError),
        ({"backup_dir": 3}, TypeError),
        ({"backup_dir": "a", "save_freq": 0}, ValueError),
        ({"backup_dir": "a", "save_freq": "batch"}, ValueError),
        ({"backup_dir": "a", "save_freq": 1.5}, TypeError),
        ({"backup_dir": "a", "double_checkpoint": 2}, TypeError),
        ({"backup_dir": "a", "delete_checkpoint": "no"}, TypeError),
    ],
)
def test_wrong_arguments(settings, error):
    with pytest.raises(error, match=list(settings)[-1]):
        callbacks.BackupAndRestore(**settings)
