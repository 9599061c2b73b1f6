"""Grid and random search, cross-validation: the table, whoever computes it."""

from __future__ import annotations

import math
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import Any

import gradstep as gs
import numpy as np
import pytest
from gradstep import tune
from interrupts import ctrl_c

X = np.random.default_rng(0).normal(size=(90, 3)).astype("float32")
Y = (X @ [1.0, -2.0, 3.0] > 0).astype(int)
SPACE = {"rate": [1e-4, 0.1, 1e30], "units": [2, 4]}
CV = {"cv": 3, "seeds": 2, "epochs": 3, "metric": "accuracy", "stratify": True, "batch_size": 10}


def build(rate: float = 0.1, units: int = 4) -> gs.Sequential:
    layers = [gs.layers.Dense(units, "relu"), gs.layers.Dropout(0.1), gs.layers.Dense(1, "sigmoid")]
    model = gs.Sequential([gs.Input((3,)), *layers])
    model.compile(gs.optimizers.SGD(rate), "binary_crossentropy", metrics=["accuracy"])
    return model


def told(result: tune.SearchResult) -> str:
    """All that a table says, nan too."""
    return repr([(trial.settings, trial.runs) for trial in result]) + repr(result)


@pytest.fixture(scope="module")
def table() -> tune.SearchResult:
    return tune.grid(build, SPACE, X, Y, **CV)


def test_the_table(table: tune.SearchResult) -> None:
    assert [trial.settings for trial in table][:3] == [
        {"rate": 1e-4, "units": 2},
        {"rate": 1e-4, "units": 4},
        {"rate": 0.1, "units": 2},
    ]
    assert (len(table), table.metric, table.larger_is_better) == (6, "accuracy", True)
    for trial in table[:4]:
        assert (trial.n, len(trial.scores), trial.failures, trial.epochs) == (6, 6, (), 3)
        assert trial.mean == pytest.approx(np.mean(trial.scores))
        assert trial.deviation == pytest.approx(np.std(trial.scores, ddof=1))
        assert [(run.fold, run.seed) for run in trial.runs] == [(f, s) for f in range(3) for s in range(2)]
        assert {run.steps for run in trial.runs} == {3 * 6}
        assert len(trial.runs[0].history["loss"]) == 3
    assert table.best_params_["rate"] == 0.1
    assert table.best_ is table[table.best_index_]
    assert table.best_score_ == max(trial.mean for trial in table[:4])
    assert [trial.index for trial in table.ranking[-2:]] == [4, 5]
    assert table.to_dict()["mean accuracy"][0] == table.best_score_
    assert repr(table).splitlines()[1].startswith("0.1")
    assert "<table>" in table._repr_html_()


def test_failures_are_rows_with_their_reason(table: tune.SearchResult) -> None:
    for trial in table[4:]:
        assert (trial.n, len(trial.failures)) == (0, 6)
        assert math.isnan(trial.mean)
        assert trial.reason.startswith("6 of 6: diverged: the loss was")

    def picky(units: int) -> gs.Sequential:
        if units == 3:
            raise RuntimeError("no 3")
        return build(units=units)

    found = tune.grid(picky, {"units": [3, 4]}, X, Y, cv=2)
    assert found[0].reason == "2 of 2: RuntimeError: no 3"
    assert found.best_params_ == {"units": 4}
    nothing = tune.grid(picky, {"units": [3]}, X, Y, cv=2)
    with pytest.raises(
        ValueError, match="no setting has scores in all its runs; the first: 2 of 2: RuntimeError: no 3"
    ):
        _ = nothing.best_


def test_a_run_is_a_fit_with_its_seed(table: tune.SearchResult) -> None:
    train, test = list(tune.StratifiedKFold(3, seed=0).split(X, Y))[1]
    gs.utils.set_random_seed(1)
    model = build(0.1, 4)
    history = model.fit(X[train], Y[train], epochs=3, batch_size=10, verbose=0).history
    (run,) = [run for run in table[3].runs if (run.fold, run.seed) == (1, 1)]
    assert run.history == history
    assert run.score == model.evaluate(X[test], Y[test], verbose=0, return_dict=True)["accuracy"]


def test_threads_and_executors_give_the_same_table(table: tune.SearchResult) -> None:
    threads = gs.get_num_threads()
    with ThreadPoolExecutor(2) as pool, ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        for workers in (2, 5, pool, processes):
            assert told(tune.grid(build, SPACE, X, Y, workers=workers, **CV)) == told(table), workers
    assert gs.get_num_threads() == threads


def test_large_arrays_reach_processes_as_files() -> None:
    x = np.repeat(X, 1200, axis=0)  # 1.3 MB
    y = np.repeat(Y, 1200)
    options = {"cv": 0.5, "epochs": 1, "batch_size": 1000}
    here = tune.grid(build, {"rate": [0.1, 0.2]}, {"in": x}["in"], y, **options)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        assert told(tune.grid(build, {"rate": [0.1, 0.2]}, x, y, workers=processes, **options)) == told(here)


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_backends_of_joblib(backend: str, table: tune.SearchResult) -> None:
    pytest.importorskip("joblib")
    assert told(tune.grid(build, SPACE, X, Y, workers=backend, **CV)) == told(table)


def test_an_error_of_the_call_ends_the_search_soon() -> None:
    begin = time.perf_counter()
    with pytest.raises(ValueError, match="metric must be one of loss, accuracy, or a function; got 'auc'"):
        tune.grid(build, {"rate": [0.1] * 3}, X, Y, metric="auc", epochs=3, workers=2)
    with pytest.raises(ValueError, match="build must give a compiled model; it gave"):
        tune.grid(lambda: gs.Sequential([gs.layers.Dense(1)]), {}, X, Y)
    assert time.perf_counter() - begin < 20


@pytest.mark.parametrize("workers", [None, 2])
def test_ctrl_c_ends_the_search(workers: int | None) -> None:
    """Runs that would take hours end after their epoch."""
    threads = gs.get_num_threads()
    with ctrl_c():
        tune.grid(build, {"rate": [0.01] * 20}, X, Y, epochs=10**7, workers=workers)
    assert gs.get_num_threads() == threads


def test_functions_tables_and_weights() -> None:
    def mistakes(y_true: np.ndarray, y_pred: np.ndarray) -> float:
        return float(np.mean((y_pred[:, 0] > 0.5) != y_true))

    weights = np.linspace(0.0, 2.0, len(X))
    found = tune.grid(build, {"rate": [0.01, 0.5]}, X, Y, metric=mistakes, mode="min", sample_weight=weights, epochs=5)
    assert (found.metric, found.larger_is_better, found.best_params_) == ("mistakes", False, {"rate": 0.5})
    other = tune.grid(build, {"rate": [0.01, 0.5]}, X, Y, metric=mistakes, mode="min", epochs=5)
    assert found[1].runs[0].history != other[1].runs[0].history
    with pytest.raises(ValueError, match="mode must be 'min' or 'max' where metric is a function"):
        tune.grid(build, {}, X, Y, metric=mistakes)


def test_callbacks_are_copied_for_each_run() -> None:
    stop = gs.callbacks.EarlyStopping(patience=0, monitor="val_loss", min_delta=10.0)
    found = tune.cross_validate(build, X, Y, epochs=9, callbacks=[stop], validation_split=0.2)
    assert {run.epochs for run in found.runs} == {2}
    assert stop.model is None


def test_random_search() -> None:
    space = {"rate": tune.LogUniform(1e-4, 1.0), "units": tune.Integers(1, 8)}
    found = tune.random(build, space, X, Y, n=6, seed=3, cv=2, metric="accuracy")
    again = tune.random(build, space, X, Y, n=6, seed=3, cv=2, metric="accuracy", workers=2)
    assert told(found) == told(again)
    rates = [trial.settings["rate"] for trial in found]
    assert len(set(rates)) == 6
    assert min(rates) < 0.01 < max(rates)
    assert all(1 <= trial.settings["units"] <= 8 for trial in found)
    lists = tune.random(build, SPACE, X, Y, n=50, seed=0, cv=2)
    assert len({str(trial.settings) for trial in lists}) == len(lists) == 6
    drawn = tune.random(build, {"rate": tune.Uniform(0.1, 0.2)}, X, Y, n=2, seed=0, cv=2)
    assert all(0.1 <= trial.settings["rate"] <= 0.2 for trial in drawn)


def test_cross_validation_has_one_row() -> None:
    found = tune.cross_validate(build, X, Y, cv=4, epochs=5, metric="accuracy")
    assert len(found) == 1
    assert found.best_.settings == {}
    assert found.best_.n == 4
    assert len(found.runs[2].history["accuracy"]) == 5


def test_estimators_of_scikit_learn() -> None:
    linear = pytest.importorskip("sklearn.linear_model")
    from sklearn.model_selection import GridSearchCV, KFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    pipe = make_pipeline(StandardScaler(), linear.SGDClassifier(random_state=0))
    space = {"sgdclassifier__alpha": [1e-4, 1e-2, 1.0], "sgdclassifier__loss": ["hinge", "log_loss"]}
    ours = tune.grid(pipe, space, X, Y, cv=KFold(3), metric="balanced_accuracy", workers=2)
    theirs = GridSearchCV(pipe, space, cv=KFold(3), scoring="balanced_accuracy").fit(X, Y)
    means = {str(sorted(trial.settings.items())): trial.mean for trial in ours}
    for settings, mean in zip(theirs.cv_results_["params"], theirs.cv_results_["mean_test_score"], strict=True):
        assert means[str(sorted(settings.items()))] == pytest.approx(mean)
    seeded = tune.grid(linear.SGDClassifier(), {"alpha": [1e-4]}, X, Y, seeds=[3, 4])
    assert {run.seed for run in seeded.runs} == {3, 4}
    with pytest.raises(TypeError, match="SGDClassifier has no parameter 'alhpa'"):
        tune.grid(linear.SGDClassifier(), {"alhpa": [1]}, X, Y)
    with pytest.raises(ValueError, match="nonsense"):
        tune.grid(linear.SGDClassifier(), {"alpha": [1e-4]}, X, Y, metric="nonsense")


def test_tables_and_several_inputs() -> None:
    def of_two() -> gs.Model:
        a, b = gs.Input((2,), name="a"), gs.Input((1,), name="b")
        model = gs.Model([a, b], gs.layers.Dense(1, "sigmoid")(gs.layers.Concatenate()([a, b])))
        model.compile("sgd", "binary_crossentropy")
        return model

    found = tune.cross_validate(of_two, {"a": X[:, :2], "b": X[:, 2:]}, Y, cv=3)
    assert found.best_.n == 3
    listed = tune.cross_validate(of_two, [X[:, :2], X[:, 2:]], Y, cv=3)
    assert listed.best_.scores == found.best_.scores


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"space": {"rates": [1]}}, TypeError, "build must take the settings rates by name"),
        ({"space": {"rate": 0.1}}, TypeError, r"space\['rate'\] must be a list of values; got 0.1"),
        ({"space": {"rate": []}}, ValueError, r"space\['rate'\] must have at least one value"),
        ({"space": {"rate": tune.Uniform(0, 1)}}, TypeError, "must be a list of values for all combinations"),
        ({"space": 3}, TypeError, "space must be a dict"),
        ({"seeds": 0}, ValueError, "seeds must be at least 1"),
        ({"seeds": [1, 1]}, ValueError, "seeds must be different numbers"),
        ({"mode": "best"}, ValueError, "mode must be one of auto, min, max"),
        ({"epochs": 0}, ValueError, "epochs must be at least 1"),
        ({"workers": 0}, ValueError, "workers must be at least 1"),
        ({"workers": [2]}, TypeError, "workers must be a number of threads, an executor or a name"),
        ({"verbose": 1}, TypeError, "verbose cannot be an argument of fit here"),
        ({"y": Y[:5]}, ValueError, "x and y must have the same number of rows; got 90 and 5"),
        ({"build": 3}, TypeError, "build must be a function that makes a compiled model, or an estimator"),
        ({"callbacks": 3}, TypeError, "callbacks must be a list"),
    ],
)
def test_arguments(arguments: dict[str, Any], error: type[Exception], words: str) -> None:
    given: dict[str, Any] = {"build": build, "space": {"rate": [0.1]}, "x": X, "y": Y} | arguments
    with pytest.raises(error, match=words):
        tune.grid(**given)


@pytest.mark.parametrize(
    "wrong", [lambda: tune.Uniform(1, 0), lambda: tune.LogUniform(0, 1), lambda: tune.Integers(2, 1)]
)
def test_spaces_that_are_empty(wrong: Any) -> None:
    with pytest.raises(ValueError, match="low"):
        wrong()


def test_plots(table: tune.SearchResult) -> None:
    pytest.importorskip("matplotlib")
    figure = table.plot()
    assert [panel.get_xlabel() for panel in figure.axes] == ["rate", "units"]
    assert {panel.get_ylabel() for panel in figure.axes} == {"accuracy"}
    assert figure.axes[0].get_xscale() == "log"
    words = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert sorted(words) == ["best of all", "best of each", "setting"]
    one = tune.cross_validate(build, X, Y, cv=3)
    (panel,) = one.plot().axes
    assert panel.get_xlabel() == "fold"
    assert panel.lines[0].get_ydata().tolist() == list(one.best_.scores)
    kinds = tune.grid(lambda kind: build(), {"kind": ["a", "b"]}, X, Y, cv=2)
    assert [text.get_text() for text in kinds.plot().axes[0].get_xticklabels()] == ["a", "b"]


@pytest.mark.filterwarnings("ignore:layer .* draws random numbers")
@pytest.mark.parametrize("options", [{}, {"shuffle": False}, {"batch_size": "full"}])
def test_runs_side_by_side_give_the_same_table(options: dict[str, Any]) -> None:
    """Models without callbacks over arrays train together; a callback that does nothing has them train one by one."""

    def fails(rate: float, units: int, kind: str = "sgd") -> gs.Sequential:
        if units == 3:
            raise RuntimeError("no 3")
        model = gs.Sequential([gs.layers.Dense(units, "relu"), gs.layers.Dropout(0.2), gs.layers.Dense(1, "sigmoid")])
        optimizers = {"sgd": gs.optimizers.SGD(rate, on_nonfinite="raise"), "lbfgs": "lbfgs"}
        model.compile(optimizers[kind], "binary_crossentropy", metrics=["accuracy"])
        return model

    space = [{"rate": [0.1, 1e30], "units": [2, 3]}, {"rate": [0.01], "units": [4], "kind": ["sgd", "lbfgs"]}]
    given: dict[str, Any] = {"cv": 2, "seeds": 2, "epochs": 3, "sample_weight": np.linspace(0, 2, len(X))}
    idle = gs.callbacks.LambdaCallback()
    together = tune.grid(fails, space, X, Y, **given, **options)
    assert told(together) == told(tune.grid(fails, space, X, Y, **given, callbacks=[idle], **options))
    assert [bool(trial.failures) for trial in together] == [False, True, True, True, False, False]
    more: dict[str, Any] = {"factor": 2, "min_epochs": 1} | given | {"epochs": 4}
    halved = tune.halving(fails, space, X, Y, **more, **options)
    assert told(halved) == told(tune.halving(fails, space, X, Y, **more, callbacks=[idle], **options))
    averaged = lambda: averages(0.1)  # noqa: E731
    each = [tune.halving(averaged, {}, X, Y, epochs=4, cv=2, seeds=2, callbacks=c) for c in (None, [idle])]
    assert told(each[0]) == told(each[1])


def averages(rate: float) -> gs.Sequential:
    """A model that goes on from other weights than those it is scored with."""
    model = gs.Sequential([gs.Input((3,)), gs.layers.Dense(1, "sigmoid")])
    model.compile(gs.optimizers.SGD(rate, use_ema=True), "binary_crossentropy")
    return model
