"""What the cases `lstm` and `gru` have in common: a recurrent layer over sequences, and Dense 1 after its last step."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import flops
from .adam import Oracle

RIVALS = (
    ("gradstep", "fit"),
    ("torch", "default"),
    ("keras", "on JAX"),
)
ROWS, SCORED = 1024, 256  # sequences of an epoch, and of those that the loss is taken of in the end
STEPS, INPUTS, UNITS = 100, 64, 128
CHECKED_STEPS = 3
GATES = {"LSTM": 4, "GRU": 3}

Arrays = list[np.ndarray]


def problems(kind: str, sizes: list[int] | None = None, quick: bool = False) -> list[dict[str, Any]]:
    """A problem for each batch size."""
    batches = sizes or ([32] if quick else [32, 128])
    return [{"name": f"batch {batch}", "kind": kind, "batch": batch} for batch in batches]


def data() -> tuple[np.ndarray, np.ndarray]:
    """Sequences (rows, steps, inputs) float32, and a number for each (rows, 1)."""
    rng = np.random.default_rng(2)
    x = rng.standard_normal((ROWS, STEPS, INPUTS), np.float32)
    return x, x[:, -8:, :4].mean((1, 2))[:, None]


def weights(problem: dict[str, Any]) -> Arrays:
    """Kernel, recurrent kernel and bias of the layer in Keras's order, then kernel and bias of Dense."""
    rng, wide = np.random.default_rng(3), GATES[problem["kind"]] * UNITS
    scaled = lambda *shape: rng.standard_normal(shape, np.float32) / np.float32(shape[0] ** 0.5)  # noqa: E731
    bias = np.zeros((2, wide) if problem["kind"] == "GRU" else wide, np.float32)
    return [scaled(INPUTS, wide), scaled(UNITS, wide), bias, scaled(UNITS, 1), np.zeros(1, np.float32)]


def checked_rows(problem: dict[str, Any]) -> list[slice]:
    """The batches of the checked steps."""
    return [slice(i * problem["batch"], (i + 1) * problem["batch"]) for i in range(CHECKED_STEPS)]


def oracle(problem: dict[str, Any]) -> np.ndarray:
    """The loss over the first SCORED sequences after the checked steps, in float64."""
    x, y = (array.astype(np.float64) for array in data())
    w = [array.astype(np.float64) for array in weights(problem)]
    adam, one_pass = Oracle(w), {"LSTM": _lstm, "GRU": _gru}[problem["kind"]]
    for rows in checked_rows(problem):
        adam.step(one_pass(w, x[rows], y[rows])[1])
    return np.array(one_pass(w, x[:SCORED], y[:SCORED])[0])


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def _end(h: np.ndarray, w: Arrays, y: np.ndarray) -> tuple[float, Arrays, np.ndarray]:
    """The loss behind the last step, the gradients by Dense's weights, and by h."""
    error = h @ w[3] + w[4] - y
    dy = 2 / error.size * error
    return float(np.square(error).mean()), [h.T @ dy, dy.sum(0)], dy @ w[3].T


def _lstm(w: Arrays, x: np.ndarray, y: np.ndarray) -> tuple[float, Arrays]:
    h = c = np.zeros((len(x), UNITS))
    kept = []
    for t in range(STEPS):
        i, f, g, o = np.split(x[:, t] @ w[0] + h @ w[1] + w[2], 4, axis=1)
        i, f, g, o = _sigmoid(i), _sigmoid(f), np.tanh(g), _sigmoid(o)
        kept.append((h, c, i, f, g, o))
        c = f * c + i * g
        h = o * np.tanh(c)
    value, gradients, dh = _end(h, w, y)
    dc, (dw, du, db) = np.zeros_like(c), (np.zeros_like(each) for each in w[:3])
    for t in reversed(range(STEPS)):
        h, before, i, f, g, o = kept[t]
        tanh_c = np.tanh(f * before + i * g)
        dc = dc + dh * o * (1 - tanh_c**2)
        dz = np.concatenate(
            [dc * g * i * (1 - i), dc * before * f * (1 - f), dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)], 1
        )
        dw, du, db, dh, dc = dw + x[:, t].T @ dz, du + h.T @ dz, db + dz.sum(0), dz @ w[1].T, dc * f
    return value, [dw, du, db, *gradients]


def _gru(w: Arrays, x: np.ndarray, y: np.ndarray) -> tuple[float, Arrays]:
    h, kept = np.zeros((len(x), UNITS)), []
    for t in range(STEPS):
        (xz, xr, xn), (hz, hr, hn) = (
            np.split(a @ kernel + bias, 3, axis=1) for a, kernel, bias in ((x[:, t], w[0], w[2][0]), (h, w[1], w[2][1]))
        )
        z, r = _sigmoid(xz + hz), _sigmoid(xr + hr)
        n = np.tanh(xn + r * hn)
        kept.append((h, z, r, n, hn))
        h = z * h + (1 - z) * n
    value, gradients, dh = _end(h, w, y)
    dw, du, db = (np.zeros_like(each) for each in w[:3])
    for t in reversed(range(STEPS)):
        h, z, r, n, hn = kept[t]
        dn = dh * (1 - z) * (1 - n**2)
        dz, dr = dh * (h - n) * z * (1 - z), dn * hn * r * (1 - r)
        by_x, by_h = np.concatenate([dz, dr, dn], 1), np.concatenate([dz, dr, dn * r], 1)
        dw, du = dw + x[:, t].T @ by_x, du + h.T @ by_h
        db = db + np.stack([by_x.sum(0), by_h.sum(0)])
        dh = dh * z + by_h @ w[1].T
    return value, [dw, du, db, *gradients]


def check(result: np.ndarray, expected: np.ndarray) -> None:
    """Raise unless a rival trained as the oracle did, up to the place of epsilon."""
    error = float(abs(result / expected - 1))
    if not error <= 5e-3:
        raise ArithmeticError(f"the loss is {float(result):.6f}; the oracle's is {float(expected):.6f}.")


def limits(problem: dict[str, Any], threads: int) -> dict[str, list[Any]]:
    return flops.limits(threads)


def _flops(problem: dict[str, Any]) -> int:
    """The forward products, the gradients by both kernels, and by the state before each step."""
    wide = GATES[problem["kind"]] * UNITS
    return 2 * problem["batch"] * STEPS * wide * (2 * (INPUTS + UNITS) + UNITS)


def columns(problem: dict[str, Any], seconds: float, ours: float | None, measured: dict[str, float]) -> dict[str, str]:
    """A row of the report; seconds are a step's."""
    return {"us/step": f"{seconds * 1e6:,.0f}", **flops.columns(_flops(problem), seconds, ours, measured)}


def limit_columns(problem: dict[str, Any], ours: float | None, measured: dict[str, float]) -> dict[str, dict[str, str]]:
    return {"limit: FMA peak": columns(problem, _flops(problem) * measured["fma"], ours, measured)}
