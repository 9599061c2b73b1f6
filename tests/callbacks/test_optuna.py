"""Trials of Optuna that are pruned by what `fit` reports."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest

pytestmark = pytest.mark.peers
optuna = pytest.importorskip("optuna")

X = np.random.default_rng(0).normal(size=(80, 3))
Y = X @ [1.0, -2.0, 3.0]


@pytest.fixture(autouse=True)
def quiet():
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def fitted(prune, rate, epochs=6):
    gs.utils.set_random_seed(0)
    model = gs.Sequential([gs.Input((3,)), gs.layers.Dense(1, kernel_initializer="zeros")])
    model.compile(gs.optimizers.SGD(rate), "mse")
    return model.fit(X, Y, validation_split=0.25, epochs=epochs, verbose=0, callbacks=[prune]).history


def test_slow_trials_are_pruned():
    def objective(trial):
        rate = trial.suggest_categorical("rate", [0.05, 1e-5])
        return fitted(gs.callbacks.OptunaPruning(trial), rate)["val_loss"][-1]

    study = optuna.create_study(pruner=optuna.pruners.MedianPruner(n_startup_trials=1, n_warmup_steps=1))
    for rate in (0.05, 1e-5, 0.05):
        study.enqueue_trial({"rate": rate})
    study.optimize(objective, n_trials=3)
    good, bad, again = study.trials
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "PRUNED", "COMPLETE"]
    assert list(good.intermediate_values) == list(range(6))
    assert list(bad.intermediate_values) == [0, 1]
    assert again.values == good.values
    assert study.best_params == {"rate": 0.05}


def test_the_reported_values_are_those_of_the_history():
    study = optuna.create_study(pruner=optuna.pruners.NopPruner())
    trial = study.ask()
    history = fitted(gs.callbacks.OptunaPruning(trial, "loss"), 0.01)
    study.tell(trial, history["loss"][-1])
    assert list(study.trials[0].intermediate_values.values()) == history["loss"]


def test_what_it_refuses():
    trial = optuna.create_study().ask()
    with pytest.raises(TypeError, match=r"trial must be a trial of Optuna; got an int"):
        gs.callbacks.OptunaPruning(3)
    with pytest.raises(TypeError, match="monitor must be the name of a number in the logs"):
        gs.callbacks.OptunaPruning(trial, 3)
    with pytest.raises(ValueError, match="monitor must be one of loss, val_loss; got 'val_acc'"):
        fitted(gs.callbacks.OptunaPruning(trial, "val_acc"), 0.01)
