"""The loop around every method: iterations, the conditions that end them, callbacks and Ctrl-C."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .methods.base import Method
from .objective import Objective
from .point import Point
from .record import Record
from .stop import Stop

__all__ = ["Rules", "run"]

RISES = 20  # iterations in a row in which f rises, before a far higher value counts as divergence
UNMOVED = 10  # iterations in a row without a change, before a run counts as stalled
WINDOW = 100  # iterations in which f must fall by more than rounding, or the gradient halve


@dataclass
class Rules:
    """When a run ends, beside the limits that the objective itself watches."""

    gtol: float
    ftol: float
    xtol: float
    maxiter: float
    patience: float


def run(
    objective: Objective,
    method: Method,
    point: Point,
    rules: Rules,
    record: Record,
    callback: Callable[[Point, int], bool] | None,
    seed: int | None,
) -> tuple[Stop, Point]:
    """Iterate until something ends the run; gives why, and the last point."""
    try:
        first = point.f
        method._start(objective, point, seed)
        gnorm = method._optimality(point)
        record.add(point, gnorm, None)
        if gnorm <= rules.gtol:
            raise Stop("gtol")
        since, best = 0, point.f
        mark, least, n = point.f, gnorm, 0  # at the begin of the window
        while True:
            if n >= rules.maxiter:
                raise Stop("maxiter")
            new = method._step(point)
            n += 1
            gnorm = method._optimality(new)
            step = record.add(new, gnorm, point)
            before, point = point, new
            if callback is not None and callback(point, n):
                raise Stop("callback")
            if gnorm <= rules.gtol:
                raise Stop("gtol")
            _small(rules, before, point, step)
            if record.rises >= RISES and point.f > first + 1e3 * max(1.0, abs(first)):
                raise Stop("diverged", f"f rose {record.rises} times in a row, from {best:.6g} to {point.f:.6g}")
            if record.unmoved >= UNMOVED and method.needs != "value" and not method.makes_runs:
                raise Stop("stalled", f"x has not changed for {UNMOVED} iterations")
            if n % WINDOW == 0 and point.g is not None and not method.makes_runs:
                if (
                    mark - objective.best_f <= 10 * objective.eps * abs(mark)
                    and min(record.gnorm[-WINDOW:]) > least / 2
                ):
                    change = mark - objective.best_f
                    told = f"in {WINDOW} iterations f fell by {change:.2g} only, and the gradient did not"
                    raise Stop("stalled", told, method._left(point))
                mark, least = objective.best_f, min(least, *record.gnorm[-WINDOW:])
            if point.f < best:
                since, best = n, point.f
            elif n - since >= rules.patience:
                raise Stop("stalled", f"f has not been below {best:.6g} for {n - since} iterations")
    except Stop as stop:
        return stop, point
    except KeyboardInterrupt:
        return Stop("interrupted"), point


def _small(rules: Rules, before: Point, point: Point, step: float) -> None:
    if rules.ftol > 0 and point.f <= before.f:
        change = before.f - point.f
        if change <= rules.ftol * max(abs(before.f), abs(point.f), 1.0):
            raise Stop("ftol", f"f changed by {change:.2g} in the last iteration")
    if rules.xtol > 0 and step <= rules.xtol * max(1.0, math.sqrt(float(np.dot(point.x, point.x)))):
        raise Stop("xtol", f"x changed by {step:.2g} in the last iteration")


def callback_of(given: Any, describe: Callable[[Point, int], Any], restore: Callable[[np.ndarray], Any]) -> Any:
    """A user's callback, SciPy's two forms: ``callback(xk)`` and ``callback(intermediate_result=...)``."""
    if given is None:
        return None
    import inspect

    try:
        named = list(inspect.signature(given).parameters) == ["intermediate_result"]
    except (ValueError, TypeError):
        named = False

    def called(point: Point, n: int) -> bool:
        try:
            found = given(intermediate_result=describe(point, n)) if named else given(restore(point.x))
        except StopIteration:
            return True
        return found is True or (isinstance(found, np.bool_) and bool(found))

    return called
