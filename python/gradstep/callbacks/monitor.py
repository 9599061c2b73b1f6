"""Base of the callbacks that monitor a value of the logs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..checks import brief, check_float, describe
from ..hints import warn
from ..references import is_ours
from .base import Callback, Logs

__all__ = ["MonitorCallback"]

MODES = ("auto", "min", "max")


class MonitorCallback(Callback):
    """Base class of the callbacks that monitor a value of the logs.

    Parameters
    ----------
    monitor : str, default "val_loss"
        Its name in the logs.
    mode : {"auto", "min", "max"}, default "auto"
        Whether it is better when smaller or when larger; "auto" goes by what the metric of that name says
        (`Metric.higher_is_better`), however it is called. Losses are better when smaller.
    baseline : float, optional
        What counts as the best so far at the start.
    min_delta : float, default 0
        How much better a value must be to count as better; its size is taken.

    Attributes
    ----------
    best : float or None
        The best value so far.

    Raises
    ------
    TypeError
        `monitor` is no str, or a number is none.
    ValueError
        With "auto", when training begins: the model has no metric of that name, or it does not say which way is better;
        or a number is nan.

    Notes
    -----
    Another `mode` is a warning and counts as "auto", as in Keras. Keras finds out at the end of the first epoch that
    "auto" cannot be resolved, we before the first step. nan is never better than anything, and every number is better
    than nan; in Keras nan is never beaten once it is the best.
    """

    _purpose: str  # what the number is for

    def __init__(
        self, monitor: str = "val_loss", mode: str = "auto", baseline: float | None = None, min_delta: float = 0
    ) -> None:
        super().__init__()
        if not isinstance(monitor, str):
            raise TypeError(f"monitor must be the name of a number in the logs; got {describe(monitor)}.")
        if not isinstance(mode, str) or mode not in MODES:
            warn(f"mode must be one of {', '.join(MODES)}; {brief(mode)} counts as 'auto'.")
            mode = "auto"
        self.monitor, self.mode = monitor, mode
        self.min_delta = abs(number("min_delta", min_delta))
        self.best = None if baseline is None else number("baseline", baseline)
        self._larger: bool | None = None  # is better

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Determine whether larger or smaller is better, and check that the value will be in the logs."""
        self._larger = self.mode == "max" if self.mode != "auto" else self._larger_is_better()
        if self._log_names is not None and is_ours(type(self)):  # a subclass may find its number elsewhere
            names = self._log_names.always + self._log_names.sometimes
            if self.monitor not in names:
                self._missing(dict.fromkeys(names))

    def _larger_is_better(self) -> bool:
        if self.monitor in ("loss", "val_loss"):
            return False
        known = {} if self.model is None else self.model._directions
        names = [name for name in (self.monitor, self.monitor.removeprefix("val_")) if name in known]
        direction = known[names[0]] if names else None
        if direction is not None:
            return bool(direction)
        reason = "that metric does not say (its higher_is_better is None)"
        if not names:
            reason = f"the model has no loss or metric of that name; it has {', '.join(known) or 'none'}"
        raise ValueError(
            f"mode='auto' cannot tell whether monitor={self.monitor!r} is better when smaller or larger: {reason}. "
            "Give mode='min' or mode='max'."
        )

    def _is_improvement(self, value: Any, reference: float | None) -> bool:
        """Whether a value is better: any number is better than none and than nan, nan never is."""
        if math.isnan(value):
            return False
        if reference is None or math.isnan(reference):
            return True
        if self._larger is None:  # a custom loop that did not call on_train_begin
            MonitorCallback.on_train_begin(self)
        better = value - self.min_delta > reference if self._larger else value + self.min_delta < reference
        return bool(better)

    def _missing(self, logs: Mapping[str, Any] | None) -> None:
        there = ", ".join(logs or {}) or "nothing"
        warn(f"{self._purpose} needs {self.monitor!r} in the logs; they have {there}.")


def number(name: str, value: Any) -> float:
    """A real number that others can be compared with."""
    compared = check_float(name, value)
    if math.isnan(compared):
        raise ValueError(f"{name} must be a number; got nan.")
    return compared
