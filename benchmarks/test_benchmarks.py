"""Small sizes of the cases: that they run and check their results, and how long they take (pytest-benchmark)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import report
import run
from cases import loop, mlp, step
from rivals import gradstep as ours
from rivals import numpy as numpys

CASES = {"gradstep": ours.CASES, "numpy": numpys.CASES}
PROBLEMS = [
    *((step, problem) for problem in step.problems([1_000, 100_000])),
    (step, {"name": "20 x 1,000", "lengths": [1_000] * 20}),
    (loop, loop.problems([32])[0]),
    *((mlp, problem) for problem in mlp.problems([1, 32])),
]


@pytest.mark.parametrize("rival", CASES)
@pytest.mark.parametrize(("case", "problem"), PROBLEMS, ids=lambda p: p["name"] if isinstance(p, dict) else p.NAME)
def test_case(benchmark: Any, case: Any, problem: dict[str, Any], rival: str) -> None:
    contestant = next(iter(CASES[rival][case.NAME].values()))(problem)
    case.check(contestant.checked(), case.oracle(problem))
    benchmark.group = f"{case.NAME} {problem['name']}"
    benchmark.pedantic(contestant.run, rounds=3, warmup_rounds=1)


def test_checks_refuse_another_optimizer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Adam without its bias correction is noticed by every case."""
    monkeypatch.setattr(numpys.Adam, "step", lambda adam, grads: _uncorrected(adam, grads))
    for case, problem in (PROBLEMS[0], (loop, loop.problems()[0]), (mlp, mlp.problems([32])[0])):
        contestant = next(iter(numpys.CASES[case.NAME].values()))(problem)
        with pytest.raises(ArithmeticError, match="oracle"):
            case.check(contestant.checked(), case.oracle(problem))


def _uncorrected(adam: numpys.Adam, grads: list[np.ndarray]) -> None:
    for p, g, m, v in zip(adam.params, grads, adam.m, adam.v, strict=True):
        m += 0.1 * (g.ravel() - m)
        v += 0.001 * (g.ravel() ** 2 - v)
        p -= 1e-3 * m / (np.sqrt(v) + 1e-8)


@pytest.mark.skipif(not (shutil.which("c++") or shutil.which("g++")), reason="limits.cpp needs a C++ compiler")
def test_the_command(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """run.py from end to end: processes, limits, results as JSON, and the report made of them again."""
    out = tmp_path / "results.json"
    results = run.main(["step", "--quick", "--rivals", "gradstep", "numpy", "--json", str(out)])
    assert json.loads(out.read_text()) == results
    assert [sorted(problem["seconds"]) for problem in results["cases"]["step"]] == [
        ["gradstep: bound", "numpy: blocked"]
    ] * 4
    assert not any(problem["errors"] for problem in results["cases"]["step"])
    assert "x 7-stream sweep" in report.markdown(results)
    assert "gradstep: bound" in capfd.readouterr().out


def test_arguments_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for given, said in ((["nothing"], "got nothing"), (["step", "mlp", "--sizes", "3"], "one CASE")):
        with pytest.raises(SystemExit):
            run.arguments(given)
        assert said in capsys.readouterr().err
    with pytest.raises(SystemExit, match="there is none at"):
        run.digits("no such file")
