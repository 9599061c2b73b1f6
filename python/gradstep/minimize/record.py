"""What a run leaves behind beside its result: numbers of every iteration, and the path."""

from __future__ import annotations

import math
from time import perf_counter
from typing import Any

import numpy as np

from .point import Point

__all__ = ["Record"]


class Record:
    """History of a run.

    Parameters
    ----------
    keeps_path : bool
        Whether every point is kept.
    begin : float
        `time.perf_counter` at the start.
    """

    def __init__(self, keeps_path: bool, begin: float) -> None:
        self.begin = begin
        self.points: list[np.ndarray] | None = [] if keeps_path else None
        self.fun: list[float] = []
        self.gnorm: list[float] = []
        self.step: list[float] = []
        self.alpha: list[float] = []
        self.time: list[float] = []
        self.turns = 0  # iterations in a row in which the gradient pointed against the one before
        self.rises = 0  # iterations in a row in which f rose
        self.unmoved = 0  # iterations in a row in which f and x stayed as they were

    def add(self, point: Point, gnorm: float, before: Point | None) -> float:
        """Keep an iteration's numbers; gives the length of its step."""
        step = 0.0
        if before is not None:
            d = point.x - before.x
            step = math.sqrt(float(np.dot(d, d)))
            if point.g is not None and before.g is not None:
                self.turns = self.turns + 1 if float(np.dot(point.g, before.g)) < 0 else 0
            self.rises = self.rises + 1 if point.f > before.f else 0
            self.unmoved = self.unmoved + 1 if step == 0 else 0
        self.fun.append(point.f)
        self.gnorm.append(gnorm)
        self.step.append(step)
        self.alpha.append(point.alpha)
        self.time.append(perf_counter() - self.begin)
        if self.points is not None:
            self.points.append(point.x)
        return step

    def history(self) -> dict[str, Any]:
        """The numbers of every iteration, as arrays."""
        return {name: np.array(getattr(self, name), np.float64) for name in ("fun", "gnorm", "step", "alpha", "time")}
