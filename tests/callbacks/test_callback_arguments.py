"""What callbacks refuse, warn of and say."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from callback_runs import Pretended
from gradstep import callbacks
from training import classifier, clusters

X, Y = clusters(40)


@pytest.mark.parametrize(
    ("name", "wrong", "error"),
    [
        *[
            (name, wrong, error)
            for name in ("EarlyStopping", "ReduceLROnPlateau")
            for wrong, error in (
                ({"monitor": 3}, TypeError),
                ({"patience": -1}, ValueError),
                ({"patience": 1.5}, TypeError),
                ({"min_delta": "small"}, TypeError),
                ({"verbose": -1}, ValueError),
            )
        ],
        ("EarlyStopping", {"baseline": "low"}, TypeError),
        ("EarlyStopping", {"restore_best_weights": 1}, TypeError),
        ("EarlyStopping", {"start_from_epoch": -2}, ValueError),
        ("ReduceLROnPlateau", {"factor": 1.0}, ValueError),
        ("ReduceLROnPlateau", {"factor": float("nan")}, ValueError),
        ("ReduceLROnPlateau", {"cooldown": -1}, ValueError),
        ("ReduceLROnPlateau", {"min_lr": -0.1}, ValueError),
        ("ModelCheckpoint", {"filepath": 3}, TypeError),
        ("ModelCheckpoint", {"save_freq": "batch"}, ValueError),
        ("ModelCheckpoint", {"save_freq": 0}, ValueError),
        ("ModelCheckpoint", {"save_freq": 2.5}, TypeError),
        ("ModelCheckpoint", {"save_best_only": "yes"}, TypeError),
        ("ModelCheckpoint", {"save_weights_only": None}, TypeError),
        ("ModelCheckpoint", {"initial_value_threshold": "low"}, TypeError),
        ("ModelCheckpoint", {"initial_value_threshold": float("nan")}, ValueError),
        ("EarlyStopping", {"baseline": float("nan")}, ValueError),
        ("EarlyStopping", {"min_delta": float("nan")}, ValueError),
        ("CSVLogger", {"filename": "log.csv", "separator": ", "}, ValueError),
        ("CSVLogger", {"filename": "log.csv", "separator": 3}, TypeError),
        ("CSVLogger", {"filename": "log.csv", "append": 1}, TypeError),
        ("LearningRateScheduler", {"schedule": 0.1}, TypeError),
        ("TerminateOnNaN", {"raise_error": "yes"}, TypeError),
        ("SwapEMAWeights", {"swap_on_epoch": 1}, TypeError),
        ("LambdaCallback", {"on_epoch_end": 3}, TypeError),
        ("LambdaCallback", {"on_epoch_ends": print}, TypeError),
    ],
)
def test_refused(name, wrong, error):
    given = {"filepath": "a.keras"} | wrong if name == "ModelCheckpoint" else wrong
    with pytest.raises(error, match=list(wrong)[-1]):
        getattr(callbacks, name)(**given)


def test_a_misspelt_hook_is_guessed():
    with pytest.raises(TypeError, match="Did you mean 'on_epoch_end'"):
        callbacks.LambdaCallback(on_epoch_ends=print)


def test_an_unknown_mode_counts_as_auto():
    with pytest.warns(UserWarning, match="mode must be one of auto, min, max; 'least' counts as 'auto'"):
        stop = callbacks.EarlyStopping(mode="least")
    assert stop.mode == "auto"


@pytest.mark.parametrize(
    "make",
    [
        lambda: callbacks.EarlyStopping("val_los"),
        lambda: callbacks.ReduceLROnPlateau("auc"),
        lambda: callbacks.ModelCheckpoint("a.keras", "auc", save_best_only=True),
    ],
)
def test_auto_needs_a_loss_or_metric_and_says_so_before_the_first_step(make):
    model = classifier()
    before = model.get_weights()
    with pytest.raises(ValueError, match="mode='auto' cannot tell"):
        model.fit(X, Y, validation_split=0.5, verbose=0, callbacks=[make()])
    assert all((a == b).all() for a, b in zip(before, model.weights, strict=True))


@pytest.mark.parametrize(("monitor", "larger"), [("loss", False), ("val_loss", False), ("val_accuracy", True)])
def test_which_way_is_better(monitor, larger):
    stop = callbacks.EarlyStopping(monitor)
    stop.set_model(Pretended())
    stop.on_train_begin()
    assert stop._is_improvement(2.0, 1.0) == larger
    assert stop._is_improvement(1.0, 2.0) != larger


@pytest.mark.parametrize(
    ("callback", "message"),
    [
        (callbacks.EarlyStopping(), "early stopping needs 'val_loss' in the logs; they have loss, accuracy"),
        (callbacks.ReduceLROnPlateau(), "reducing the learning rate needs 'val_loss'"),
        (callbacks.ModelCheckpoint("a", save_best_only=True), "saving the best model only needs 'val_loss'"),
    ],
)
def test_a_number_that_is_not_there(callback, message):
    model = classifier()
    model.save = lambda path: None
    with pytest.warns(UserWarning, match=message):
        model.fit(X, Y, verbose=0, callbacks=[callback])


def test_a_name_that_is_not_there():
    model = classifier()
    with pytest.raises(KeyError, match=r"filepath '\{mae\}' has the name 'mae'; there are epoch, loss, accuracy"):
        model.fit(X, Y, verbose=0, callbacks=[callbacks.ModelCheckpoint("{mae}")])


def test_folders_are_made_and_are_no_files(tmp_path):
    class Saving(gs.Sequential):
        def save_weights(self, path):
            with open(path, "w") as file:
                file.write("weights")

    model = Saving([gs.Input((20,)), gs.layers.Dense(4, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    path = tmp_path / "a" / "b" / "{epoch}.h5"
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[callbacks.ModelCheckpoint(path, save_weights_only=True)])
    assert [file.name for file in sorted(path.parent.iterdir())] == ["1.h5", "2.h5"]
    with pytest.raises(OSError, match="filepath must not be a folder"):
        model.fit(X, Y, verbose=0, callbacks=[callbacks.ModelCheckpoint(tmp_path / "a", save_weights_only=True)])


@pytest.mark.parametrize("given", [1, None, "0.1", np.array([0.1])])
def test_a_schedule_gives_floats(given):
    with pytest.raises(ValueError, match="schedule must give a float; for epoch 0 it gave"):
        classifier().fit(X, Y, verbose=0, callbacks=[callbacks.LearningRateScheduler(lambda epoch: given)])


def test_a_schedule_of_the_optimizer_is_not_overruled():
    rate = gs.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    model = classifier(optimizer=gs.optimizers.SGD(rate))
    with pytest.raises(TypeError, match="learning_rate follows a schedule"):
        model.fit(X, Y, verbose=0, callbacks=[callbacks.LearningRateScheduler(lambda epoch: 0.1)])


def test_an_error_inside_a_schedule_is_not_swallowed():
    def schedule(epoch, rate):
        raise TypeError("mine")

    with pytest.raises(TypeError, match="mine"):
        classifier().fit(X, Y, verbose=0, callbacks=[callbacks.LearningRateScheduler(schedule)])


def test_nan_ends_training_in_the_middle_of_an_epoch(capsys):
    x = X.copy()
    x[17] = np.nan
    for raise_error in (False, True):
        model, stop = classifier(), callbacks.TerminateOnNaN(raise_error)
        if raise_error:
            with pytest.raises(RuntimeError, match="the loss is nan after batch 2"):
                model.fit(x, Y, batch_size=8, epochs=9, shuffle=False, verbose=0, callbacks=[stop])
        else:
            model.fit(x, Y, batch_size=8, epochs=9, shuffle=False, verbose=0, callbacks=[stop])
            assert capsys.readouterr().out == "Batch 2: the loss is nan; training ends.\n"
        assert model.optimizer.iterations == 3


def test_what_is_said(capsys):
    model = classifier(optimizer=gs.optimizers.SGD(0.0))
    model.save = lambda path: None
    members = [
        callbacks.ModelCheckpoint("{epoch}.keras", "loss", verbose=1, save_best_only=True),
        callbacks.ReduceLROnPlateau("loss", patience=1, min_lr=0.0, verbose=1),
        callbacks.LearningRateScheduler(lambda epoch: 1e-30 if epoch else 1e-31, verbose=1),
        callbacks.EarlyStopping("loss", min_delta=1.0, patience=1, verbose=1, restore_best_weights=True),
    ]
    loss = model.fit(X, Y, epochs=3, verbose=0, callbacks=members).history["loss"]
    assert loss == [loss[0]] * 2
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 1: LearningRateScheduler sets the learning rate to 1e-31.",
        f"Epoch 1: loss improved from none to {loss[0]:.5f}, saving model to 1.keras",
        "Epoch 2: LearningRateScheduler sets the learning rate to 1e-30.",
        f"Epoch 2: loss did not improve from {loss[0]:.5f}",
        "Epoch 2: ReduceLROnPlateau reduces the learning rate to 1e-31.",
        "Epoch 2: early stopping",
        "Restoring model weights from the end of the best epoch: 1.",
    ]


def test_several_optimizers_have_several_rates(capsys):
    o = gs.optimizers
    model = classifier(optimizer=o.MultiOptimizer({"*bias": o.SGD(0.5), "dense/*": o.Adam(0.25), "*": o.SGD(0.125)}))
    halve = callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2, verbose=1)
    history = model.fit(X, Y, epochs=2, verbose=0, callbacks=[halve]).history
    assert {name: curve for name, curve in history.items() if "rate" in name} == {
        "learning_rate_SGD_0": [0.25, 0.125],
        "learning_rate_adam": [0.125, 0.0625],
        "learning_rate_SGD_2": [0.0625, 0.03125],
    }
    assert "the learning rate of adam to 0.125" in capsys.readouterr().out


def test_a_table_goes_on(tmp_path):
    path = tmp_path / "log.csv"
    for _ in range(2):
        classifier().fit(X, Y, verbose=0, callbacks=[callbacks.CSVLogger(path, append=True)])
    lines = path.read_text().splitlines()
    assert lines[0] == "epoch,accuracy,loss,val_accuracy,val_loss"
    assert [line.split(",")[0] for line in lines] == ["epoch", "0", "0"]
    assert lines[1].endswith(",NA,NA")


def test_a_table_is_closed_when_training_fails(tmp_path):
    class Fail(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise RuntimeError("mine")

    table = callbacks.CSVLogger(tmp_path / "log.csv")
    with pytest.raises(RuntimeError, match="mine"):
        classifier().fit(X, Y, epochs=3, verbose=0, callbacks=[table, Fail()])
    assert table.csv_file is None
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 2


def test_a_log_goes_on_in_the_columns_that_it_has(tmp_path):
    """Numbers of other columns would stand under the wrong names."""
    x, y = clusters(40)
    path = tmp_path / "log.csv"

    def run(metrics, **options):
        model = classifier()
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=metrics)
        model.fit(x, y, verbose=0, callbacks=[gs.callbacks.CSVLogger(path, append=True)], **options)
        return model

    run(["accuracy"], validation_split=0.5)
    run(["accuracy"])
    rows = [line.split(",") for line in path.read_text().split()]
    assert rows[0] == ["epoch", "accuracy", "loss", "val_accuracy", "val_loss"]
    assert [len(row) for row in rows] == [5, 5, 5]
    assert rows[2][3:] == ["NA", "NA"]
    before = path.read_bytes()
    with pytest.raises(
        ValueError, match=r"has the columns epoch, accuracy, .*needs epoch first, and top_k.*another file"
    ):
        run(["accuracy", gs.metrics.SparseTopKCategoricalAccuracy(2, name="top_k")])
    path.write_text("step;loss\n")
    with pytest.raises(ValueError, match="needs epoch first"):
        run([])
    path.write_bytes(b"")
    run([])
    assert path.read_text().startswith("epoch,loss")
    assert before.startswith(b"epoch,accuracy")
