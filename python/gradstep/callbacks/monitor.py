"""What callbacks have in common that watch a number of the logs."""

from __future__ import annotations

import warnings
from typing import Any

from ..optimizers.arguments import real
from ..optimizers.arrays import describe
from .base import Callback, Logs

__all__ = ["MonitorCallback"]

MODES = ("auto", "min", "max")
# Words in the names of the metrics that are better when they are larger; all others are better when smaller.
LARGER = ("acc", "accuracy", "auc", "precision", "recall", "score", "r2", "iou", "io_u", "true_", "specificity",
          "sensitivity", "correlation", "cosine_similarity")  # fmt: skip


class MonitorCallback(Callback):
    """Base of the callbacks that watch whether a number of the logs improves.

    Parameters
    ----------
    monitor : str, default "val_loss"
        Its name in the logs.
    mode : {"auto", "min", "max"}, default "auto"
        Whether it is better when smaller or when larger; "auto" goes by the loss or metric of that name.
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
        With "auto", when training begins: the model has no metric of that name.

    Notes
    -----
    Another `mode` is a warning and counts as "auto", as in Keras. Keras finds out at the end of the first epoch that
    "auto" cannot be resolved, we before the first step.
    """

    def __init__(
        self, monitor: str = "val_loss", mode: str = "auto", baseline: float | None = None, min_delta: float = 0
    ) -> None:
        super().__init__()
        if not isinstance(monitor, str):
            raise TypeError(f"monitor must be the name of a number in the logs; got {describe(monitor)}.")
        if mode not in MODES:
            warnings.warn(f"mode must be one of {', '.join(MODES)}; {mode!r} counts as 'auto'.", stacklevel=3)
            mode = "auto"
        self.monitor, self.mode = monitor, mode
        self.min_delta = abs(real("min_delta", min_delta))
        self.best = None if baseline is None else real("baseline", baseline)
        self._larger: bool | None = None  # is better

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Find out which way is better."""
        self._larger = self.mode == "max" if self.mode != "auto" else self._larger_is_better()

    def _larger_is_better(self) -> bool:
        name = self.monitor.removeprefix("val_")
        if name == "loss":
            return False
        for metric in getattr(self.model, "metrics", []):
            direction = getattr(metric, "_direction", None)
            if getattr(metric, "name", None) == name and direction is not None:
                return bool(direction == "up")
        if name in getattr(self.model, "metrics_names", []):
            return any(word in name for word in LARGER)
        raise ValueError(
            f"mode='auto' cannot tell whether monitor={self.monitor!r} is better when smaller or larger: the model has "
            "no loss or metric of that name. Give mode='min' or mode='max'."
        )

    def _is_improvement(self, value: Any, reference: float | None) -> bool:
        if reference is None:
            return True
        if self._larger is None:  # a loop of one's own that does not say that it begins
            MonitorCallback.on_train_begin(self)
        better = value - self.min_delta > reference if self._larger else value + self.min_delta < reference
        return bool(better)

    def _missing(self, what: str, logs: Logs | None) -> None:
        there = ", ".join(logs or {}) or "nothing"
        warnings.warn(f"{what} needs {self.monitor!r} in the logs; they have {there}.", stacklevel=4)
