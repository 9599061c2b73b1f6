"""`MLPClassifier` and `MLPRegressor`: scikit-learn's numbers, and what it refuses."""

from __future__ import annotations

import copy
import inspect
import pickle
import sys
import warnings
from typing import Any

import gradstep as gs
import numpy as np
import pytest

pytest.importorskip("sklearn")
from gradstep.sklearn import MLPClassifier, MLPRegressor
from sklearn import neural_network
from sklearn.base import clone
from sklearn.datasets import load_iris, make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

MOONS = make_moons(300, noise=0.1, random_state=0)
X = np.random.default_rng(0).normal(size=(200, 3))
Y = np.sin(X[:, 0]) + X[:, 1] * X[:, 2]
QUICK: dict[str, Any] = {
    "hidden_layer_sizes": (16,),
    "random_state": 0,
    "max_iter": 20,
    "tol": 0.0,
    "learning_rate_init": 0.01,
}


@pytest.fixture(autouse=True)
def unconverged():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_parameters_and_defaults_are_scikit_learns(name: str) -> None:
    theirs = inspect.signature(getattr(neural_network, name)).parameters
    ours = inspect.signature(globals()[name]).parameters
    assert [(p.name, p.default, p.kind) for p in theirs.values()] == [
        (p.name, p.default, p.kind) for p in ours.values() if p.name in theirs
    ]
    assert {*ours} - {*theirs} <= {"dropout", "batch_norm", "optimizer", "callbacks", "loss", "class_weight"}


@pytest.mark.parametrize("kind", ["binary", "classes", "labels", "regression", "outputs"])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_one_batch_an_epoch_gives_scikit_learns_numbers(kind: str, solver: str) -> None:
    """Whole batches leave no order of rows to choose: initial weights, losses, penalty and steps are the same."""
    x, y = X, Y
    if kind in ("binary", "classes", "labels"):
        y = np.digitize(Y, [0.0] if kind == "binary" else [-0.5, 0.5])
        y = np.stack([Y > 0, Y < 0.5], axis=1).astype(int) if kind == "labels" else y
    elif kind == "outputs":
        y = np.stack([Y, -Y], axis=1)
    name = "MLPRegressor" if kind in ("regression", "outputs") else "MLPClassifier"
    options: dict[str, Any] = {
        "hidden_layer_sizes": (7, 5), "activation": "tanh", "solver": solver, "alpha": 0.1, "batch_size": 200,
        "max_iter": 8, "random_state": 3, "learning_rate_init": 0.02, "shuffle": False, "tol": 1e-9,
    }  # fmt: skip
    if solver == "lbfgs":
        options |= {"max_iter": 500, "alpha": 10.0}
    theirs = getattr(neural_network, name)(**options).fit(x, y)
    ours = globals()[name](**options).fit(x, y)
    if solver == "lbfgs":  # another line search: the same minimum of a problem that has one
        if kind == "outputs":
            return  # scikit-learn's gradient is not that of its loss
        assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-3)
        return
    if kind == "outputs":  # scikit-learn's loss is their mean, its gradient that of the sum, as our loss
        assert ours.loss_ > theirs.loss_
    else:
        np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-6)
    for a, b in zip(ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x), rtol=1e-5)
    if name == "MLPClassifier":
        np.testing.assert_allclose(ours.predict_proba(x), theirs.predict_proba(x), rtol=1e-5)
    for attribute in ("n_iter_", "n_layers_", "n_outputs_", "out_activation_", "t_", "n_features_in_"):
        assert getattr(ours, attribute) == getattr(theirs, attribute), attribute


@pytest.mark.parametrize("rule", ["constant", "invscaling", "adaptive"])
def test_rates_and_stopping_are_scikit_learns(rule: str) -> None:
    options: dict[str, Any] = {
        "hidden_layer_sizes": (4,), "solver": "sgd", "learning_rate": rule, "batch_size": 200, "max_iter": 300,
        "random_state": 0, "learning_rate_init": 0.1, "tol": 1e-3, "n_iter_no_change": 3,
    }  # fmt: skip
    theirs, ours = neural_network.MLPRegressor(**options).fit(X, Y), MLPRegressor(**options).fit(X, Y)
    assert ours.n_iter_ == theirs.n_iter_ < 300
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-5)
    assert ours.best_loss_ == pytest.approx(theirs.best_loss_)


@pytest.mark.parametrize(
    "options",
    [
        {"activation": "leaky_relu"},
        {"activation": "gelu", "dropout": 0.1},
        {"batch_norm": True, "optimizer": gs.optimizers.Lion(0.003)},
        {"optimizer": gs.optimizers.Nadam(0.02), "loss": gs.losses.BinaryFocalCrossentropy()},
        {"loss": gs.losses.BinaryCrossentropy(from_logits=True)},
        {"class_weight": "balanced"},
        {"class_weight": {0: 2.0, 1: 1.0}},
    ],
    ids=lambda options: "-".join(options),
)
def test_what_scikit_learn_refuses(options: dict[str, Any]) -> None:
    network = MLPClassifier(**(QUICK | {"max_iter": 60} | options)).fit(*MOONS)
    assert network.score(*MOONS) > 0.8
    assert np.allclose(network.predict_proba(MOONS[0]).sum(axis=1), 1)
    again = pickle.loads(pickle.dumps(network))
    assert (again.predict_proba(MOONS[0]) == network.predict_proba(MOONS[0])).all()
    fresh = clone(network).fit(*MOONS)
    assert fresh.loss_curve_ == network.loss_curve_
    assert "model_" not in vars(clone(network))


@pytest.mark.parametrize("loss", ["huber", "mae", gs.losses.Quantile(0.5), "squared_error", "poisson"], ids=str)
def test_losses_of_regression(loss: Any) -> None:
    y = np.exp(0.5 * Y) if loss == "poisson" else Y
    network = MLPRegressor(loss, (32,), learning_rate_init=0.02, max_iter=150, tol=0, random_state=0).fit(X, y)
    assert network.score(X, y) > 0.7
    assert network.loss_curve_[-1] < network.loss_curve_[0]


def test_class_weights_count_rows() -> None:
    """A class of weight 0 is as if its rows had sample weight 0."""
    x, y = load_iris(return_X_y=True)
    a = MLPClassifier(**QUICK, class_weight={1: 0.0}).fit(x, y)
    b = MLPClassifier(**QUICK).fit(x, y, sample_weight=(y != 1).astype(float))
    assert a.loss_curve_ == b.loss_curve_
    rare = np.concatenate([np.flatnonzero(y != 2), np.flatnonzero(y == 2)[:5]])
    weighted = MLPClassifier(**QUICK, class_weight="balanced").fit(x[rare], y[rare])
    plain = MLPClassifier(**QUICK).fit(x[rare], y[rare])
    assert weighted.predict_proba(x)[:, 2].sum() > plain.predict_proba(x)[:, 2].sum()


def test_validation_curve_and_best_weights() -> None:
    network = MLPClassifier(**(QUICK | {"early_stopping": True, "max_iter": 40, "n_iter_no_change": 5})).fit(*MOONS)
    assert (
        len(network.validation_scores_)
        == len(network.validation_loss_curve_)
        == network.n_iter_
        == len(network.loss_curve_)
    )
    assert network.best_validation_score_ == max(network.validation_scores_)
    assert network.best_loss_ is None
    assert {"loss", "val_loss"} <= {*network.history_}


def test_warm_start_keeps_the_optimizer() -> None:
    """Two calls of 5 epochs are one of 10, with the state of Adam: scikit-learn begins it anew."""
    options = QUICK | {"batch_size": 300, "shuffle": False}
    whole = MLPClassifier(**(options | {"max_iter": 10})).fit(*MOONS)
    parts = MLPClassifier(**(options | {"max_iter": 5}), warm_start=True).fit(*MOONS).fit(*MOONS)
    assert parts.loss_curve_ == whole.loss_curve_
    assert parts.n_iter_ == 5
    assert (parts.predict_proba(MOONS[0]) == whole.predict_proba(MOONS[0])).all()
    with pytest.raises(ValueError, match="warm_start can only be used where `y` has the same classes"):
        parts.fit(MOONS[0], MOONS[1] + 1)


def test_partial_fit_is_an_epoch() -> None:
    options = QUICK | {"batch_size": 300, "shuffle": False, "max_iter": 4}
    parts, whole = MLPClassifier(**options), MLPClassifier(**options).fit(*MOONS)
    for _ in range(4):
        parts.partial_fit(*MOONS, classes=[0, 1])
    assert parts.loss_curve_ == whole.loss_curve_
    with pytest.raises(ValueError, match="classes must be passed on the first call to partial_fit"):
        MLPClassifier().partial_fit(*MOONS)
    with pytest.raises(ValueError, match="is not the same as on last call"):
        parts.partial_fit(*MOONS, classes=[0, 1, 2])
    with pytest.raises(AttributeError):
        _ = MLPClassifier(solver="lbfgs").partial_fit
    running = MLPClassifier(**QUICK, class_weight="balanced")
    running.partial_fit(MOONS[0][:1], MOONS[1][:1], classes=[0, 1]).partial_fit(*MOONS)
    assert running._counts.sum() == 301


def test_labels_of_any_type_tables_and_sparse_rows() -> None:
    names = np.array(["yes", "no"], dtype=object)[MOONS[1]]
    assert set(MLPClassifier(**QUICK).fit(MOONS[0], names).predict(MOONS[0])) <= {"yes", "no"}
    sparse = pytest.importorskip("scipy.sparse")
    dense = MLPRegressor(**QUICK).fit(X, Y)
    np.testing.assert_allclose(
        MLPRegressor(**QUICK).fit(sparse.csr_array(X), Y).predict(sparse.csr_array(X)), dense.predict(X)
    )
    single = MLPRegressor(**QUICK).fit(X.astype("float32"), Y)
    assert single.predict(X.astype("float32")).dtype == np.float32
    assert {weight.dtype for weight in single.coefs_} == {np.dtype("float32")}


def test_searches_and_pipelines() -> None:
    network = make_pipeline(StandardScaler(), MLPClassifier(**QUICK))
    search = GridSearchCV(
        network, {"mlpclassifier__dropout": [0.0, 0.1], "mlpclassifier__activation": ["gelu"]}, cv=3, n_jobs=2
    )
    found = search.fit(*MOONS)
    assert found.best_score_ > 0.8
    serial = GridSearchCV(network, search.param_grid, cv=3).fit(*MOONS)
    assert (serial.cv_results_["mean_test_score"] == found.cv_results_["mean_test_score"]).all()
    assert cross_val_score(MLPRegressor(**QUICK), X, Y, cv=3).shape == (3,)
    ours = gs.tune.halving(
        MLPClassifier(**QUICK), {"learning_rate_init": [1e-6, 0.1]}, *MOONS, epochs=30, min_epochs=10, cv=2
    )
    assert ours.best_params_ == {"learning_rate_init": 0.1}


def test_lr_find_and_callbacks() -> None:
    network = MLPClassifier(**QUICK, solver="sgd")
    found = network.lr_find(*MOONS)
    assert found.suggestion is not None
    assert "model_" not in vars(network)
    seen = []
    note = gs.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    MLPClassifier(**QUICK, callbacks=[note]).fit(*MOONS)
    assert seen == list(range(20))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"alpha": -1},
            r"The 'alpha' parameter of MLPClassifier must be a float in the range \[0, inf\). Got -1 instead",
        ),
        ({"max_iter": 1.5}, "The 'max_iter' parameter of MLPClassifier must be an int"),
        ({"solver": "newton"}, "The 'solver' parameter of MLPClassifier must be a str among"),
        ({"batch_size": 0}, "The 'batch_size' parameter"),
        ({"shuffle": 1}, "The 'shuffle' parameter of MLPClassifier must be a bool"),
        ({"hidden_layer_sizes": (3, -1)}, "hidden_layer_sizes must be > 0"),
        ({"activation": "swush"}, "swush"),
        ({"dropout": 1.0}, "The 'dropout' parameter"),
        ({"solver": "lbfgs", "dropout": 0.1}, "solver='lbfgs' needs dropout=0"),
        ({"class_weight": "even"}, "class_weight must be 'balanced', a dict or None"),
        ({"early_stopping": True, "validation_fraction": 0.003}, "test_size = 1 should be greater"),
    ],
)
def test_errors(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        MLPClassifier(**(QUICK | options)).fit(*MOONS)


def test_divergence_is_an_error() -> None:
    with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
        MLPRegressor(**QUICK, optimizer=gs.optimizers.SGD(1e10)).fit(X, Y)
    with pytest.raises(ValueError, match="y must have 1 columns, as in the previous call; it has 2"):
        MLPRegressor(**QUICK, warm_start=True).fit(X, Y).fit(X, np.stack([Y, Y], axis=1))


def test_copies_share_nothing() -> None:
    network = MLPRegressor(**QUICK).fit(X, Y)
    twin, before = copy.deepcopy(network), network.predict(X)
    twin.coefs_[0][...] = 0
    assert (network.predict(X) == before).all()
    assert (twin.predict(X) != before).any()


def test_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("gradstep.sklearn")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError, match=r"gradstep.sklearn needs scikit-learn: pip install 'gradstep\[sklearn\]'"):
        import gradstep.sklearn  # noqa: F401
