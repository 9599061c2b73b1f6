"""Searches over estimators with scikit-learn's methods: what its users hand over, and what they mistake."""

from __future__ import annotations

from typing import Any

import gradstep as gs
import numpy as np
import pytest

linear_model = pytest.importorskip("sklearn.linear_model")
metrics = pytest.importorskip("sklearn.metrics")
pipeline = pytest.importorskip("sklearn.pipeline")
preprocessing = pytest.importorskip("sklearn.preprocessing")
ours = pytest.importorskip("gradstep.sklearn")

RNG = np.random.default_rng(6)
X = RNG.normal(size=(90, 4))
Y = np.where(X @ RNG.normal(size=4) + 0.5 * RNG.normal(size=90) > 0, "yes", "no")
WEIGHTS = RNG.uniform(0.1, 3, 90)
SPACE = {"alpha": [1e-4, 1e-1]}


def sgd() -> Any:
    return ours.SGDClassifier(random_state=0)


def test_scorers_are_metrics() -> None:
    scorer = metrics.make_scorer(metrics.f1_score, pos_label="yes")
    found = gs.tune.grid(sgd(), SPACE, X, Y, cv=3, metric=scorer)
    assert (found.metric, found.larger_is_better) == ("f1_score", True)
    train, test = next(iter(gs.tune.KFold(3, seed=0).split(X)))
    model = ours.SGDClassifier(alpha=1e-4, random_state=0).fit(X[train], Y[train])
    assert found[0].scores[0] == metrics.f1_score(Y[test], model.predict(X[test]), pos_label="yes")
    loss = metrics.make_scorer(metrics.log_loss, greater_is_better=False, response_method="predict_proba")
    assert gs.tune.grid(ours.LogisticRegression(), {"C": [1.0]}, X, Y, cv=3, metric=loss).best_score_ < 0


def test_weights_of_rows_go_to_the_last_step_of_a_pipeline() -> None:
    made = pipeline.make_pipeline(preprocessing.StandardScaler(), sgd())
    found = gs.tune.grid(made, {"sgdclassifier__alpha": [1e-4]}, X, Y, cv=3, sample_weight=WEIGHTS)
    train, test = next(iter(gs.tune.KFold(3, seed=0).split(X)))
    made.fit(X[train], Y[train], sgdclassifier__sample_weight=WEIGHTS[train])
    assert found[0].scores[0] == made.score(X[test], Y[test])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"scoring": "accuracy"}, "a search has no argument 'scoring': metric= is in its place"),
        ({"n_jobs": 2}, "workers= is in its place"),
        ({"random_state": 0}, "seeds= is in its place"),
        ({"sample_wieght": WEIGHTS}, "neither the search nor fit of SGDClassifier has an argument 'sample_wieght'"),
    ],
)
def test_arguments_of_other_searches_are_refused_before_anything_is_trained(given: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        gs.tune.grid(sgd(), SPACE, X, Y, cv=3, **given)


def test_arguments_of_a_model_s_fit_are_looked_at_before_it_is_trained() -> None:
    def build() -> Any:
        model = gs.Sequential([gs.Input((4,)), gs.layers.Dense(1)])
        model.compile("sgd", "mse")
        return model

    with pytest.raises(TypeError, match="metric= is in its place"):
        gs.tune.cross_validate(build, X, X[:, 0], cv=3, scoring="r2")
    with pytest.raises(ValueError, match="an argument 'bach_size'"):
        gs.tune.cross_validate(build, X, X[:, 0], cv=3, bach_size=3)


def test_a_class_in_place_of_an_estimator_is_named() -> None:
    with pytest.raises(TypeError, match=r"build must be an estimator, not its class: SGDClassifier\(\)"):
        gs.tune.grid(ours.SGDClassifier, SPACE, X, Y)
