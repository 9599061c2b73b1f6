"""Training a block of a transformer: attention of 4 heads, then two Dense layers, each with a shortcut and a norm."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import flops
from .adam import Oracle

NAME = "transformer"
TITLE = "transformer block (d 128, 4 heads, ff 256, GELU), mean over 64 steps, Dense 1, squared error, Adam, float32"
RIVALS = (
    ("gradstep", "fit"),
    ("torch", "TransformerEncoderLayer"),
    ("torch", "by hand"),
    ("torch", "compile"),
    ("keras", "on JAX"),
)
ONE_THREAD = RIVALS
ROWS, SCORED = 1024, 256  # sequences of an epoch, and of those that the loss is taken of in the end
LENGTH, WIDTH, HEADS, INNER = 64, 128, 4, 256
EPSILON = 1e-5  # of the norms
CHECKED_STEPS = 3

Arrays = list[np.ndarray]


def problems(sizes: list[int] | None = None, quick: bool = False) -> list[dict[str, Any]]:
    """A problem for each batch size."""
    return [{"name": f"batch {batch}", "batch": batch} for batch in sizes or ([8] if quick else [32])]


def data() -> tuple[np.ndarray, np.ndarray]:
    """Sequences (rows, length, width) float32, and a number for each (rows, 1)."""
    rng = np.random.default_rng(2)
    x = rng.standard_normal((ROWS, LENGTH, WIDTH), np.float32)
    return x, (x[:, :8, 0] * x[:, -8:, 1]).sum(1)[:, None]


def weights() -> Arrays:
    """Kernel and bias of query, key, value and output, and of the norm, the two Dense, the norm, and the last Dense."""
    rng = np.random.default_rng(3)
    scaled = lambda *shape: rng.standard_normal(shape, np.float32) / np.float32(shape[0] ** 0.5)  # noqa: E731
    by_heads = (HEADS, WIDTH // HEADS)
    zeros, norm = np.zeros(WIDTH, np.float32), [np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)]
    projections = [scaled(WIDTH, WIDTH) for _ in range(4)]
    found: Arrays = []
    for kernel in projections[:3]:
        found += [kernel.reshape(WIDTH, *by_heads), zeros.reshape(by_heads)]
    found += [projections[3].reshape(*by_heads, WIDTH), zeros, *norm]
    found += [scaled(WIDTH, INNER), np.zeros(INNER, np.float32), scaled(INNER, WIDTH), zeros, *norm]
    return [*(one.copy() for one in found), scaled(WIDTH, 1), np.zeros(1, np.float32)]


def checked_rows(problem: dict[str, Any]) -> list[slice]:
    """The batches of the checked steps."""
    return [slice(i * problem["batch"], (i + 1) * problem["batch"]) for i in range(CHECKED_STEPS)]


def oracle(problem: dict[str, Any]) -> np.ndarray:
    """The loss over the first SCORED sequences after the checked steps, in float64."""
    x, y = (array.astype(np.float64) for array in data())
    w = [array.astype(np.float64) for array in weights()]
    adam = Oracle(w)
    for rows in checked_rows(problem):
        adam.step(_pass(w, x[rows], y[rows])[1]())
    return np.array(_pass(w, x[:SCORED], y[:SCORED])[0])


def _norm(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray) -> tuple[np.ndarray, Any]:
    """Its output, and the function from the gradient by that to those by x, gamma and beta."""
    deviation = np.sqrt(x.var(-1, keepdims=True) + EPSILON)
    normal = (x - x.mean(-1, keepdims=True)) / deviation

    def back(dy: np.ndarray) -> tuple[np.ndarray, Arrays]:
        g = dy * gamma
        along = (g * normal).mean(-1, keepdims=True)
        dx = (g - g.mean(-1, keepdims=True) - normal * along) / deviation
        return dx, [(dy * normal).sum((0, 1)), dy.sum((0, 1))]

    return normal * gamma + beta, back


def _by_heads(x: np.ndarray) -> np.ndarray:
    """(rows, length, width) -> (rows, heads, length, size)"""
    return x.reshape(*x.shape[:2], HEADS, -1).swapaxes(1, 2)


def _side_by_side(x: np.ndarray) -> np.ndarray:
    """(rows, heads, length, size) -> (rows, length, width)"""
    return x.swapaxes(1, 2).reshape(len(x), LENGTH, -1)


def _product(x: np.ndarray, dy: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The gradient by a kernel."""
    return (x.reshape(-1, x.shape[-1]).T @ dy.reshape(-1, dy.shape[-1])).reshape(shape)


def _pass(w: Arrays, x: np.ndarray, y: np.ndarray) -> tuple[float, Callable[[], Arrays]]:
    """The loss, and the function that gives the gradients."""
    wq, bq, _, _, _, _, wo, bo, g1, b1, w1, c1, w2, c2, g2, b2, wd, bd = w
    q, k, v = (_by_heads(x @ w[i].reshape(WIDTH, -1) + w[i + 1].ravel()) for i in (0, 2, 4))
    scale = 1 / math.sqrt(WIDTH // HEADS)
    p = np.exp(scale * q @ k.swapaxes(-1, -2))
    p /= p.sum(-1, keepdims=True)
    o, output = _side_by_side(p @ v), wo.reshape(WIDTH, WIDTH)
    h, back_1 = _norm(x + o @ output + bo, g1, b1)
    a = h @ w1 + c1
    phi = 0.5 * (1 + np.vectorize(math.erf)(a / math.sqrt(2)))
    m = a * phi
    z, back_2 = _norm(h + m @ w2 + c2, g2, b2)
    mean = z.mean(1)
    error = mean @ wd + bd - y

    def gradients() -> Arrays:
        de = 2 / error.size * error
        du, last = back_2(np.broadcast_to((de @ wd.T / LENGTH)[:, None], z.shape))
        da = (du @ w2.T) * (phi + a * np.exp(-a * a / 2) / math.sqrt(2 * math.pi))
        inner = [_product(h, da, w1.shape), da.sum((0, 1)), _product(m, du, w2.shape), du.sum((0, 1))]
        dr, first = back_1(du + da @ w1.T)
        do = _by_heads(dr @ output.T)
        dp = do @ v.swapaxes(-1, -2)
        ds = scale * p * (dp - (p * dp).sum(-1, keepdims=True))
        attended: Arrays = []
        for slope in map(_side_by_side, (ds @ k, ds.swapaxes(-1, -2) @ q, p.swapaxes(-1, -2) @ do)):
            attended += [_product(x, slope, wq.shape), slope.sum((0, 1)).reshape(bq.shape)]
        attended += [_product(o, dr, wo.shape), dr.sum((0, 1))]
        return [*attended, *first, *inner, *last, mean.T @ de, de.sum(0)]

    return float(np.square(error).mean()), gradients


def check(result: np.ndarray, expected: np.ndarray) -> None:
    """Raise unless a rival trained as the oracle did, up to the place of epsilon."""
    error = float(abs(result / expected - 1))
    if not error <= 5e-3:
        raise ArithmeticError(f"the loss is {float(result):.6f}; the oracle's is {float(expected):.6f}.")


def limits(problem: dict[str, Any], threads: int) -> dict[str, list[Any]]:
    return flops.limits(threads)


def _flops(problem: dict[str, Any]) -> int:
    """The products forward, and the gradients by weights and by values, but for that by the input."""
    projections, inner = 4 * WIDTH**2, 2 * WIDTH * INNER
    a_step = 3 * (projections + inner + 2 * LENGTH * WIDTH) - 3 * WIDTH**2
    return int(2 * problem["batch"] * LENGTH * a_step)


def columns(problem: dict[str, Any], seconds: float, ours: float | None, measured: dict[str, float]) -> dict[str, str]:
    """A row of the report; seconds are a step's."""
    return {"us/step": f"{seconds * 1e6:,.0f}", **flops.columns(_flops(problem), seconds, ours, measured)}


def limit_columns(problem: dict[str, Any], ours: float | None, measured: dict[str, float]) -> dict[str, dict[str, str]]:
    return {"limit: FMA peak": columns(problem, _flops(problem) * measured["fma"], ours, measured)}
