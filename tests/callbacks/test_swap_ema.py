"""SwapEMAWeights: what is scored, and that nothing is lost."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep.callbacks import Callback, SwapEMAWeights
from probe import state_of
from training import classifier, clusters, snapshot, train

X, Y = clusters(80)


def made(**options):
    return classifier(optimizer=gs.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9, **options))


def averages(model):
    return [state_of(model.optimizer, weight)["average"].copy() for weight in model.weights]


class Watch(Callback):
    """The loss of what is in the model at the ends of epochs, and of its averages."""

    def __init__(self):
        super().__init__()
        self.inside, self.validation, self.averages = [], [], []

    def on_epoch_end(self, epoch, logs=None):
        self.inside.append(self.model.get_weights())
        self.averages.append(averages(self.model))
        self.validation.append(logs["val_loss"])


def scored(weights):
    model = made()
    model.set_weights(weights)
    return model.evaluate(X, Y, verbose=0)[0]


def same(a, b):
    return all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("epochs", [1, 4])
@pytest.mark.parametrize("on_epoch", [False, True])
def test_training_goes_as_without(on_epoch, epochs):
    plain, swapped = made(), made()
    raw, seen = Watch(), Watch()
    train(plain, X, Y, epochs=epochs, validation_data=(X, Y), callbacks=[raw])
    train(swapped, X, Y, epochs=epochs, validation_data=(X, Y), callbacks=[SwapEMAWeights(on_epoch), seen])
    assert snapshot(plain) == snapshot(swapped)
    for i in range(epochs):
        assert not same(raw.inside[i], raw.averages[i])
        assert same(seen.inside[i], raw.averages[i] if on_epoch else raw.inside[i])
        assert seen.validation[i] == scored(raw.averages[i]) != raw.validation[i]


def test_stopped_before_the_last_epoch():
    class Stop(Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    plain, swapped = made(), made()
    train(plain, X, Y, epochs=9, callbacks=[Stop()])
    train(swapped, X, Y, epochs=9, callbacks=[SwapEMAWeights(swap_on_epoch=True), Stop()])
    assert same(plain.weights, swapped.weights)
    assert same(averages(swapped), swapped.weights)


def test_predict_and_evaluate():
    model = made()
    for _ in range(3):
        model.train_on_batch(X, Y)
    before, other = snapshot(model), made()
    other.set_weights(averages(model))
    assert model.evaluate(X, Y, verbose=0, callbacks=[SwapEMAWeights()]) == other.evaluate(X, Y, verbose=0)
    outputs = model.predict(X, verbose=0, callbacks=[SwapEMAWeights()])
    np.testing.assert_array_equal(outputs, other.predict(X, verbose=0))
    assert snapshot(model) == before


def test_an_error_while_scoring_leaves_the_weights():
    class Fail(Callback):
        def on_test_batch_end(self, batch, logs=None):
            raise RuntimeError("mine")

    model = made()
    model.train_on_batch(X, Y)
    before = snapshot(model)
    with pytest.raises(RuntimeError, match="mine"):
        model.evaluate(X, Y, verbose=0, callbacks=[SwapEMAWeights(), Fail()])
    assert snapshot(model) == before


def test_several_optimizers():
    o = gs.optimizers
    rules = {"*bias": o.SGD(0.1), "*": o.Adam(0.01, use_ema=True, ema_momentum=0.9)}
    model = classifier(optimizer=o.MultiOptimizer(rules))
    for _ in range(3):
        model.train_on_batch(X, Y)
    raw = model.evaluate(X, Y, verbose=0)
    before = snapshot(model)
    assert model.evaluate(X, Y, verbose=0, callbacks=[SwapEMAWeights()]) != raw
    assert snapshot(model) == before


def test_without_averages():
    model = classifier()
    before = model.get_weights()
    with pytest.raises(ValueError, match="needs an optimizer with use_ema=True"):
        model.fit(X, Y, verbose=0, callbacks=[SwapEMAWeights()])
    assert same(model.weights, before)
    assert model.optimizer.iterations == 0
