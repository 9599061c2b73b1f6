"""Training a table of vectors of ids, whose means are scored: of all its rows a batch reads a few thousand."""

from __future__ import annotations

from typing import Any

import numpy as np

from .adam import Oracle

NAME = "embedding"
TITLE = "Embedding of 200 ids a sample, mean, Dense 1 (mean squared error), Adam, float32"
RIVALS = (("gradstep", "fit"), ("torch", "dense"), ("torch", "sparse"), ("keras", "on JAX"))
ONE_THREAD = RIVALS
ROWS, STEPS, SCORED, CHECKED_STEPS = 1024, 200, 256, 5

Arrays = list[np.ndarray]


def problems(sizes: list[int] | None = None, quick: bool = False) -> list[dict[str, Any]]:
    """A problem for each number of ids that there are."""
    count = sizes or ([2000] if quick else [2000, 20000])
    return [{"name": f"{ids:,} x 128, batch 32", "ids": ids, "n": 128, "batch": 32} for ids in count]


def data(problem: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Ids (rows, 200) int64, and targets (rows, 1) float32."""
    rng = np.random.default_rng(4)
    return rng.integers(0, problem["ids"], (ROWS, STEPS)), rng.standard_normal((ROWS, 1), np.float32)


def weights(problem: dict[str, Any]) -> Arrays:
    """Table, kernel and bias."""
    rng = np.random.default_rng(5)
    shapes = (problem["ids"], problem["n"]), (problem["n"], 1)
    return [*(rng.standard_normal(shape, np.float32) for shape in shapes), np.zeros(1, np.float32)]


def checked_rows(problem: dict[str, Any]) -> list[slice]:
    """The batches of the checked steps."""
    return [slice(i * problem["batch"], (i + 1) * problem["batch"]) for i in range(CHECKED_STEPS)]


def oracle(problem: dict[str, Any]) -> np.ndarray:
    """The loss over the first SCORED rows after the checked steps, in float64."""
    x, y = data(problem)
    w = [array.astype(np.float64) for array in weights(problem)]
    adam = Oracle(w)
    for rows in checked_rows(problem):
        means = w[0][x[rows]].mean(1)
        dz = 2 * (means @ w[1] + w[2] - y[rows]) / len(means)
        dw = np.zeros_like(w[0])
        np.add.at(dw, x[rows], (dz @ w[1].T / STEPS)[:, None])
        adam.step([dw, means.T @ dz, dz.sum(0)])
    return np.array(((w[0][x[:SCORED]].mean(1) @ w[1] + w[2] - y[:SCORED]) ** 2).mean())


def check(result: np.ndarray, expected: np.ndarray) -> None:
    """Raise unless a rival trained as the oracle did, up to the place of epsilon."""
    error = float(abs(result / expected - 1))
    if not error <= 5e-3:
        raise ArithmeticError(f"the loss is {float(result):.6f}; the oracle's is {float(expected):.6f}.")


def limits(problem: dict[str, Any], threads: int) -> dict[str, list[Any]]:
    return {}


def columns(problem: dict[str, Any], seconds: float, ours: float | None, measured: dict[str, float]) -> dict[str, str]:
    """A row of the report; seconds are a step's."""
    row = {"us/step": f"{seconds * 1e6:,.0f}"}
    if ours:
        row["x gradstep"] = f"{seconds / ours:.2f}"
    return row


def limit_columns(problem: dict[str, Any], ours: float | None, measured: dict[str, float]) -> dict[str, dict[str, str]]:
    return {}
