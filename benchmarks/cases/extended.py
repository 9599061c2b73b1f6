"""What users put into `fit` beside the engine's own: optimizers around another, and a layer in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import mlp
from .adam import Oracle

NAME = "extended"
TITLE = "fit with an optimizer around Adam, or with a layer in NumPy, on the network of mlp"
PLAIN, SAM, LOOKAHEAD, MULTI, LAYER, WORK = (
    "plain",
    "SAM",
    "Lookahead",
    "MultiOptimizer",
    "NumPy layer",
    "the layer's NumPy work alone",
)
FORMS = (PLAIN, SAM, LOOKAHEAD, MULTI, LAYER, WORK)
RIVALS = tuple(("gradstep", form) for form in FORMS)
ONE_THREAD = RIVALS
RHO, PERIOD, SLOW = 0.5, 5, 0.5
# What is asked: times the plain step; and for the layer microseconds a batch over the plain step and its own work.
MOST = {SAM: 2.1, LOOKAHEAD: 1.05, MULTI: 1.05}
MOST_OVER_WORK = 30.0


def problems(sizes: list[int] | None = None, quick: bool = False) -> list[dict[str, Any]]:
    """A problem a batch size."""
    return [{"name": f"batch {b}", "batch": b} for b in sizes or ([32] if quick else [32, 128])]


data, limits, check = mlp.data, mlp.limits, mlp.check


def forward(x: np.ndarray) -> np.ndarray:
    """The layer in NumPy: the ReLU before the last product, which the plain network has in the product before it."""
    return np.maximum(x, 0)


def backward(x: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """Its gradient."""
    return dy * (x > 0)


def oracle(problem: dict[str, Any]) -> dict[str, np.ndarray]:
    """For each form the loss over all rows after the checked steps, in float64."""
    x, y = data(problem)
    x = x.astype(np.float64)
    ends = {}
    for form in (PLAIN, SAM, LOOKAHEAD):
        w = [array.astype(np.float64) for pair in mlp.weights() for array in pair]
        adam, slow = Oracle(w), [array.copy() for array in w]
        for rows in mlp.checked_rows(problem, len(x)):
            at = w
            if form == SAM:
                uphill = mlp.gradients(w, x[rows], y[rows])
                length = np.sqrt(sum(float((g**2).sum()) for g in uphill))
                at = [p + RHO / length * g for p, g in zip(w, uphill, strict=True)]
            adam.step(mlp.gradients(at, x[rows], y[rows]))
            if form == LOOKAHEAD and adam.t % PERIOD == 0:
                for fast, kept in zip(w, slow, strict=True):
                    kept += SLOW * (fast - kept)
                    fast[...] = kept
        log_p = mlp.forward(w, x)[-1]
        ends[form] = np.array(-log_p[np.arange(len(y)), y].mean())
    return {**ends, MULTI: ends[PLAIN], LAYER: ends[PLAIN], WORK: ends[PLAIN]}


def columns(problem: dict[str, Any], seconds: float, ours: float | None, measured: dict[str, float]) -> dict[str, str]:
    """A row of the report; seconds are a step's."""
    row = {"us/step": f"{seconds * 1e6:,.1f}"}
    return {**row, "x plain": f"{seconds / ours:.3f}"} if ours else row


def limit_columns(problem: dict[str, Any], ours: float | None, measured: dict[str, float]) -> dict[str, dict[str, str]]:
    """None: the plain step is what the others are set against."""
    return {}


def summary(results: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """A row a form, with what is asked: times the plain step, or microseconds over it and the layer's own work."""
    rows: dict[str, dict[str, str]] = {}
    for result in results:
        for end in ("", ", 1 thread"):
            seconds = {form: result["seconds"].get(f"gradstep: {form}{end}") for form in FORMS}
            column = result["problem"]["name"] + end
            for form, most in MOST.items():
                if (plain := seconds[PLAIN]) and (found := seconds[form]):
                    rows.setdefault(f"{form}, over plain; asked {most:g}", {})[column] = f"{found / plain:.3f}"
            if (plain := seconds[PLAIN]) and (found := seconds[LAYER]) and (work := seconds[WORK]):
                title = f"{LAYER}, us over plain and its work; asked {MOST_OVER_WORK:g}"
                rows.setdefault(title, {})[column] = f"{(found - plain - work) * 1e6:.1f}"
    return rows
