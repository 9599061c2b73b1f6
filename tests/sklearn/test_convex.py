"""Linear estimators whose minimum is one: beside scikit-learn's, at tight tolerances."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

linear_model = pytest.importorskip("sklearn.linear_model")
svm = pytest.importorskip("sklearn.svm")
sparse = pytest.importorskip("scipy.sparse")
special = pytest.importorskip("scipy.special")
ours = pytest.importorskip("gradstep.sklearn")

RNG = np.random.default_rng(0)
X = RNG.standard_normal((120, 9))
X[RNG.random(X.shape) < 0.4] = 0
X[:, 3] += 2
TWO = (X @ RNG.standard_normal(9) + RNG.standard_normal(120) > 0).astype(int)
THREE = np.digitize(X @ RNG.standard_normal(9) + 0.5 * RNG.standard_normal(120), [-1, 1.5])
NUMBERS = X @ RNG.standard_normal(9) + 0.3 * RNG.standard_normal(120) + 4
NUMBERS[:6] += 30
WIDE = RNG.standard_normal((40, 300))
WIDE_NUMBERS = WIDE[:, :5].sum(axis=1) + 0.1 * RNG.standard_normal(40)
WEIGHTS = RNG.random(120) + 0.1
KINDS = {"float64": X, "float32": X.astype(np.float32), "csr": sparse.csr_matrix(X)}


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Where a tolerance is below rounding both warn; scikit-learn warns of its own parameters too."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def dense(data: Any) -> np.ndarray:
    return np.asarray(data.toarray() if sparse.issparse(data) else data, np.float64)


def sums(model: Any, data: np.ndarray) -> np.ndarray:
    made = data @ np.atleast_2d(model.coef_).T.astype(np.float64) + np.ravel(model.intercept_)
    return made[:, 0] if made.shape[1] == 1 else made


def penalty(model: Any, l1: float, l2: float) -> float:
    w = np.asarray(model.coef_, np.float64)
    return l1 * float(np.abs(w).sum()) + l2 / 2 * float((w * w).sum())


def log_losses(model: Any, data: np.ndarray, y: np.ndarray) -> np.ndarray:
    p = sums(model, data)
    if p.ndim == 1:
        return np.logaddexp(0, -np.where(y == model.classes_[1], 1, -1) * p)
    return special.logsumexp(p, axis=1) - p[np.arange(len(y)), np.searchsorted(model.classes_, y)]


def assert_as_low(mine: float, best: float) -> None:
    assert mine <= best + 1e-8 * abs(best), (mine, best)


# -- logistic regression ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("y", [TWO, THREE], ids=["two", "three"])
@pytest.mark.parametrize(
    ("solver", "l1_ratio"),
    [("lbfgs", 0.0), ("newton-cg", 0.0), ("newton-cholesky", 0.0), ("saga", 1.0), ("saga", 0.4)],
)
def test_logistic_regression_is_as_low_as_scikit_learn_s(
    kind: str, y: np.ndarray, solver: str, l1_ratio: float
) -> None:
    settings = {"C": 0.3, "l1_ratio": l1_ratio, "max_iter": 20_000}
    mine = ours.LogisticRegression(solver=solver, tol=1e-9, **settings).fit(KINDS[kind], y, WEIGHTS)
    best = "newton-cg" if l1_ratio == 0 else "saga"
    theirs = linear_model.LogisticRegression(solver=best, tol=1e-12, **settings).fit(X, y, WEIGHTS)

    def objective(model: Any, data: np.ndarray) -> float:
        of_weights = penalty(model, l1_ratio / 0.3, (1 - l1_ratio) / 0.3)
        return float(WEIGHTS @ log_losses(model, data, y)) + of_weights

    data = dense(KINDS[kind])
    assert_as_low(objective(mine, data), objective(theirs, data) + (1e-6 if kind == "float32" else 0))
    assert mine.coef_.dtype == KINDS[kind].dtype
    assert mine.coef_.shape == theirs.coef_.shape
    assert mine.intercept_.shape == theirs.intercept_.shape
    if l1_ratio == 1:
        assert np.array_equal(mine.coef_ == 0, theirs.coef_ == 0)
    np.testing.assert_allclose(mine.predict_proba(X), theirs.predict_proba(X), atol=1e-4)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_features_of_different_sizes_cost_l_bfgs_few_iterations(kind: str, classes: int) -> None:
    rng = np.random.default_rng(4)
    even = rng.normal(size=(800, 30))
    y = np.digitize(even @ rng.normal(size=30) + 2 * rng.normal(size=800), [0, 3][: classes - 1])
    sizes = np.geomspace(1e-3, 1e3, 30)
    counts = []
    for x in (even, even * sizes):
        model = ours.LogisticRegression(C=np.inf, max_iter=400).fit(sparse.csr_matrix(x) if kind == "sparse" else x, y)
        counts.append(int(model.n_iter_[0]))
    assert counts[1] < 2 * counts[0] < 60  # the gradient along a large feature has farther to fall
    even_model = ours.LogisticRegression(C=np.inf).fit(even, y)
    assert abs(model.score(even * sizes, y) - even_model.score(even, y)) < 0.01


def test_a_minimum_of_rare_features_is_not_left_at_zero() -> None:
    # Each column is there in 2 of 2,000 rows: gradients are below tol from the start.
    x = sparse.csr_matrix((np.ones(2000), np.arange(2000) // 2, np.arange(2001)), shape=(2000, 1000))
    y = (np.arange(2000) // 2 % 2).astype(int)
    model = ours.LogisticRegression(C=1e3, tol=5e-4).fit(x, y)
    assert model.score(x, y) == 1.0
    assert np.abs(model.coef_).min() > 1


def test_the_intercept_of_liblinear_is_penalized_as_there() -> None:
    for l1_ratio in (0.0, 1.0):
        settings = {"solver": "liblinear", "l1_ratio": l1_ratio, "C": 0.2, "intercept_scaling": 0.5, "max_iter": 10_000}
        mine = ours.LogisticRegression(tol=1e-10, **settings).fit(X, TWO)
        theirs = linear_model.LogisticRegression(tol=1e-10, **settings).fit(X, TWO)
        np.testing.assert_allclose(mine.coef_, theirs.coef_, atol=1e-5)
        np.testing.assert_allclose(mine.intercept_, theirs.intercept_, atol=1e-5)


def test_many_features_are_taken_by_working_sets() -> None:
    data = np.concatenate([X, RNG.standard_normal((120, 1100))], axis=1)
    settings = {"solver": "saga", "l1_ratio": 1.0, "C": 0.1}
    mine = ours.LogisticRegression(tol=1e-9, max_iter=1000, **settings).fit(data, TWO)
    slopes = data.T @ (special.expit(mine.decision_function(data)) - TWO) * 0.1  # C times the losses' gradient
    at_zero = mine.coef_[0] == 0
    assert at_zero.sum() > 1000
    assert np.abs(slopes[at_zero]).max() <= 1 + 1e-6
    np.testing.assert_allclose(slopes[~at_zero], -np.sign(mine.coef_[0][~at_zero]), atol=1e-6)


def test_class_weights_and_warm_start() -> None:
    balanced = {"class_weight": "balanced"}
    mine = ours.LogisticRegression(tol=1e-9, max_iter=1000, **balanced).fit(X, THREE, WEIGHTS)
    theirs = linear_model.LogisticRegression(tol=1e-9, max_iter=1000, **balanced).fit(X, THREE, WEIGHTS)
    np.testing.assert_allclose(mine.coef_, theirs.coef_, atol=1e-6)
    assert mine.n_iter_[0] > 10
    assert mine.set_params(warm_start=True, tol=1e-8).fit(X, THREE, WEIGHTS).n_iter_[0] <= 1
    assert ours.LogisticRegression().fit(X, np.where(TWO, "yes", "no")).predict(X).dtype.kind == "U"


# -- least squares ---------------------------------------------------------------------------------------------------


def squares(model: Any, data: np.ndarray, y: np.ndarray, alpha: float) -> float:
    return float(WEIGHTS @ (y - sums(model, data)) ** 2) + penalty(model, 0, 2 * alpha)


SOLVERS = [("auto", True), *((name, False) for name in ("auto", "svd", "cholesky", "lsqr", "sparse_cg"))]


@pytest.mark.parametrize(
    ("kind", "solver", "positive"), [(k, *s) for k in KINDS for s in SOLVERS if (k, s[0]) != ("csr", "svd")]
)
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_ridge_is_as_low_as_scikit_learn_s(kind: str, fit_intercept: bool, positive: bool, solver: str) -> None:
    settings = {"alpha": 0.7, "fit_intercept": fit_intercept, "positive": positive}
    mine = ours.Ridge(solver=solver, tol=1e-12, **settings).fit(KINDS[kind], NUMBERS, WEIGHTS)
    theirs = linear_model.Ridge(tol=1e-12, max_iter=100_000, **settings).fit(X, NUMBERS, WEIGHTS)
    data = dense(KINDS[kind])
    assert_as_low(squares(mine, data, NUMBERS, 0.7), squares(theirs, data, NUMBERS, 0.7))
    assert mine.coef_.dtype == KINDS[kind].dtype


@pytest.mark.parametrize("shift", [0.0, 1e6])
@pytest.mark.parametrize("is_sorted", [False, True])
def test_ridge_of_many_rows_is_centred_at_their_mean(shift: float, is_sorted: bool) -> None:
    """Its one pass begins with the mean of some rows."""
    rng = np.random.default_rng(7)
    x = rng.standard_normal((5000, 6)) + shift
    x = x[np.argsort(x[:, 0])] if is_sorted else x
    y = (x - shift) @ rng.standard_normal((6, 2)) + 3
    model = ours.Ridge(alpha=2.0).fit(x, y)
    centred = x - shift - (x - shift).mean(axis=0)
    wanted = np.linalg.solve(centred.T @ centred + 2.0 * np.eye(6), centred.T @ (y - y.mean(axis=0))).T
    # Of numbers of 1e6, one in 1e-10 is rounded off.
    np.testing.assert_allclose(model.coef_, wanted, rtol=1e-12 if shift == 0 else 1e-8)
    np.testing.assert_allclose(model.predict(x).mean(axis=0), y.mean(axis=0), rtol=1e-9)


def test_an_objective_at_zeros_is_that_of_its_intercept() -> None:
    data, t = sparse.csr_matrix(X), np.where(TWO == 1, 1.0, -1.0)
    objective = ours.objective.Objective(data, t, None, "log_loss", scale=0.5, l2=0.1)
    f, g = objective.value(np.r_[np.zeros(X.shape[1]), 0.25])
    slopes = -t / (1 + np.exp(t * 0.25))
    assert f == pytest.approx(0.5 * np.logaddexp(0, -t * 0.25).sum(), rel=1e-14)
    np.testing.assert_allclose(g, 0.5 * np.r_[X.T @ slopes, slopes.sum()], rtol=1e-12, atol=1e-13)


def test_ridge_of_more_features_than_rows_and_of_several_targets() -> None:
    Y = np.stack([WIDE_NUMBERS, WIDE_NUMBERS**2], axis=1)
    for data in (WIDE, sparse.csr_matrix(WIDE)):
        mine = ours.Ridge(alpha=[0.5, 2.0], tol=1e-12).fit(data, Y)
        theirs = linear_model.Ridge(alpha=[0.5, 2.0]).fit(WIDE, Y)
        np.testing.assert_allclose(mine.coef_, theirs.coef_, atol=1e-8)
        np.testing.assert_allclose(mine.intercept_, theirs.intercept_, atol=1e-8)


def test_ridge_classifiers_decide_as_scikit_learn_s() -> None:
    many = np.stack([TWO, THREE == 1], axis=1).astype(int)
    for y in (TWO, THREE, many):
        balanced = {"class_weight": None if y.ndim == 2 else "balanced"}
        mine = ours.RidgeClassifier(**balanced).fit(X, y)
        theirs = linear_model.RidgeClassifier(**balanced).fit(X, y)
        np.testing.assert_allclose(mine.coef_, theirs.coef_, atol=1e-9)
        assert np.array_equal(mine.predict(X), theirs.predict(X))
        assert np.array_equal(mine.classes_, theirs.classes_)


@pytest.mark.parametrize(("kind", "shift"), [*((kind, 0) for kind in KINDS), ("float64", 1e4)])
@pytest.mark.parametrize("positive", [True, False])
def test_linear_regression_is_as_low_as_scikit_learn_s(kind: str, positive: bool, shift: float) -> None:
    given = KINDS[kind] + shift if shift else KINDS[kind]
    mine = ours.LinearRegression(positive=positive, tol=1e-12).fit(given, NUMBERS, WEIGHTS)
    theirs = linear_model.LinearRegression(positive=positive, tol=1e-12).fit(dense(given), NUMBERS, WEIGHTS)
    data = dense(given)
    assert_as_low(squares(mine, data, NUMBERS, 0), squares(theirs, data, NUMBERS, 0))
    if not positive and kind == "float64":
        assert mine.rank_ == theirs.rank_
        np.testing.assert_allclose(mine.singular_, theirs.singular_, rtol=1e-10)


def test_dependent_columns_have_the_shortest_solution() -> None:
    data = np.concatenate([X, X[:, :2]], axis=1)
    mine, theirs = (module.LinearRegression().fit(data, NUMBERS) for module in (ours, linear_model))
    np.testing.assert_allclose(mine.coef_, theirs.coef_, atol=1e-9)
    assert mine.rank_ == theirs.rank_ == 9


def test_gradient_descent_comes_to_the_same_minimum() -> None:
    data = (X - X.mean(axis=0)) / X.std(axis=0)
    slow = ours.LinearRegression(solver="gd", max_iter=5000, tol=1e-9).fit(data, NUMBERS)
    np.testing.assert_allclose(slow.coef_, ours.LinearRegression().fit(data, NUMBERS).coef_, atol=1e-7)
    assert len(slow.loss_curve_) == slow.n_iter_ + 1
    assert (np.diff(slow.loss_curve_) < 1e-12).all()  # rounding at the end
    with pytest.raises(ValueError, match="has diverged at iteration"):
        ours.LinearRegression(solver="gd", learning_rate=50.0, max_iter=5000).fit(X, NUMBERS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("l1_ratio", [1.0, 0.6, 0.0])
@pytest.mark.parametrize("positive", [True, False])
@pytest.mark.parametrize("selection", ["cyclic", "random"])
def test_elastic_nets_are_as_low_as_scikit_learn_s(kind: str, l1_ratio: float, positive: bool, selection: str) -> None:
    settings = {"alpha": 0.2, "l1_ratio": l1_ratio, "positive": positive, "selection": selection, "random_state": 1}
    mine = ours.ElasticNet(tol=1e-12, max_iter=50_000, **settings).fit(KINDS[kind], NUMBERS, WEIGHTS)
    theirs = linear_model.ElasticNet(tol=1e-14, max_iter=50_000, **settings).fit(X, NUMBERS, WEIGHTS)

    def objective(model: Any, data: np.ndarray) -> float:
        error = float(WEIGHTS @ (NUMBERS - sums(model, data)) ** 2) / (2 * float(WEIGHTS.sum()))
        return error + penalty(model, 0.2 * l1_ratio, 0.2 * (1 - l1_ratio))

    data = dense(KINDS[kind])
    assert_as_low(objective(mine, data), objective(theirs, data) + (1e-6 if kind == "float32" else 0))
    if l1_ratio > 0:
        assert np.array_equal(mine.coef_ == 0, theirs.coef_ == 0)


def test_the_lasso_ends_by_scikit_learn_s_gap() -> None:
    mine, theirs = (module.Lasso(alpha=0.1, tol=1e-3).fit(X, NUMBERS) for module in (ours, linear_model))
    limit = 1e-3 * float(((NUMBERS - NUMBERS.mean()) ** 2).mean())
    assert 0 <= mine.dual_gap_ <= limit
    assert theirs.dual_gap_ <= limit
    centred = X - X.mean(axis=0)
    known = ours.Lasso(alpha=0.1, tol=1e-10, precompute=centred.T @ centred).fit(X, NUMBERS)
    np.testing.assert_allclose(known.coef_, ours.Lasso(alpha=0.1, tol=1e-10).fit(X, NUMBERS).coef_, atol=1e-8)
    assert known.sparse_coef_.nnz == np.count_nonzero(known.coef_)


def test_a_wide_lasso_goes_by_working_sets() -> None:
    wide = np.concatenate([WIDE, RNG.standard_normal((40, 1400))], axis=1)
    for data in (wide, sparse.csr_matrix(wide)):
        mine = ours.Lasso(alpha=0.05, tol=1e-9, max_iter=50_000).fit(data, WIDE_NUMBERS)
        theirs = linear_model.Lasso(alpha=0.05, tol=1e-10, max_iter=50_000).fit(wide, WIDE_NUMBERS)
        np.testing.assert_allclose(mine.coef_, theirs.coef_, atol=1e-5)
        assert mine.dual_gap_ >= 0


# -- support vector machines and Huber's loss --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("y", [TWO, THREE], ids=["two", "three"])
@pytest.mark.parametrize(("penalty_name", "loss"), [("l2", "squared_hinge"), ("l2", "hinge"), ("l1", "squared_hinge")])
def test_svc_is_as_low_as_scikit_learn_s(kind: str, y: np.ndarray, penalty_name: str, loss: str) -> None:
    settings = {"penalty": penalty_name, "loss": loss, "C": 0.2, "intercept_scaling": 2.0, "class_weight": "balanced"}
    mine = ours.LinearSVC(tol=1e-9, max_iter=100_000, random_state=0, **settings).fit(KINDS[kind], y)
    best = {"dual": loss == "hinge", "tol": 1e-10, "max_iter": 2_000_000, "random_state": 0}
    theirs = svm.LinearSVC(**settings, **best).fit(X, y)

    def objective(model: Any, data: np.ndarray) -> float:
        p = sums(model, data).reshape(len(y), -1)
        table = len(y) / (len(model.classes_) * np.bincount(y))
        total, b = penalty(model, float(penalty_name == "l1"), float(penalty_name == "l2")), model.intercept_ / 2.0
        total += float(np.abs(b).sum()) if penalty_name == "l1" else float(b @ b) / 2
        for k, column in enumerate(p.T):
            label = 1 if len(model.classes_) == 2 else k
            counts = np.where(y == label, table[label], table[0] if len(model.classes_) == 2 else 1.0)
            under = np.maximum(0, 1 - np.where(y == label, 1, -1) * column)
            total += 0.2 * float(counts @ (under**2 if loss == "squared_hinge" else under))
        return total

    data = dense(KINDS[kind])
    assert_as_low(objective(mine, data), objective(theirs, data) + (1e-5 if kind == "float32" else 0))
    assert np.array_equal(mine.predict(X), theirs.predict(X))
    assert mine.coef_.dtype == KINDS[kind].dtype


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loss", ["epsilon_insensitive", "squared_epsilon_insensitive"])
def test_svr_is_as_low_as_scikit_learn_s(kind: str, loss: str) -> None:
    settings = {"loss": loss, "C": 0.1, "epsilon": 0.2}
    mine = ours.LinearSVR(tol=1e-9, max_iter=100_000, random_state=0, **settings).fit(KINDS[kind], NUMBERS, WEIGHTS)
    best = {"dual": True, "tol": 1e-10, "max_iter": 2_000_000, "random_state": 0}
    theirs = svm.LinearSVR(**settings, **best).fit(X, NUMBERS, WEIGHTS)

    def objective(model: Any, data: np.ndarray) -> float:
        over = np.maximum(0, np.abs(NUMBERS - sums(model, data)) - 0.2)
        losses = over**2 if loss.startswith("squared") else over
        return penalty(model, 0, 1) + float(model.intercept_[0]) ** 2 / 2 + 0.1 * float(WEIGHTS @ losses)

    data = dense(KINDS[kind])
    assert_as_low(objective(mine, data), objective(theirs, data) + (1e-5 if kind == "float32" else 0))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_huber_is_as_low_as_scikit_learn_s(kind: str, fit_intercept: bool) -> None:
    settings = {"epsilon": 1.2, "alpha": 0.01, "fit_intercept": fit_intercept, "max_iter": 2000}
    mine = ours.HuberRegressor(tol=1e-8, **settings).fit(KINDS[kind], NUMBERS, WEIGHTS)
    theirs = linear_model.HuberRegressor(tol=1e-8, **settings).fit(X, NUMBERS, WEIGHTS)

    def objective(model: Any, data: np.ndarray) -> float:
        z = np.abs(NUMBERS - sums(model, data)) / model.scale_
        losses = model.scale_ * (1 + np.where(z <= 1.2, z**2, 2 * 1.2 * z - 1.2**2))
        return float(WEIGHTS @ losses) + penalty(model, 0, 0.02)

    data = dense(KINDS[kind])
    assert_as_low(objective(mine, data), objective(theirs, data))
    assert np.array_equal(mine.outliers_, theirs.outliers_)
    assert mine.scale_ == pytest.approx(theirs.scale_, rel=1e-4)
