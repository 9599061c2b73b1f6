"""What a run leaves behind beside its result: numbers of every iteration, and the path."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["Record"]


class Record:
    """History of a run, which the core's loop makes.

    Parameters
    ----------
    keeps_path : bool
        Whether every point is kept.
    begin : float
        `time.perf_counter` at the start.

    Attributes
    ----------
    fun, gnorm, step, alpha, time : ndarray
        Of every iteration, the start first; empty for a run that had none.
    turns : int
        Iterations in a row, the last ones, in which the gradient pointed against the one before.
    """

    def __init__(self, keeps_path: bool, begin: float) -> None:
        self.begin = begin
        self.points: list[np.ndarray] | None = [] if keeps_path else None
        self.fun = self.gnorm = self.step = self.alpha = self.time = np.empty(0)
        self.turns = 0

    def __len__(self) -> int:
        return len(self.fun)

    def take(self, history: dict[str, np.ndarray], turns: int, points: list[np.ndarray] | None) -> None:
        """Keep what the loop has noted."""
        vars(self).update(history)
        self.turns, self.points = turns, points

    def history(self) -> dict[str, Any]:
        """The numbers of every iteration, as arrays."""
        return {name: getattr(self, name) for name in ("fun", "gnorm", "step", "alpha", "time")}
