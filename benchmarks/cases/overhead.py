"""What Keras's names cost over the engine's own loop: `fit` with callbacks, and single rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import graph, mlp

NAME = "overhead"
TITLE = "what fit, train_on_batch and predict cost over the engine's own loop, on the network of mlp"
# The first row is the engine told its arrays at once: no checks, no names, no callbacks.
RIVALS = (("gradstep", "engine"), ("gradstep", "Keras's names"), ("keras", "on JAX"))
ONE_THREAD = (("gradstep", "engine"), ("gradstep", "Keras's names"))
TIMES = 19  # the rows of mlp go into an epoch, which then is as long as MNIST's

FIT, TRAIN, PREDICT = "fit", "train_on_batch", "predict"
NAMES = {
    FIT: "an epoch of 60,800 rows, batch 32; verbose=1, History, EarlyStopping, ModelCheckpoint",
    TRAIN: "train_on_batch of one row",
    PREDICT: "predict of one row",
}
# One row through a model that is no row of layers: of the case `graph`.
SKIP = {"name": "skip", "kind": "skip", "units": 128, "batch": 32}


def problems(sizes: list[int] | None = None, quick: bool = False) -> list[dict[str, Any]]:
    """One for each of the three; and the calls of one row again, of a graph."""
    found = [{"name": name, "kind": kind, "batch": 32, "times": 1 if quick else TIMES} for kind, name in NAMES.items()]
    return found + [{**one, "name": f"{one['name']}, a skip", "graph": SKIP} for one in found if one["kind"] != FIT]


def data(problem: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """The rows of an epoch, or one."""
    if "graph" in problem:
        (x,), (y,) = graph.data(problem["graph"])
        return x[:1], y[:1]
    x, y = mlp.data(problem)
    if problem["kind"] != FIT:
        return x[:1], y[:1]
    return np.tile(x, (problem["times"], 1)), np.tile(y, problem["times"])


check = mlp.check


def oracle(problem: dict[str, Any]) -> np.ndarray:
    """The loss after the checked steps, in float64."""
    return graph.oracle(problem["graph"]) if "graph" in problem else mlp.oracle(problem)


def limits(problem: dict[str, Any], threads: int) -> dict[str, list[Any]]:
    """None: the engine's row is what the others are set against."""
    return {}


def columns(problem: dict[str, Any], seconds: float, ours: float | None, measured: dict[str, float]) -> dict[str, str]:
    """A row of the report; seconds are a step's, or a call's."""
    found = {"us": f"{seconds * 1e6:,.1f}"}
    if ours and problem["kind"] == FIT:
        return {**found, "over the engine": f"{100 * (seconds / ours - 1):+,.1f} %"}
    return {**found, "over the engine": f"{(seconds - ours) * 1e6:+,.1f} us"} if ours else found


def limit_columns(problem: dict[str, Any], ours: float | None, measured: dict[str, float]) -> dict[str, dict[str, str]]:
    """None."""
    return {}
