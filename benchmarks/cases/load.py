"""Training that is not alone: beside a busy process, after NumPy's threads, under Ctrl-C, with other libraries loaded.

Every problem has a question, and a limit for the answer that the README explains. `beside.py` runs them.
"""

from __future__ import annotations

import statistics
from typing import Any

import numpy as np

from . import loop, mlp
from .adam import Oracle

NAME = "load"
TITLE = "training that is not alone"
# Of `mlp`, on one thread and on all.
RIVALS = (("gradstep", "fit"), ("torch", "fused"), ("jax", "scan an epoch"))
CHECKED_STEPS = 10

USUAL, AFTER, AFTER_ONE = "by itself", "after np.matmul on all threads", "after np.matmul on one thread"
CTRL_C = "Ctrl-C to KeyboardInterrupt"
ALONE = "gradstep"
ORDERS = (
    ALONE,
    "sklearn, gradstep",
    "gradstep, sklearn",
    "scipy.linalg, gradstep",
    "gradstep, scipy.linalg",
    "torch, gradstep",
    "gradstep, torch",
    "torch, sklearn, scipy.linalg, gradstep",
    "gradstep, scipy.linalg, sklearn, torch",
    "sklearn, gradstep, torch, scipy.linalg",
)


def problems(sizes: list[int] | None = None, quick: bool = False) -> list[dict[str, Any]]:
    """sizes: batches of the network of `mlp`."""
    found: list[dict[str, Any]] = []
    for batch in sizes or [32]:
        found += [
            {"kind": "threads", "name": f"batch {batch}, nobody else", "batch": batch, "busy": 0},
            {
                "kind": "threads",
                "name": f"batch {batch}, one busy process on the same cores",
                "batch": batch,
                "busy": 1,
            },
            {"kind": "turns", "name": f"train_on_batch, batch {batch}", "batch": batch},
        ]
        if quick:
            del found[-3]
    signals = 6 if quick else 200
    found.append({"kind": "signals", "name": f"{signals} real SIGINTs during fit", "batch": 32, "signals": signals})
    orders = ORDERS[:3] if quick else ORDERS
    return [*found, {"kind": "imports", "name": "np.matmul and Adam in turns, by order of import", "orders": orders}]


class Loop:
    """NumPy's products and an optimizer in turns, with a million parameters and more, so that both have threads."""

    ROWS, INPUTS, OUTPUTS = 128, 1200, 1000

    def __init__(self) -> None:
        rng = np.random.default_rng(8)
        self.x = rng.standard_normal((self.ROWS, self.INPUTS), np.float32)
        self.y = rng.standard_normal((self.ROWS, self.OUTPUTS), np.float32)
        self.w = np.zeros((self.INPUTS, self.OUTPUTS), np.float32)
        self.dw = np.zeros_like(self.w)

    def gradients(self) -> None:
        dy = self.x @ self.w
        dy -= self.y
        dy /= len(dy)
        np.matmul(self.x.T, dy, out=self.dw)


def oracle(problem: dict[str, Any]) -> np.ndarray:
    """Of `imports` the parameters after the checked steps, of the others the loss, in float64."""
    if problem["kind"] != "imports":
        return mlp.oracle(problem)
    work = Loop()
    work.x, work.y, work.w, work.dw = (a.astype(np.float64) for a in (work.x, work.y, work.w, work.dw))
    adam = Oracle([work.w])
    for _ in range(CHECKED_STEPS):
        work.gradients()
        adam.step([work.dw])
    return work.w


def check(result: np.ndarray, expected: np.ndarray) -> None:
    """Raise unless a contestant trained as the oracle did."""
    (loop if expected.ndim else mlp).check(result, expected)


def limits(problem: dict[str, Any], threads: int) -> dict[str, list[Any]]:
    """None: each row is set against another."""
    return {}


def rows(result: dict[str, Any]) -> dict[str, dict[str, str]]:
    """The table of a problem: title -> column -> text."""
    return {"threads": _threads, "turns": _turns, "signals": _signals, "imports": _imports}[result["problem"]["kind"]](
        result
    )


def _threads(result: dict[str, Any]) -> dict[str, dict[str, str]]:
    # Titles end with the number of threads: ", 1 thread".
    found: dict[str, dict[str, str]] = {}
    for title, seconds in result["seconds"].items():
        rival, threads = title.rsplit(", ", 1)
        found.setdefault(rival, {})[f"{threads}, us/step"] = f"{seconds * 1e6:,.1f}"
        alone = result["seconds"].get(f"{rival}, 1 thread")
        if alone and threads != "1 thread":
            found[rival][f"{threads} / 1 thread"] = f"{seconds / alone:.2f}"
    return found


def _turns(result: dict[str, Any]) -> dict[str, dict[str, str]]:
    return _against(result, USUAL, "us/step", 1e6)


def _imports(result: dict[str, Any]) -> dict[str, dict[str, str]]:
    return _against(result, ALONE, "ms/step", 1e3)


def _against(result: dict[str, Any], base: str, unit: str, scale: float) -> dict[str, dict[str, str]]:
    usual = result["seconds"].get(base)
    found = {}
    for title, seconds in result["seconds"].items():
        found[title] = {unit: f"{seconds * scale:,.3f}"}
        if usual:
            found[title][f"x {base}"] = f"{seconds / usual:.2f}"
    return found


def _signals(result: dict[str, Any]) -> dict[str, dict[str, str]]:
    found = {}
    for title, samples in result["samples"].items():
        ordered = sorted(samples)
        ninety_ninth = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
        times = {"median": statistics.median(ordered), "99th percentile": ninety_ninth, "worst": ordered[-1]}
        found[title] = {"signals": str(len(ordered)), **{f"{k}, ms": f"{v * 1e3:.1f}" for k, v in times.items()}}
    return found
