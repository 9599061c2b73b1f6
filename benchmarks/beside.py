"""Runs the case `load`: each of its problems has contestants and surroundings of its own."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import harness
from cases import load, mlp

# A busy process: never sleeps, reads nothing, may run on the same cores as the contestants, pinned to none.
BUSY = "print(flush=True)\nwhile True: pass"


class Contestant(harness.Rival):
    """A rival with a number of threads that may run on more cores than that."""

    def __init__(self, name: str, variant: str, python: str, threads: int, cores: int, title: str) -> None:
        self.cores, self._title = cores, title
        super().__init__(name, variant, python, threads)

    @property
    def title(self) -> str:
        return self._title

    def check(self, case: ModuleType, problem: dict[str, Any], expected: Any) -> bool:
        # The rivals of `mlp` are at work unchanged.
        return super().check(mlp if problem["kind"] == "threads" else case, problem, expected)

    def warm_up(self, seconds: float) -> int:
        # Some libraries have as many threads as they had cores when they made them, which now they have.
        cores = sorted(os.sched_getaffinity(0))[: self.cores]
        for thread in Path(f"/proc/{self.child.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), cores)
        return super().warm_up(seconds)


@contextmanager
def busy(processes: int, cores: int) -> Iterator[None]:
    """Others that work on the first `cores` cores."""
    allowed = sorted(os.sched_getaffinity(0))[:cores]
    children = [subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE) for _ in range(processes)]
    try:
        for child in children:
            assert child.stdout
            child.stdout.readline()  # it runs
            os.sched_setaffinity(child.pid, allowed)
        yield
    finally:
        for child in children:
            child.kill()
            child.communicate()


def run_problem(
    problem: dict[str, Any], args: argparse.Namespace, machine: harness.Limits, data: str | None, seen: dict[str, str]
) -> dict[str, Any]:
    with ExitStack() as stack:
        rivals = []
        for name, variant, threads, title in contestants(problem, args):
            rival = stack.enter_context(Contestant(name, variant, args.python, threads, args.threads, title))
            seen.setdefault(name, rival.error or ", ".join(f"{k} {v}" for k, v in rival.versions.items() if v))
            if not rival.error:
                rivals.append(rival)
        stack.enter_context(busy(problem.get("busy", 0), args.threads))
        given = {**problem, "data": data}
        if problem["kind"] == "signals":
            return {**signals(given, rivals, args.seconds), "problem": problem}
        result = harness.measure_problem(load, given, list(rivals), machine, args.rounds, args.seconds)
        return {**result, "problem": problem}


def contestants(problem: dict[str, Any], args: argparse.Namespace) -> list[tuple[str, str, int, str]]:
    """Module, form, threads and title of each process that a problem needs."""
    if problem["kind"] == "threads":
        chosen = [(name, form) for name, form in load.RIVALS if not args.rivals or name in args.rivals]
        if args.quick:
            chosen = [(name, form) for name, form in chosen if name != "jax"]  # it compiles for seconds
        numbers = [1, *([args.threads] if args.threads > 1 else [])]
        return [(name, form, n, f"{name}: {form}, {n} thread{'s' * (n > 1)}") for name, form in chosen for n in numbers]
    if args.rivals and "gradstep" not in args.rivals:
        return []
    forms = {
        "turns": ("beside", (load.USUAL, load.AFTER, load.AFTER_ONE)),
        "signals": ("beside", (load.CTRL_C,)),
        "imports": ("imports", problem.get("orders", ())),
    }
    module, chosen_forms = forms[problem["kind"]]
    return [(module, form, args.threads, form) for form in chosen_forms]


def signals(problem: dict[str, Any], rivals: list[Contestant], seconds: float) -> dict[str, Any]:
    """As `harness.measure_problem`, but every sample counts, and is kept."""
    samples: dict[str, list[float]] = {}
    errors = {}
    for rival in rivals:
        rival.check(load, problem, load.oracle(problem))
        found: list[float] = []
        while not rival.error and len(found) < problem["signals"]:
            found += rival.measure(seconds, 1)
        if rival.error:
            errors[rival.title] = rival.error
        else:
            samples[rival.title] = found[: problem["signals"]]
    medians = {title: statistics.median(found) for title, found in samples.items()}
    return {"seconds": medians, "samples": samples, "limits": {}, "errors": errors}
