"""Training models that are no row of layers, beside the row of as many products: a skip, two towers, two heads."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import flops
from .adam import Oracle

NAME = "graph"
TITLE = "three layers of as many units, ReLU, squared error, Adam, float32"
RIVALS = (
    ("gradstep", "fit"),
    ("torch", "default"),
    ("jax", "scan an epoch"),
    ("keras", "on JAX"),
)
ONE_THREAD = RIVALS
SIZES = ((32, 32), (128, 32), (128, 128))  # units, batch
BATCHES = 200  # of one measured epoch
CHECKED_STEPS = 10
# h = relu(x w0 + b0); y is:
KINDS = {
    "row": "relu(h w1 + b1) w2 + b2",
    "skip": "(h + relu(h w1 + b1)) w2 + b2",
    "towers": "(h + relu(x' w1 + b1)) w2 + b2",
    "heads": "h w1 + b1, and h w2 + b2, whose loss counts half",
}
# Products of a step: three forward, three of weights' gradients, and those of hidden values' gradients.
PRODUCTS = {"row": 8, "skip": 8, "towers": 7, "heads": 8}
HALF = 0.5

Arrays = list[np.ndarray]


def problems(sizes: list[int] | None = None, quick: bool = False) -> list[dict[str, Any]]:
    """A problem for each kind, and number of units and of rows in a batch."""
    chosen = [(units, 32) for units in sizes] if sizes else SIZES[:1] if quick else SIZES
    return [
        {"name": f"{kind}, {units} units, batch {batch}", "kind": kind, "units": units, "batch": batch}
        for units, batch in chosen
        for kind in KINDS
    ]


def data(problem: dict[str, Any]) -> tuple[Arrays, Arrays]:
    """Inputs and targets, each (rows, units) float32: two of those that the kind has two of."""
    rng, shape = np.random.default_rng(2), (BATCHES * problem["batch"], problem["units"])
    count = {"towers": (2, 1), "heads": (1, 2)}.get(problem["kind"], (1, 1))
    xs, ys = ([rng.standard_normal(shape, np.float32) for _ in range(n)] for n in count)
    return xs, ys


def weights(problem: dict[str, Any]) -> Arrays:
    """w0, b0, w1, b1, w2, b2."""
    rng, n = np.random.default_rng(3), problem["units"]
    limit = (3 / n) ** 0.5
    each = [(rng.uniform(-limit, limit, (n, n)).astype(np.float32), np.zeros(n, np.float32)) for _ in range(3)]
    return [array for pair in each for array in pair]


def checked_rows(problem: dict[str, Any]) -> list[slice]:
    """The batches of the checked steps."""
    return [slice(i * problem["batch"], (i + 1) * problem["batch"]) for i in range(CHECKED_STEPS)]


def oracle(problem: dict[str, Any]) -> np.ndarray:
    """The loss over all rows after the checked steps, in float64."""
    xs, ys = data(problem)
    w = [array.astype(np.float64) for array in weights(problem)]
    adam = Oracle(w)
    for rows in checked_rows(problem):
        adam.step(_pass(problem["kind"], w, [x[rows] for x in xs], [y[rows] for y in ys])[1])
    return np.array(_pass(problem["kind"], w, xs, ys)[0])


def _pass(kind: str, w: Arrays, xs: Arrays, ys: Arrays) -> tuple[float, Arrays]:
    """The loss, and its gradients by the weights."""
    w0, b0, w1, b1, w2, b2 = w
    h = np.maximum(xs[0] @ w0 + b0, 0)
    x1 = xs[1] if kind == "towers" else h
    z = x1 @ w1 + b1
    if kind == "heads":
        errors = [z - ys[0], h @ w2 + b2 - ys[1]]
        value = np.square(errors[0]).mean() + HALF * np.square(errors[1]).mean()
        dz, dy = 2 / errors[0].size * errors[0], 2 * HALF / errors[1].size * errors[1]
        dh, last = dz @ w1.T + dy @ w2.T, h
    else:
        q = np.maximum(z, 0)
        last = q if kind == "row" else h + q
        error = last @ w2 + b2 - ys[0]
        value, dy = np.square(error).mean(), 2 / error.size * error
        dq = dy @ w2.T
        dz = dq * (z > 0)
        dh = {"row": 0, "skip": dq, "towers": dq}[kind] + (0 if kind == "towers" else dz @ w1.T)
    dh = dh * (h > 0)
    gradients = [xs[0].T @ dh, dh.sum(0), x1.T @ dz, dz.sum(0), last.T @ dy, dy.sum(0)]
    return float(value), gradients


def check(result: np.ndarray, expected: np.ndarray) -> None:
    """Raise unless a rival trained as the oracle did, up to the place of epsilon."""
    error = float(abs(result / expected - 1))
    if not error <= 2e-3:
        raise ArithmeticError(f"the loss is {float(result):.6f}; the oracle's is {float(expected):.6f}.")


def limits(problem: dict[str, Any], threads: int) -> dict[str, list[Any]]:
    return flops.limits(threads)


def _flops(problem: dict[str, Any]) -> int:
    return int(2 * PRODUCTS[problem["kind"]] * problem["units"] ** 2 * problem["batch"])


def columns(problem: dict[str, Any], seconds: float, ours: float | None, measured: dict[str, float]) -> dict[str, str]:
    """A row of the report; seconds are a step's."""
    return {"us/step": f"{seconds * 1e6:,.1f}", **flops.columns(_flops(problem), seconds, ours, measured)}


def limit_columns(problem: dict[str, Any], ours: float | None, measured: dict[str, float]) -> dict[str, dict[str, str]]:
    return {"limit: FMA peak": columns(problem, _flops(problem) * measured["fma"], ours, measured)}
