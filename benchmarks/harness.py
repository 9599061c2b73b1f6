"""Contestants in processes of their own, measured in turns."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

import numpy as np

HERE = Path(__file__).parent
# Some machines pin OpenBLAS to an old kernel or a wrong cache size; rivals run at their best.
PINS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
# Modules of rivals/ that are gradstep alone.
OURS = ("gradstep", "beside")
# A parallel library may keep its threads spinning for a while after its turn.
PAUSE = 0.03


def environment(threads: int) -> dict[str, str]:
    """What a child sees: this process's environment, the same number of threads for everybody, no pins."""
    env = {key: value for key, value in os.environ.items() if key not in PINS}
    for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "BLIS"):
        env[f"{name}_NUM_THREADS"] = str(threads)
    return env


def interpreter(rival: str, python: str) -> str:
    """Which Python runs a rival: `python`, but gradstep is measured where it is installed, here, if it is."""
    return sys.executable if rival in OURS and importlib.util.find_spec("gradstep") else python


class Process:
    """A child that answers requests, a line each."""

    def __init__(self, command: list[str], threads: int) -> None:
        self.child = subprocess.Popen(
            command, cwd=HERE, env=environment(threads), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=None if os.environ.get("GRADSTEP_BENCH_STDERR") else subprocess.DEVNULL, text=True, bufsize=1,
        )  # fmt: skip

    def read(self) -> dict[str, Any]:
        assert self.child.stdout
        line = self.child.stdout.readline()
        return json.loads(line) if line else {"error": f"ended with exit status {self.child.wait()}"}

    def ask(self, line: str) -> dict[str, Any]:
        assert self.child.stdin
        try:
            self.child.stdin.write(line + "\n")
        except BrokenPipeError:
            return {"error": f"ended with exit status {self.child.wait()}"}
        return self.read()

    def __enter__(self) -> Process:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.child.kill()
        self.child.communicate()


class Limits(Process):
    """What the machine can do (rivals/limits.cpp)."""

    def __init__(self, program: Path, threads: int) -> None:
        self.threads = threads
        super().__init__([str(program)], threads)

    def measure(self, request: list[Any], seconds: float) -> list[float]:
        answer = self.ask(" ".join(map(str, [*request, seconds])))
        if "error" in answer:
            raise RuntimeError(f"The limits program {answer['error']}.")
        return answer["seconds"]


class Rival(Process):
    """One library in one of its forms."""

    def __init__(self, name: str, variant: str, python: str, threads: int, note: str = "") -> None:
        """note: what sets its title apart from that of the same form in another process."""
        self.name, self.variant, self.note = name, variant, note
        self.facts: dict[str, float] = {}
        super().__init__([interpreter(name, python), "-m", "rivals.worker", name, str(threads)], threads)
        answer = self.read()
        self.versions: dict[str, str] = answer.get("versions", {})
        self.error: str | None = answer.get("error")

    @property
    def title(self) -> str:
        return f"{self.name}: {self.variant}{self.note}"

    def _ask(self, **request: Any) -> dict[str, Any]:
        answer = self.ask(json.dumps(request))
        self.error = answer.get("error")
        return answer

    def check(self, case: ModuleType, problem: dict[str, Any], expected: Any) -> bool:
        """Sets `error` unless the result is the oracle's; False if the library has no such thing.

        expected: what the oracle said, by form where the forms compute different things.
        """
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "result.npy")
            answer = self._ask(do="check", case=case.NAME, variant=self.variant, problem=problem, file=str(file))
            if self.error or "absent" in answer:
                return "absent" not in answer
            self.versions["blas"] = ", ".join(answer["blas"])
            self.facts = answer["facts"]
            try:
                case.check(np.load(file), expected[self.variant] if isinstance(expected, dict) else expected)
            except ArithmeticError as wrong:
                self.error = f"wrong: {wrong}"
            return True

    def warm_up(self, seconds: float) -> int:
        """Runs for a while; how many runs make a sample of 0.1 ms or more, far above what the clock takes."""
        self._ask(do="measure", seconds=0.0, repeats=1)
        answer = self._ask(do="measure", seconds=seconds, repeats=1)
        return 1 if self.error else 1 + int(1e-4 / statistics.median(answer["seconds"]))

    def measure(self, seconds: float, repeats: int) -> list[float]:
        return self._ask(do="measure", seconds=seconds, repeats=repeats).get("seconds", [])


def compile_limits(folder: Path) -> Path:
    """The program of limits, built for this machine; RuntimeError without a compiler."""
    compiler = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if not compiler:
        raise RuntimeError("The machine's limits are measured by a C++ program; no C++ compiler was found.")
    program = folder / "limits"
    source = HERE / "rivals" / "limits.cpp"
    subprocess.run(
        [compiler, "-O3", "-march=native", "-fno-math-errno", "-fopenmp", str(source), "-o", str(program)], check=True
    )
    return program


def card(threads: int) -> dict[str, Any]:
    """The machine, for whoever reads the results elsewhere."""
    model = "unknown"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        facts = dict(line.split(":", 1) for line in cpuinfo.read_text().splitlines() if ":" in line)
        facts = {key.strip(): value.strip() for key, value in facts.items()}
        family = f"family {facts.get('cpu family')}, model {facts.get('model')}"
        model = f"{facts.get('model name', platform.machine())} ({family})"
    return {
        "cpu": model,
        "cores": len(os.sched_getaffinity(0)),
        "threads": threads,
        "system": platform.platform(),
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d"),
        "load": os.getloadavg()[0],
        "pins removed": [name for name in PINS if name in os.environ],
    }


def measure_problem(
    case: ModuleType, problem: dict[str, Any], rivals: list[Rival], machine: Limits, rounds: int, seconds: float
) -> dict[str, Any]:
    """All rivals on one problem: checked, warmed up, then measured in turns, each round in another order."""
    expected = case.oracle(problem)
    ready: dict[Rival, int] = {}
    errors = {}
    for rival in rivals:
        if not rival.check(case, problem, expected):
            continue
        repeats = 0 if rival.error else rival.warm_up(seconds)
        if rival.error:
            errors[rival.title] = rival.error
        else:
            ready[rival] = repeats
    requests = case.limits(problem, machine.threads)
    samples: dict[str, list[float]] = {rival.title: [] for rival in ready}
    limits: dict[str, list[float]] = {name: [] for name in requests}
    order = random.Random(0)
    for _ in range(rounds):
        turns = [*ready, *requests]
        order.shuffle(turns)
        for turn in turns:
            time.sleep(PAUSE)
            # A round counts as one number: rounds with more samples weigh no more.
            if isinstance(turn, str):
                limits[turn].append(statistics.median(machine.measure(requests[turn], seconds)))
                continue
            found = turn.measure(seconds, ready[turn])
            if found:
                samples[turn.title].append(statistics.median(found))
            else:
                errors[turn.title] = turn.error or "no sample"
    return {
        "problem": problem,
        "seconds": {title: statistics.median(found) for title, found in samples.items() if found},
        "rounds": samples,
        "limits": {name: statistics.median(found) for name, found in limits.items()},
        "limit rounds": limits,
        "facts": {rival.title: rival.facts for rival in ready if rival.facts},
        "errors": errors,
    }
