"""Successive halving: what it costs, what it finds, and that it goes on to the bit."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import gradstep as gs
import numpy as np
import pytest
from gradstep import tune
from gradstep.tune.halving import cheap_rungs

X = np.random.default_rng(0).normal(size=(120, 4)).astype("float32")
Y = np.sin(X @ [1.0, -1.0, 0.5, 0.2]).astype("float32")


def build(rate: float = 0.05, average: bool = False, momentum: float = 0.9, units: int = 8) -> gs.Sequential:
    layers = [
        gs.layers.Dense(units, "tanh"),
        gs.layers.BatchNormalization(),
        gs.layers.Dropout(0.1),
        gs.layers.Dense(1),
    ]
    model = gs.Sequential([gs.Input((4,)), *layers])
    model.compile(gs.optimizers.SGD(rate, momentum=momentum, use_ema=average), "mse")
    return model


def told(result: tune.SearchResult) -> str:
    return repr([(trial.settings, [(run, run.history) for run in trial.runs]) for trial in result])


@pytest.mark.parametrize("average", [False, True])
def test_rungs_go_on_to_the_bit(average: bool) -> None:
    """Every trial's history is the beginning of what it would be without rungs, and so is its score."""
    space = {"rate": [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1e30, 1e-9], "average": [average]}
    found = tune.halving(build, space, X, Y, epochs=8, factor=2, min_epochs=1, cv=2, seeds=2, batch_size=16)
    assert found.rung_epochs == (1, 2, 4, 8)
    assert [len(rung) for rung in found.rungs] == [8, 4, 2, 1]
    assert found[6].reason.startswith("4 of 4: diverged")
    for trial in found:
        if trial.failures:
            continue
        alone = tune.grid(
            build, {name: [value] for name, value in trial.settings.items()}, X, Y,
            epochs=trial.epochs, cv=2, seeds=2, batch_size=16,
        )  # fmt: skip
        assert alone[0].scores == trial.scores
        assert [run.history for run in alone.runs] == [run.history for run in trial.runs]
    assert found.best_.epochs == 8


def test_callbacks_go_on_too() -> None:
    slower = gs.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=10.0)
    stop = gs.callbacks.EarlyStopping("loss", patience=5, min_delta=10.0)
    options: dict[str, Any] = {"cv": 0.3, "callbacks": [slower, stop], "batch_size": 16}
    found = tune.halving(build, {"rate": [0.01, 0.02]}, X, Y, epochs=9, min_epochs=1, **options)
    alone = tune.grid(build, {"rate": [found.best_params_["rate"]]}, X, Y, epochs=9, **options)
    assert found.best_.epochs == alone[0].epochs == 6
    assert found.best_.runs[0].history == alone.runs[0].history
    assert len(set(found.best_.runs[0].history["learning_rate"])) > 2


def test_other_processes_give_the_same() -> None:
    options: dict[str, Any] = {"epochs": 9, "cv": 2, "batch_size": 16}
    space = {"rate": [0.001, 0.01, 0.1], "units": [2, 4, 8]}
    here = told(tune.halving(build, space, X, Y, **options))
    assert told(tune.halving(build, space, X, Y, workers=3, **options)) == here
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        assert told(tune.halving(build, space, X, Y, workers=processes, **options)) == here


def of_27(rate: float, momentum: float, decay: float) -> gs.Sequential:
    hidden = gs.layers.Dense(8, "tanh", kernel_regularizer=gs.regularizers.L2(decay))
    model = gs.Sequential([gs.Input((4,)), hidden, gs.layers.Dense(1)])
    model.compile(gs.optimizers.SGD(rate, momentum), "mse", metrics=["mse"])
    return model


@pytest.mark.slow
def test_cost_and_winner_of_27_settings() -> None:
    """At most a quarter of the grid's steps; the grid's winner in 8 of 10 seeds."""
    space = {"rate": [0.001, 0.01, 0.1], "momentum": [0.0, 0.5, 0.9], "decay": [0.0, 0.01, 0.1]}
    draw = np.random.default_rng(0)
    x = draw.normal(size=(130, 4)).astype("float32")
    y = np.sin(x @ [1.0, -1.0, 0.5, 0.2]) + 0.1 * draw.normal(size=130)
    options: dict[str, Any] = {"epochs": 27, "cv": 2, "seeds": 10, "batch_size": 16, "metric": "mse", "workers": 2}
    every = tune.grid(of_27, space, x, y, **options)
    hits = 0
    for seed in range(10):
        halved = tune.halving(of_27, space, x, y, **(options | {"seeds": [seed]}))
        steps = sum(run.steps or 0 for run in every.runs if run.seed == seed)
        assert halved.steps is not None
        assert halved.steps <= steps / 4
        means = [sum(run.score for run in trial.runs if run.seed == seed) for trial in every]
        hits += halved.best_index_ == int(np.argmin(means))
    assert hits >= 8, hits


@pytest.mark.parametrize("epochs", [9, 10, 20, 27, 50, 81, 100])
@pytest.mark.parametrize("count", [27, 81, 200])
def test_rungs_cost_a_quarter(epochs: int, count: int) -> None:
    rungs, quarter = cheap_rungs(count, epochs, 3), count * epochs / 4
    assert rungs[-1] == epochs
    assert list(rungs) == sorted(set(rungs))
    total, before = 0, 0
    for until in rungs:
        total, before, count = total + count * (until - before), until, -(-count // 3)
    assert total <= quarter


def test_estimators_with_partial_fit() -> None:
    linear = pytest.importorskip("sklearn.linear_model")
    labels = (Y > 0).astype(int)
    space = {"alpha": [1e-5, 1e-3, 1e-1, 10.0]}
    found = tune.halving(linear.SGDClassifier(random_state=0), space, X, labels, epochs=4, min_epochs=1, factor=2, cv=3)
    assert [trial.epochs for trial in found.ranking] == [4, 2, 1, 1]
    best = linear.SGDClassifier(random_state=0, **found.best_params_)
    train, test = next(tune.KFold(3, seed=0).split(X))
    for _ in range(4):
        best.partial_fit(X[train], labels[train], classes=[0, 1])
    assert found.best_.scores[0] == best.score(X[test], labels[test])
    with pytest.raises(TypeError, match="halving trains on: Ridge must have partial_fit"):
        tune.halving(linear.Ridge(), {"alpha": [1.0]}, X, Y, epochs=2)


def test_rungs() -> None:
    found = tune.halving(build, {"rate": [0.1]}, X, Y, epochs=2, cv=0.3)
    assert found.rung_epochs == (2,)
    drawn = tune.halving(build, {"rate": tune.LogUniform(1e-3, 1)}, X, Y, epochs=9, n=9, seed=0, cv=0.3)
    assert drawn.rung_epochs == (1, 3, 9)
    with pytest.raises(ValueError, match="min_epochs must be at most epochs, 2; got 3"):
        tune.halving(build, {"rate": [0.1]}, X, Y, epochs=2, min_epochs=3)
    with pytest.raises(ValueError, match="factor must be at least 2"):
        tune.halving(build, {"rate": [0.1]}, X, Y, epochs=2, factor=1)
    all_fail = tune.halving(build, {"rate": [1e30, 1e31]}, X, Y, epochs=4, factor=2, cv=0.3)
    assert [trial.n for trial in all_fail] == [0, 0]


def test_the_plot_has_the_rungs() -> None:
    pytest.importorskip("matplotlib")
    found = tune.halving(build, {"rate": [1e-4, 0.01, 0.1]}, X, Y, epochs=3, cv=0.3)
    rungs, rate = found.plot().axes
    assert (rungs.get_xlabel(), rate.get_xlabel()) == ("epoch", "rate")
    assert sorted(len(line.get_xdata()) for line in rungs.lines) == [1, 1, 2]
