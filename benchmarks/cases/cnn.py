"""Training a small convolutional network on images of 28 x 28, as the articles on MNIST do."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import flops
from .adam import Oracle

NAME = "cnn"
TITLE = "Conv2D 32 3x3, pool 2, Conv2D 64 3x3, pool 2, Dense 128, Dense 10 (ReLU, softmax cross-entropy), Adam, float32"
RIVALS = (
    ("gradstep", "fit"),
    ("torch", "default"),
    ("torch", "channels last"),
    ("torch", "channels last, compiled"),
    ("keras", "on JAX"),
)
ONE_THREAD = RIVALS
ROWS, SCORED = 4096, 512  # images of an epoch, and of those that the loss is taken of in the end
CHECKED_STEPS = 5
KERNELS = ((3, 3, 1, 32), (3, 3, 32, 64), (1600, 128), (128, 10))
# Multiply-adds of an image in each layer's forward product, over all places of the window.
PRODUCTS = (26 * 26 * 9 * 32, 11 * 11 * 288 * 64, 1600 * 128, 128 * 10)

Arrays = list[np.ndarray]


def problems(sizes: list[int] | None = None, quick: bool = False) -> list[dict[str, Any]]:
    """A problem for each batch size."""
    return [{"name": f"batch {batch}", "batch": batch} for batch in sizes or ([32] if quick else [32, 128])]


def data() -> tuple[np.ndarray, np.ndarray]:
    """Images (rows, 28, 28, 1) float32 in [0, 1), and their classes (rows,)."""
    rng = np.random.default_rng(2)
    return rng.random((ROWS, 28, 28, 1), np.float32), rng.integers(0, 10, ROWS)


def weights() -> Arrays:
    """Kernel and bias of each layer; images have their channels last, and so has what is flattened."""
    rng = np.random.default_rng(3)
    scaled = lambda shape: rng.standard_normal(shape, np.float32) * np.float32((2 / np.prod(shape[:-1])) ** 0.5)  # noqa: E731
    return [array for shape in KERNELS for array in (scaled(shape), np.zeros(shape[-1], np.float32))]


def checked_rows(problem: dict[str, Any]) -> list[slice]:
    """The batches of the checked steps."""
    return [slice(i * problem["batch"], (i + 1) * problem["batch"]) for i in range(CHECKED_STEPS)]


def oracle(problem: dict[str, Any]) -> np.ndarray:
    """The loss over the first SCORED images after the checked steps, in float64."""
    x, y = data()
    w = [array.astype(np.float64) for array in weights()]
    adam = Oracle(w)
    for rows in checked_rows(problem):
        adam.step(_pass(w, x[rows], y[rows])[1])
    return np.array(_pass(w, x[:SCORED], y[:SCORED])[0])


def _pass(w: Arrays, x: np.ndarray, y: np.ndarray) -> tuple[float, Arrays]:
    """The loss, and its gradients by the weights."""
    kernels, biases, below, patches, largest = w[::2], w[1::2], [x.astype(np.float64)], [], []
    for kernel, bias in zip(kernels[:2], biases[:2], strict=True):
        seen = np.lib.stride_tricks.sliding_window_view(below[-1], (3, 3), axis=(1, 2))
        patches.append(np.moveaxis(seen, 3, -1))  # (n, h, w, 3, 3, channels)
        z = np.maximum(np.tensordot(patches[-1], kernel, 3) + bias, 0)
        h, v = z.shape[1] // 2, z.shape[2] // 2
        four = z[:, : 2 * h, : 2 * v].reshape(len(x), h, 2, v, 2, -1).transpose(0, 1, 3, 5, 2, 4).reshape(-1, 4)
        largest.append((z.shape, four.argmax(1)))
        below.append(four.max(1).reshape(len(x), h, v, -1))
    flat = below[-1].reshape(len(x), -1)
    hidden = np.maximum(flat @ kernels[2] + biases[2], 0)
    z = hidden @ kernels[3] + biases[3]
    z -= z.max(1, keepdims=True)
    chances = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    value = -np.log(chances[np.arange(len(x)), y]).mean()
    dz = (chances - np.eye(10)[y]) / len(x)
    dh = dz @ kernels[3].T * (hidden > 0)
    gradients = [flat.T @ dh, dh.sum(0), hidden.T @ dz, dz.sum(0)]
    dy = dh @ kernels[2].T
    for k in (1, 0):
        shape, which = largest[k]
        h, v = shape[1] // 2, shape[2] // 2
        dy = dy.reshape(below[k + 1].shape) * (below[k + 1] > 0)
        four = np.zeros((dy.size, 4))
        four[np.arange(dy.size), which] = dy.ravel()
        dz = np.zeros(shape)
        four = four.reshape(len(x), h, v, -1, 2, 2).transpose(0, 1, 4, 2, 5, 3)
        dz[:, : 2 * h, : 2 * v] = four.reshape(len(x), 2 * h, 2 * v, -1)
        gradients = [np.tensordot(patches[k], dz, ([0, 1, 2],) * 2), dz.sum((0, 1, 2)), *gradients]
        if k == 0:
            break
        dy = np.zeros(below[k].shape)
        for i in range(3):
            for j in range(3):
                dy[:, i : i + shape[1], j : j + shape[2]] += dz @ kernels[k][i, j].T
    return float(value), gradients


def check(result: np.ndarray, expected: np.ndarray) -> None:
    """Raise unless a rival trained as the oracle did, up to the place of epsilon."""
    error = float(abs(result / expected - 1))
    if not error <= 5e-3:
        raise ArithmeticError(f"the loss is {float(result):.6f}; the oracle's is {float(expected):.6f}.")


def limits(problem: dict[str, Any], threads: int) -> dict[str, list[Any]]:
    return flops.limits(threads)


def _flops(problem: dict[str, Any]) -> int:
    """Each layer's forward product, gradient by the kernel and, but for the first, gradient by the input."""
    return 2 * problem["batch"] * (3 * sum(PRODUCTS) - PRODUCTS[0])


def columns(problem: dict[str, Any], seconds: float, ours: float | None, measured: dict[str, float]) -> dict[str, str]:
    """A row of the report; seconds are a step's."""
    return {"us/step": f"{seconds * 1e6:,.0f}", **flops.columns(_flops(problem), seconds, ours, measured)}


def limit_columns(problem: dict[str, Any], ours: float | None, measured: dict[str, float]) -> dict[str, dict[str, str]]:
    return {"limit: FMA peak": columns(problem, _flops(problem) * measured["fma"], ours, measured)}
