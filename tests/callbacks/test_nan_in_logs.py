"""Callbacks that watch a number, told nan and inf at every place, against a plain oracle: nan is never a record."""

from __future__ import annotations

import math
from itertools import product

import gradstep as gs
import numpy as np
import pytest
from callback_runs import Pretended
from gradstep import callbacks

NAN, INF = math.nan, math.inf
VALUES = (NAN, INF, -INF, 0.5, 0.25)
SEQUENCES = list(product(VALUES, repeat=4))


def better(value, best, mode):
    """Whether a value is a record."""
    if math.isnan(value):
        return False
    return math.isnan(best) or (value < best if mode == "min" else value > best)


def records(values, mode, start=NAN):
    """The places of records, and the best."""
    places, best = [], start
    for i, value in enumerate(values):
        if better(value, best, mode):
            places.append(i)
            best = value
    return places, best


def tell(callback, values, model=None):
    """Run epochs without a model; gives the rates, and what the model was asked."""
    model, rates = model or Pretended(), []
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        callback.on_epoch_begin(epoch, {})
        model.epoch = epoch
        rates.append(model.optimizer.learning_rate)
        callback.on_epoch_end(epoch, {"watched": value})
        if model.stop_training:
            break
    callback.on_train_end({})
    return model, rates


def same(a, b):
    return a == b or (a is not None and math.isnan(a) and (b is None or math.isnan(b)))


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.filterwarnings("ignore:saving the best")
def test_every_record_is_saved_and_nothing_else(mode):
    for values in SEQUENCES:
        save = callbacks.ModelCheckpoint("{epoch}.keras", "watched", save_best_only=True, mode=mode)
        model, _ = tell(save, values)
        places, best = records(values, mode)
        assert [done[1] for done in model.done] == places, values
        assert same(best, save.best), values


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("patience", [0, 1, 2])
def test_training_ends_after_so_many_epochs_without_a_record(mode, patience):
    for values in SEQUENCES:
        stop = callbacks.EarlyStopping("watched", patience=patience, mode=mode, restore_best_weights=True)
        model, rates = tell(stop, values)
        end, wait, best, place = len(values), 0, NAN, 0
        for i, value in enumerate(values):
            if i == 0 or better(value, best, mode):
                wait, best, place = 0, value, i
            else:
                wait += 1
                if wait >= patience:
                    end = i + 1
                    break
        assert len(rates) == end, values
        assert same(stop.best, best), values
        assert model.done == [("restored", place)], values


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize(("patience", "cooldown"), [(0, 0), (1, 0), (1, 1), (2, 0), (1, 2)])
def test_the_rate_falls_after_so_many_epochs_without_a_record(mode, patience, cooldown):
    for values in SEQUENCES:
        plateau = callbacks.ReduceLROnPlateau("watched", 0.5, patience, mode=mode, cooldown=cooldown, min_delta=0)
        _, rates = tell(plateau, values)
        rate, wait, left, best, expected = 0.5, 0, 0, NAN, []
        for i, value in enumerate(values):
            expected.append(rate)
            if left:
                left, wait = left - 1, 0
            if i == 0 or better(value, best, mode):
                wait, best = 0, value
            elif not left:
                wait += 1
                if wait >= patience:
                    rate, wait, left = rate / 2, 0, cooldown
        assert rates == expected, values


@pytest.mark.parametrize("mode", ["min", "max"])
def test_a_baseline_is_beaten_by_numbers_alone(mode):
    for values in SEQUENCES:
        stop = callbacks.EarlyStopping("watched", patience=9, mode=mode, baseline=0.3)
        tell(stop, values)
        last, best = -1, None
        for i, value in enumerate(values):
            if best is None or better(value, best, mode):
                best = value
                if better(value, 0.3, mode):
                    last = i
        assert stop.wait == len(values) - 1 - last, values


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.filterwarnings("ignore:saving the best")
def test_a_threshold_holds_for_the_first_file(mode):
    for values in SEQUENCES:
        save = callbacks.ModelCheckpoint("a", "watched", save_best_only=True, mode=mode, initial_value_threshold=0.3)
        model, _ = tell(save, values)
        assert [done[1] for done in model.done] == records(values, mode, 0.3)[0], values


@pytest.mark.parametrize(
    "make",
    [
        lambda: callbacks.EarlyStopping("watched", patience=9, mode="min", restore_best_weights=True),
        lambda: callbacks.ReduceLROnPlateau("watched", 0.5, 9, mode="min"),
        lambda: callbacks.ModelCheckpoint("a", "watched", save_best_only=True, mode="min"),
    ],
)
@pytest.mark.filterwarnings("ignore:saving the best")
def test_nan_that_comes_back_with_saved_state_is_beaten(make):
    import json

    first, second = make(), make()
    tell(first, [NAN, NAN])
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    second.best = NAN  # as files of older versions have it
    tell(second, [0.5, NAN])
    assert second.best == 0.5


def test_nothing_but_nan_is_said():
    with pytest.warns(UserWarning, match="'watched' is nan, so nothing is saved"):
        tell(callbacks.ModelCheckpoint("a", "watched", save_best_only=True, mode="min"), [NAN])


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_diagnose_and_terminate_see_it_at_every_place(place, value, capsys):
    class Tell(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["loss"] = value if epoch == place else 0.5 / (1 + epoch)

    diagnose = callbacks.Diagnose(verbose=0, patience=2)
    model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(1)])
    model.compile(gs.optimizers.SGD(0.01), "mse")
    model.fit(np.ones((4, 2)), np.ones(4), epochs=5, verbose=0, callbacks=[Tell(), diagnose])
    assert [(f.kind, f.epoch) for f in diagnose.findings if f.kind == "divergence"] == [("divergence", place)]
    stop = callbacks.TerminateOnNaN()
    stop.set_model(model := Pretended())
    for batch in range(place + 1):
        stop.on_train_batch_end(batch, {"loss": value if batch == place else 0.5})
        assert model.stop_training == (batch == place)
    assert f"Batch {place}: the loss is {value:g}" in capsys.readouterr().out
