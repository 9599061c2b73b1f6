"""Diagnose: each trouble is provoked in a real run, and named; a healthy run has none; training is not touched."""

from __future__ import annotations

import json

import gradstep as gs
import numpy as np
import pytest
from gradstep import initializers, layers, optimizers
from gradstep.callbacks import Diagnose
from training import classifier, clusters, snapshot, train

X, LABELS = clusters(400)


def diagnose(stack, optimizer, epochs, y=LABELS, loss="sparse_categorical_crossentropy", x=X, **options):
    gs.utils.set_random_seed(1)
    model = gs.Sequential(stack)
    model.compile(optimizer, loss)
    found = Diagnose(verbose=0)
    model.fit(x, y, epochs=epochs, verbose=0, callbacks=[found], **options)
    return found


def kinds(found):
    return {finding.kind for finding in found.findings}


def relu(name, bias=0.0):
    return layers.Dense(32, "relu", bias_initializer=initializers.Constant(bias), name=name)


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_a_healthy_run(activation, optimizer):
    hidden = [layers.Dense(32, activation), layers.Dropout(0.2), layers.Dense(16, activation)]
    found = diagnose([*hidden, layers.Dense(4, "softmax")], optimizer, 25)
    assert found.findings == []
    assert found.snapshots[-1].loss < 0.2 * found.snapshots[0].sample


def test_a_healthy_regression_that_ends_at_its_noise():
    noise = np.random.default_rng(3).normal(size=len(X))
    found = diagnose([relu("a"), layers.Dense(1)], "adam", 60, X[:, 0] + 0.3 * noise, "mse")
    assert found.findings == []


def test_a_run_that_has_come_to_its_end():
    noise = np.random.default_rng(3).normal(size=len(X))
    found = diagnose([layers.Dense(1)], optimizers.SGD(0.01), 40, X[:, 0] + 0.3 * noise, "mse")
    last = [snapshot.loss for snapshot in found.snapshots[-11:]]
    assert min(last[1:]) > 0.95 * last[0]
    assert found.findings == []


@pytest.mark.parametrize("rate", [0.3, 1.0])
def test_a_learning_rate_that_is_too_large(rate):
    found = diagnose([relu("a"), layers.Dense(1)], optimizers.SGD(rate), 8, X[:, 0], "mse")
    first = found.findings[0]
    assert (first.kind, first.layer) == ("divergence", None)
    assert f"learning rate of {rate / 10:.2g} or less" in first.advice


def test_a_loss_that_rises_but_is_finite():
    x = np.linspace(-2, 2, 64)[:, None]
    line = layers.Dense(1, kernel_initializer="ones")
    found = diagnose([line], optimizers.SGD(0.9), 4, -x, "mse", x, batch_size="full", shuffle=False)
    assert kinds(found) == {"divergence"}
    assert found.findings[0].epoch == 1
    assert "the loss rises" in found.findings[0].words


def test_oscillation():
    # Steps of 1, whatever the gradient: the slope jumps from 0 to -1 and back, and never comes to -0.7.
    x = np.linspace(-2, 2, 64)[:, None]
    line = layers.Dense(1, kernel_initializer="ones", use_bias=False)
    found = diagnose([line], optimizers.Signum(1.0, momentum=0.0), 24, -0.7 * x, "mse", x, batch_size="full")
    assert kinds(found) == {"oscillation"}
    assert found.findings[0].advice.startswith("a learning rate of 0.33")


def test_a_plateau_of_steps_too_small():
    found = diagnose([relu("a"), layers.Dense(4, "softmax")], optimizers.SGD(1e-7), 12)
    assert kinds(found) == {"plateau"}
    assert found.findings[0].epoch == 10
    assert found.findings[0].advice == "a learning rate of 1e-06 or more"


def test_a_plateau_of_a_model_that_sees_nothing():
    found = diagnose([layers.Dense(4, "softmax")], "adam", 30, x=np.zeros_like(X))
    assert kinds(found) == {"plateau"}
    assert "the same output for every row" in found.findings[0].words


def test_patience():
    gs.utils.set_random_seed(1)
    model, found = classifier(optimizer=optimizers.SGD(1e-7)), Diagnose(verbose=0, patience=3)
    model.fit(X, LABELS, epochs=5, verbose=0, callbacks=[found])
    assert [f.epoch for f in found.findings] == [3]


def test_dead_units():
    stack = [relu("fine"), relu("dead", -100.0), layers.Dropout(0.1), layers.Dense(4, "softmax")]
    found = diagnose(stack, "sgd", 3)
    assert [(f.kind, f.epoch, f.layer) for f in found.findings] == [("dead_units", 0, "dead")]
    assert "32 of 32 units" in found.findings[0].words


def test_some_dead_units_are_no_trouble():
    bias = np.where(np.arange(32) < 7, -100.0, 0.0)
    stack = [relu("a"), layers.Dense(4, "softmax")]
    model = gs.Sequential([gs.Input((20,)), *stack])
    model.compile("sgd", "sparse_categorical_crossentropy")
    for dead, expected in ((7, 0), (8, 1)):
        bias[:dead] = -100.0
        stack[0].weights[1][...] = bias
        found = Diagnose(verbose=0)
        model.fit(X, LABELS, epochs=3, verbose=0, callbacks=[found])
        assert len(found.findings) == expected


def test_columns_of_zeros_are_no_dead_units():
    x = X.copy()
    x[:, :10] = 0
    stack = [gs.Input((4, 5)), layers.Rescaling(2.0), layers.Flatten(), relu("a"), layers.Dense(4, "softmax")]
    assert diagnose(stack, "adam", 5, x=x.reshape(-1, 4, 5)).findings == []


def test_vanishing_gradients():
    stack = [layers.Dense(16, "sigmoid", name=f"s{i}") for i in range(8)] + [layers.Dense(4, "softmax")]
    found = diagnose(stack, "sgd", 3)
    assert [(f.kind, f.layer) for f in found.findings] == [("vanishing_gradients", "s0")]


def test_exploding_gradients():
    wide = [
        layers.Dense(64, "relu", kernel_initializer=initializers.RandomNormal(stddev=1.0), name=f"w{i}")
        for i in range(5)
    ]
    found = diagnose([*wide, layers.Dense(1)], optimizers.SGD(1e-14), 3, X[:, 0], "mse")
    assert [(f.kind, f.layer) for f in found.findings] == [("exploding_gradients", "w0")]


@pytest.mark.parametrize("optimizer", ["adam", optimizers.SGD(0.1, momentum=0.9, use_ema=True)])
def test_training_is_not_touched(optimizer):
    ends = []
    for callbacks in ([], [Diagnose(verbose=0, samples=50)]):
        gs.utils.set_random_seed(1)
        model = gs.Sequential([layers.Dense(32, "relu"), layers.Dropout(0.5), layers.Dense(4, "softmax")])
        given = optimizer if isinstance(optimizer, str) else optimizers.SGD.from_config(optimizer.get_config())
        model.compile(given, "sparse_categorical_crossentropy", metrics=["accuracy"])
        history = train(model, X, LABELS, epochs=4, validation_split=0.2, callbacks=callbacks)
        model.train_on_batch(X[:64], LABELS[:64])  # with what it draws
        ends.append((snapshot(model), history.history, np.random.random()))
    assert ends[0] == ends[1]


def test_weights_that_a_gradient_moves_are_put_back():
    class Moving(gs.Sequential):
        def value_and_grad(self, x, y):
            result = super().value_and_grad(x, y)
            self.weights[1][...] += 1  # as a layer does that keeps statistics of its batches
            return result

    ends = []
    for callbacks in ([], [Diagnose(verbose=0)]):
        gs.utils.set_random_seed(1)
        model = Moving([gs.Input((20,)), layers.Dense(4, "softmax")])
        model.compile("adam", "sparse_categorical_crossentropy")
        train(model, X, LABELS, epochs=2, callbacks=callbacks)
        ends.append(snapshot(model))
    assert ends[0] == ends[1]


def test_what_is_said_is_said_once(capsys):
    model = classifier(optimizer=optimizers.SGD(1e-7))
    model.fit(X, LABELS, epochs=20, verbose=0, callbacks=[found := Diagnose()])
    lines = capsys.readouterr().out.splitlines()
    assert lines == [str(finding) for finding in found.findings]
    assert len(lines) == 1
    assert lines[0].startswith("Epoch 11: the loss stays at ")
    assert lines[0].endswith(". Try a learning rate of 1e-06 or more.")


def test_a_run_that_goes_on():
    def fit(epochs, first, state=None):
        model, found = classifier(optimizer=optimizers.SGD(1e-7)), Diagnose(verbose=0)
        if state is not None:
            found.load_state_dict(json.loads(json.dumps(state, allow_nan=False)))
        model.fit(X, LABELS, epochs=epochs, initial_epoch=first, verbose=0, callbacks=[found])
        return found

    state = fit(6, 0).state_dict()
    rest = fit(12, 6, state)
    assert [(f.kind, f.epoch) for f in rest.findings] == [("plateau", 10)]
    assert fit(13, 12, rest.state_dict()).findings == rest.findings
    assert fit(12, 6).findings == []


@pytest.mark.parametrize("wrong", [{"patience": 1}, {"samples": 0}, {"verbose": -1}])
def test_arguments(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Diagnose(**wrong)
