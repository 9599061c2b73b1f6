"""Training a dense classifier, 784-256-128-64-10, on images of digits: an epoch of steps, batches taken included."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from . import flops
from .adam import Oracle

NAME = "mlp"
TITLE = "784-256-128-64-10, ReLU, softmax cross-entropy, Adam, float32"
RIVALS = (
    ("gradstep", "fit"),
    ("numpy", "by hand"),
    ("sklearn", "partial_fit"),
    ("torch", "default"),
    ("torch", "fused"),
    ("torch", "compile"),
    ("jax", "jit a step"),
    ("jax", "scan an epoch"),
)
ONE_THREAD = (("gradstep", "fit"), ("torch", "fused"), ("jax", "scan an epoch"))
SIZES = (784, 256, 128, 64, 10)
# Rows that one measured epoch goes over: whole batches, and at least a few milliseconds.
ROWS = {1: 500, 32: 3_200, 128: 9_984, 1024: 9_216}
CHECKED_STEPS = 10

# Forward, dW, and dx of all layers but the first.
_PAIRS = [a * b for a, b in pairwise(SIZES)]
FLOPS_PER_SAMPLE = 2 * (3 * sum(_PAIRS) - _PAIRS[0])

Weights = list[tuple[np.ndarray, np.ndarray]]


def problems(sizes: list[int] | None = None, quick: bool = False) -> list[dict[str, Any]]:
    """A problem a batch size."""
    return [{"name": f"batch {b}", "batch": b} for b in sizes or ([32] if quick else list(ROWS))]


def data(problem: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """x (rows, 784) float32 in [0, 1] and y (rows,) int64: images from `problem["data"]`, or noise at ten centres."""
    batch = problem["batch"]
    rows = ROWS.get(batch, -(-2_000 // batch) * batch)
    path = problem.get("data")
    if path and Path(path).is_file():
        with np.load(path) as file:
            x, y = file["x"], file["y"]
        if len(x) < rows:
            raise ValueError(f"{path} must hold {rows} rows or more; it holds {len(x)}.")
        x = x.reshape(len(x), -1)[:rows].astype(np.float32) / np.float32(255)
        return x, y[:rows].astype(np.int64)
    rng = np.random.default_rng(2)
    y = rng.integers(0, SIZES[-1], rows)
    centres = rng.random((SIZES[-1], SIZES[0]), np.float32)
    noise = rng.random((rows, SIZES[0]), np.float32)
    # Four pixels in five are dark, as in the real images.
    return np.where(noise < 0.8, np.float32(0), 0.5 * (centres[y] + noise)).astype(np.float32), y


def weights(sizes: tuple[int, ...] = SIZES, seed: int = 3) -> Weights:
    """Kernels (in, out) and biases to begin with, Glorot's uniform, the same in every process."""
    rng = np.random.default_rng(seed)
    found = []
    for fan_in, fan_out in pairwise(sizes):
        limit = np.sqrt(6 / (fan_in + fan_out))
        kernel = rng.uniform(-limit, limit, (fan_in, fan_out)).astype(np.float32)
        found.append((kernel, np.zeros(fan_out, np.float32)))
    return found


def checked_rows(problem: dict[str, Any], rows: int) -> list[slice]:
    """The batches of the checked steps, in order, from the start again where the rows end."""
    batch = problem["batch"]
    return [slice(begin, begin + batch) for begin in (i * batch % rows for i in range(CHECKED_STEPS))]


def oracle(problem: dict[str, Any]) -> np.ndarray:
    """The loss over all rows after the checked steps, in float64."""
    x, y = data(problem)
    w = [array.astype(np.float64) for pair in weights() for array in pair]
    adam = Oracle(w)
    for rows in checked_rows(problem, len(x)):
        adam.step(gradients(w, x[rows].astype(np.float64), y[rows]))
    log_p = forward(w, x.astype(np.float64))[-1]
    return np.array(-log_p[np.arange(len(y)), y].mean())


def forward(w: list[np.ndarray], x: np.ndarray) -> list[np.ndarray]:
    """The input of each layer, then the log-probabilities."""
    layers = len(w) // 2
    values = [x]
    for i in range(layers):
        z = values[-1] @ w[2 * i] + w[2 * i + 1]
        values.append(np.maximum(z, 0) if i < layers - 1 else z)
    z = values[-1] - values[-1].max(axis=1, keepdims=True)
    values[-1] = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return values


def gradients(w: list[np.ndarray], x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    """Of the mean loss, by kernels and biases in turn."""
    values = forward(w, x)
    dz = np.exp(values[-1])
    dz[np.arange(len(y)), y] -= 1
    dz /= len(y)
    grads: list[np.ndarray] = []
    for i in reversed(range(len(w) // 2)):
        grads = [values[i].T @ dz, dz.sum(axis=0), *grads]
        dz = dz @ w[2 * i].T * (values[i] > 0)
    return grads


def check(result: np.ndarray, expected: np.ndarray) -> None:
    """Raise unless a rival trained as the oracle did. The place of epsilon moves the loss by up to 7e-4 of it;
    a missing bias correction moves it by more than 2e-3 in every problem."""
    error = float(abs(result / expected - 1))
    if not error <= 2e-3:
        raise ArithmeticError(f"the loss is {float(result):.6f}; the oracle's is {float(expected):.6f}.")


def limits(problem: dict[str, Any], threads: int) -> dict[str, list[Any]]:
    return flops.limits(threads)


def columns(problem: dict[str, Any], seconds: float, ours: float | None, measured: dict[str, float]) -> dict[str, str]:
    """A row of the report; seconds are a step's."""
    return {
        "us/step": f"{seconds * 1e6:,.1f}",
        "samples/s": f"{problem['batch'] / seconds:,.0f}",
        **flops.columns(problem["batch"] * FLOPS_PER_SAMPLE, seconds, ours, measured),
    }


def limit_columns(problem: dict[str, Any], ours: float | None, measured: dict[str, float]) -> dict[str, dict[str, str]]:
    seconds = problem["batch"] * FLOPS_PER_SAMPLE * measured["fma"]
    return {"limit: FMA peak": columns(problem, seconds, ours, measured)}
