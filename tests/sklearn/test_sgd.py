"""Linear estimators that descend row by row, beside scikit-learn's own."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from grids import pairwise

linear_model = pytest.importorskip("sklearn.linear_model")
sparse = pytest.importorskip("scipy.sparse")
ours = pytest.importorskip("gradstep.sklearn")

RNG = np.random.default_rng(0)
X = RNG.standard_normal((150, 7))
X[RNG.random(X.shape) < 0.4] = 0
TWO = (X @ RNG.standard_normal(7) + 0.5 * RNG.standard_normal(150) > 0).astype(int)
THREE = np.digitize(X @ RNG.standard_normal(7), [-1, 1])
NUMBERS = X @ RNG.standard_normal(7) + 0.3 * RNG.standard_normal(150)
WEIGHTS = RNG.random(150)
EXPECTED_TO_FAIL = {  # scikit-learn's own reason
    f"check_sample_weight_equivalence_on_{kind}_data": "sample_weight is not equivalent to removing/repeating samples."
    for kind in ("dense", "sparse")
}
AXES: dict[str, list[Any]] = {
    "penalty": ["l2", "l1", "elasticnet", None],
    "learning_rate": ["optimal", "constant", "invscaling", "adaptive"],
    "average": [False, True, 40],
    "shuffle": [True, False],
    "sparse": [False, True],
    "weighted": [False, True],
    "tol": [None, 1e-3],
    "fit_intercept": [True, False],
}
CLASSIFIERS = ["hinge", "log_loss", "squared_hinge", "modified_huber", "perceptron", "huber", "epsilon_insensitive"]
REGRESSORS = ["squared_error", "huber", "epsilon_insensitive", "squared_epsilon_insensitive"]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """scikit-learn warns of few epochs, and that it will drop the passive-aggressive ones."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def found(estimator: Any) -> np.ndarray:
    offset = estimator.offset_ if hasattr(estimator, "offset_") else estimator.intercept_
    return np.concatenate([estimator.coef_.ravel(), offset.ravel()])


def assert_same(name: str, y: np.ndarray | None, settings: dict[str, Any], weighted: bool, is_sparse: bool) -> None:
    data = sparse.csr_matrix(X) if is_sparse else X
    weights = {"sample_weight": WEIGHTS} if weighted else {}
    theirs = getattr(linear_model, name)(**settings).fit(data, y, **weights)
    mine = getattr(ours, name)(**settings).fit(data, y, **weights)
    wanted = found(theirs)
    # Rounding: their sums are in another order. Measured: 2e-15.
    np.testing.assert_allclose(found(mine), wanted, rtol=0, atol=1e-9 * np.abs(wanted).max())
    assert (mine.n_iter_, mine.t_, mine.coef_.shape) == (theirs.n_iter_, theirs.t_, theirs.coef_.shape)
    np.testing.assert_allclose(mine.predict(data), theirs.predict(data), rtol=1e-7, atol=1e-9)


def rows(losses: list[str]) -> list[dict[str, Any]]:
    axes = {"loss": losses, **AXES}
    # With steps that long the quadratic ones blow up, and rounding decides where to.
    blown = {"modified_huber", "squared_hinge", "squared_error", "huber", "squared_epsilon_insensitive"}
    made = [dict(zip(axes, row, strict=True)) for row in pairwise(axes, {})]
    return [row for row in made if not (row["learning_rate"] == "optimal" and row["loss"] in blown)]


@pytest.mark.parametrize("row", rows(CLASSIFIERS), ids=lambda row: "-".join(map(str, row.values())))
@pytest.mark.parametrize("y", [TWO, THREE], ids=["two", "three"])
def test_classifier_has_the_coefficients_of_scikit_learn(row: dict[str, Any], y: np.ndarray) -> None:
    settings = {key: value for key, value in row.items() if key not in ("sparse", "weighted")}
    balanced = {"class_weight": "balanced"} if row["weighted"] else {}
    fixed = {"alpha": 1e-3, "l1_ratio": 0.3, "eta0": 0.01, "random_state": 3, "max_iter": 12}
    assert_same("SGDClassifier", y, settings | balanced | fixed, row["weighted"], row["sparse"])


@pytest.mark.parametrize("row", rows(REGRESSORS), ids=lambda row: "-".join(map(str, row.values())))
def test_regressor_has_the_coefficients_of_scikit_learn(row: dict[str, Any]) -> None:
    if row["learning_rate"] == "optimal":
        row = row | {"learning_rate": "invscaling"}
    settings = {key: value for key, value in row.items() if key not in ("sparse", "weighted")}
    fixed = {"alpha": 1e-3, "l1_ratio": 0.3, "eta0": 0.01, "random_state": 3, "max_iter": 12}
    assert_same("SGDRegressor", NUMBERS, settings | fixed, row["weighted"], row["sparse"])


@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize(
    ("name", "y", "settings"),
    [
        ("Perceptron", TWO, {"penalty": "l1"}),
        ("Perceptron", THREE, {"penalty": None}),
        ("PassiveAggressiveClassifier", TWO, {"loss": "squared_hinge", "C": 0.3, "random_state": 1}),
        ("PassiveAggressiveClassifier", THREE, {"loss": "hinge", "C": 0.3, "random_state": 1, "average": True}),
        ("PassiveAggressiveRegressor", NUMBERS, {"loss": "epsilon_insensitive", "C": 0.3, "random_state": 1}),
        ("PassiveAggressiveRegressor", NUMBERS, {"loss": "squared_epsilon_insensitive", "C": 0.3, "random_state": 1}),
        ("SGDRegressor", NUMBERS, {"early_stopping": True, "random_state": 2}),
        ("SGDOneClassSVM", None, {"nu": 0.2, "random_state": 1, "average": 30}),
        ("SGDOneClassSVM", None, {"nu": 0.5, "random_state": 1, "learning_rate": "constant"}),
    ],
)
def test_relatives_have_the_coefficients_of_scikit_learn(
    name: str, y: np.ndarray | None, settings: dict[str, Any], is_sparse: bool
) -> None:
    assert_same(name, y, settings | {"max_iter": 15}, False, is_sparse)


LONG = RNG.standard_normal((4101, 37))  # more rows than a slice, and columns of every size of block
LONG[::7] = 0
SIDES = (LONG @ RNG.standard_normal(37) + 0.5 * RNG.standard_normal(4101) > 0).astype(int)
STEADY = {"loss": "log_loss", "learning_rate": "constant", "eta0": 0.01}  # "optimal" steps so far that rounding decides
PAIRED = [
    ("SGDClassifier", STEADY),
    ("SGDClassifier", {"loss": "hinge", "penalty": "l1", "average": 50}),
    ("SGDClassifier", {"loss": "hinge", "penalty": "elasticnet", "tol": None}),
    ("SGDClassifier", {**STEADY, "average": 51, "tol": None}),
    ("SGDClassifier", {**STEADY, "early_stopping": True, "validation_fraction": 0.2}),
    ("PassiveAggressiveClassifier", {"loss": "hinge", "C": 0.1, "average": True}),  # passes rows of zeros over
]


@pytest.mark.parametrize(
    ("name", "settings", "rows"),
    [(*one, n) for one in PAIRED for n in (3, 4, 5, 4095, 4096, 4097, 4101) if n > 5 or "early_stopping" not in one[1]],
)
def test_rows_in_pairs_and_slices_have_the_coefficients_of_scikit_learn(
    name: str, settings: dict[str, Any], rows: int
) -> None:
    some, sides = LONG[:rows], np.r_[0, 1, SIDES[2:rows]]
    theirs, mine = (
        getattr(module, name)(max_iter=3, random_state=5, **settings).fit(some, sides)
        for module in (linear_model, ours)
    )
    np.testing.assert_allclose(found(mine), found(theirs), rtol=0, atol=1e-10 * np.abs(found(theirs)).max())
    assert mine.n_iter_ == theirs.n_iter_


@pytest.mark.parametrize("penalty", ["l2", "l1", "elasticnet"])
@pytest.mark.parametrize("is_sparse", [False, True])
def test_whether_the_objective_is_followed_changes_no_bit(penalty: str, is_sparse: bool) -> None:
    data = sparse.csr_matrix(LONG) if is_sparse else LONG
    given = {"penalty": penalty, "max_iter": 3, "random_state": 1}
    followed = ours.SGDClassifier(tol=1e-12, n_iter_no_change=3, **given).fit(data, SIDES)
    alone = ours.SGDClassifier(tol=None, **given).fit(data, SIDES)
    assert np.array_equal(found(followed), found(alone))
    assert np.array_equal(followed.loss_curve_, alone.loss_curve_)


@pytest.mark.parametrize("name", ["SGDClassifier", "SGDRegressor", "SGDOneClassSVM", "Perceptron"])
def test_partial_fit_goes_on_as_scikit_learn_s(name: str) -> None:
    theirs, mine = (getattr(module, name)(random_state=1) for module in (linear_model, ours))
    y = NUMBERS if name == "SGDRegressor" else TWO
    for k in range(0, 150, 50):
        more = {} if name in ("SGDRegressor", "SGDOneClassSVM") else {"classes": [0, 1]}
        for each in (theirs, mine):
            each.partial_fit(X[k : k + 50], y[k : k + 50], **more)
    np.testing.assert_allclose(found(mine), found(theirs), rtol=1e-9, atol=1e-12)
    assert mine.t_ == theirs.t_ == 151


def test_float32_stays() -> None:
    mine = ours.SGDClassifier(random_state=3, max_iter=5).fit(X.astype(np.float32), TWO)
    theirs = linear_model.SGDClassifier(random_state=3, max_iter=5).fit(X.astype(np.float32), TWO)
    assert mine.coef_.dtype == np.float32
    # Sums in float32 here, in float64 there.
    np.testing.assert_allclose(mine.coef_, theirs.coef_, rtol=1e-4, atol=1e-3)


DESCENTS = [name for name in ours.__all__ if issubclass(getattr(ours, name), ours.sgd_base.StochasticDescent)]


@pytest.mark.parametrize("name", DESCENTS)
def test_scikit_learn_s_checks_pass(name: str) -> None:
    from sklearn.utils.estimator_checks import check_estimator

    check_estimator(getattr(ours, name)(max_iter=5), expected_failed_checks=EXPECTED_TO_FAIL)


def test_probabilities_are_scikit_learn_s() -> None:
    for loss, y in (("log_loss", TWO), ("log_loss", THREE), ("modified_huber", THREE)):
        settings = {"loss": loss, "random_state": 0, "learning_rate": "constant", "max_iter": 9}
        theirs, mine = (module.SGDClassifier(**settings).fit(X, y) for module in (linear_model, ours))
        np.testing.assert_allclose(mine.predict_proba(X), theirs.predict_proba(X), rtol=1e-9, atol=1e-12)
        with np.errstate(divide="ignore"):
            np.testing.assert_allclose(mine.predict_log_proba(X), theirs.predict_log_proba(X), rtol=1e-9, atol=1e-9)
    assert not hasattr(ours.SGDClassifier(), "predict_proba")


def test_balanced_weights_follow_the_rows_seen() -> None:
    rare = np.r_[np.zeros(140, int), np.ones(10, int)]
    whole = ours.SGDClassifier(class_weight="balanced", random_state=0).partial_fit(X, rare, classes=[0, 1])
    weights = np.where(rare == 1, 150 / 20, 150 / 280)
    same = ours.SGDClassifier(random_state=0).partial_fit(X, rare, classes=[0, 1], sample_weight=weights)
    np.testing.assert_allclose(whole.coef_, same.coef_, rtol=1e-12)


def test_rows_that_do_not_count_move_nothing() -> None:
    model = ours.SGDClassifier(random_state=0).partial_fit(X, TWO, classes=[0, 1])
    before = model.coef_.copy()
    model.partial_fit(X, TWO, sample_weight=np.zeros(150))
    assert np.array_equal(model.coef_, before)
    with pytest.raises(ValueError, match="at least one non-zero"):
        ours.SGDRegressor().fit(X, NUMBERS, sample_weight=np.zeros(150))


def test_an_overflow_leaves_the_estimator_as_it_was() -> None:
    model = ours.SGDRegressor(learning_rate="constant", eta0=0.01, random_state=0).partial_fit(X, NUMBERS)
    before, t = found(model), model.t_
    with pytest.raises(ValueError, match="under-/overflow occurred at epoch #1"):
        model.partial_fit(X * 1e200, NUMBERS)
    assert np.array_equal(found(model), before)
    assert model.t_ == t
    with pytest.raises(ValueError, match="under-/overflow occurred"):
        model.fit(X * 1e200, NUMBERS)
    assert np.array_equal(found(model), before)
    assert model.t_ == t


def test_columns_out_of_range_are_refused() -> None:
    broken = sparse.csr_matrix(X)
    broken.indices = np.where(np.arange(broken.nnz) == broken.nnz - 1, 7, broken.indices).astype(np.int32)
    given = ours.SGDClassifier(max_iter=1, tol=None)._settings()
    y = np.where(TWO == 1, 1.0, -1.0)
    options: dict[str, Any] = {"t": 1.0, "seed": None, "max_iter": 1, "tol": None, "n_iter_no_change": 5, "verbose": 0}
    for count in (1, 2):
        starts = [ours.descent.Descent(np.zeros(7)) for _ in range(count)]
        models = [
            ours.descent.Epochs(start, broken, lambda: (y, None), np.ones(150), settings=given, **options)
            for start in starts
        ]
        ours.descent.descend(models)
        for one in models:
            assert one.is_over
            assert "indices" in str(one.error)


def test_threads_over_classes_change_no_bit() -> None:
    one, two = (ours.SGDClassifier(random_state=0, n_jobs=jobs).fit(X, THREE) for jobs in (1, 2))
    assert np.array_equal(one.coef_, two.coef_)


def test_it_goes_where_estimators_go() -> None:
    pipeline = pytest.importorskip("sklearn.pipeline")
    search = pytest.importorskip("sklearn.model_selection")
    scaler = pytest.importorskip("sklearn.preprocessing")
    model = pipeline.make_pipeline(scaler.StandardScaler(), ours.SGDClassifier(random_state=0, loss="log_loss"))
    found_best = search.GridSearchCV(model, {"sgdclassifier__alpha": [1e-4, 1e-2]}, cv=3, n_jobs=2).fit(X, TWO)
    assert found_best.best_score_ > 0.8
    again = pickle.loads(pickle.dumps(found_best.best_estimator_))
    assert np.array_equal(again.predict(X), found_best.predict(X))


def test_messages_are_scikit_learn_s() -> None:
    with pytest.raises(ValueError, match="The 'alpha' parameter of SGDClassifier must be a float in the range"):
        ours.SGDClassifier(alpha=-1).fit(X, TWO)
    with pytest.raises(ValueError, match="alpha must be > 0 since learning_rate is 'optimal'"):
        ours.SGDClassifier(alpha=0).fit(X, TWO)
    with pytest.raises(ValueError, match="has to be greater than one; got 1 class"):
        ours.SGDClassifier().fit(X, np.zeros(150))
    with pytest.raises(ValueError, match="classes must be passed on the first call to partial_fit"):
        ours.SGDClassifier().partial_fit(X, TWO)
