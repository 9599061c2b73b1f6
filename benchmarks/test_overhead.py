"""The case `overhead`: that its rows train as the oracle does, go on, and are set against the engine's."""

from __future__ import annotations

from typing import Any

import pytest
from cases import overhead
from rivals import gradstep as ours

PROBLEMS = overhead.problems(quick=True)


@pytest.mark.parametrize("form", ours.CASES["overhead"])
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem["name"])
def test_rows(problem: dict[str, Any], form: str) -> None:
    contestant = ours.CASES["overhead"][form](problem)
    overhead.check(contestant.checked(), overhead.oracle(problem))
    steps = contestant.model.optimizer.iterations
    contestant.run()
    made = contestant.model.optimizer.iterations - steps
    assert made == {overhead.FIT: contestant.steps_per_run, overhead.TRAIN: 1, overhead.PREDICT: 0}[problem["kind"]]


def test_columns() -> None:
    fit, train, *_ = PROBLEMS
    assert overhead.columns(fit, 1.1e-4, 1e-4, {}) == {"us": "110.0", "over the engine": "+10.0 %"}
    assert overhead.columns(train, 1.1e-4, 1e-4, {}) == {"us": "110.0", "over the engine": "+10.0 us"}
    assert overhead.columns(train, 1.1e-4, None, {}) == {"us": "110.0"}
