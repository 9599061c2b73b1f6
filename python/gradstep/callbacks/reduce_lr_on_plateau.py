"""Lower the learning rate when nothing improves any more."""

from __future__ import annotations

from typing import Any

from ..checks import check_float, check_int
from .base import Logs
from .monitor import MonitorCallback
from .progress import say
from .rates import check_rates, log_rates, rate_names, rated

__all__ = ["ReduceLROnPlateau"]


class ReduceLROnPlateau(MonitorCallback):
    """Reduce the learning rate when a loss or metric has stopped improving.

    Parameters
    ----------
    monitor : str, default "val_loss"
        Which number of the logs is watched.
    factor : float, default 0.1
        What the rate is multiplied by; below 1.
    patience : int, default 10
        How many epochs without improvement are waited for; at least 0.
    verbose : int, default 0
        1 says each new rate.
    mode : {"auto", "min", "max"}, default "auto"
        Whether smaller or larger is better; "auto" goes by what the metric of that name says.
    min_delta : float, default 1e-4
        How much better a value must be than the best so far to count as better.
    cooldown : int, default 0
        How many epochs after a reduction are not counted as without improvement.
    min_lr : float, default 0.0
        The rate does not go below it.

    Attributes
    ----------
    wait, cooldown_counter : int
        Epochs without improvement so far, and those of the cooldown that are left.

    Raises
    ------
    TypeError, ValueError
        An argument is of a wrong type or out of range; or as `mode` "auto" raises when training begins. TypeError when
        training begins: the rate follows a schedule.

    Notes
    -----
    The rate that an epoch was trained with goes into its logs as ``learning_rate``; of a `MultiOptimizer` those of all
    its optimizers, after whose names they are called, and each is reduced.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> model = gs.Sequential([gs.Input((1,)), gs.layers.Dense(1, kernel_initializer="zeros")])
    >>> model.compile(gs.optimizers.SGD(learning_rate=0.5), "mse")
    >>> reduce = gs.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=2)
    >>> history = model.fit(np.ones((8, 1)), np.zeros((8, 1)), epochs=6, verbose=0, callbacks=[reduce])
    >>> history.history["learning_rate"]
    [0.5, 0.5, 0.5, 0.25, 0.25, 0.125]
    """

    _purpose = "reducing the learning rate"
    _state = ("best", "wait", "cooldown_counter")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        self.factor, self.min_lr = check_float("factor", factor), check_float("min_lr", min_lr)
        if not 0 <= self.factor < 1:
            raise ValueError(f"factor must be at least 0 and below 1; got {factor!r}.")
        if not 0 <= self.min_lr < float("inf"):
            raise ValueError(f"min_lr must be a number in [0, inf); got {min_lr!r}.")
        self.patience = check_int("patience", patience, 0)
        self.verbose = check_int("verbose", verbose, 0)
        self.cooldown = check_int("cooldown", cooldown, 0)
        self.wait = self.cooldown_counter = 0

    def _own_names(self) -> tuple[str, ...]:
        return tuple(rate_names(self.model.optimizer))

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Reset the state, unless one was loaded."""
        super().on_train_begin(logs)
        check_rates(self.model.optimizer, "ReduceLROnPlateau")
        if not self._is_resumed():
            self.best, self.wait, self.cooldown_counter = None, 0, 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Check the monitored value and reduce the learning rate if needed."""
        log_rates(self.model.optimizer, logs)
        current = (logs or {}).get(self.monitor)
        if current is None:
            self._missing(logs)
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self.best is None or self._is_improvement(current, self.best):  # also nan begins, and anything beats it
            self.best, self.wait = float(current), 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience and self._reduce(epoch):
                self.wait, self.cooldown_counter = 0, self.cooldown

    def in_cooldown(self) -> bool:
        """Whether the cooldown after a reduction is running."""
        return self.cooldown_counter > 0

    def _reduce(self, epoch: int) -> bool:
        reduced = False
        for name, optimizer in rated(self.model.optimizer):
            old: Any = float(optimizer.learning_rate)
            if old <= self.min_lr:
                continue
            reduced, optimizer.learning_rate = True, max(old * self.factor, self.min_lr)
            if self.verbose > 0:
                whose = f"the learning rate of {name}" if name else "the learning rate"
                say(f"Epoch {epoch + 1}: ReduceLROnPlateau reduces {whose} to {optimizer.learning_rate:g}.")
        return reduced
