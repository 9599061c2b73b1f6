"""Stop when nothing improves any more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..checks import check_bool, check_int, describe
from .base import Logs
from .monitor import MonitorCallback, number
from .progress import say
from .states import loaded, plain

__all__ = ["EarlyStopping"]


class EarlyStopping(MonitorCallback):
    """Stop training when a loss or metric has stopped improving.

    Parameters
    ----------
    monitor : str, default "val_loss"
        Which number of the logs is watched.
    min_delta : float, default 0
        How much better it must be than the best so far to count as better.
    patience : int, default 0
        How many epochs without improvement end training; at least 0.
    verbose : int, default 0
        1 says when training was ended, and which epoch's weights were restored.
    mode : {"auto", "min", "max"}, default "auto"
        Whether smaller or larger is better; "auto" goes by what the metric of that name says.
    baseline : float, optional
        A value that must be beaten: patience runs until it is.
    restore_best_weights : bool, default False
        Whether the model gets the weights of its best epoch when training ends, in whatever way it ends.
    start_from_epoch : int, default 0
        Epochs before this one, counted from 0, are not looked at.

    Attributes
    ----------
    stopped_epoch : int
        The epoch that was the last, counted from 0; 0 if training was not ended.
    best_epoch : int
    best_weights : list of ndarray or None

    Raises
    ------
    TypeError, ValueError
        An argument is of a wrong type or out of range; or as `mode` "auto" raises when training begins.

    Notes
    -----
    An epoch whose logs do not have the number is a warning. As in Keras, the first epoch never ends training, a run
    that reaches its last epoch restores the best weights too, and the optimizer's state is that of the last step.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> model = gs.Sequential([gs.Input((1,)), gs.layers.Dense(1)])
    >>> model.compile(gs.optimizers.SGD(learning_rate=0.0), "mse")
    >>> stop = gs.callbacks.EarlyStopping(monitor="loss", patience=3)
    >>> history = model.fit(np.ones((8, 1)), np.zeros((8, 1)), epochs=100, verbose=0, callbacks=[stop])
    >>> len(history.epoch), stop.stopped_epoch
    (4, 3)
    """

    _purpose = "early stopping"
    _state = ("best", "best_epoch", "wait", "stopped_epoch")

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        self.patience = check_int("patience", patience, 0)
        self.verbose = check_int("verbose", verbose, 0)
        self.baseline = None if baseline is None else number("baseline", baseline)
        self.restore_best_weights = check_bool("restore_best_weights", restore_best_weights)
        self.start_from_epoch = check_int("start_from_epoch", start_from_epoch, 0)
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best_weights: list[np.ndarray] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Reset the state, unless one was loaded."""
        super().on_train_begin(logs)
        if not self._is_resumed():
            self.wait = self.stopped_epoch = self.best_epoch = 0
            self.best = self.best_weights = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Check the monitored value."""
        current = self.get_monitor_value(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self._keep(epoch)
        self.wait += 1
        if self.best is None or self._is_improvement(current, self.best):  # also nan begins, and anything beats it
            self.best = float(current)
            self._keep(epoch)
            if self.baseline is None or self._is_improvement(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Restore the best weights, if `restore_best_weights` is set."""
        if self.stopped_epoch > 0 and self.verbose > 0:
            say(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose > 0:
                say(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)

    def get_monitor_value(self, logs: Logs | None) -> Any:
        """The monitored value; None, with a warning, if the logs do not have it."""
        value = (logs or {}).get(self.monitor)
        if value is None:
            self._missing(logs)
        return value

    def _keep(self, epoch: int) -> None:
        self.best_epoch = epoch
        if self.restore_best_weights:
            self.best_weights = self.model.get_weights()

    def state_dict(self) -> dict[str, Any]:
        """State of the callback; the best weights are strings, ``best_weights.0`` and so on."""
        weights = {f"best_weights.{i}": plain(weight) for i, weight in enumerate(self.best_weights or [])}
        return super().state_dict() | weights

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load what `state_dict` gave. The next `fit` continues with it."""
        if not isinstance(state, Mapping):
            raise TypeError(f"state must be a dict, as state_dict() gives; got {describe(state)}.")
        weights: list[np.ndarray] = []
        while (key := f"best_weights.{len(weights)}") in state:
            weights.append(loaded(state[key]))
        keys = [f"best_weights.{i}" for i in range(len(weights))]
        super().load_state_dict({key: value for key, value in state.items() if key not in keys})
        self.best_weights = weights or None
