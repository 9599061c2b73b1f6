"""Why a run ends: the reasons, their status numbers, and the exception that carries one to the loop."""

from __future__ import annotations

__all__ = ["STATUS", "SUCCESSES", "Stop"]

# The status numbers are SciPy's where it has one: 0 converged, 1 a limit, 2 no progress, 3 NaN, 99 the callback.
STATUS = {
    "gtol": 0,
    "ftol": 0,
    "xtol": 0,
    "target": 0,
    "callback": 99,
    "maxiter": 1,
    "maxfev": 1,
    "maxtime": 1,
    "stalled": 2,
    "line_search": 2,
    "diverged": 3,
    "nan": 3,
    "interrupted": 4,
}
SUCCESSES = ("gtol", "ftol", "xtol", "target", "callback")


class Stop(Exception):
    """A run has ended.

    Parameters
    ----------
    reason : str
        A key of `STATUS`.
    detail : str
        What was measured, as the begin of a sentence; empty if the reason alone says it.
    decrease : float, optional
        Where a line search failed: how much lower the method's model expects the minimum to be.
    """

    def __init__(self, reason: str, detail: str = "", decrease: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.detail, self.decrease = reason, detail, decrease
