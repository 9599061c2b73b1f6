"""fit obeys schedules: every step has its rate, though Python sees a slice of them at most."""

from __future__ import annotations

import numpy as np
import pytest
from gradstep import callbacks, optimizers
from gradstep.optimizers import schedules as s
from training import classifier, clusters, snapshot, train


class ByHand(callbacks.Callback):
    """Sets the rate before every batch, from Python."""

    def __init__(self, schedule):
        super().__init__()
        self.schedule = schedule

    def on_train_batch_begin(self, batch, logs=None):
        self.model.optimizer.learning_rate = self.schedule(self.model.optimizer.iterations)


FIT = s.Warmup(s.CyclicalLR(0.0001, 0.02, 13, 7), 9)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_fit_equals_rates_set_by_hand(dtype, threads, name):
    x, y = clusters(203, dtype=dtype.name)  # 7 batches of 32, the last one short
    scheduled = classifier(optimizer=getattr(optimizers, name)(FIT), dtype=dtype.name)
    by_hand = classifier(optimizer=getattr(optimizers, name)(), dtype=dtype.name)
    train(scheduled, x, y, epochs=5)
    train(by_hand, x, y, epochs=5, callbacks=[ByHand(FIT)])
    assert scheduled.optimizer.iterations == 35
    assert [w.tobytes() for w in scheduled.weights] == [w.tobytes() for w in by_hand.weights]


def test_fit_in_parts_and_with_batch_callbacks_equals_fit():
    x, y = clusters(203)
    whole, parts, batches = (classifier(optimizer=optimizers.Adam(FIT)) for _ in range(3))
    train(whole, x, y, epochs=4)
    train(parts, x, y, epochs=2)
    parts.fit(x, y, verbose=0, epochs=4, initial_epoch=2)

    class Idle(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            pass

    train(batches, x, y, epochs=4, callbacks=[Idle()])
    assert snapshot(whole) == snapshot(parts) == snapshot(batches)


def test_fit_equals_manual_steps():
    x, y = clusters(96, dtype="float64")
    fitted, manual = (classifier(optimizer=optimizers.Adam(FIT), dtype="float64") for _ in range(2))
    train(fitted, x, y, epochs=3, shuffle=False)
    for _ in range(3):
        for i in range(0, 96, 32):
            _, gradients = manual.value_and_grad(x[i : i + 32], y[i : i + 32])[:2]
            manual.optimizer.step(manual.weights, gradients)
    assert snapshot(fitted) == snapshot(manual)


def test_fit_takes_a_schedule_assigned_between_batches():
    class Switch(callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if self.model.optimizer.iterations == 3:
                self.model.optimizer.learning_rate = s.Constant(0.0)

    x, y = clusters(203)
    switched, short = classifier(optimizer=optimizers.SGD(FIT)), classifier(optimizer=optimizers.SGD(FIT))
    train(switched, x, y, epochs=1, callbacks=[Switch()], shuffle=False)
    train(short, x[:96], y[:96], epochs=1, shuffle=False)
    assert switched.optimizer.iterations == 7
    assert [w.tobytes() for w in switched.weights] == [w.tobytes() for w in short.weights]


def test_fit_refuses_a_bad_rate_before_its_epoch():
    x, y = clusters(203)
    schedule = s.Lambda(lambda step: -1.0 if step == 11 else 0.01)  # in the second epoch of 7 steps
    model, short = classifier(optimizer=optimizers.Adam(schedule)), classifier(optimizer=optimizers.Adam(schedule))
    train(short, x, y, epochs=1)
    with pytest.raises(ValueError, match=r"got -1 from its schedule at step 11\.$"):
        train(model, x, y, epochs=3)
    assert snapshot(model) == snapshot(short)
    assert model.optimizer.iterations == 7


def test_fit_asks_for_an_epoch_at_once():
    calls = []

    class Counting(s.LearningRateSchedule):
        def rates(self, steps):
            calls.append(steps.tolist())
            return np.full(len(steps), 0.01)

    x, y = clusters(203)
    model = classifier(optimizer=optimizers.SGD(Counting()))
    calls.clear()
    train(model, x, y, epochs=3)
    # One step when the weights are first seen, for what state starts from.
    assert calls == [[0], list(range(7)), list(range(7, 14)), list(range(14, 21))]
