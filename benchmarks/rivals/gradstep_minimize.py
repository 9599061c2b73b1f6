"""gradstep's rows of the case `minimize`: a function of Python, and one that Numba compiles."""

from __future__ import annotations

import time
from typing import Any

import gradstep as gs
import numpy as np
from cases import minimize
from gradstep.minimize.objectives.compiled import machine_code


class Python:
    """Iterations of a long run beyond those of a short one, less the time of as many calls of the function."""

    steps_per_run = 1
    is_code = False

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem, self.x0, self.fun = problem, minimize.start(problem), self.function()
        self.is_many = problem["method"] == minimize.MANY

    def function(self) -> Any:
        return minimize.function

    def minimized(self, x0: np.ndarray, iterations: int) -> Any:
        method = self.problem["method"]
        rate = 1e-3 if method == "adam" and len(x0) > 2 else 0.05 if method == "adam" else None
        given = {"method": method, "learning_rate": rate, "gtol": 0.0, "maxiter": iterations}
        return gs.minimize(self.fun, x0, jac=True, **given)

    def many(self) -> Any:
        return gs.minimize_many(minimize.rows, self.x0, jac=True)

    def checked(self) -> np.ndarray:
        if self.is_many:
            return np.asarray(self.many().fun)
        return np.array([self.minimized(np.array([-1.2, 1.0]), 3000 if self.problem["method"] == "adam" else 100).fun])

    def called(self, calls: int) -> float:
        """Seconds of so many calls of the function alone."""
        begin = time.perf_counter()
        for _ in range(calls):
            self.fun(self.x0)
        return time.perf_counter() - begin

    def measure(self, seconds: float, repeats: int) -> list[float]:
        """Samples, each of a run."""
        samples, end = [], time.perf_counter() + seconds
        while not samples or time.perf_counter() < end:
            begin = time.perf_counter()
            if self.is_many:
                self.many()
                samples.append((time.perf_counter() - begin) / len(self.x0))
                continue
            (short, few), (long, many) = map(self.timed, self.problem["runs"])
            calls = self.called(many.nfev - few.nfev)
            samples.append((long - short - calls) / max(many.nit - few.nit, 1))
        return samples

    def timed(self, iterations: int) -> tuple[float, Any]:
        """Seconds of a run, and its result."""
        begin = time.perf_counter()
        result = self.minimized(self.x0, iterations)
        return time.perf_counter() - begin, result


class Code(Python):
    """A function without Python."""

    def function(self) -> Any:
        try:
            import numba
            from numba import types
        except ImportError as missing:
            raise NotImplementedError("Numba is not installed") from missing
        real = types.CPointer(types.float64)

        @numba.cfunc(types.float64(types.intp, real, real, types.voidptr))
        def chain(n: int, x: Any, g: Any, user: Any) -> float:
            f = 0.0
            for i in range(n):
                g[i] = 0.0
            for i in range(n - 1):
                a, b = 1 - x[i], x[i + 1] - x[i] * x[i]
                f += a * a + 100 * b * b
                g[i] += -2 * a - 400 * x[i] * b
                g[i + 1] += 200 * b
            return f

        return chain

    def many(self) -> Any:
        return gs.minimize_many(self.fun, self.x0)

    def called(self, calls: int) -> float:
        at_once = max(1, min(calls, 1_000_000 // len(self.x0)))
        points, rows = np.tile(self.x0, (at_once, 1)), np.zeros(at_once, np.int64)
        code, before = machine_code(self.fun), gs.get_num_threads()
        gs.set_num_threads(1)
        begin = time.perf_counter()
        for _ in range(0, calls, at_once):
            code.gradients(points, rows, None)
        spent = time.perf_counter() - begin
        gs.set_num_threads(before)
        return spent


CASES = {"minimize": {"function of Python": Python, "machine code": Code}}
