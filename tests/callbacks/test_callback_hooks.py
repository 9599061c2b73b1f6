"""Callbacks: which hooks are called when, with what; stopping."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep.callbacks import Callback, CallbackList, History, ProgbarLogger
from probe import start_at_epoch
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
        assert CallbackList(members).wants_batches("train") == wanted


def test_a_hook_set_on_the_object():
    x, y = clusters(40)
    callback, batches = Callback(), []
    callback.on_train_batch_end = lambda batch, logs=None: batches.append(batch)
    classifier().fit(x, y, batch_size=16, callbacks=[callback], verbose=0)
    assert batches == [0, 1, 2]


class Everything(Callback):
    """Writes down every hook but those of progress, in order."""

    def __init__(self):
        super().__init__()
        self.calls, self.logs = [], []

    def __getattribute__(self, name):
        if not name.startswith("on_") or name in ("on_train_progress", "on_batch_begin", "on_batch_end"):
            return super().__getattribute__(name)

        def hook(*arguments, logs=None):
            *number, logs = (*arguments, logs) if logs is not None else arguments
            self.calls.append((name.removeprefix("on_"), *number))
            self.logs.append(logs)

        return hook


def test_validation_and_evaluate_call_the_hooks_of_tests():
    x, y = clusters(40)
    model, every = classifier(), Everything()
    model.fit(x, y, batch_size=16, validation_split=0.5, callbacks=[every], verbose=0)
    tests = [("test_begin",), ("test_batch_begin", 0), ("test_batch_end", 0), ("test_batch_begin", 1),
             ("test_batch_end", 1), ("test_end",)]  # fmt: skip
    trains = [("train_batch_begin", 0), ("train_batch_end", 0), ("train_batch_begin", 1), ("train_batch_end", 1)]
    assert every.calls == [("train_begin",), ("epoch_begin", 0), *trains, *tests, ("epoch_end", 0), ("train_end",)]
    assert all(isinstance(logs, dict) for logs in every.logs)
    logs = dict(zip(every.calls, every.logs, strict=True))
    assert list(logs["test_end",]) == ["loss", "accuracy"]
    assert {f"val_{k}": v for k, v in logs["test_end",].items()}.items() <= logs["epoch_end", 0].items()

    every = Everything()
    result = model.evaluate(x[20:], y[20:], batch_size=16, callbacks=every, verbose=0, return_dict=True)
    assert every.calls == tests
    assert every.logs[-1] == result == every.logs[-2]
    assert every.params == {"verbose": 0, "epochs": 1, "steps": 2}
    assert model.evaluate(x[20:], y[20:], batch_size=16, verbose=0, return_dict=True) == result


def test_predict_calls_its_hooks():
    x, _ = clusters(40)
    model, every = classifier(), Everything()
    whole = model.predict(x, batch_size=16, verbose=0)
    np.testing.assert_array_equal(model.predict(x, batch_size=16, callbacks=[every], verbose=0), whole)
    batches = [(f"predict_batch_{when}", i) for i in range(3) for when in ("begin", "end")]
    assert every.calls == [("predict_begin",), *batches, ("predict_end",)]
    outputs = [logs["outputs"] for logs in every.logs if "outputs" in logs]
    np.testing.assert_array_equal(np.concatenate(outputs), whole)


def test_stopping_evaluate_and_predict():
    class Stop(Callback):
        def on_test_batch_end(self, batch, logs=None):
            self.model.stop_evaluating = batch == 1

        def on_predict_batch_end(self, batch, logs=None):
            self.model.stop_predicting = batch == 1

    x, y = clusters(40)
    model = classifier()
    first = model.evaluate(x[:16], y[:16], verbose=0)
    assert model.evaluate(x, y, batch_size=8, callbacks=[Stop()], verbose=0) == pytest.approx(first)
    assert model.predict(x, batch_size=8, callbacks=[Stop()], verbose=0).shape == (16, 4)
    assert model.predict(x, batch_size=8, verbose=0).shape == (40, 4)


def test_logs_are_shared():
    class Add(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["mine"] = 2.0 * epoch

    x, y = clusters(40)
    seen = []
    each = gs.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs["mine"]))
    history = classifier().fit(x, y, epochs=2, callbacks=[Add(), each], verbose=0)
    assert seen == history.history["mine"] == [0.0, 2.0]


def test_the_old_names_of_batch_hooks():
    class Old(Callback):
        batches = ()

        def on_batch_end(self, batch, logs=None):
            self.batches += (batch,)

    x, y = clusters(40)
    old = Old()
    classifier().fit(x, y, batch_size=16, callbacks=[[old]], verbose=0)
    assert old.batches == (0, 1, 2)


@pytest.mark.parametrize(
    ("callback", "wanted"),
    [
        (gs.callbacks.ModelCheckpoint("a"), False),
        (gs.callbacks.ModelCheckpoint("a", save_freq=3), True),
        (gs.callbacks.EarlyStopping(), False),
        (gs.callbacks.Diagnose(), False),
        (gs.callbacks.CSVLogger("a"), False),
        (gs.callbacks.TerminateOnNaN(), True),
        (gs.callbacks.LambdaCallback(on_batch_end=print), True),
        (gs.callbacks.LambdaCallback(on_epoch_end=print), False),
        (gs.callbacks.CallbackList([History()]), False),
        (gs.callbacks.CallbackList([gs.callbacks.TerminateOnNaN()]), True),
    ],
)
def test_who_wants_batches(callback, wanted):
    assert CallbackList([callback]).wants_batches("train") == wanted


def test_a_subclass_that_wants_batches_gets_them():
    class Mine(gs.callbacks.ModelCheckpoint):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)

    assert CallbackList([Mine("a")]).wants_batches("train")


def test_a_list_of_ones_own():
    x, y = clusters(40)
    model, recorder = classifier(), Recorder()
    hooks = CallbackList([recorder], add_history=True, model=model)
    history = model.fit(x, y, epochs=2, callbacks=hooks, verbose=0)
    assert history is hooks.callbacks[1] is model.history
    assert history.epoch == [0, 1]
    assert recorder.params["epochs"] == 2


def test_a_loop_of_ones_own(capsys):
    x, y = clusters(40)
    model = classifier()
    hooks = CallbackList(add_history=True, add_progbar=True, model=model, verbose=1, epochs=2, steps=5)
    hooks.on_train_begin()
    for epoch in range(2):
        hooks.on_epoch_begin(epoch)
        for batch in range(5):
            hooks.on_train_batch_begin(batch)
            logs = model.train_on_batch(x[batch::5], y[batch::5], return_dict=True)
            hooks.on_train_batch_end(batch, logs)
        hooks.on_epoch_end(epoch, logs)
    hooks.on_train_end(logs)
    assert model.history.history["loss"][-1] == logs["loss"]
    assert [line[:9] for line in capsys.readouterr().out.splitlines()] == ["Epoch 1/2", "Epoch 2/2"]


def test_where_training_begins_is_a_matter_of_callbacks_too():
    class Back(Callback):
        def on_train_begin(self, logs=None):
            start_at_epoch(self.model, 2)

    x, y = clusters(40)
    model = classifier()
    assert model.fit(x, y, epochs=4, callbacks=[Back()], verbose=0).epoch == [2, 3]
    assert model.fit(x, y, epochs=4, verbose=0).epoch == [0, 1, 2, 3]


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
    path, before = tmp_path / "curves.png", "pyplot" in dir(matplotlib)  # another test may have imported it
    figure = history.plot(path)
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert ("pyplot" in dir(matplotlib)) == before  # no window system is touched
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


@pytest.mark.parametrize("metrics", [[], ["accuracy"]])
@pytest.mark.parametrize("hook", ["begin", "batch_begin"])
def test_what_is_stopped_at_its_beginning_has_one_batch(hook, metrics):
    """As in Keras: a mean over no rows would be 0, the best loss there is."""
    x, y = clusters(40)
    model = classifier()
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=metrics)

    class Stop(gs.callbacks.Callback):
        pass

    def stop(self, *args, **kwargs):
        self.model.stop_training = self.model.stop_evaluating = self.model.stop_predicting = True

    for kind in ("test", "predict"):
        setattr(Stop, f"on_{kind}_{hook}", stop)
    options = {"batch_size": 10, "verbose": 0, "callbacks": [Stop()]}
    first = model.evaluate(x[:10], y[:10], verbose=0)
    assert model.evaluate(x, y, **options) == first
    assert np.array_equal(model.predict(x, **options), model.predict(x[:10], verbose=0))
    model.optimizer.learning_rate = 0.0
    history = model.fit(x, y, validation_data=(x, y), **options).history
    assert history["val_loss"] == [first[0] if metrics else first]
