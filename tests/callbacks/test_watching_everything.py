"""Callbacks that look at weights, on a model of which some are moved, measured or frozen."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from everything import BATCH, data, everything
from gradstep import optimizers
from gradstep.callbacks import Diagnose, EarlyStopping, SwapEMAWeights, TensorBoard
from training import snapshot


def trained(rule=None, epochs=3, dropout=0.2, **options):
    model = everything(dropout)
    model.compile(rule or optimizers.SGD(0.05, momentum=0.9), "mse")
    gs.utils.set_random_seed(2)
    model.fit(*data(), batch_size=BATCH, epochs=epochs, verbose=0, **options)
    return model


def test_diagnose_looks_at_each_layer_by_its_own_gradients():
    diagnose = Diagnose(verbose=0)
    model = trained(dropout=0.0, callbacks=[diagnose])
    assert snapshot(model) == snapshot(trained(dropout=0.0))  # and changes nothing, the moving statistics neither
    other = everything()
    other.compile("sgd", "mse")
    _, gradients = other.value_and_grad(*data())
    first = diagnose.snapshots[0].layers
    of = {id(w): float(np.square(g).sum()) for w, g in zip(other.trainable_weights, gradients, strict=True)}
    for name, ours in zip([layer.name for layer in model.layers], other.layers, strict=True):
        if not ours.weights:
            continue
        look = first[name]
        expected = [of[id(w)] for w in ours.trainable_weights]
        assert look.gradient == pytest.approx(np.sqrt(sum(expected)), rel=1e-9)
        assert (look.gradient > 0) == bool(expected)
        assert (diagnose.snapshots[-1].layers[name].update > 0) == bool(expected)


def test_layers_that_are_not_trained_have_no_vanishing_gradients():
    """Nor any others: a frozen layer, or one that is measured, is healthy as it is."""
    diagnose = Diagnose(verbose=0)
    model = trained(rule=optimizers.SGD(0.0), epochs=4, callbacks=[diagnose])
    still = {model.layers[i].name for i in (0, 4, 7)}
    assert not still & {finding.layer for finding in diagnose.findings}


@pytest.mark.peers
def test_histograms_of_all_weights(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    pytest.importorskip("tensorboardX")
    model = trained(callbacks=[TensorBoard(tmp_path, histogram_freq=1)])
    reader = accumulator.EventAccumulator(str(tmp_path / "train"), size_guidance={"histograms": 0}).Reload()
    wanted = [f"{model.name}/{layer.name}/{w}/histogram" for layer in model.layers for w in layer.weight_names]
    assert sorted(reader.Tags()["histograms"]) == sorted(wanted)
    moving = reader.Histograms(f"{model.name}/{model.layers[2].name}/moving_mean/histogram")[-1]
    assert moving.histogram_value.min == model.layers[2].moving_mean.min()


def averages():
    return optimizers.SGD(0.05, momentum=0.9, use_ema=True, ema_momentum=0.5)


def test_averages_are_of_what_is_trained():
    """The moving statistics stay those of training; what is trained is averaged, here by hand."""
    model, by_hand = everything(), everything()
    model.compile(averages(), "mse")
    by_hand.compile(optimizers.SGD(0.05, momentum=0.9), "mse")
    x, y = data()
    mean = []
    for i in range(0, 40, 10):
        by_hand.train_on_batch(x[i : i + 10], y[i : i + 10])
        now = [w.copy() for w in by_hand.trainable_weights]
        mean = [0.5 * a + 0.5 * w for a, w in zip(mean, now, strict=True)] if mean else now
    model.fit(x[:40], y[:40], batch_size=10, shuffle=False, verbose=0)
    for weight, other in zip(model.non_trainable_weights, by_hand.non_trainable_weights, strict=True):
        np.testing.assert_array_equal(weight, other)
    bounded = model.layers[6].kernel  # whose average, as Keras's, is of what it is before it is bounded
    for weight, other in zip(model.trainable_weights, mean, strict=True):
        if weight is not bounded:
            np.testing.assert_allclose(weight, other, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("on_epoch", [False, True])
def test_swapping_averages_leaves_the_rest(on_epoch):
    x, y = data()
    seen = []

    class Look(gs.callbacks.Callback):
        def on_test_begin(self, logs=None):
            seen.append([w.copy() for w in self.model.weights])

    callbacks = [SwapEMAWeights(on_epoch), Look()]
    model = trained(averages(), validation_data=(x, y), callbacks=callbacks)
    plain = trained(averages(), validation_data=(x, y))
    assert snapshot(model) == snapshot(plain)
    trains = {id(w) for w in model.trainable_weights}
    for scored, weight in zip(seen[-1], model.weights, strict=True):
        np.testing.assert_array_equal(scored, weight)  # the averages, and what has none
    assert len(trains) == len(model.trainable_weights) < len(model.weights)


def test_the_best_weights_have_their_statistics():
    """Stopped early, a model predicts as it did at its best."""
    x, y = data()
    model, scores = everything(), []
    model.compile(optimizers.SGD(0.3), "mse")
    each = gs.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: scores.append(logs["val_loss"]))
    stop = EarlyStopping(patience=5, restore_best_weights=True)
    model.fit(x[:30], y[:30], epochs=12, verbose=0, validation_data=(x[30:], y[30:]), callbacks=[stop, each])
    assert min(scores) < scores[-1]
    assert model.evaluate(x[30:], y[30:], verbose=0) == min(scores)
