"""Linear estimators with one minimum, as scikit-learn's users expect estimators to be."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from unittest import SkipTest

import numpy as np
import pytest
from threads import same_at_any_number_of_threads

linear_model = pytest.importorskip("sklearn.linear_model")
svm = pytest.importorskip("sklearn.svm")
sparse = pytest.importorskip("scipy.sparse")
ours = pytest.importorskip("gradstep.sklearn")
checks = pytest.importorskip("sklearn.utils.estimator_checks")

RNG = np.random.default_rng(0)
X = RNG.standard_normal((120, 9))
TWO = (X @ RNG.standard_normal(9) + RNG.standard_normal(120) > 0).astype(int)
NUMBERS = X @ RNG.standard_normal(9) + 0.3 * RNG.standard_normal(120) + 4
KINDS = {"float64": X, "float32": X.astype(np.float32), "csr": sparse.csr_matrix(X)}
CLASSIFIERS = ["LogisticRegression", "LinearSVC", "RidgeClassifier"]
REGRESSORS = ["LinearSVR", "Ridge", "Lasso", "ElasticNet", "HuberRegressor", "LinearRegression"]
NINE = [*CLASSIFIERS, *REGRESSORS]


def target(name: str) -> np.ndarray:
    return TWO if name in CLASSIFIERS else NUMBERS


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Few iterations are warned of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


# scikit-learn's checks compare sample weights with repeated rows, at the minimum. Their data has fewer rows than
# features: Huber's scale is 0 there, and rounding moves where a search ends. Five iterations are compared, as in
# scikit-learn's own tests.
FOR_WEIGHTS = {"HuberRegressor": {"max_iter": 5}, "LinearSVR": {"tol": 1e-10, "max_iter": 100_000}}
CHECKS = [
    (model, check)
    for model in (getattr(ours, name)() for name in NINE)
    for _, check in checks.estimator_checks_generator(model)
]


def name_of(check: Any) -> str:
    return str(getattr(check, "func", check).__name__)


@pytest.mark.parametrize(
    ("estimator", "check"), CHECKS, ids=lambda value: name_of(value) if callable(value) else type(value).__name__
)
def test_scikit_learn_s_checks_pass(estimator: Any, check: Any) -> None:
    if name_of(check) == "check_non_transformer_estimators_n_iter" and "Ridge" in type(estimator).__name__:
        estimator.set_params(solver="sparse_cg")  # as scikit-learn's own, it has none for "cholesky"
    if "sample_weight_equivalence" in name_of(check):
        estimator.set_params(**FOR_WEIGHTS.get(type(estimator).__name__, {}))
    with suppress(SkipTest):  # of what it has no method for
        check(estimator)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_of_huber_are_repeated_rows_at_the_minimum(kind: str) -> None:
    counts = np.random.default_rng(1).integers(0, 4, len(X))
    again = np.repeat(np.arange(len(X)), counts)
    weighted, repeated = (ours.HuberRegressor(tol=1e-9, max_iter=1000) for _ in range(2))
    weighted.fit(KINDS[kind], NUMBERS, sample_weight=counts)
    repeated.fit(KINDS[kind][again], NUMBERS[again])
    # The loss says no more: near its minimum it changes by the square of this, which is its rounding.
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=0, atol=1e-6)
    assert weighted.scale_ == pytest.approx(repeated.scale_, rel=1e-6)


@pytest.mark.parametrize("name", NINE)
def test_parameters_are_scikit_learn_s(name: str) -> None:
    theirs = getattr(svm if hasattr(svm, name) else linear_model, name)().get_params()
    mine = getattr(ours, name)().get_params()
    added = {"solver", "learning_rate", "max_iter"} if name == "LinearRegression" else set()
    assert mine.keys() - theirs.keys() == added
    if theirs.get("penalty") == "l2" and name == "LogisticRegression":  # before 1.8
        theirs["penalty"], theirs["l1_ratio"] = "deprecated", 0.0
    assert {key: value for key, value in mine.items() if key in theirs} == {
        key: value for key, value in theirs.items() if key != "multi_class" or name == "LinearSVC"
    }


@pytest.mark.parametrize("name", NINE)
@pytest.mark.parametrize("kind", KINDS)
def test_threads_change_no_bit(name: str, kind: str) -> None:
    tall = sparse.vstack([KINDS[kind]] * 60).tocsr() if kind == "csr" else np.tile(KINDS[kind], (60, 1))
    y = np.tile(target(name), 60)
    settings = {"max_iter": 20, "random_state": 0} if name == "LinearSVR" else {}

    def coefficients() -> tuple[Any, Any]:
        model = getattr(ours, name)(**settings).fit(tall, y)
        return model.coef_, model.intercept_

    same_at_any_number_of_threads(coefficients, (1, 3))


@pytest.mark.parametrize("name", NINE)
def test_data_stay_as_they_are_and_models_pickle(name: str) -> None:
    y = target(name)
    data = X.copy()
    data.flags.writeable = False
    model = getattr(ours, name)().fit(data, y)
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict(data), model.predict(data))
    assert np.array_equal(data, X)


def test_they_go_where_estimators_go() -> None:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), ours.LogisticRegression())
    best = GridSearchCV(model, {"logisticregression__C": [0.1, 1]}, cv=3, n_jobs=2).fit(X, TWO)
    assert best.best_score_ > 0.75
    calibrated = CalibratedClassifierCV(ours.LinearSVC(), cv=3).fit(X, TWO)
    assert calibrated.predict_proba(X).shape == (120, 2)


@pytest.mark.peers
def test_columns_of_a_frame_have_names() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=[f"c{k}" for k in range(9)])
    assert list(ours.Lasso().fit(frame, NUMBERS).feature_names_in_) == list(frame.columns)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (ours.LogisticRegression(l1_ratio=1.0), "supports only 'l2' or None penalties"),
        (ours.LogisticRegression(dual=True), "supports only dual=False"),
        (ours.LogisticRegression(n_jobs=3), "n_jobs must be None or -1"),
        (ours.LinearSVC(multi_class="crammer_singer"), "'crammer_singer' is not available"),
        (ours.LinearSVC(loss="hinge", dual=False), "are not supported with dual=False"),
        (ours.LinearSVC(penalty="l1", loss="hinge"), "is not supported"),
        (ours.Ridge(solver="sag"), "is stochastic, and not available"),
        (ours.Ridge(alpha=[1.0, 2.0]), "Number of targets and number of penalties do not correspond"),
        (ours.LinearRegression(n_jobs=2), "n_jobs must be None or -1"),
        (ours.LinearRegression(learning_rate=0.1), 'learning_rate is for solver="gd"'),
        (ours.Lasso(precompute=np.eye(3)), "precompute must have shape"),
    ],
)
def test_what_is_not_there_is_refused(model: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        model.fit(X, TWO)


def test_a_matrix_that_changed_is_refused() -> None:
    from gradstep.sklearn.objective import Objective

    broken = sparse.csr_matrix(X)
    broken.indices = np.where(np.arange(broken.nnz) == broken.nnz - 1, 9, broken.indices).astype(np.int32)
    objective = Objective(broken, np.where(TWO == 1, 1.0, -1.0), None, "log_loss")
    with pytest.raises(ValueError, match="must lie within its shape"):
        objective.value(np.zeros(10))
    with pytest.raises(ValueError, match="w must have 10 numbers"):
        objective.value(np.zeros(9))


@pytest.mark.parametrize("name", NINE)
def test_coefficients_as_a_sparse_matrix(name: str) -> None:
    """Which predict what the array does, and which a fit makes an array again."""
    model = getattr(ours, name)(**({"random_state": 0} if "SV" in name else {})).fit(X, target(name))
    before, coefficients = model.predict(X), np.array(model.coef_)
    assert model.sparsify() is model
    assert sparse.issparse(model.coef_)
    np.testing.assert_allclose(model.predict(X), before, rtol=1e-12)
    assert model.densify() is model
    np.testing.assert_array_equal(model.coef_, np.atleast_2d(coefficients))
    assert not sparse.issparse(model.sparsify().fit(X, target(name)).coef_)
