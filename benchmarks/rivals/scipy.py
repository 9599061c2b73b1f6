"""SciPy: `optimize.minimize` with the gradient given, and what it costs beside the function."""

from __future__ import annotations

import gc
import time
from typing import Any

import numpy as np
import scipy
from cases import minimize
from scipy import optimize

NAMES = {"l-bfgs": "L-BFGS-B", "bfgs": "BFGS"}


def versions() -> dict[str, str]:
    return {"scipy": scipy.__version__, "numpy": np.__version__}


class Minimize:
    """Iterations of a long run beyond those of a short one, less the time of as many calls of the function."""

    steps_per_run = 1

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem, self.x0, self.fun = problem, minimize.start(problem), self.function()
        if problem["method"] not in NAMES and type(self) is Minimize and problem["method"] != minimize.MANY:
            raise NotImplementedError("no first-order methods")

    def function(self) -> Any:
        return minimize.function

    def minimized(self, x0: np.ndarray, iterations: int | None = None) -> Any:
        options = {} if iterations is None else {"maxiter": iterations, "gtol": 0.0}
        method = NAMES.get(self.problem["method"], "L-BFGS-B")
        if method == "L-BFGS-B":
            options["ftol"] = 0.0
        return optimize.minimize(self.fun, x0, jac=True, method=method, options=options)

    def checked(self) -> np.ndarray:
        method = self.problem["method"]
        if method == minimize.MANY:
            return np.array([self.minimized(x).fun for x in self.x0[:50]])
        return np.array([self.minimized(np.array([-1.2, 1.0]), 100).fun])

    def many(self) -> None:
        for x in self.x0[:100]:
            self.minimized(x)

    def called(self, calls: int) -> float:
        """Seconds of so many calls of the function alone."""
        begin = time.perf_counter()
        for _ in range(calls):
            self.fun(self.x0)
        return time.perf_counter() - begin

    def measure(self, seconds: float, repeats: int) -> list[float]:
        """Samples, each of a run."""
        samples, end = [], time.perf_counter() + seconds
        gc.collect()
        while not samples or time.perf_counter() < end:
            begin = time.perf_counter()
            if self.problem["method"] == minimize.MANY:
                self.many()
                samples.append((time.perf_counter() - begin) / self.solved)
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

    solved = 100


CASES = {"minimize": {"function of Python": Minimize}}
