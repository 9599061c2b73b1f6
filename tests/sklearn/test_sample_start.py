"""Fits to many rows begin at the minimum of some of them: fewer passes, the same minimum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

import scipy.sparse as sp
from gradstep.sklearn import LinearSVC, LogisticRegression
from gradstep.sklearn import objective as objectives

RNG = np.random.default_rng(5)
ROWS = 12_000
X = RNG.normal(size=(ROWS, 6))
SUMS = X @ RNG.normal(size=(6, 3)) + RNG.normal(size=(ROWS, 3))
TWO, THREE = (SUMS[:, 0] > 1).astype(int), SUMS.argmax(axis=1)
KINDS: dict[str, tuple[Any, np.ndarray]] = {
    "lbfgs": (LogisticRegression(tol=1e-9), TWO),
    "newton-cholesky": (LogisticRegression(solver="newton-cholesky", tol=1e-9), TWO),
    "newton-cg": (LogisticRegression(solver="newton-cg", tol=1e-9), THREE),
    "softmax": (LogisticRegression(tol=1e-9), THREE),
    "svc": (LinearSVC(tol=1e-9), TWO),
    "svc, three": (LinearSVC(tol=1e-9), THREE),
}


@pytest.fixture
def samples(monkeypatch: Any) -> list[int]:
    """Rows of the samples that were taken."""
    taken: list[int] = []
    plain = objectives.Objective.sample

    def noted(self: Any) -> Any:
        found = plain(self)
        taken.append(0 if found is None else len(found.y))
        return found

    monkeypatch.setattr(objectives.Objective, "sample", noted)
    return taken


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_minimum_is_that_from_zeros(
    kind: str, is_sparse: bool, weighted: bool, samples: list[int], monkeypatch: Any
) -> None:
    model, y = KINDS[kind]
    x = sp.csr_matrix(X) if is_sparse else X
    weights = RNG.uniform(0.5, 2, ROWS) if weighted else None
    begun = model.fit(x, y, weights)
    coef, intercept, passes = begun.coef_, begun.intercept_, np.max(begun.n_iter_)
    assert set(samples) == {ROWS // 8}
    monkeypatch.setattr(objectives, "LEAST_SAMPLE", ROWS)
    model.fit(x, y, weights)
    np.testing.assert_allclose(coef, model.coef_, rtol=0, atol=1e-6)  # of tol=1e-9, over the least curvature
    np.testing.assert_allclose(intercept, model.intercept_, rtol=0, atol=1e-6)
    assert passes <= np.max(model.n_iter_)


def test_no_sample_that_says_little(samples: list[int]) -> None:
    order = np.argsort(TWO, kind="stable")
    LogisticRegression().fit(X[order], TWO[order])  # the first eighth is of one class
    LogisticRegression().fit(X[:8000], TWO[:8000])  # few rows
    LogisticRegression().fit(np.tile(X, (1, 20)), TWO)  # many coefficients
    weights = np.ones(ROWS)
    weights[: ROWS // 8] = 0
    LogisticRegression().fit(X, TWO, weights)
    assert samples == [0, 0, 0, 0]


def test_a_warm_start_is_where_it_begins(samples: list[int]) -> None:
    model = LogisticRegression(warm_start=True).fit(X, TWO)
    model.fit(X, TWO)
    assert samples == [ROWS // 8]
    assert model.n_iter_[0] == 0


@pytest.fixture
def plain_starts(monkeypatch: Any) -> list[int]:
    """Iterations that the plain L-BFGS made over all rows."""
    found: list[int] = []
    plain = objectives.lbfgs

    def noted(objective: Any, w: Any, gtol: float, max_iter: int) -> Any:
        given = plain(objective, w, gtol, max_iter)
        if len(objective.y) == ROWS:
            found.append(given[1])
        return given

    monkeypatch.setattr(objectives, "lbfgs", noted)
    return found


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_first_steps_by_the_hessian_of_the_sample(
    fit_intercept: bool, is_sparse: bool, weighted: bool, plain_starts: list[int]
) -> None:
    x = sp.csr_matrix(X) if is_sparse else X
    weights = RNG.uniform(0.5, 2, ROWS) if weighted else None
    model = LogisticRegression(fit_intercept=fit_intercept).fit(x, TWO, weights)
    assert plain_starts == []
    exact = LogisticRegression(fit_intercept=fit_intercept, tol=1e-10, solver="newton-cholesky").fit(x, TWO, weights)
    np.testing.assert_allclose(model.coef_, exact.coef_, rtol=0, atol=2e-3)  # of tol=1e-4, over the least curvature
    assert 1 <= model.n_iter_[0] <= 5


def test_a_sample_that_misleads(plain_starts: list[int]) -> None:
    """Features that are small in the first eighth of the rows: its Hessian asks for steps that are much too long."""
    x = X.copy()
    x[: ROWS // 8, :3] *= 1e-3
    model = LogisticRegression(tol=1e-8).fit(x, TWO)
    assert len(plain_starts) == 1
    exact = LogisticRegression(tol=1e-10, solver="newton-cholesky").fit(x, TWO)
    np.testing.assert_allclose(model.coef_, exact.coef_, rtol=0, atol=1e-5)


def test_iterations_have_a_limit() -> None:
    with pytest.warns(Warning, match="failed to converge after 2 iterations"):
        model = LogisticRegression(tol=1e-9, max_iter=2).fit(X, TWO)
    assert model.n_iter_[0] == 2
