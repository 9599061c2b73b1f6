"""What the cases of recurrent layers have in common: these over sequences, and Dense 1 after their last step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from . import flops
from .adam import Oracle

RIVALS = (
    ("gradstep", "fit"),
    ("torch", "default"),
    ("keras", "on JAX"),
)
ROWS, SCORED = 1024, 256  # sequences of an epoch, and of those that the loss is taken of in the end
STEPS, INPUTS = 100, 64
CHECKED_STEPS = 3
GATES = {"LSTM": 4, "GRU": 3}

Arrays = list[np.ndarray]


class Kind(NamedTuple):
    """What a case trains."""

    cell: str
    units: int
    layers: int = 1  # each over the outputs of the one before
    both: bool = False  # whether a second one reads the sequence from its end, and the outputs are put side by side

    def cells(self) -> list[int]:
        """Number of inputs of each cell, in the order of their weights."""
        return [INPUTS] * 2 if self.both else [INPUTS, *[self.units] * (self.layers - 1)]


KINDS = {
    "LSTM": Kind("LSTM", 128),
    "GRU": Kind("GRU", 128),
    "BiLSTM": Kind("LSTM", 64, both=True),
    "two LSTM": Kind("LSTM", 128, layers=2),
}


def problems(kind: str, sizes: list[int] | None = None, quick: bool = False) -> list[dict[str, Any]]:
    """A problem for each batch size; of two layers, or of both directions, for the usual one."""
    batches = sizes or ([32] if quick or len(KINDS[kind].cells()) > 1 else [32, 128])
    return [{"name": f"batch {batch}", "kind": kind, "batch": batch} for batch in batches]


def data() -> tuple[np.ndarray, np.ndarray]:
    """Sequences (rows, steps, inputs) float32, and a number for each (rows, 1)."""
    rng = np.random.default_rng(2)
    x = rng.standard_normal((ROWS, STEPS, INPUTS), np.float32)
    return x, x[:, -8:, :4].mean((1, 2))[:, None]


def weights(problem: dict[str, Any]) -> Arrays:
    """Kernel, recurrent kernel and bias of each cell in Keras's order, then kernel and bias of Dense."""
    kind, rng = KINDS[problem["kind"]], np.random.default_rng(3)
    wide = GATES[kind.cell] * kind.units
    scaled = lambda *shape: rng.standard_normal(shape, np.float32) / np.float32(shape[0] ** 0.5)  # noqa: E731
    found: Arrays = []
    for inputs in kind.cells():
        bias = np.zeros((2, wide) if kind.cell == "GRU" else wide, np.float32)
        found += [scaled(inputs, wide), scaled(kind.units, wide), bias]
    return [*found, scaled(kind.units * (1 + kind.both), 1), np.zeros(1, np.float32)]


def checked_rows(problem: dict[str, Any]) -> list[slice]:
    """The batches of the checked steps."""
    return [slice(i * problem["batch"], (i + 1) * problem["batch"]) for i in range(CHECKED_STEPS)]


def oracle(problem: dict[str, Any]) -> np.ndarray:
    """The loss over the first SCORED sequences after the checked steps, in float64."""
    x, y = (array.astype(np.float64) for array in data())
    w = [array.astype(np.float64) for array in weights(problem)]
    adam = Oracle(w)
    for rows in checked_rows(problem):
        adam.step(_pass(problem, w, x[rows], y[rows])[1])
    return np.array(_pass(problem, w, x[:SCORED], y[:SCORED])[0])


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


# What a layer gives: its outputs (rows, steps, units), and the function from the gradient by these to that by its
# inputs, and to those by its weights.
Layer = tuple[np.ndarray, Callable[[np.ndarray], tuple[np.ndarray, Arrays]]]


def _pass(problem: dict[str, Any], w: Arrays, x: np.ndarray, y: np.ndarray) -> tuple[float, Arrays]:
    """The loss, and the gradients."""
    kind = KINDS[problem["kind"]]
    layer, read, backs = {"LSTM": _lstm, "GRU": _gru}[kind.cell], x, []
    ends: Arrays = []
    for i in range(len(kind.cells())):
        outputs, back = layer(w[3 * i : 3 * i + 3], read[:, ::-1] if kind.both and i else read)
        backs.append(back)
        ends.append(outputs[:, -1])
        read = x if kind.both else outputs
    h = np.concatenate(ends, 1) if kind.both else ends[-1]
    error = h @ w[-2] + w[-1] - y
    dy = 2 / error.size * error
    last, dh = [h.T @ dy, dy.sum(0)], dy @ w[-2].T
    found: Arrays = []
    slopes = np.zeros((len(x), STEPS, kind.units))
    for i, back in reversed(list(enumerate(backs))):
        if kind.both or i == len(backs) - 1:
            slopes[:] = 0
            slopes[:, -1] = dh[:, kind.units * i :][:, : kind.units] if kind.both else dh
        dx, gradients = back(slopes)
        found = gradients + found
        if not kind.both:
            slopes = dx
    return float(np.square(error).mean()), found + last


def _lstm(w: Arrays, x: np.ndarray) -> Layer:
    h = c = np.zeros((len(x), w[1].shape[0]))
    kept, outputs = [], []
    for t in range(STEPS):
        i, f, g, o = np.split(x[:, t] @ w[0] + h @ w[1] + w[2], 4, axis=1)
        i, f, g, o = _sigmoid(i), _sigmoid(f), np.tanh(g), _sigmoid(o)
        kept.append((h, c, i, f, g, o))
        c = f * c + i * g
        h = o * np.tanh(c)
        outputs.append(h)

    def back(slopes: np.ndarray) -> tuple[np.ndarray, Arrays]:
        dh = dc = np.zeros_like(c)
        dw, du, db = (np.zeros_like(each) for each in w)
        dx = np.zeros_like(x)
        for t in reversed(range(STEPS)):
            h, before, i, f, g, o = kept[t]
            tanh_c, dh = np.tanh(f * before + i * g), dh + slopes[:, t]
            dc = dc + dh * o * (1 - tanh_c**2)
            dz = np.concatenate(
                [dc * g * i * (1 - i), dc * before * f * (1 - f), dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)], 1
            )
            dw, du, db, dx[:, t] = dw + x[:, t].T @ dz, du + h.T @ dz, db + dz.sum(0), dz @ w[0].T
            dh, dc = dz @ w[1].T, dc * f
        return dx, [dw, du, db]

    return np.stack(outputs, 1), back


def _gru(w: Arrays, x: np.ndarray) -> Layer:
    h, kept, outputs = np.zeros((len(x), w[1].shape[0])), [], []
    for t in range(STEPS):
        (xz, xr, xn), (hz, hr, hn) = (
            np.split(a @ kernel + bias, 3, axis=1) for a, kernel, bias in ((x[:, t], w[0], w[2][0]), (h, w[1], w[2][1]))
        )
        z, r = _sigmoid(xz + hz), _sigmoid(xr + hr)
        n = np.tanh(xn + r * hn)
        kept.append((h, z, r, n, hn))
        h = z * h + (1 - z) * n
        outputs.append(h)

    def back(slopes: np.ndarray) -> tuple[np.ndarray, Arrays]:
        dh, dx = np.zeros_like(outputs[0]), np.zeros_like(x)
        dw, du, db = (np.zeros_like(each) for each in w)
        for t in reversed(range(STEPS)):
            h, z, r, n, hn = kept[t]
            dh = dh + slopes[:, t]
            dn = dh * (1 - z) * (1 - n**2)
            dz, dr = dh * (h - n) * z * (1 - z), dn * hn * r * (1 - r)
            by_x, by_h = np.concatenate([dz, dr, dn], 1), np.concatenate([dz, dr, dn * r], 1)
            dw, du, dx[:, t] = dw + x[:, t].T @ by_x, du + h.T @ by_h, by_x @ w[0].T
            db = db + np.stack([by_x.sum(0), by_h.sum(0)])
            dh = dh * z + by_h @ w[1].T
        return dx, [dw, du, db]

    return np.stack(outputs, 1), back


def check(result: np.ndarray, expected: np.ndarray) -> None:
    """Raise unless a rival trained as the oracle did, up to the place of epsilon."""
    error = float(abs(result / expected - 1))
    if not error <= 5e-3:
        raise ArithmeticError(f"the loss is {float(result):.6f}; the oracle's is {float(expected):.6f}.")


def limits(problem: dict[str, Any], threads: int) -> dict[str, list[Any]]:
    return flops.limits(threads)


def _flops(problem: dict[str, Any]) -> int:
    """The forward products, and the gradients by both kernels, by the state before each step, and by inner inputs."""
    kind, found = KINDS[problem["kind"]], 0
    for i, inputs in enumerate(kind.cells()):
        by_inputs = inputs if i > 0 and not kind.both else 0
        found += GATES[kind.cell] * kind.units * (2 * (inputs + kind.units) + kind.units + by_inputs)
    return 2 * int(problem["batch"]) * STEPS * found


def columns(problem: dict[str, Any], seconds: float, ours: float | None, measured: dict[str, float]) -> dict[str, str]:
    """A row of the report; seconds are a step's."""
    return {"us/step": f"{seconds * 1e6:,.0f}", **flops.columns(_flops(problem), seconds, ours, measured)}


def limit_columns(problem: dict[str, Any], ours: float | None, measured: dict[str, float]) -> dict[str, dict[str, str]]:
    return {"limit: FMA peak": columns(problem, _flops(problem) * measured["fma"], ours, measured)}
