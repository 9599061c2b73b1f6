"""The case `load`: that its problems run, with real processes and signals, and that its tables say what came out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import beside
import pytest
import report
import run
from cases import load
from cases.adam import ADAM
from rivals.numpy import Adam


@pytest.mark.skipif(not (shutil.which("c++") or shutil.which("g++")), reason="limits.cpp needs a C++ compiler")
def test_the_command(capfd: pytest.CaptureFixture[str]) -> None:
    """Every kind of problem from end to end, with our own rows alone."""
    results = run.main(["load", "--quick", "--rivals", "gradstep"])
    threads, turns, signals, imports = results["cases"]["load"]
    assert not any(problem["errors"] for problem in (threads, turns, signals, imports))
    assert list(threads["seconds"]) == ["gradstep: fit, 1 thread", "gradstep: fit, 2 threads"]
    assert list(turns["seconds"]) == [load.USUAL, load.AFTER, load.AFTER_ONE]
    assert len(signals["samples"][load.CTRL_C]) == 6
    assert list(imports["seconds"]) == list(load.ORDERS[:3])
    text = report.markdown(results)
    assert "2 threads / 1 thread" in text
    assert "x by itself" in text
    assert "99th percentile, ms" in text
    assert load.CTRL_C in capfd.readouterr().out


def shown(kind: str, **result: object) -> dict[str, dict[str, str]]:
    return load.rows({"problem": {"kind": kind}, **result})


def test_tables() -> None:
    seconds = {"a: fit, 1 thread": 2e-4, "a: fit, 2 threads": 1e-4, "b: fit, 2 threads": 3e-4}
    assert shown("threads", seconds=seconds) == {
        "a: fit": {"1 thread, us/step": "200.0", "2 threads, us/step": "100.0", "2 threads / 1 thread": "0.50"},
        "b: fit": {"2 threads, us/step": "300.0"},  # alone it failed
    }
    assert shown("turns", seconds={load.USUAL: 1e-4, load.AFTER: 2e-4})[load.AFTER]["x by itself"] == "2.00"
    assert "x gradstep" not in shown("imports", seconds={"torch, gradstep": 1e-3})["torch, gradstep"]
    row = shown("signals", samples={"s": [i / 1000 for i in range(200, 0, -1)]})["s"]
    # Of 200 samples two lie above the 99th percentile.
    assert row == {"signals": "200", "median, ms": "100.5", "99th percentile, ms": "199.0", "worst, ms": "200.0"}


def test_who_runs() -> None:
    arguments = run.arguments(["load", "--threads", "3"])
    problems = {problem["kind"]: problem for problem in load.problems()}
    wanted = {kind: beside.contestants(problem, arguments) for kind, problem in problems.items()}
    assert [(name, n) for name, _, n, _ in wanted["threads"]] == [
        (name, n) for name in ("gradstep", "torch", "jax") for n in (1, 3)
    ]
    assert [title for *_, title in wanted["imports"]] == list(load.ORDERS)
    assert not beside.contestants(problems["turns"], run.arguments(["load", "--rivals", "torch"]))
    single = beside.contestants(problems["threads"], run.arguments(["load", "--threads", "1"]))
    assert [title for *_, title in single] == [f"{name}: {form}, 1 thread" for name, form in load.RIVALS]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs affinities")
def test_busy_processes_work_on_our_cores_and_end(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = []
    real = subprocess.Popen

    def popen(*arguments: object, **options: object) -> object:
        begun.append(real(*arguments, **options))
        return begun[-1]

    monkeypatch.setattr(beside.subprocess, "Popen", popen)
    with beside.busy(2, 1):
        assert [child.poll() for child in begun] == [None, None]
        assert {frozenset(os.sched_getaffinity(child.pid)) for child in begun} == {
            frozenset(sorted(os.sched_getaffinity(0))[:1])
        }
    assert all(child.poll() is not None for child in begun)


def test_one_thread_may_run_on_every_core() -> None:
    """Its process began with one core, so that libraries that count cores have one thread; it is measured on more."""
    with beside.Contestant("numpy", "by hand", sys.executable, 1, 2, "n") as rival:
        assert len(os.sched_getaffinity(rival.child.pid)) == 1
        rival.warm_up(0.0)
        assert os.sched_getaffinity(rival.child.pid) == set(sorted(os.sched_getaffinity(0))[:2])


def test_the_loop_is_checked() -> None:
    problem = load.problems(quick=True)[-1]
    expected = load.oracle(problem)
    for steps, right in ((load.CHECKED_STEPS, True), (load.CHECKED_STEPS - 1, False)):
        work = load.Loop()
        adam = Adam([work.w], **ADAM)
        for _ in range(steps):
            work.gradients()
            adam.step([work.dw])
        if right:
            load.check(work.w, expected)
        else:
            with pytest.raises(ArithmeticError, match="oracle"):
                load.check(work.w, expected)
