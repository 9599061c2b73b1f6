"""Small sizes of the cases: that they run and check their results, and how long they take (pytest-benchmark)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import harness
import history
import numpy as np
import pytest
import report
import run
from cases import gemm, loop, many, mlp, step
from rivals import gradstep as ours
from rivals import numpy as numpys

CASES = {"gradstep": ours.CASES, "numpy": numpys.CASES}
PROBLEMS = [
    *((step, problem) for problem in step.problems([1_000, 100_000])),
    (step, {"name": "20 x 1,000", "lengths": [1_000] * 20}),
    (loop, loop.problems([32])[0]),
    *((mlp, problem) for problem in mlp.problems([1, 32])),
    *((gemm, problem) for problem in gemm.problems(quick=True)),
]


@pytest.mark.parametrize("rival", CASES)
@pytest.mark.parametrize(("case", "problem"), PROBLEMS, ids=lambda p: p["name"] if isinstance(p, dict) else p.NAME)
def test_case(benchmark: Any, case: Any, problem: dict[str, Any], rival: str) -> None:
    contestant = next(iter(CASES[rival][case.NAME].values()))(problem)
    case.check(contestant.checked(), case.oracle(problem))
    benchmark.group = f"{case.NAME} {problem['name']}"
    benchmark.pedantic(contestant.run, rounds=3, warmup_rounds=1)


@pytest.mark.parametrize("variant", ours.CASES["many"])
def test_many_models(variant: str) -> None:
    (problem,) = many.problems(quick=True)
    contestant = ours.CASES["many"][variant](problem)
    many.check(contestant.checked(), many.oracle(problem)[variant])


def test_checks_refuse_another_optimizer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Adam without its bias correction is noticed by every case."""
    monkeypatch.setattr(numpys.Adam, "step", lambda adam, grads: _uncorrected(adam, grads))
    for case, problem in (PROBLEMS[0], (loop, loop.problems()[0]), (mlp, mlp.problems([32])[0])):
        contestant = next(iter(numpys.CASES[case.NAME].values()))(problem)
        with pytest.raises(ArithmeticError, match="oracle"):
            case.check(contestant.checked(), case.oracle(problem))


def test_products_in_half_precision_are_refused() -> None:
    """Also where a rival calls them float32, as some do to be fast."""
    for problem in gemm.problems(quick=True):
        expected = gemm.oracle(problem)
        halves = [(a.astype(np.float16), b.astype(np.float16)) for a, b, _ in gemm.inputs(problem)]
        result = gemm.joined([a.astype(np.float32) @ b.astype(np.float32) for a, b in halves])
        with pytest.raises(ArithmeticError, match=r"at most .* is rounding"):
            gemm.check(result, expected)


def test_problems_of_gemm() -> None:
    """The step's products are the arithmetic of `mlp`'s step, and every kind of them is also measured by itself."""
    problems = gemm.problems()
    assert len({problem["name"] for problem in problems}) == len(problems) == 42
    for batch in gemm.BATCHES:
        name = f"the step's products, batch {batch}, float32, aligned"
        of_batch = {p["name"]: p for p in problems if p["name"] == name}
        (together,) = of_batch.values()
        assert gemm.count(together) == batch * mlp.FLOPS_PER_SAMPLE
        singly = gemm.singly(batch).values()
        assert set(singly) < set(together["products"])
        assert {order for *_, order in singly} == {"CC", "FC", "CF"}
    for place, border in gemm.PLACES.items():
        problem = {"dtype": "float64", "place": place, "products": [gemm.gradient(3, 5, 4)]}
        a, b, out = gemm.inputs(problem)[0]
        assert (a.shape, b.shape, out.shape) == ((5, 3), (3, 4), (5, 4))
        assert (a.flags.f_contiguous, b.flags.c_contiguous) == (True, True)
        assert [array.ctypes.data % 64 for array in (a, b, out)] == [border] * 3


def test_each_row_is_set_against_its_own_threads() -> None:
    """A row on one thread: its share of one thread's peak, its ratio to gradstep on one thread."""
    problem = {"name": "x", "dtype": "float32", "products": [(10, 10, 10, "CC")]}  # 2,000 operations
    seconds = {"gradstep: m": 1e-6, "numpy: m": 2e-6, "gradstep: m, 1 thread": 3e-6, "numpy: m, 1 thread": 12e-6}
    limits = {"fma": 0.25e-9, "fma, 1 thread": 1e-9}
    text = report.problem_text(gemm, {"problem": problem, "seconds": seconds, "limits": limits, "errors": {}})
    cells = {line.split("|")[1].strip(): line.split("|")[3:-1] for line in text.splitlines()[4:]}
    rows = {title: [cell.strip() for cell in row] for title, row in cells.items()}
    assert rows == {
        "gradstep: m": ["2.0", "50 %", "1.00"],
        "numpy: m": ["1.0", "25 %", "2.00"],
        "limit: FMA peak": ["4.0", "100 %", "0.50"],
        "gradstep: m, 1 thread": ["0.7", "67 %", "1.00"],
        "numpy: m, 1 thread": ["0.2", "17 %", "4.00"],
        "limit: FMA peak, 1 thread": ["1.0", "100 %", "0.67"],
    }


def test_summary_has_the_longer_list_down() -> None:
    def results(names: str) -> list[dict[str, Any]]:
        problem = {"dtype": "float32", "products": [(10, 10, 10, "CC")]}
        seconds = {"gradstep: m": 1e-6, "numpy: m": 2e-6}
        return [
            {"problem": {**problem, "name": n}, "seconds": seconds, "limits": {"fma": 0.25e-9}, "errors": {}}
            for n in names
        ]

    wide, tall = (report.summary(gemm, results(names)).splitlines()[2:] for names in ("xy", "xyz"))
    cells = [[[cell.strip() for cell in line.split("|")[1:-1]] for line in text] for text in (wide, tall)]
    assert cells[0][0] == ["", "x", "y"]
    assert cells[0][2:] == [["numpy: m", "2.00", "2.00"], ["limit: FMA peak", "0.50", "0.50"]]
    assert cells[1][0] == ["", "numpy: m", "limit: FMA peak"]
    assert cells[1][2:] == [[name, "2.00", "0.50"] for name in "xyz"]
    assert report.summary(gemm, results("x")) == report.summary(loop, results("")) == ""


def test_who_runs_on_one_thread() -> None:
    full, trial, single = (run.arguments(given.split()) for given in ("mlp", "mlp --quick", "mlp --threads 1"))
    alone = [(name, form) for name, form, threads, _ in run.contestants(mlp, full) if threads == 1]
    assert alone == [("gradstep", "fit"), ("torch", "fused"), ("jax", "scan an epoch")]
    assert [name for name, _, threads, _ in run.contestants(mlp, trial) if threads == 1] == ["gradstep"]
    assert [(name, form) for name, form, *_ in run.contestants(mlp, single)] == list(mlp.RIVALS)


def test_pins_are_removed_and_threads_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    monkeypatch.setenv("OPENBLAS_L2_SIZE", "512")
    env = harness.environment(3)
    assert not env.keys() & set(harness.PINS)
    assert env["OMP_NUM_THREADS"] == env["OPENBLAS_NUM_THREADS"] == "3"
    assert harness.card(3)["pins removed"] == list(harness.PINS)


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


@pytest.mark.skipif(not (shutil.which("c++") or shutil.which("g++")), reason="limits.cpp needs a C++ compiler")
def test_gradstep_takes_part_where_the_rivals_interpreter_lacks_it() -> None:
    results = run.main(["step", "--quick", "--rivals", "gradstep", "numpy", "--python", shutil.which("false") or ""])
    assert {title for problem in results["cases"]["step"] for title in problem["seconds"]} == {"gradstep: bound"}
    assert "ended with exit status" in results["rivals"]["numpy"]


@pytest.mark.skipif(not (shutil.which("c++") or shutil.which("g++")), reason="limits.cpp needs a C++ compiler")
def test_the_command_on_products() -> None:
    """Both dtypes, our own row on one thread, and the BLAS kernel that NumPy ran."""
    results = run.main(["gemm", "--quick", "--rivals", "gradstep", "numpy"])
    found = [(p["problem"]["dtype"], p["problem"]["place"]) for p in results["cases"]["gemm"]]
    assert set(found) == {(dtype, place) for dtype in ("float32", "float64") for place in gemm.PLACES}
    for problem in results["cases"]["gemm"]:
        assert set(problem["seconds"]) == {"gradstep: matmul", "gradstep: matmul, 1 thread", "numpy: matmul"}
        assert not problem["errors"]
    assert "blas" in results["rivals"]["numpy"]


@pytest.mark.skipif(not (shutil.which("c++") or shutil.which("g++")), reason="limits.cpp needs a C++ compiler")
def test_the_roofline(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A kernel of each kind on one thread: every one has a roof, the table a row, and there is a picture."""
    out = tmp_path / "roofline.json"
    found = run.main(["roofline", "--quick", "--threads", "1", "--json", str(out)])["roofline"]
    assert json.loads(out.read_text())["roofline"] == found
    (single,) = found["threads"].values()
    kinds = ["product", "sweep", "map", "reduce", "normalize", "conv", "pool", "cell", "attention"]
    assert [kernel["kind"] for kernel in single["kernels"]] == kinds
    assert all(0 < kernel["roof"] < 1 and kernel["seconds"] > 0 for kernel in single["kernels"])
    assert {kernel["bound"] for kernel in single["kernels"]} <= {"operations", "bytes"}
    assert found["caches"] == sorted(found["caches"])
    assert found["handover"] > 0
    assert out.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    said = capfd.readouterr().out
    assert all(f"| {kernel['name']} " in said for kernel in single["kernels"])


def test_arguments_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    refused = (
        (["nothing"], "got nothing"),
        (["step", "mlp", "--sizes", "3"], "one CASE"),
        (["roofline", "mlp"], "alone"),
    )
    for given, said in refused:
        with pytest.raises(SystemExit):
            run.arguments(given)
        assert said in capsys.readouterr().err
    with pytest.raises(SystemExit, match="there is none at"):
        run.digits("no such file")


def test_every_committed_run_is_in_the_history() -> None:
    known = json.loads(history.HISTORY.read_text("utf-8"))
    for path in history.HISTORY.parent.glob("*.json"):
        result = json.loads(path.read_text("utf-8"))
        if {"card", "rivals", "cases"} <= result.keys():
            kept = {history.key(entry): entry for entry in known[history.machine(result["card"])]}
            for entry in json.loads(json.dumps(history.entries(result))):
                assert kept[history.key(entry)] == entry, f"add {path.name} by python benchmarks/history.py {path}"


def test_a_day_is_in_the_history_once(tmp_path: Path) -> None:
    card = {"cpu": "a CPU", "cores": 2, "threads": 1, "date": "2026-01-01"}
    problem = {"problem": {"name": "batch 32", "batch": 32}, "limits": {"fma": 1e-12}, "errors": {}}
    path = tmp_path / "history.json"
    for date, seconds in (("2026-01-01", 3e-3), ("2026-01-02", 2e-3), ("2026-01-02", 1e-3)):
        measured = {**problem, "seconds": {"gradstep: fit": seconds, "torch: default": 4e-3}}
        history.add(path, {"card": {**card, "date": date}, "cases": {"cnn": [measured]}})
    ((name, entries),) = json.loads(path.read_text("utf-8")).items()
    assert name == "a CPU, 2 cores, 1 thread"
    assert [(entry["date"], entry["seconds"]) for entry in entries] == [("2026-01-01", 3e-3), ("2026-01-02", 1e-3)]
    assert entries[1]["rival"] == ["torch: default", 4.0]
