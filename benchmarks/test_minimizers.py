"""The judge of minimizers: that it counts, and that ours solve what benchmarks/README.md says."""

from __future__ import annotations

import minimizers
import numpy as np
import pytest
from classics.problems import problems


def test_problems_have_the_papers_starts_and_gradients() -> None:
    found = problems()
    assert [p.number for p in found] == list(range(1, 36))
    for p in found:
        step = 1e-6 * np.maximum(1, np.abs(p.x0))
        d = step * np.where(np.arange(p.n) % 2, -1, 1)
        change = p.fun(p.x0 + d) - p.fun(p.x0 - d)
        # Values near the start are rounded: relative to f0.
        assert p.jac(p.x0) @ (2 * d) == pytest.approx(change, rel=1e-4, abs=1e-9 * max(1.0, abs(p.f0)))
        assert all(m < p.f0 for m in p.minima)


def test_the_judge_believes_nobody() -> None:
    row = minimizers.judged(lambda p: p.fun(p.x0) > 0)
    assert row["solved"] == [0, 0, 0]
    assert row["lies"] == 35
    assert row["minima"] == 0
    row = minimizers.judged(lambda p: [p.fun(p.x0) for _ in range(minimizers.BUDGET + 1)] == [])
    assert row["spent"] == 35


def test_the_judge_knows_minima_that_the_paper_does_not_list() -> None:
    by_name = {p.name: p for p in problems()}
    for name, start, is_minimum in (
        ("broyden-banded", np.full(10, -10.0), True),  # f = 3.06
        ("osborne-1", np.array([0.62, 18.1, -17.88, 3.15, 2.11]), False),  # where two exponentials have vanished
    ):
        p = minimizers.Counted(by_name[name])
        p.x0 = start
        assert minimizers.ours()["gradstep bfgs"](p)
        assert p.solved_after(1e-3) is None
        assert p.is_at_minimum() == is_minimum
    p = minimizers.Counted(by_name["gulf"], start=10.0)  # which is the solution
    p.fun(p.x0)
    assert p.solved_after(1e-9) == 1


@pytest.mark.parametrize(
    ("name", "solved", "calls"),
    [
        ("bfgs", [35, 34, 30], 31),
        ("l-bfgs", [35, 35, 32], 28),
        ("levenberg-marquardt", [35, 35, 34], 10),
        ("trust-ncg", [34, 33, 28], 15),
    ],
)
def test_ours_reach_their_goals(name: str, solved: list[int], calls: float) -> None:
    row = minimizers.judged(minimizers.ours()[f"gradstep {name}"])
    assert all(found >= least for found, least in zip(row["solved"], solved, strict=True)), row
    assert row["calls"] <= calls
    assert row["lies"] == 0
    assert row["alarms"] <= 1
    assert row["errors"] == 0


def test_l_bfgs_in_bad_units() -> None:
    row = minimizers.judged(minimizers.ours()["gradstep l-bfgs"], scaled=True)
    assert all(found >= least for found, least in zip(row["solved"], [30, 28, 26], strict=True)), row
    assert row["lies"] <= 2
