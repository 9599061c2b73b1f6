"""Every optimizer: a step over one large array, against a sweep over as many arrays, PyTorch and optax.

The optimizers are those of the registry, and the flags of them that are rules of their own
(tests/support/variants.py); what each must compute is said by the oracles of the test suite (tests/support/reference).
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from . import forms, streams

NAME = "rules"
TITLE = "every optimizer, float32"
RIVALS = (("gradstep", "bound"), ("torch", "default"), ("torch", "fused"), ("optax", "jit"))
ONE_THREAD = ()
# The gradient of each checked step over that of the timed ones: signs turn, sizes change, by powers of two. Eight of
# them, for RAdam's first five are another rule.
FACTORS = (1.0, 1.0, -0.5, 1.0, 2.0, 1.0, 1.0, 1.0)
# Rules that take seconds at the usual size: products of matrices are not a matter of memory.
SHAPES = {"Muon": (1024, 1024)}
# What issue 4 asks for, at so many elements. PyTorch has these four as one fused loop on the CPU.
ELEMENTS = 10_000_000
FUSED = ("SGD", "Adam", "AdamW", "Adagrad")
MOST = {"elementwise": 1.10, "Lamb": 1.5, "Lars": 1.5}
# What issue 17 asks for at so many elements: ours over the slower of the sweep and the divider.
MOST_OF_FLOOR = {100_000: 1.5}
# Divisions and roots of an element in a rule's loop (csrc/optimizers), where they are not one of each.
DIVIDER = {
    **dict.fromkeys(("SGD", "Momentum", "Nesterov", "TorchSGD", "TorchMomentum", "TorchNesterov"), (0, 0)),
    **dict.fromkeys(("ASGD", "Lion", "Signum", "Rprop", "ScheduleFreeSGD"), (0, 0)),
    **dict.fromkeys(("Adamax", "TorchAdamax"), (1, 0)),
    "Ftrl": (1, 2),
}
# Rules of exp and log, whose floor is another.
WITHOUT_FLOOR = ("FtrlPower",)


def suite() -> tuple[dict[str, Callable[..., Any]], dict[str, Callable[..., Any]]]:
    """The test suite's optimizers by name, and its oracles by rule. Imports gradstep, so only where it is at work."""
    support = str(Path(__file__).parents[2] / "tests" / "support")
    if support not in sys.path:
        sys.path.append(support)
    from reference.optimizers import ORACLES
    from variants import OPTIMIZERS

    return OPTIMIZERS, ORACLES


def problems(sizes: list[int] | None = None, quick: bool = False) -> list[dict[str, Any]]:
    """Every optimizer at every size."""
    found = []
    for elements in sizes or [10_000 if quick else ELEMENTS]:
        for name, make in suite()[0].items():
            optimizer = make()
            kind = type(optimizer).__name__
            whole = elementwise(make)
            problem = {
                "name": f"{name}, {elements:,}",
                "variant": name,
                "optimizer": kind,
                "config": optimizer.get_config(),
                "rule": optimizer._core.rule,
                "values": {f: v for f in optimizer._all_fields() if (v := getattr(optimizer, f)) is not None},
                "slots": slots(make),
                "elementwise": whole,
                "shape": [elements] if whole else list(square(elements)),
            }
            if kind in SHAPES and elements > 2**20:
                problem["shape"] = list(SHAPES[kind])
            found.append(problem)
    return found


def square(elements: int) -> tuple[int, int]:
    """A matrix of about so many elements."""
    edge = int(elements**0.5)
    return elements // edge, edge


def elementwise(make: Callable[..., Any]) -> bool:
    """Whether an element's steps follow from its own gradients alone."""
    ends = []
    for other in (1.0, -3.0):
        w, optimizer = np.full((2, 2), 0.5), make()
        for _ in range(3):
            optimizer.step(w, np.array([[1.0, 1.0], [1.0, other]]))
        ends.append(w[0, 0])
    return bool(ends[0] == ends[1])


def slots(make: Callable[..., Any]) -> int:
    """Arrays of state that are as large as the parameter."""
    w, optimizer = np.ones((4, 8), np.float32), make()
    optimizer.step(w, w.copy())
    return sum(name.startswith("0.") and array.size == w.size for name, array in optimizer.state_dict().items())


def inputs(problem: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """The parameter and its gradient, the same in every process.

    Parameters have sizes from 1e-4, where the smallest steps show, to 1, where decay does. Gradients are large: beside
    them nobody's epsilon matters, whose places differ.
    """
    rng = np.random.default_rng(9)
    w = np.float32(10) ** (-4 * rng.random(problem["shape"], np.float32))
    g = rng.random(problem["shape"], np.float32) * np.float32(1000) + np.float32(500)
    np.negative(g, out=g, where=rng.random(problem["shape"], np.float32) < 0.5)
    return w, g


def checked_steps(g: np.ndarray) -> Iterator[np.ndarray]:
    """The gradient of each checked step: the same array, scaled in place; at the end it is as it was."""
    before = 1.0
    for factor in FACTORS:
        g *= g.dtype.type(factor / before)
        before = factor
        yield g


def sampled(problem: dict[str, Any], array: np.ndarray) -> np.ndarray:
    """What is checked: a hundred thousand elements where each moves by itself, otherwise all."""
    return array.reshape(-1)[:: max(1, array.size // 100_000)] if problem["elementwise"] else array


def oracle(problem: dict[str, Any]) -> np.ndarray:
    """(1 + forms, ...): the start, the end by our own rule, and by other published forms of it, in float64."""
    w, g = (sampled(problem, a).astype(np.float64) for a in inputs(problem))
    gradients = [scaled.copy() for scaled in checked_steps(g)]
    own = suite()[1][problem["rule"]]
    ends = [_called(own, w, gradients, problem["values"])]
    ends += [_called(form, w, gradients, problem["values"]) for form in forms.OTHERS.get(problem["rule"], ())]
    return np.stack([w, *ends])


def _called(form: Callable[..., Any], w: np.ndarray, gradients: list[np.ndarray], values: dict[str, Any]) -> np.ndarray:
    """Fields that come with every rule, and are neutral, are unknown to an oracle."""
    known = {k: v for k, v in values.items() if k in inspect.signature(form).parameters}
    with np.errstate(all="ignore"):
        return form(w.copy(), gradients, **known)[0]


def check(result: np.ndarray, expected: np.ndarray) -> None:
    """Raise unless the result is a published form's: to the rounding of w, and a ten-thousandth of the longest way."""
    start, *ends = (array.reshape(result.shape) for array in expected)
    errors = []
    for end in ends:
        largest = np.maximum(np.abs(start), np.abs(end))
        allowed = len(FACTORS) * 2**-23 * largest + 1e-4 * np.max(np.abs(end - start), initial=0.0)
        errors.append(float(np.max(np.abs(result - end) / allowed, initial=0.0)))
    if not min(errors) <= 1:
        raise ArithmeticError(f"parameters differ from the oracle's by {min(errors):.2e} times what rounding allows.")


def size(problem: dict[str, Any]) -> int:
    return int(np.prod(problem["shape"]))


def limits(problem: dict[str, Any], threads: int) -> dict[str, list[Any]]:
    """A sweep of the rule's traffic: it reads w, g and its state, and writes w and its state. And its divisions."""
    n = size(problem)
    found = streams.sweep(2 + problem["slots"], 1 + problem["slots"], n, threads)
    if has_floor(problem):
        found |= streams.divider(*DIVIDER.get(problem["rule"], (1, 1)), n, threads)
    return found


def has_floor(problem: dict[str, Any]) -> bool:
    """Whether the sweep and the divider are all that a step needs."""
    return problem["elementwise"] and problem["rule"] not in WITHOUT_FLOOR


def over_floor(problem: dict[str, Any], seconds: float, measured: dict[str, float]) -> float | None:
    """Of a step; None without a floor, or where it was not measured."""
    wanted = limits(problem, 1).keys()
    if not has_floor(problem) or not wanted <= measured.keys():
        return None
    return seconds / streams.floor(measured, size(problem))


def columns(problem: dict[str, Any], seconds: float, ours: float | None, measured: dict[str, float]) -> dict[str, str]:
    row = streams.times(size(problem), seconds, 3 + 2 * problem["slots"])
    row["x sweep"] = f"{seconds / streams.fastest(measured):.2f}"
    if (ratio := over_floor(problem, seconds, measured)) is not None:
        row["x floor"] = f"{ratio:.2f}"
    if ours:
        row["x gradstep"] = f"{seconds / ours:.2f}"
    return row


def limit_columns(problem: dict[str, Any], ours: float | None, measured: dict[str, float]) -> dict[str, dict[str, str]]:
    rows = {}
    for name, seconds in measured.items():
        rows[f"limit: {name}"] = row = streams.times(size(problem), seconds, 3 + 2 * problem["slots"])
        if name.startswith("divider"):
            del row["GB/s"]
    return rows


def summary(results: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """A row a rule: ours over the sweep, the rivals over ours, and what was asked where it was not reached."""
    rows = {}
    for result in results:
        problem, seconds = result["problem"], result["seconds"]
        ours = seconds.get("gradstep: bound")
        if not ours:
            continue
        kind = problem["optimizer"]
        asked = size(problem) >= ELEMENTS
        most = MOST.get("elementwise" if problem["elementwise"] else kind) if asked else None
        row = {
            "reads + writes": f"{2 + problem['slots']} + {1 + problem['slots']}",
            "us/step": f"{ours * 1e6:,.1f}",
            "ours / sweep": streams.judged(ours / streams.fastest(result["limits"]), most=most),
        }
        if (ratio := over_floor(problem, ours, result["limits"])) is not None:
            row["ours / floor"] = streams.judged(ratio, most=MOST_OF_FLOOR.get(size(problem)))
        least = {"torch: fused": 1.0} if kind in FUSED else {"torch: default": 4.0, "optax: jit": 1.3}
        for title in ("torch: default", "torch: fused", "optax: jit"):
            ratio = seconds[title] / ours if title in seconds else None
            row[f"{title} / ours"] = "" if ratio is None else streams.judged(ratio, least.get(title) if asked else None)
        rows[problem["name"]] = row
    return rows
