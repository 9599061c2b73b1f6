"""Callbacks: which hooks are called when, with what; stopping."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep.callbacks import Callback, History, ProgbarLogger
from gradstep.callbacks.base import Callbacks
from training import classifier, clusters, snapshot, train


class Recorder(Callback):
    def __init__(self):
        super().__init__()
        self.calls = []

    def on_train_begin(self, logs=None):
        self.calls.append("train begin")

    def on_train_end(self, logs=None):
        self.calls.append("train end")
        self.last = logs

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(f"epoch {epoch} begin")

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(f"epoch {epoch} end")
        self.epoch_logs = dict(logs)


class BatchRecorder(Recorder):
    def on_train_batch_begin(self, batch, logs=None):
        self.calls.append(f"batch {batch} begin")

    def on_train_batch_end(self, batch, logs=None):
        self.calls.append(f"batch {batch} end")
        self.batch_logs = dict(logs)


def test_hooks_of_epochs():
    x, y = clusters(40)
    recorder, model = Recorder(), classifier()
    history = model.fit(x, y, epochs=2, validation_split=0.2, callbacks=[recorder], verbose=0)
    assert recorder.calls == [
        "train begin",
        "epoch 0 begin",
        "epoch 0 end",
        "epoch 1 begin",
        "epoch 1 end",
        "train end",
    ]
    assert list(recorder.epoch_logs) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert recorder.epoch_logs == {name: values[-1] for name, values in history.history.items()} == recorder.last
    assert recorder.model is model
    assert recorder.params == {"verbose": 0, "epochs": 2, "steps": 1}


def test_hooks_of_batches():
    x, y = clusters(40)
    recorder, model, plain = BatchRecorder(), classifier(), classifier()
    history = train(model, x, y, batch_size=16, callbacks=recorder)
    assert recorder.calls[2:-2] == [f"batch {i} {when}" for i in range(3) for when in ("begin", "end")]
    assert recorder.batch_logs == {name: values[0] for name, values in history.history.items()}
    train(plain, x, y, batch_size=16)
    assert snapshot(model) == snapshot(plain)


def test_only_hooks_of_batches_cost_python_at_every_batch():
    for members, wanted in (([], False), ([Recorder(), History(), ProgbarLogger()], False), ([BatchRecorder()], True)):
        assert Callbacks(members, None, {}).wants_batches == wanted


def test_a_hook_set_on_the_object():
    x, y = clusters(40)
    callback, batches = Callback(), []
    callback.on_train_batch_end = lambda batch, logs=None: batches.append(batch)
    classifier().fit(x, y, batch_size=16, callbacks=[callback], verbose=0)
    assert batches == [0, 1, 2]


def test_stopping_after_an_epoch():
    class Stop(Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    x, y = clusters(40)
    model = classifier()
    history = model.fit(x, y, epochs=10, callbacks=[Stop()], verbose=0)
    assert history.epoch == [0, 1]
    assert len(model.fit(x, y, epochs=3, verbose=0).epoch) == 3


def test_stopping_after_a_batch():
    class Stop(BatchRecorder):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            self.model.stop_training = batch == 1

    x, y = clusters(40)
    model, stop = classifier(), Stop()
    history = model.fit(x, y, batch_size=8, epochs=10, callbacks=[stop], verbose=0)
    assert model.optimizer.iterations == 2
    assert history.epoch == [0]
    assert stop.calls[-2:] == ["epoch 0 end", "train end"]


def test_an_error_in_a_callback_leaves_a_usable_model():
    class Fail(Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                raise RuntimeError("mine")

    x, y = clusters(40)
    model = classifier()
    with pytest.raises(RuntimeError, match="mine"):
        model.fit(x, y, batch_size=8, callbacks=[Fail()], verbose=0)
    assert model.optimizer.iterations == 2
    assert model.history.history == {}
    model.fit(x, y, verbose=0)


def test_scoring_inside_a_callback():
    class Score(Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.seen = self.model.evaluate(x, y, verbose=0)[0]

    x, y = clusters(40)
    score, model, plain = Score(), classifier(), classifier()
    train(model, x, y, batch_size=8, callbacks=[score])
    train(plain, x, y, batch_size=8)
    assert snapshot(model) == snapshot(plain)
    assert score.seen == model.evaluate(x, y, verbose=0)[0]


def test_history_is_kept():
    x, y = clusters(40)
    model = classifier()
    history = model.fit(x, y, epochs=2, verbose=0)
    assert isinstance(history, History)
    assert model.history is history
    assert history.params["epochs"] == 2
    assert model.fit(x, y, epochs=0, verbose=0).history == {}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([3], r"callbacks\[0\] must be a Callback; got an int"),
        ([History, 2], r"callbacks\[0\] must be an object; got the class History: call it"),
        (lambda: 0, "callbacks must be a list of Callback objects; got a function"),
    ],
)
def test_what_is_no_callback(given, message):
    x, y = clusters(40)
    with pytest.raises(TypeError, match=message):
        classifier().fit(x, y, callbacks=given, verbose=0)


def test_one_bar_is_enough(capsys):
    x, y = clusters(40)
    classifier().fit(x, y, callbacks=[ProgbarLogger()])
    assert capsys.readouterr().out.count("Epoch 1/1") == 1


def test_plot(tmp_path):
    matplotlib = pytest.importorskip("matplotlib")
    x, y = clusters(40)
    history = classifier().fit(x, y, epochs=3, validation_split=0.25, verbose=0)
    path = tmp_path / "curves.png"
    figure = history.plot(path)
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert "pyplot" not in dir(matplotlib)  # no window system is touched
    loss, accuracy = figure.axes
    assert loss.get_xlabel() == "epoch"
    assert loss.get_ylabel() == "loss (mean over rows)"
    assert accuracy.get_ylabel() == "accuracy (share of rows)"
    for panel, name in ((loss, "loss"), (accuracy, "accuracy")):
        curves = {line.get_label(): line for line in panel.lines}
        assert list(curves) == ["training", "validation"] == [t.get_text() for t in panel.get_legend().get_texts()]
        assert len({line.get_linestyle() for line in panel.lines}) == 2
        np.testing.assert_array_equal(curves["training"].get_xdata(), [1, 2, 3])
        np.testing.assert_array_equal(curves["training"].get_ydata(), history.history[name])
        np.testing.assert_array_equal(curves["validation"].get_ydata(), history.history[f"val_{name}"])


def test_plot_of_nothing():
    pytest.importorskip("matplotlib")
    with pytest.raises(ValueError, match="history must hold at least one epoch"):
        gs.callbacks.History().plot()
