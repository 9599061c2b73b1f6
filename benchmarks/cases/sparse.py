"""Adam on a table of which a step touches few rows: row-sparse gradients against dense ones of the same steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import streams
from .adam import ADAM

NAME = "sparse"
TITLE = "Adam on a table, 2,048 random rows a step, float32"
RIVALS = (
    ("gradstep", "row-sparse"),
    ("gradstep", "row-sparse, lazy"),
    ("gradstep", "dense"),
    ("torch", "SparseAdam, lazy"),
)
ONE_THREAD = ()
COLUMNS, TOUCHED = 64, 2048
# Each with rows of its own; then they come again, so that in the timed steps a row has missed this many.
CHECKED_STEPS = 200
# Elements that an oracle can follow through so many dense steps.
CHECKED_ROWS = 2000
# What issue 4 asks for, of a table with so many rows.
ROWS = 1_000_000
LEAST_DENSE, MOST_DIFFERENCE = 50.0, 1e-6
DIFFERENCE = "largest relative difference from dense"
# Rows have missed less in the checked steps, most of them nothing that mattered: they are touched for the first time.
FIRST, FLUSH = "us/step, first 200", "us, flush after them"


def problems(sizes: list[int] | None = None, quick: bool = False) -> list[dict[str, Any]]:
    chosen = sizes or [20_000 if quick else ROWS]
    return [{"name": f"{rows:,} x {COLUMNS}", "rows": rows, "touched": min(TOUCHED, rows // 8)} for rows in chosen]


class Table:
    """A table and the gradients of the checked steps, the same in every process; which one is next.

    `batches` has (rows, values) of each: rows (touched,) int64, drawn with repetition, values (touched, columns).
    """

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem, self.step_count = problem, 0
        rng = np.random.default_rng(12)
        self.table = rng.standard_normal((problem["rows"], COLUMNS), np.float32)
        self.batches = []
        for _ in range(CHECKED_STEPS):
            rows = rng.integers(0, problem["rows"], problem["touched"])
            values = rng.random((problem["touched"], COLUMNS), np.float32) + np.float32(0.5)
            self.batches.append((rows, values))

    def next(self) -> int:
        """The index of the batch of this step."""
        self.step_count += 1
        return (self.step_count - 1) % CHECKED_STEPS


def sample(problem: dict[str, Any]) -> np.ndarray:
    """The rows that are checked, evenly over the table: touched often, once and never."""
    return np.arange(0, problem["rows"], max(1, problem["rows"] // CHECKED_ROWS))


def sampled(problem: dict[str, Any], table: np.ndarray) -> np.ndarray:
    return table[sample(problem)]


def within_sample(problem: dict[str, Any], rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The dense gradient of the checked rows, (rows, columns): duplicates are summed."""
    spacing, count = max(1, problem["rows"] // CHECKED_ROWS), len(sample(problem))
    dense = np.zeros((count, COLUMNS), values.dtype)
    chosen = rows % spacing == 0
    np.add.at(dense, rows[chosen] // spacing, values[chosen])
    return dense


def oracle(problem: dict[str, Any]) -> dict[str, np.ndarray]:
    """The checked rows at the end, in float64: by dense steps, and by steps that touch only the rows of a batch."""
    start = Table(problem)
    rate, b1, b2, epsilon = ADAM.values()
    ends = {}
    for form in ("dense", "lazy"):
        w = sampled(problem, start.table).astype(np.float64)
        m, v = np.zeros_like(w), np.zeros_like(w)
        for t, (rows, values) in enumerate(start.batches, 1):
            g = within_sample(problem, rows, values.astype(np.float64))
            # Values are positive: a row of zeros was not touched.
            at = slice(None) if form == "dense" else np.flatnonzero(g.any(axis=1))
            m[at] += (1 - b1) * (g[at] - m[at])
            v[at] += (1 - b2) * (g[at] ** 2 - v[at])
            w[at] -= rate * (m[at] / (1 - b1**t)) / (np.sqrt(v[at] / (1 - b2**t)) + epsilon)
        ends[form] = w
    return {form: ends["lazy" if form.endswith("lazy") else "dense"] for _, form in RIVALS}


def check(result: np.ndarray, expected: np.ndarray) -> None:
    """Raise unless every row is where it should be.

    A step rounds a number once, by at most half an ULP (2.4e-7 below 8), mostly less, and to either side.
    """
    error = float(np.max(np.abs(result - expected), initial=0.0))
    limit = 2.4e-7 * CHECKED_STEPS / 4
    if not error <= limit:
        raise ArithmeticError(f"parameters differ from the oracle's by {error:.2e}; at most {limit:.2e} is rounding.")


def limits(problem: dict[str, Any], threads: int) -> dict[str, list[Any]]:
    """The traffic of a dense step, and of one that moves the touched rows only."""
    dense, touched = problem["rows"] * COLUMNS, problem["touched"] * COLUMNS
    return {
        **streams.sweep(4, 3, dense, threads, "dense sweep"),
        **streams.sweep(4, 3, touched, threads, "sweep of the touched rows"),
    }


def columns(problem: dict[str, Any], seconds: float, ours: float | None, measured: dict[str, float]) -> dict[str, str]:
    row = {"us/step": f"{seconds * 1e6:,.1f}"}
    if ours:
        row["x row-sparse"] = f"{seconds / ours:.2f}"
    return row


def limit_columns(problem: dict[str, Any], ours: float | None, measured: dict[str, float]) -> dict[str, dict[str, str]]:
    found = {name: streams.fastest(measured, name) for name in ("dense sweep", "sweep of the touched rows")}
    return {f"limit: {name}": columns(problem, seconds, ours, measured) for name, seconds in found.items()}


def summary(results: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """A row a table: the dense step and PyTorch's over the row-sparse one, and how near it is to the dense one."""
    rows = {}
    for result in results:
        seconds, title = result["seconds"], "gradstep: row-sparse"
        ours = seconds.get(title)
        if not ours:
            continue
        row = {"us/step": f"{ours * 1e6:,.1f}"}
        if "gradstep: dense" in seconds:
            least = LEAST_DENSE if result["problem"]["rows"] >= ROWS else None
            row["dense / row-sparse"] = streams.judged(seconds["gradstep: dense"] / ours, least)
            first = result["facts"][title][FIRST] / 1e6
            row["dense / row-sparse, first 200"] = f"{seconds['gradstep: dense'] / first:.2f}"
        for other in ("gradstep: row-sparse, lazy", "torch: SparseAdam, lazy"):
            if other in seconds:
                row[f"{other} / row-sparse"] = f"{seconds[other] / ours:.2f}"
        row[DIFFERENCE] = f"{result['facts'][title][DIFFERENCE]:.1e}"
        rows[result["problem"]["name"]] = row
    return rows
