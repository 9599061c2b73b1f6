"""What Adam's options cost: a bound step with one over the plain step, beside what their traffic alone would cost."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import streams
from .adam import ADAM, Oracle

NAME = "options"
TITLE = "options of Adam, float32"
# The arguments of each form. Bounds lie where the gradients are: some are clipped, and all together are, in some steps
# at least; not to so little that the place of epsilon, where ours and the oracle's differ, would show.
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "global_clipnorm": {"global_clipnorm": 100.0},
    "use_ema": {"use_ema": True, "ema_momentum": 0.99},
    "on_nonfinite": {"on_nonfinite": "skip"},
    "weight_decay": {"weight_decay": 0.01},
    "clipvalue": {"clipvalue": 1.0},
}
RIVALS = tuple(("gradstep", form) for form in OPTIONS)
ONE_THREAD = ()
CHECKED_STEPS = 5
# Of a step of Adam: w, g, m, v read and w, m, v written. The sweeps that an option adds to it, (reads, writes), or
# does in its place: a norm of all gradients is known only once they were all read; an average is one more array.
PLAIN = (4, 3)
FLOORS = {"global_clipnorm": "sweep and one more read", "use_ema": "sweep with one more array"}
# What issue 4 asks for, over the plain step.
MOST = {"on_nonfinite": 1.03}


def problems(sizes: list[int] | None = None, quick: bool = False) -> list[dict[str, Any]]:
    return [{"name": f"1 x {n:,}", "elements": n} for n in sizes or ([10_000] if quick else [100_000, 10_000_000])]


def inputs(problem: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """The parameter and its gradient, the same in every process, the gradient between 0.5 and 1.5 in size."""
    rng, n = np.random.default_rng(10), problem["elements"]
    w = rng.standard_normal(n, np.float32)
    g = rng.random(n, np.float32) + np.float32(0.5)
    np.negative(g, out=g, where=rng.random(n, np.float32) < 0.5)
    return w, g


def checked_steps(g: np.ndarray) -> Any:
    """The gradient of each checked step, scaled in place by powers of two; the last is as it was.

    Adam forgets one constant factor, such as that of a clipped norm; two of them it does not.
    """
    for factor in (1.0, 4.0, 1.0, 0.125, 2.0):
        g *= g.dtype.type(factor)
        yield g


def oracle(problem: dict[str, Any]) -> dict[str, np.ndarray]:
    """For each form the end of w, in float64, and of the average where there is one."""
    ends = {}
    for form, options in OPTIONS.items():
        w, g = (array.astype(np.float64) for array in inputs(problem))
        average, adam, rate = w.copy(), Oracle([w]), ADAM["learning_rate"]
        for scaled in checked_steps(g):
            taken = scaled
            if "global_clipnorm" in options:
                taken = scaled * min(1.0, options["global_clipnorm"] / np.linalg.norm(scaled))
            if "clipvalue" in options:
                taken = np.clip(scaled, -options["clipvalue"], options["clipvalue"])
            w *= 1 - rate * options.get("weight_decay", 0.0)
            adam.step([taken])
            # As in Keras, the average begins as what the first step made.
            kept = options.get("ema_momentum", 0.0) if adam.t > 1 else 0.0
            average = kept * average + (1 - kept) * w
        ends[form] = np.concatenate([w, average]) if "use_ema" in options else w
    return ends


def check(result: np.ndarray, expected: np.ndarray) -> None:
    """Raise unless a form computed its option: to the rounding of w, and a thousandth of a step."""
    if result.shape != expected.shape:
        raise ArithmeticError(f"the result has shape {result.shape}; the oracle's has {expected.shape}.")
    error = float(np.max(np.abs(result - expected), initial=0.0))
    limit = CHECKED_STEPS * (2.4e-7 + 1e-3 * ADAM["learning_rate"])
    if not error <= limit:
        raise ArithmeticError(f"parameters differ from the oracle's by {error:.2e}; at most {limit:.2e} is rounding.")


def limits(problem: dict[str, Any], threads: int) -> dict[str, list[Any]]:
    n, (reads, writes) = problem["elements"], PLAIN
    return {
        **streams.sweep(reads, writes, n, threads),
        **streams.sweep(1, 0, n, threads, "one read"),
        **streams.sweep(reads + 1, writes + 1, n, threads, "sweep with one more array"),
    }


def floors(measured: dict[str, float]) -> dict[str, float]:
    """The time of each kind of traffic."""
    plain = streams.fastest(measured)
    return {
        "sweep": plain,
        "sweep and one more read": plain + streams.fastest(measured, "one read"),
        "sweep with one more array": streams.fastest(measured, "sweep with one more array"),
    }


def columns(problem: dict[str, Any], seconds: float, ours: float | None, measured: dict[str, float]) -> dict[str, str]:
    row = {"us/step": f"{seconds * 1e6:,.2f}", "x sweep": f"{seconds / floors(measured)['sweep']:.2f}"}
    if ours:
        row["x plain"] = f"{seconds / ours:.3f}"
    return row


def limit_columns(problem: dict[str, Any], ours: float | None, measured: dict[str, float]) -> dict[str, dict[str, str]]:
    return {f"limit: {name}": columns(problem, seconds, ours, measured) for name, seconds in floors(measured).items()}


def summary(results: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """A row an option: its time over the plain one's, and what its traffic allows: its floor over the plain floor."""
    rows: dict[str, dict[str, str]] = {}
    for result in results:
        plain, found = result["seconds"].get("gradstep: plain"), floors(result["limits"])
        for form in OPTIONS:
            seconds = result["seconds"].get(f"gradstep: {form}")
            if not plain or not seconds or form == "plain":
                continue
            allowed = MOST.get(form, found[FLOORS.get(form, "sweep")] / found["sweep"])
            row = rows.setdefault(form, {})
            row[f"{result['problem']['name']}: x plain"] = f"{seconds / plain:.3f}"
            row[f"{result['problem']['name']}: asked"] = f"{allowed:.3f}"
    return rows
