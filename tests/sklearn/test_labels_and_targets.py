"""Labels and targets of any kind: shapes and dtypes of what is found and predicted are those of scikit-learn."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

linear_model = pytest.importorskip("sklearn.linear_model")
svm = pytest.importorskip("sklearn.svm")
base = pytest.importorskip("sklearn.base")
metrics = pytest.importorskip("sklearn.metrics")
ours = pytest.importorskip("gradstep.sklearn")

RNG = np.random.default_rng(3)
X = RNG.normal(size=(60, 4))
SUMS = X @ RNG.normal(size=4)
TWO = (SUMS > 0).astype(int)
REGRESSORS = ("Ridge", "Lasso", "ElasticNet", "LinearRegression", "HuberRegressor", "SGDRegressor", "LinearSVR")
CLASSIFIERS = ("SGDClassifier", "Perceptron", "RidgeClassifier", "LogisticRegression", "LinearSVC")


def of_scikit_learn(name: str) -> Any:
    return getattr(svm if name.startswith("LinearSV") else linear_model, name)()


@pytest.mark.parametrize("name", REGRESSORS)
def test_targets_in_a_column_give_scikit_learn_s_shapes(name: str) -> None:
    found = []
    for model in (getattr(ours, name)(), of_scikit_learn(name)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a column, and of LinearSVR's iterations
            model.fit(X, SUMS[:, None])
        found.append((model.coef_.shape, np.shape(model.intercept_), model.predict(X).shape))
    assert found[0] == found[1]


@pytest.mark.parametrize("labels", [TWO, TWO.astype(bool), TWO.astype(float), np.array(["no", "yes"])[TWO]])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_labels_of_any_kind_come_back(name: str, labels: np.ndarray) -> None:
    for y in (labels, labels.astype(object) if labels.dtype.kind == "U" else labels):
        model, theirs = getattr(ours, name)().fit(X, y), of_scikit_learn(name).fit(X, y)
        assert model.classes_.dtype == theirs.classes_.dtype
        assert model.predict(X).dtype == theirs.predict(X).dtype
        assert set(model.predict(X).tolist()) == set(labels.tolist())


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_scores_are_accuracy_scores(name: str) -> None:
    model, weights = getattr(ours, name)().fit(X, TWO), RNG.random(60)
    made = model.predict(X)
    given: list[Any] = [TWO, TWO.tolist(), 1 - TWO, TWO.astype(float), TWO.astype(bool), TWO[:, None]]
    for y in given:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert model.score(X, y) == metrics.accuracy_score(y, made)
            assert model.score(X, y, weights) == metrics.accuracy_score(y, made, sample_weight=weights)
    for y, message in ((SUMS, "continuous"), (TWO[:-1], "inconsistent numbers of samples"), (["a"] * 60, "Mix")):
        with pytest.raises((TypeError, ValueError), match=message):
            model.score(X, y)


def test_many_classes_for_the_rows_are_warned_of_as_there() -> None:
    with pytest.warns(UserWarning, match="greater than 50%"):
        ours.SGDClassifier().fit(X, np.arange(60) // 1.5)


def test_each_class_has_its_own_parameters() -> None:
    class Wide(ours.SGDClassifier):  # type: ignore[misc, name-defined]
        def __init__(self, width: int = 3, alpha: float = 1e-4) -> None:
            super().__init__(alpha=alpha)
            self.width = width

    before = ours.SGDClassifier().get_params()
    assert set(Wide().get_params()) == {"width", "alpha"}
    assert ours.SGDClassifier().get_params() == before
    assert base.clone(Wide(width=5)).width == 5
    with pytest.raises(ValueError, match="Invalid parameter 'widht'"):
        Wide().set_params(widht=2)


@pytest.mark.parametrize("solver", ["auto", "svd", "cholesky", "lsqr", "sparse_cg"])
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_ridge_refuses_what_is_no_number_and_stays_as_it_was(wrong: float, solver: str) -> None:
    for rows in (60, 3000):  # of many the products are centred at the mean of some
        x = RNG.normal(size=(rows, 4))
        y = x.sum(axis=1)
        bad = x[:, :3].copy()
        bad[rows // 2, 1] = wrong
        weights = np.ones(rows)
        weights[rows // 2] = 0
        fresh, fitted = ours.Ridge(solver=solver), ours.Ridge(solver=solver).fit(x, y)
        coef, made = fitted.coef_.copy(), fitted.predict(x)
        for model in (fresh, fitted):
            for given in (None, weights):
                with pytest.raises(ValueError, match=f"Input X contains {'NaN' if np.isnan(wrong) else 'infinity'}"):
                    model.fit(bad, y, given)
        assert not hasattr(fresh, "n_features_in_")
        assert fitted.n_features_in_ == 4
        np.testing.assert_array_equal(fitted.coef_, coef)
        np.testing.assert_array_equal(fitted.predict(x), made)
