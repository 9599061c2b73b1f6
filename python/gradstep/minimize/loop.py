"""The loop around every method: it is the core's (csrc/minimize/loop.cpp); here is how a run is handed to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _core
from .methods.base import Method
from .objectives.objective import Objective
from .point import Point
from .record import Record
from .stop import Stop

__all__ = ["Rules", "run"]


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
        method._start(objective, point, seed)
    except Stop as stop:
        return stop, point
    except KeyboardInterrupt:
        return Stop("interrupted"), point
    limits = [rules.gtol, rules.ftol, rules.xtol, float(rules.maxiter), rules.patience]
    reason, detail, decrease, last, history, turns, points = _core.descend(
        objective,
        method,
        method._native,
        objective.is_direct_by_values if method.needs == "value" else objective.is_direct,
        objective.machine_code,
        point,
        limits,
        record.points is not None,
        record.begin,
        callback,
        Stop,
    )
    record.take(history, turns, points)
    return Stop(reason, detail, decrease), last


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
