"""Training many models of one architecture: together, one after another, in a vmap, in a grid search."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from . import flops, mlp
from .adam import Oracle

NAME = "many"
TITLE = "many dense classifiers on the same rows, ReLU, softmax cross-entropy, Adam, float32, batch 32"
RIVALS = (
    ("gradstep", "fit_many"),
    ("gradstep", "fit, in a loop"),
    ("jax", "vmap, scan an epoch"),
    ("sklearn", "GridSearchCV"),
    ("sklearn", "GridSearchCV, n_jobs"),
)
ONE_THREAD = RIVALS[:3]
BATCH = 32
CHECKED_STEPS = 10
# Layers, models, rows, and epochs of a run.
KINDS: dict[str, tuple[tuple[int, ...], int, int, int]] = {
    "20-64-32-2, 32 models": ((20, 64, 32, 2), 32, 2_048, 50),
    "784-256-128-64-10, 8 models": (mlp.SIZES, 8, 3_200, 5),
}


def problems(sizes: list[int] | None = None, quick: bool = False) -> list[dict[str, Any]]:
    """A problem for each network; sizes: others than the usual numbers of models."""
    found = []
    for name, (layers, models, rows, epochs) in list(KINDS.items())[: 1 if quick else None]:
        for count in sizes or ([4] if quick else [models]):
            title = f"{name.split(',')[0]}, {count} models"
            found.append({"name": title, "layers": layers, "models": count, "rows": rows, "epochs": epochs})
    return found


def data(problem: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """x (rows, inputs) float32 around a centre for each class, and y (rows,) int64."""
    rng = np.random.default_rng(2)
    inputs, classes = problem["layers"][0], problem["layers"][-1]
    y = rng.integers(0, classes, problem["rows"])
    x = rng.standard_normal((classes, inputs), np.float32)[y] + rng.standard_normal((len(y), inputs), np.float32)
    return x / np.float32((inputs / 20) ** 0.5), y


def weights(problem: dict[str, Any]) -> list[list[np.ndarray]]:
    """Kernels and biases to begin with, of each model."""
    each = (mlp.weights(tuple(problem["layers"]), seed) for seed in range(problem["models"]))
    return [[array for pair in own for array in pair] for own in each]


def oracle(problem: dict[str, Any]) -> dict[str, np.ndarray]:
    """The loss of each model over all rows after the checked steps, in float64; of a grid search, whether it learns."""
    x, y = data(problem)
    found = []
    for own in weights(problem):
        w = [array.astype(np.float64) for array in own]
        adam = Oracle(w)
        for i in range(CHECKED_STEPS):
            rows = slice(i * BATCH, (i + 1) * BATCH)
            adam.step(mlp.gradients(w, x[rows].astype(np.float64), y[rows]))
        found.append(-mlp.forward(w, x.astype(np.float64))[-1][np.arange(len(y)), y].mean())
    losses = np.array(found)
    return {variant: np.ones(1) if rival == "sklearn" else losses for rival, variant in RIVALS}


def check(result: np.ndarray, expected: np.ndarray) -> None:
    """Raise unless every model trained as the oracle did, up to the place of epsilon."""
    error = float(abs(result / expected - 1).max())
    if not error <= 2e-3:
        raise ArithmeticError(f"a loss is off by {error:.1e} of the oracle's.")


def limits(problem: dict[str, Any], threads: int) -> dict[str, list[Any]]:
    return flops.limits(threads)


def _flops(problem: dict[str, Any]) -> int:
    # Forward, dW, and dx of all layers but the first.
    pairs = [a * b for a, b in pairwise(problem["layers"])]
    return BATCH * 2 * (3 * sum(pairs) - pairs[0])


def columns(problem: dict[str, Any], seconds: float, ours: float | None, measured: dict[str, float]) -> dict[str, str]:
    """A row of the report; seconds are a model-step's."""
    return {"us/model-step": f"{seconds * 1e6:,.2f}", **flops.columns(_flops(problem), seconds, ours, measured)}


def limit_columns(problem: dict[str, Any], ours: float | None, measured: dict[str, float]) -> dict[str, dict[str, str]]:
    return {"limit: FMA peak": columns(problem, _flops(problem) * measured["fma"], ours, measured)}
