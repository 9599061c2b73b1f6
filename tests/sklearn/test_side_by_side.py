"""Linear models that are trained side by side get what each gets alone, bit for bit."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")
sparse = pytest.importorskip("scipy.sparse")
ours = pytest.importorskip("gradstep.sklearn")
descent = pytest.importorskip("gradstep.sklearn.descent")

RNG = np.random.default_rng(5)
X = RNG.standard_normal((301, 21))
SCORES = X @ RNG.standard_normal((21, 11)) + 0.5 * RNG.standard_normal((301, 11))
FOUR, ELEVEN = SCORES[:, :4].argmax(axis=1), SCORES.argmax(axis=1)
SETTINGS: list[dict[str, Any]] = [
    {},
    {"loss": "log_loss", "learning_rate": "adaptive", "eta0": 0.1, "max_iter": 60, "tol": 1e-2, "n_iter_no_change": 2},
    {"penalty": "l1", "average": 100},
    {"average": True, "shuffle": False},
    {"early_stopping": True, "n_iter_no_change": 2},
    {"batch_size": 16},
    {"optimizer": "adam"},
    {"loss": "squared_hinge", "learning_rate": "pa1"} | {"loss": "hinge"},
]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Of few epochs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def of_all(y: np.ndarray, data: Any = X, **settings: Any) -> Any:
    return ours.SGDClassifier(**{"random_state": 3, "max_iter": 7, "tol": 1e-3} | settings).fit(data, y)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("kind", ["float64", "float32", "sparse"])
def test_classes_are_trained_as_if_alone(settings: dict[str, Any], kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = sparse.csr_matrix(np.where(X > 0.5, X, 0)) if kind == "sparse" else X.astype(kind)
    together = of_all(FOUR, data, **settings)
    monkeypatch.setattr(descent, "SIDE_BY_SIDE", 1)
    alone = of_all(FOUR, data, **settings)
    for name in ("coef_", "intercept_", "loss_curve_", "n_iter_", "t_"):
        assert np.array_equal(getattr(together, name), getattr(alone, name), equal_nan=True), name


def test_groups_of_classes_and_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    together, threads = of_all(ELEVEN), of_all(ELEVEN, n_jobs=3)
    monkeypatch.setattr(descent, "FEW_ROWS", 300)
    alone = of_all(ELEVEN)
    assert np.array_equal(together.coef_, alone.coef_)
    assert np.array_equal(together.coef_, threads.coef_)


def test_one_that_overflows_changes_nothing() -> None:
    model = ours.SGDClassifier(random_state=0, max_iter=2, tol=None).fit(X, FOUR)
    before = model.coef_.copy()
    with pytest.raises(ValueError, match="under-/overflow occurred at epoch #1"):
        model.set_params(loss="squared_error", learning_rate="constant", eta0=0.01).fit(X * 1e200, FOUR)
    assert np.array_equal(model.coef_, before)


def test_what_is_no_group_is_refused() -> None:
    core = pytest.importorskip("gradstep._core")
    with pytest.raises(ValueError, match="a seed, or None, for each descent; there are 1 for 0"):
        core.linear_epochs([], [1])
    settings = ours.SGDClassifier()._settings() | {"intercept_share": 1.0, "sums_objective": True}
    y = np.where(FOUR > 1, 1.0, -1.0)
    one = core.LinearDescent(X, y, np.ones(301), None, np.zeros(21), None, settings)
    with pytest.raises(ValueError, match="different ones"):
        core.linear_epochs([one, one], [1, 2])


def test_models_of_other_sizes_and_dtypes() -> None:
    core = pytest.importorskip("gradstep._core")
    settings = ours.SGDClassifier(loss="log_loss")._settings() | {"intercept_share": 1.0, "sums_objective": True}
    y = np.where(FOUR > 1, 1.0, -1.0)

    def made() -> list[tuple[Any, np.ndarray]]:
        found = []
        for rows, columns, dtype in ((301, 21, "f8"), (1, 5, "f8"), (98, 20, "f4"), (300, 3, "f8"), (77, 21, "f4")):
            w = np.zeros(columns, dtype)
            parts = (np.ascontiguousarray(X[:rows, :columns], dtype), y[:rows].astype(dtype), np.ones(rows, dtype))
            found.append((core.LinearDescent(*parts, None, w, None, settings), w))
        return found

    alone, together = made(), made()
    for _ in range(3):
        core.linear_epochs([one for one, _ in together], [None, 1, 2, 3, 4])
        for (one, _), seed in zip(alone, [None, 1, 2, 3, 4], strict=True):
            one.epoch(seed)
    for (one, w), (other, v) in zip(alone, together, strict=True):
        assert np.array_equal(w, v)
        assert (one.intercept, one.loss, one.t) == (other.intercept, other.loss, other.t)
