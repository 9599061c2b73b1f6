"""Coefficients that a program sets, as federated averaging does: predictions and further training go on from them."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

linear_model = pytest.importorskip("sklearn.linear_model")
ours = pytest.importorskip("gradstep.sklearn")
from sklearn import neural_network  # noqa: E402

RNG = np.random.default_rng(0)
X = RNG.standard_normal((120, 5))
TARGETS: dict[str, np.ndarray] = {
    "SGDClassifier": (X[:, 0] > 0).astype(int),
    "Perceptron": np.digitize(X[:, 0], [-0.5, 0.5]),
    "PassiveAggressiveClassifier": (X[:, 0] > 0).astype(int),
    "SGDRegressor": X @ [1.0, 2.0, 0.0, 0.0, 1.0],
    "PassiveAggressiveRegressor": X @ [1.0, 2.0, 0.0, 0.0, 1.0],
    "SGDOneClassSVM": np.zeros(len(X)),
}
NETWORKS: dict[str, Any] = {"hidden_layer_sizes": (6,), "random_state": 0, "max_iter": 5}


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """scikit-learn warns of few epochs, and that it will drop the passive-aggressive ones."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def set_half(estimator: Any) -> None:
    estimator.coef_ = 0.5 * estimator.coef_
    if hasattr(estimator, "offset_"):
        estimator.offset_ = estimator.offset_ + 0.25
    else:
        estimator.intercept_ = estimator.intercept_ + 0.25


def found(estimator: Any) -> np.ndarray:
    name = "offset_" if hasattr(estimator, "offset_") else "intercept_"
    return np.concatenate([np.ravel(estimator.coef_), np.ravel(getattr(estimator, name))])


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("way", ["set", "in place", "warm start"])
def test_descent_goes_on_from_what_was_set_as_scikit_learns(name: str, way: str) -> None:
    y, settings = TARGETS[name], {"random_state": 0, "max_iter": 3, "warm_start": way == "warm start"}
    pair = [getattr(module, name)(**settings).fit(X, y) for module in (linear_model, ours)]
    for one in pair:
        if way == "in place":
            one.coef_ *= 0.5
        else:
            set_half(one)
        if way == "warm start":
            one.fit(X, y)
        else:
            one.partial_fit(X, y)
    assert np.allclose(*map(found, pair), rtol=1e-9, atol=1e-12)


def test_untouched_coefficients_go_on_with_the_same_bits() -> None:
    y = TARGETS["SGDClassifier"]
    for average in (False, True):
        one = ours.SGDClassifier(random_state=0, average=average).partial_fit(X, y, classes=[0, 1])
        other = copy.deepcopy(one)
        other.coef_, other.intercept_ = other.coef_.copy(), other.intercept_.copy()
        for each in (one, other):
            each.partial_fit(X, y)
        assert np.array_equal(found(one), found(other))


@pytest.mark.parametrize("module", [linear_model, ours], ids=["sklearn", "gradstep"])
def test_coefficients_of_an_estimator_that_was_never_fitted(module: Any) -> None:
    y = TARGETS["SGDClassifier"]
    begun = module.SGDClassifier(random_state=0)
    begun.classes_, begun.coef_, begun.intercept_ = np.array([0, 1]), np.ones((1, 5)), np.zeros(1)
    assert np.array_equal(begun.predict(X), (X.sum(axis=1) > 0).astype(int))
    begun.partial_fit(X[:4], y[:4])
    from_zero = module.SGDClassifier(random_state=0).partial_fit(X[:4], y[:4], classes=[0, 1])
    assert not np.allclose(found(begun), found(from_zero))
    number = module.SGDRegressor(random_state=0, eta0=1e-12)
    number.coef_, number.intercept_ = np.ones(5), np.zeros(1)
    number.partial_fit(X, y)
    assert np.allclose(found(number), [1, 1, 1, 1, 1, 0], atol=1e-6)


def test_averages_and_optimizers_go_on_from_it() -> None:
    y = TARGETS["SGDClassifier"]
    for settings in ({"average": True}, {"optimizer": "adam"}):
        model = ours.SGDClassifier(random_state=0, eta0=0.01, **settings).fit(X, y)
        model.coef_, model.intercept_ = np.full((1, 5), 100.0), np.full(1, -50.0)
        model.partial_fit(X[:1], y[:1])
        assert np.allclose(model.coef_, 100, rtol=0.2), settings
        assert np.allclose(model.intercept_, -50, rtol=0.2), settings
    model.coef_ = np.ones((1, 4))
    with pytest.raises(ValueError, match=r"coef_ must have shape \(1, 5\), as it was fitted; got \(1, 4\)"):
        model.partial_fit(X, y)


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_weights_of_networks_as_scikit_learns(name: str) -> None:
    y = (X[:, 0] > 0).astype(int) if name == "MLPClassifier" else X[:, 0]
    theirs, mine = (getattr(module, name)(**NETWORKS).fit(X, y) for module in (neural_network, ours))
    mine.coefs_, mine.intercepts_ = theirs.coefs_, theirs.intercepts_
    assert np.allclose(mine.predict(X), theirs.predict(X), atol=1e-12)
    for one in (theirs, mine):
        one.coefs_[0] = 2 * one.coefs_[0]
        one.coefs_[-1] *= 0.5
        one.intercepts_[1][:] = 0.1
    assert np.allclose(mine.predict(X), theirs.predict(X), atol=1e-12)
    again = pickle.loads(pickle.dumps(mine.coefs_))
    assert all(map(np.array_equal, again, mine.coefs_))
    mean = [(a + b) / 2 for a, b in zip(mine.coefs_, again, strict=True)]
    mine.coefs_ = mean
    assert all(map(np.array_equal, mine.coefs_, mean))


def test_wrong_weights_of_networks_change_nothing() -> None:
    model = ours.MLPRegressor(**NETWORKS)
    with pytest.raises(AttributeError, match="no attribute 'coefs_' before fit"):
        model.coefs_ = []
    model.fit(X, X[:, 0])
    before = [array.copy() for array in (*model.coefs_, *model.intercepts_)]
    with pytest.raises(ValueError, match=r"coefs_ must have 2 arrays, one a layer; got 1"):
        model.coefs_ = [model.coefs_[0] + 1]
    with pytest.raises(ValueError, match=r"coefs_\[1\] must have shape \(6, 1\); got \(1, 6\)"):
        model.coefs_ = [model.coefs_[0] + 1, model.coefs_[1].T]
    with pytest.raises(TypeError, match=r"intercepts_\[0\] must be an array of real numbers"):
        model.intercepts_[0] = "zeros"
    with pytest.raises(IndexError):
        model.intercepts_[2] = np.zeros(1)
    assert all(map(np.array_equal, before, (*model.coefs_, *model.intercepts_)))
