"""Single convolutions with windows of 3 x 3 and a border, of usual sizes: forward, and there and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import flops

NAME = "conv"
TITLE = "a Conv2D 3x3 with padding, forward alone, and with the gradients by its input and its kernel, float32"
RIVALS = ONE_THREAD = (
    ("gradstep", "layer"),
    ("torch", "default"),
    ("torch", "channels last"),
)
SHAPES = ((8, 32, 64, 64), (16, 16, 128, 128), (32, 8, 256, 256), (32, 16, 16, 64))  # images, size, channels, filters


def problems(sizes: list[int] | None = None, quick: bool = False) -> list[dict[str, Any]]:
    """Each shape, or those with images of the sizes given, in both ways."""
    chosen = [shape for shape in (SHAPES[-1:] if quick else SHAPES) if not sizes or shape[1] in sizes]
    return [
        {"name": f"{n} x {size} x {size} x {c} to {f}, {way}", "shape": [n, size, c, f], "back": way != "forward"}
        for n, size, c, f in chosen
        for way in ("forward", "there and back")
    ]


def inputs(problem: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images (n, size, size, channels), a kernel (3, 3, channels, filters) and a gradient by the output."""
    n, size, c, f = problem["shape"]
    rng = np.random.default_rng(5)
    x, dy = (rng.standard_normal((n, size, size, each), np.float32) for each in (c, f))
    return x, rng.standard_normal((3, 3, c, f), np.float32) / np.float32(9 * c) ** 0.5, dy


def joined(y: np.ndarray, *gradients: np.ndarray) -> np.ndarray:
    """What is checked: results, each over the size of its numbers."""
    return np.concatenate([each.ravel() / np.float32(each.std()) for each in (y, *gradients)])


def oracle(problem: dict[str, Any]) -> np.ndarray:
    """By a product for each number of the window, in float64."""
    x, w, dy = (array.astype(np.float64) for array in inputs(problem))
    n, size = x.shape[:2]
    padded, y = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)]), np.zeros(dy.shape)
    dx, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for i in range(3):
        for j in range(3):
            seen = padded[:, i : i + size, j : j + size]
            y += seen @ w[i, j]
            if problem["back"]:
                dx[:, i : i + size, j : j + size] += dy @ w[i, j].T
                dw[i, j] = seen.reshape(n * size**2, -1).T @ dy.reshape(n * size**2, -1)
    return joined(y, dx[:, 1:-1, 1:-1], dw) if problem["back"] else joined(y)


def check(result: np.ndarray, expected: np.ndarray) -> None:
    """Raise unless the results are right, summed in float32."""
    error = float(np.max(np.abs(result - expected)))
    if not error <= 2e-4:
        raise ArithmeticError(f"results differ from the oracle's by {error:.2e} of their size; 2e-4 is rounding.")


def limits(problem: dict[str, Any], threads: int) -> dict[str, list[Any]]:
    return flops.limits(threads)


def _flops(problem: dict[str, Any]) -> int:
    n, size, c, f = problem["shape"]
    return int(2 * n * size**2 * 9 * c * f) * (3 if problem["back"] else 1)


def columns(problem: dict[str, Any], seconds: float, ours: float | None, measured: dict[str, float]) -> dict[str, str]:
    """A row of the report."""
    return {"us": f"{seconds * 1e6:,.0f}", **flops.columns(_flops(problem), seconds, ours, measured)}


def limit_columns(problem: dict[str, Any], ours: float | None, measured: dict[str, float]) -> dict[str, dict[str, str]]:
    return {"limit: FMA peak": columns(problem, _flops(problem) * measured["fma"], ours, measured)}
