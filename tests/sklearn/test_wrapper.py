"""`ModelClassifier` and `ModelRegressor`: models of any kind behind scikit-learn's methods."""

from __future__ import annotations

import pickle
from typing import Any

import gradstep as gs
import numpy as np
import pytest

pytest.importorskip("sklearn")
from gradstep.sklearn import ModelClassifier, ModelRegressor
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

X, Y = load_iris(return_X_y=True)
TWO = Y < 2


def build(n_features: int, n_classes: int, units: int = 8, rate: float = 0.02, loss: str = "sparse") -> gs.Sequential:
    layers = [gs.layers.Dense(units, "relu"), gs.layers.Dropout(0.1), gs.layers.Dense(n_classes, "softmax")]
    model = gs.Sequential([gs.Input((n_features,)), *layers])
    names = {"sparse": "sparse_categorical_crossentropy", "one-hot": "categorical_crossentropy"}
    model.compile(gs.optimizers.Adam(rate), names[loss], metrics=["accuracy"])
    return model


def one_output(n_features: int, n_outputs: int, logits: bool = False) -> gs.Sequential:
    last = gs.layers.Dense(n_outputs, None if logits else "sigmoid")
    model = gs.Sequential([gs.Input((n_features,)), last])
    model.compile(gs.optimizers.Adam(0.05), gs.losses.BinaryCrossentropy(from_logits=logits))
    return model


def regression(n_features: int, n_outputs: int, rate: float = 0.05) -> gs.Sequential:
    model = gs.Sequential([gs.Input((n_features,)), gs.layers.Dense(n_outputs)])
    model.compile(gs.optimizers.Adam(rate), "mse")
    return model


@pytest.mark.parametrize("loss", ["sparse", "one-hot"])
def test_labels_are_encoded_for_the_loss(loss: str) -> None:
    names = np.array(["setosa", "versicolor", "virginica"])[Y]
    found = ModelClassifier(build, epochs=40, random_state=0, loss=loss).fit(X, names)
    assert found.score(X, names) > 0.9
    assert found.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert np.allclose(found.predict_proba(X).sum(axis=1), 1)


@pytest.mark.parametrize("logits", [False, True])
def test_two_classes_may_have_one_output(logits: bool) -> None:
    found = ModelClassifier(one_output, epochs=40, random_state=0, logits=logits).fit(X[TWO], Y[TWO] * 3)
    assert found.score(X[TWO], Y[TWO] * 3) > 0.95
    made = found.predict_proba(X[TWO])
    assert made.shape == (100, 2)
    assert ((made[:, 1] > 0.5) == (found.predict(X[TWO]) == 3)).all()


def test_a_fit_is_that_of_the_model() -> None:
    found = ModelClassifier(build, epochs=3, random_state=5).fit(X, Y)
    gs.utils.set_random_seed(int(np.random.RandomState(5).randint(2**31 - 1)))
    model = build(4, 3)
    again = ModelClassifier(build, epochs=3, random_state=5).fit(X, Y)
    assert again.history_ == found.history_
    assert (again.predict_proba(X) == pickle.loads(pickle.dumps(found)).predict_proba(X)).all()
    assert len(model.weights) == len(found.model_.weights)
    other = ModelClassifier(build, epochs=3, random_state=6).fit(X, Y)
    assert other.history_ != found.history_


def test_parameters_of_the_function_are_searched() -> None:
    network = ModelClassifier(build, epochs=25, random_state=0)
    assert network.get_params()["units"] == 8
    assert clone(network.set_params(units=4, epochs=20)).get_params()["units"] == 4
    with pytest.raises(ValueError, match="Invalid parameter 'unit'"):
        network.set_params(unit=3)
    pipe = make_pipeline(gs.scalers.StandardScaler(), network)
    search = GridSearchCV(
        pipe, {"modelclassifier__rate": [1e-5, 0.05], "modelclassifier__batch_size": [16]}, cv=3, n_jobs=2
    )
    assert search.fit(X, Y).best_params_["modelclassifier__rate"] == 0.05
    calibrated = CalibratedClassifierCV(ModelClassifier(build, epochs=20, random_state=0), cv=3).fit(X, Y)
    assert calibrated.score(X, Y) > 0.8


def test_warm_start_and_partial_fit_go_on() -> None:
    options: dict[str, Any] = {"random_state": 0, "shuffle": False, "batch_size": "full"}
    whole = ModelRegressor(regression, epochs=6, **options).fit(X, Y)
    parts = ModelRegressor(regression, epochs=3, warm_start=True, **options).fit(X, Y).fit(X, Y)
    epochs = ModelRegressor(regression, **options)
    for _ in range(6):
        epochs.partial_fit(X, Y)
    assert whole.history_ == parts.history_ == epochs.history_
    classes = ModelClassifier(build, **options).partial_fit(X[:10], Y[:10], classes=[0, 1, 2])
    assert classes.predict_proba(X).shape == (150, 3)
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        ModelClassifier(build).partial_fit(X, Y)


def test_weights_tables_and_several_outputs() -> None:
    heavy = ModelClassifier(build, epochs=10, random_state=0, class_weight={2: 50.0}).fit(X, Y)
    light = ModelClassifier(build, epochs=10, random_state=0).fit(X, Y)
    assert heavy.predict_proba(X)[:, 2].mean() > light.predict_proba(X)[:, 2].mean()
    two = ModelRegressor(regression, epochs=40, random_state=0).fit(X, X[:, :2] * 2)
    assert two.predict(X).shape == (150, 2)
    stop = gs.callbacks.EarlyStopping("val_loss", patience=1, min_delta=10.0)
    short = ModelRegressor(regression, epochs=40, validation_split=0.2, callbacks=[stop]).fit(X, Y)
    assert len(short.history_["val_loss"]) < 5
    assert stop.model is None


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ModelClassifier(build, nodes=3).fit(X, Y), "must take the parameter 'nodes'; it takes n_features"),
        (lambda: ModelClassifier(lambda: gs.Sequential([gs.layers.Dense(1)])).fit(X, Y), "must give a compiled model"),
        (lambda: ModelClassifier(lambda: build(4, 2)).fit(X, Y), "each of 3 classes, or 1 for 2; it gave 2"),
        (lambda: ModelRegressor(lambda: regression(4, 2)).fit(X, Y), "a model with 1 outputs"),
        (lambda: ModelRegressor(regression, rate=1e38, epochs=9).fit(X, Y * 1e30), "not finite"),
        (lambda: ModelClassifier(build, warm_start=True).fit(X, Y).fit(X[TWO], Y[TWO]), "the classes of the last fit"),
    ],
)  # fmt: skip
def test_errors(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("wrong", ["model", gs.Sequential([gs.Input((2,)), gs.layers.Dense(1)]), None])
def test_what_is_no_function_that_makes_a_model(wrong):
    estimator = ModelRegressor(wrong)
    assert estimator.get_params()["build_fn"] is wrong
    with pytest.raises(
        TypeError, match="build_fn must be a function that makes a compiled model, a new one at each call"
    ):
        estimator.fit(np.ones((4, 2)), np.ones(4))
