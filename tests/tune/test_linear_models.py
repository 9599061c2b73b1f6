"""Searches over linear models of SGD, whose settings are trained side by side: the table is that of single fits."""

from __future__ import annotations

import warnings
from typing import Any

import gradstep as gs
import numpy as np
import pytest

linear_model = pytest.importorskip("sklearn.linear_model")
ours = pytest.importorskip("gradstep.sklearn")

from gradstep.tune import linear_models, searching  # noqa: E402

RNG = np.random.default_rng(6)
X = RNG.normal(size=(120, 6))
NUMBERS = X @ RNG.normal(size=6) + 0.5 * RNG.normal(size=120)
TWO, THREE = np.where(NUMBERS > 0, "yes", "no"), np.digitize(NUMBERS, [-1, 1])
WEIGHTS = RNG.uniform(0.1, 3, 120)


def table(found: Any) -> list[Any]:
    return [(trial.settings, trial.scores, [run.reason for run in trial.runs]) for trial in found]


@pytest.mark.parametrize(
    ("estimator", "space", "y"),
    [
        (ours.SGDClassifier(), {"alpha": np.geomspace(1e-6, 1, 11).tolist()}, TWO),
        (ours.SGDClassifier(max_iter=5), {"penalty": ["l1", "l2"], "loss": ["hinge", "log_loss"]}, THREE),
        (
            ours.SGDRegressor(),
            {"alpha": [1e-4, 0.1], "average": [True, False], "early_stopping": [True, False]},
            NUMBERS,
        ),
        (ours.Perceptron(), {"alpha": [1e-4, 1e-2], "penalty": ["l2"]}, THREE),
    ],
    ids=["binary", "three classes", "regressor", "perceptron"],
)
def test_the_table_is_that_of_single_fits(estimator: Any, space: Any, y: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {"cv": 3, "seeds": 2, "sample_weight": WEIGHTS}
    calls: list[Any] = []

    def run(*given: Any) -> Any:
        calls.append(given)
        return linear_models.run_side_by_side(*given)

    monkeypatch.setattr(searching, "run_side_by_side", run)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        together = gs.tune.grid(estimator, space, X, y, **given)
        assert len(calls) == 1
        threads = gs.tune.grid(estimator, space, X, y, workers=2, **given)
        assert len(calls) == 1
    assert table(together) == table(threads)


def test_failures_are_rows_and_disturb_no_other() -> None:
    model = ours.SGDRegressor(learning_rate="constant", max_iter=3, tol=None, random_state=0)
    found = gs.tune.grid(model, {"eta0": [0.01, 1e300, -1.0, 0.02]}, X, NUMBERS, cv=3)
    good = [gs.tune.grid(model, {"eta0": [rate]}, X, NUMBERS, cv=3)[0].scores for rate in (0.01, 0.02)]
    assert [found[0].scores, found[3].scores] == good
    assert "under-/overflow occurred" in found[1].reason
    assert "The 'eta0' parameter of SGDRegressor must be" in found[2].reason


def test_a_fit_of_a_subclass_is_called() -> None:
    class Own(ours.SGDClassifier):  # type: ignore[name-defined, misc]
        calls = 0

        def fit(self, X: Any, y: Any) -> Any:
            Own.calls += 1
            return super().fit(X, y)

    found = gs.tune.grid(Own(random_state=0), {"alpha": [1e-4, 1e-2]}, X, TWO, cv=2)
    assert Own.calls == 4
    assert table(found) == table(
        gs.tune.grid(ours.SGDClassifier(random_state=0), {"alpha": [1e-4, 1e-2]}, X, TWO, cv=2)
    )


def test_iterations_that_were_too_few_are_warned_of() -> None:
    model = ours.SGDClassifier(max_iter=1, tol=1e-9, random_state=0)
    with pytest.warns(UserWarning, match="Maximum number of iteration reached"):
        gs.tune.grid(model, {"alpha": [1e-4, 1e-2]}, X, TWO, cv=2)
