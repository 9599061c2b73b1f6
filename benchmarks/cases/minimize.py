"""What an iteration of `minimize` costs beside the function, and many small problems."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import streams

# Iterations of a short run, and of a longer one that it is compared with, so that what a run costs once drops out. With
# l-bfgs the short one has all pairs: 16, of more than 16 variables 20, of more than 1,000 variables 10.
RUNS = {("l-bfgs", 10): (18, 68), ("l-bfgs", 1_000_000): (12, 36), ("adam", 10): (5, 400)}
# What the two loops of l-bfgs must read of 10 pairs, in vectors of doubles; and how many arrays the sweep beside it
# reads. It writes none, like most passes of an iteration: a sweep with writes moves more bytes a second.
TRAFFIC, SWEPT, FLOATS = 40, 8, 8
NAME = "minimize"
TITLE = "minimize: what an iteration costs beside the function"
RIVALS = (("gradstep", "function of Python"), ("gradstep", "machine code"), ("scipy", "function of Python"))
ONE_THREAD = RIVALS
MANY = "many"


def problems(sizes: list[int] | None = None, quick: bool = False) -> list[dict[str, Any]]:
    """Methods and numbers of variables; and 10,000 problems of two."""
    chosen = [("l-bfgs", 10), ("bfgs", 10), ("adam", 10), ("bfgs", 193), ("bfgs", 1000), ("l-bfgs", 1_000_000)]
    if quick:
        chosen = chosen[:4]
    found = [
        {"name": f"{method}, {n:,} variables", "method": method, "n": n, "runs": RUNS.get((method, n), (5, 35))}
        for method, n in chosen
    ]
    count = 500 if quick else 10_000
    return [*found, {"name": f"{count:,} of Rosenbrock's valleys", "method": MANY, "n": 2, "count": count}]


def start(problem: dict[str, Any]) -> np.ndarray:
    """x0 (n,), or one for each problem (count, 2)."""
    if problem["method"] == MANY:
        return np.random.default_rng(0).uniform(-2, 2, (problem["count"], 2))
    return np.tile([-1.2, 1.0], problem["n"] // 2 + 1)[: problem["n"]]


def function(x: np.ndarray) -> tuple[float, np.ndarray]:
    """The chain of Rosenbrock's valleys, f and its gradient."""
    a, b = 1 - x[:-1], x[1:] - x[:-1] * x[:-1]
    g = np.zeros_like(x)
    g[:-1] = -2 * a - 400 * x[:-1] * b
    g[1:] += 200 * b
    return float(a @ a + 100 * (b @ b)), g


def rows(X: np.ndarray, which: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """Of many problems: values (k,) and gradients (k, 2)."""
    a, b = 1 - X[:, 0], X[:, 1] - X[:, 0] * X[:, 0]
    return a * a + 100 * b * b, np.stack([-2 * a - 400 * X[:, 0] * b, 200 * b], axis=1)


def oracle(problem: dict[str, Any]) -> np.ndarray:
    """The value at the minimum of two variables, where every run is checked."""
    return np.zeros(1)


def check(result: np.ndarray, expected: np.ndarray) -> None:
    """Raise unless the minimum was found."""
    if not float(np.max(result)) < 1e-8:
        raise AssertionError(f"the minimum is 0; found {float(np.max(result)):.3g}.")


def limits(problem: dict[str, Any], threads: int) -> dict[str, list[Any]]:
    """For very many variables, a sweep that reads arrays that no cache holds."""
    return streams.sweep(SWEPT, 0, FLOATS * problem["n"], threads) if problem["n"] >= 1_000_000 else {}


def columns(problem: dict[str, Any], seconds: float, ours: float | None, measured: dict[str, float]) -> dict[str, str]:
    """A row of the report; seconds are an iteration's, or a problem's."""
    found = {"us": f"{seconds * 1e6:,.2f}"}
    if ours and ours > 0:
        found["of gradstep's"] = f"{seconds / ours:.2f} x"
    if "sweep" in measured:
        found[f"x {TRAFFIC} n doubles"] = f"{seconds / (measured['sweep'] / SWEPT * TRAFFIC * 2 / FLOATS):.2f}"
    return found


def limit_columns(problem: dict[str, Any], ours: float | None, measured: dict[str, float]) -> dict[str, dict[str, str]]:
    """What the memory allows."""
    return {}
