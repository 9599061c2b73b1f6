"""A learning rate for each epoch, from a function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ..checks import check_int, describe, shown
from .base import Callback, Logs
from .progress import say
from .rates import check_rates, log_rates, rate_names, rated

__all__ = ["LearningRateScheduler"]


class LearningRateScheduler(Callback):
    """Set the learning rate at the beginning of each epoch, by a function.

    Parameters
    ----------
    schedule : function
        Called with the epoch, counted from 0, and the rate so far; or with the epoch alone if it takes no more. Gives
        a float.
    verbose : int, default 0
        1 says each rate.

    Raises
    ------
    TypeError
        `schedule` cannot be called; or the rate follows a schedule of the optimizer already.
    ValueError
        When an epoch begins: `schedule` does not give a float, or one that no learning rate can be.

    Notes
    -----
    The rate goes into the logs as ``learning_rate``; of a `MultiOptimizer` each optimizer's, which are all set.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> model = gs.Sequential([gs.Input((1,)), gs.layers.Dense(1)])
    >>> model.compile(gs.optimizers.SGD(learning_rate=0.5), "mse")
    >>> halve = gs.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2 if epoch else rate)
    >>> history = model.fit(np.ones((8, 1)), np.zeros((8, 1)), epochs=3, verbose=0, callbacks=[halve])
    >>> history.history["learning_rate"]
    [0.5, 0.25, 0.125]
    """

    def __init__(self, schedule: Callable[..., Any], verbose: int = 0) -> None:
        super().__init__()
        if not callable(schedule):
            raise TypeError(f"schedule must be a function of the epoch and the rate; got {describe(schedule)}.")
        self.schedule = schedule
        self.verbose = check_int("verbose", verbose, 0)

    def _own_names(self) -> tuple[str, ...]:
        return tuple(rate_names(self.model.optimizer))

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Check that the learning rate can be set."""
        check_rates(self.model.optimizer, "LearningRateScheduler")

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Set the rate."""
        for name, optimizer in rated(self.model.optimizer):
            rate = self._rate(epoch, float(optimizer.learning_rate))
            optimizer.learning_rate = rate
            if self.verbose > 0:
                whose = f"the learning rate of {name}" if name else "the learning rate"
                say(f"Epoch {epoch + 1}: LearningRateScheduler sets {whose} to {rate:g}.")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write the rate into the logs."""
        log_rates(self.model.optimizer, logs)

    def _rate(self, epoch: int, rate: float) -> float:
        value = self.schedule(epoch, rate) if _takes_two(self.schedule) else self.schedule(epoch)
        if not isinstance(value, (float, np.floating)):
            raise ValueError(f"schedule must give a float; for epoch {epoch} it gave {shown(value)}.")
        return float(value)


def _takes_two(schedule: Callable[..., Any]) -> bool:
    try:
        inspect.signature(schedule).bind(0, 0.1)
    except TypeError:
        return False
    except ValueError:  # a function that does not say what it takes
        return True
    return True
