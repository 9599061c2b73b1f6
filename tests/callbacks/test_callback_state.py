"""Callbacks go on where they were: state through JSON and into new objects, the same bits as a run in one go."""

from __future__ import annotations

import json
import math

import gradstep as gs
import numpy as np
import pytest
from callback_runs import Pretended, curve
from gradstep import callbacks
from training import classifier, clusters, snapshot

X, Y = clusters(60)


def through_json(callback):
    """Another object with the same state."""
    state = json.loads(json.dumps(callback.state_dict(), allow_nan=False))
    assert all(isinstance(key, str) for key in state)
    return state


MAKERS = {
    "EarlyStopping": lambda: callbacks.EarlyStopping("loss", patience=4, restore_best_weights=True),
    "ReduceLROnPlateau": lambda: callbacks.ReduceLROnPlateau("loss", patience=1, factor=0.5, cooldown=2),
    "ModelCheckpoint": lambda: callbacks.ModelCheckpoint("a.keras", "loss", save_best_only=True),
    "ModelCheckpoint by batches": lambda: callbacks.ModelCheckpoint("{batch}.keras", "loss", save_freq=7),
    "History": callbacks.History,
}


def told(make, losses, cut=None):
    """What a callback does that is told losses; with a cut, another one goes on after that many epochs."""
    callback, model = make(), Pretended()
    callback.set_model(model)
    callback.on_train_begin({})
    rates = []
    for epoch, loss in enumerate(losses):
        if epoch == cut:
            state, callback = through_json(callback), make()
            if callback.state_dict():
                callback.load_state_dict(state)
            callback.set_model(model)
            callback.on_train_begin({})
        callback.on_epoch_begin(epoch, {})
        model.epoch = epoch
        rates.append(model.optimizer.learning_rate)
        for batch in range(3):
            callback.on_train_batch_end(batch, {"loss": loss})
        callback.on_epoch_end(epoch, {"loss": loss})
        if model.stop_training:
            break
    callback.on_train_end({})
    return rates, model.done, getattr(callback, "history", None), getattr(callback, "epoch", None)


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("seed", [0, 1])
def test_cut_in_two(name, seed):
    losses = [*curve(seed, 12), 0.25, 0.25, 0.25]
    whole = told(MAKERS[name], losses)
    assert whole[1] or len(set(whole[0])) > 1 or whole[2]
    for cut in range(1, len(whole[0])):
        assert told(MAKERS[name], losses, cut) == whole


def test_weights_come_back_to_the_bit():
    stop = callbacks.EarlyStopping("loss", restore_best_weights=True)
    stop.best_weights = [np.array([[0.1, np.nan], [np.inf, -0.0]], np.float32), np.array([1e-310])]
    stop.best = math.nan
    again = callbacks.EarlyStopping("loss", restore_best_weights=True)
    again.load_state_dict(through_json(stop))
    assert [(w.dtype, w.shape, w.tobytes()) for w in again.best_weights] == [
        (w.dtype, w.shape, w.tobytes()) for w in stop.best_weights
    ]
    assert math.isnan(again.best)


def test_a_history_with_numbers_that_are_none():
    history = callbacks.History()
    history.on_epoch_end(0, {"loss": math.inf, "val_loss": np.float32(0.1)})
    history.on_epoch_end(1, {"loss": math.nan, "val_loss": 0.1})
    again = callbacks.History()
    again.load_state_dict(through_json(history))
    np.testing.assert_equal(again.history, {"loss": [math.inf, math.nan], "val_loss": [float(np.float32(0.1)), 0.1]})
    assert again.epoch == [0, 1]


def test_the_next_run_but_one_starts_anew():
    history = callbacks.History()
    model = classifier()
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[history])
    history.load_state_dict(through_json(history))
    model.fit(X, Y, epochs=3, initial_epoch=2, verbose=0, callbacks=[history])
    assert history.epoch == [0, 1, 2]
    model.fit(X, Y, epochs=1, verbose=0, callbacks=[history])
    assert history.epoch == [0]


class Cut(callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 3:
            raise RuntimeError("the power fails")


def test_a_fit_that_was_cut_short_goes_on():
    def made():
        return [
            callbacks.ReduceLROnPlateau("loss", patience=0, factor=0.5, min_delta=0.2),
            callbacks.EarlyStopping("loss", patience=3, min_delta=0.1, restore_best_weights=True),
            callbacks.History(),
        ]

    gs.utils.set_random_seed(1)
    one, all_of_it = classifier(optimizer=gs.optimizers.SGD(0.1)), made()
    one.fit(X, Y, batch_size=8, epochs=12, verbose=0, callbacks=all_of_it)
    gs.utils.set_random_seed(1)
    two, first, second = classifier(optimizer=gs.optimizers.SGD(0.1)), made(), made()
    with pytest.raises(RuntimeError, match="the power fails"):
        two.fit(X, Y, batch_size=8, epochs=12, verbose=0, callbacks=[*first, Cut()])
    for before, after in zip(first, second, strict=True):
        after.load_state_dict(through_json(before))
    two.fit(X, Y, batch_size=8, epochs=12, initial_epoch=3, verbose=0, callbacks=second)
    assert snapshot(one) == snapshot(two)
    assert all_of_it[2].history == second[2].history
    assert second[2].epoch == all_of_it[2].epoch
    assert 3 < len(second[2].epoch) < 12


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("wrong", [{}, {"nothing": 1}, None])
def test_state_of_something_else(name, wrong):
    callback = MAKERS[name]()
    before = callback.state_dict()
    state = wrong if wrong is None else {**(before if wrong else {}), **wrong}
    with pytest.raises(TypeError if wrong is None else ValueError, match="state"):
        callback.load_state_dict(state)
    assert callback.state_dict() == before


def test_a_callback_without_state():
    assert callbacks.TerminateOnNaN().state_dict() == {}
    callbacks.TerminateOnNaN().load_state_dict({})


@pytest.mark.parametrize(
    "wrong", ["array <f4 2 AAAA", "array <f4 1 ?", "array <q9 1 AAAAAA==", "array |O 1 AAAAAAAAAAA="]
)
def test_a_damaged_array(wrong):
    stop = callbacks.EarlyStopping()
    with pytest.raises(ValueError, match="state must hold arrays"):
        stop.load_state_dict(stop.state_dict() | {"best_weights.0": wrong})
    assert stop.best_weights is None
