"""A NumPy training loop, its matrix products on NumPy's threads, with our Adam on all threads and on one.

Two thread pools that spin on each other's cores make such a loop many times slower; an optimizer must not.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .adam import Oracle

NAME = "loop"
TITLE = "NumPy loop, 784-256-10, batch 128, 203,530 parameters, float32"
RIVALS = (("gradstep", "threads"), ("gradstep", "one thread"), ("numpy", "Adam by hand"))
ONE_THREAD = ()
BATCH, SIZES = 128, (784, 256, 10)
CHECKED_STEPS = 10


def problems(sizes: list[int] | None = None, quick: bool = False) -> list[dict[str, Any]]:
    return [{"name": f"batch {b}", "batch": b} for b in sizes or [BATCH]]


class Loop:
    """The loop without its optimizer: `gradients()` fills `grads` for `params`, on the next batch."""

    def __init__(self, problem: dict[str, Any]) -> None:
        rng = np.random.default_rng(4)
        inputs, hidden, outputs = SIZES
        self.batch = problem["batch"]
        self.x = rng.random((20 * self.batch, inputs), np.float32)
        self.y = rng.integers(0, outputs, len(self.x))
        draw = [
            rng.standard_normal((a, b), np.float32) / np.float32(a) ** 0.5
            for a, b in ((inputs, hidden), (hidden, outputs))
        ]
        self.params = [draw[0], np.zeros(hidden, np.float32), draw[1], np.zeros(outputs, np.float32)]
        self.grads = [np.empty_like(p) for p in self.params]
        self.steps = 0

    def gradients(self) -> None:
        w1, b1, w2, b2 = self.params
        dw1, db1, dw2, db2 = self.grads
        begin = self.steps * self.batch % len(self.x)
        x, y = self.x[begin : begin + self.batch], self.y[begin : begin + self.batch]
        self.steps += 1
        h = np.maximum(x @ w1 + b1, 0)
        z = h @ w2 + b2
        dz = np.exp(z - z.max(axis=1, keepdims=True))
        dz /= dz.sum(axis=1, keepdims=True)
        dz[np.arange(len(y)), y] -= 1
        dz /= len(y)
        dh = dz @ w2.T * (h > 0)
        np.matmul(h.T, dz, out=dw2)
        np.matmul(x.T, dh, out=dw1)
        dz.sum(axis=0, out=db2)
        dh.sum(axis=0, out=db1)


def oracle(problem: dict[str, Any]) -> np.ndarray:
    """The parameters after the checked steps, in float64; the gradients come from the loop itself."""
    loop = Loop(problem)
    loop.x = loop.x.astype(np.float64)
    loop.params = [p.astype(np.float64) for p in loop.params]
    loop.grads = [np.empty_like(p) for p in loop.params]
    adam = Oracle(loop.params)
    for _ in range(CHECKED_STEPS):
        loop.gradients()
        adam.step(loop.grads)
    return np.concatenate([p.ravel() for p in loop.params])


def check(result: np.ndarray, expected: np.ndarray) -> None:
    """Raise unless the loop learned as the oracle's did.

    Adam divides by a gradient's size, so where that is small, rounding and the place of epsilon show: 5e-5 on average
    with epsilon before the bias correction, as in Keras. Without that correction it is more than 1e-3.
    """
    error = float(np.mean(np.abs(result - expected)))
    if not error <= 1e-4:
        raise ArithmeticError(f"parameters differ from the oracle's by {error:.2e} on average; at most 1e-4 may be.")


def limits(problem: dict[str, Any], threads: int) -> dict[str, list[Any]]:
    return {"fma": ["fma", 1_000_000, threads]}


def columns(problem: dict[str, Any], seconds: float, ours: float | None, measured: dict[str, float]) -> dict[str, str]:
    row = {"us/step": f"{seconds * 1e6:,.1f}"}
    if ours:
        row["x gradstep on all threads"] = f"{seconds / ours:.2f}"
    return row


def limit_columns(problem: dict[str, Any], ours: float | None, measured: dict[str, float]) -> dict[str, dict[str, str]]:
    return {}
