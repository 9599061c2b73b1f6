"""One Adam step over arrays of float32: the drop-in optimizer."""

from __future__ import annotations

from typing import Any

import numpy as np

from .adam import ADAM, Oracle

NAME = "step"
TITLE = "Adam, float32"
RIVALS = (
    ("gradstep", "bound"),
    ("numpy", "blocked"),
    ("torch", "default"),
    ("torch", "foreach"),
    ("torch", "fused"),
    ("jax", "jit"),
)
ONE_THREAD = ()
CHECKED_STEPS = 5
# Adam reads w, g, m, v and writes w, m, v: seven streams of float32.
BYTES_PER_ELEMENT = 7 * 4


def problems(sizes: list[int] | None = None, quick: bool = False) -> list[dict[str, Any]]:
    """One array of each size, and 500 arrays of 1,000 elements."""
    chosen = sizes or ([1_000, 10_000] if quick else [1_000, 10_000, 100_000, 1_000_000, 10_000_000])
    found = [{"name": f"1 x {n:,}", "lengths": [n]} for n in chosen]
    if not sizes:
        count = 20 if quick else 500
        found.append({"name": f"{count} x 1,000", "lengths": [1_000] * count})
        found.append({"name": f"1 x {count * 1_000:,}", "lengths": [count * 1_000]})
    return found


def inputs(problem: dict[str, Any]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Parameters and gradients, the same in every process. Gradients stay away from 0: there the libraries' places of
    epsilon differ by more than rounding."""
    rng = np.random.default_rng(1)
    params, grads = [], []
    for n in problem["lengths"]:
        params.append(rng.standard_normal(n, np.float32))
        size = rng.random(n, np.float32) + np.float32(0.5)
        grads.append(np.where(rng.random(n, np.float32) < 0.5, -size, size))
    return params, grads


def oracle(problem: dict[str, Any]) -> np.ndarray:
    """All parameters after the checked steps, in float64."""
    params, grads = (np.concatenate(arrays).astype(np.float64) for arrays in inputs(problem))
    adam = Oracle([params])
    for _ in range(CHECKED_STEPS):
        adam.step([grads])
    return params


def check(result: np.ndarray, expected: np.ndarray) -> None:
    """Raise unless a rival computed Adam.

    A step rounds a parameter once, by at most half an ULP (2.4e-7 below 8), and its own value to some 1e-6 of the rate.
    """
    error = float(np.max(np.abs(result - expected), initial=0.0))
    limit = CHECKED_STEPS * (2.4e-7 + 1e-5 * ADAM["learning_rate"])
    if not error <= limit:
        raise ArithmeticError(f"parameters differ from the oracle's by {error:.2e}; at most {limit:.2e} is rounding.")


def limits(problem: dict[str, Any], threads: int) -> dict[str, list[Any]]:
    """The machine's own speed at the same traffic: a sweep of seven streams over as many elements, and a copy."""
    n = sum(problem["lengths"])
    return {
        "sweep": ["sweep", n, threads],
        "sweep, 1 thread": ["sweep", n, 1],
        "copy": ["copy", n, threads],
        "copy, 1 thread": ["copy", n, 1],
    }


def columns(problem: dict[str, Any], seconds: float, ours: float | None, measured: dict[str, float]) -> dict[str, str]:
    """A row of the report."""
    # Below some size a second thread only costs.
    sweep = min(measured["sweep"], measured["sweep, 1 thread"])
    row = {**_times(problem, seconds, BYTES_PER_ELEMENT), "x 7-stream sweep": f"{seconds / sweep:.2f}"}
    if ours:
        row["x gradstep"] = f"{seconds / ours:.2f}"
    return row


def limit_columns(problem: dict[str, Any], ours: float | None, measured: dict[str, float]) -> dict[str, dict[str, str]]:
    return {
        f"limit: {name}": _times(problem, seconds, BYTES_PER_ELEMENT if "sweep" in name else 2 * 4)
        for name, seconds in measured.items()
    }


def _times(problem: dict[str, Any], seconds: float, bytes_per_element: int) -> dict[str, str]:
    n = sum(problem["lengths"])
    return {
        "us/step": f"{seconds * 1e6:,.2f}",
        "ns/element": f"{seconds * 1e9 / n:.3f}",
        "GB/s": f"{n * bytes_per_element / seconds / 1e9:.1f}",
    }
