"""Trials of Optuna that are stopped early."""

from __future__ import annotations

from typing import Any

from ..checks import describe
from .base import Callback, Logs

__all__ = ["OptunaPruning"]


class OptunaPruning(Callback):
    """Report a value to a trial of Optuna after each epoch, and stop the trial if Optuna prunes it.

    Parameters
    ----------
    trial : optuna.Trial
    monitor : str, default "val_loss"
        Name of the value in the logs.

    Raises
    ------
    ImportError
        Optuna is not installed: ``pip install 'gradstep[optuna]'``.
    TypeError
        `trial` is none, or `monitor` is no str.
    ValueError
        In training: the logs have no such value.
    optuna.TrialPruned
        In training: the trial is pruned. The objective lets it pass, and Optuna takes the next trial.

    Notes
    -----
    As ``KerasPruningCallback`` of Optuna's integration for Keras. The study says which way is better, by its
    ``direction``; epochs are counted on over several calls of `fit` where ``initial_epoch`` is.

    Examples
    --------
    >>> def objective(trial):
    ...     model = build(learning_rate=trial.suggest_float("learning_rate", 1e-4, 1e-1, log=True))
    ...     prune = gs.callbacks.OptunaPruning(trial, "val_loss")
    ...     history = model.fit(x, y, validation_split=0.2, epochs=20, callbacks=[prune])
    ...     return history.history["val_loss"][-1]
    """

    def __init__(self, trial: Any, monitor: str = "val_loss") -> None:
        try:
            from optuna import TrialPruned
        except ImportError:
            raise ImportError("OptunaPruning needs Optuna: pip install 'gradstep[optuna]'") from None
        super().__init__()
        if not callable(getattr(trial, "report", None)) or not callable(getattr(trial, "should_prune", None)):
            raise TypeError(f"trial must be a trial of Optuna; got {describe(trial)}.")
        if not isinstance(monitor, str):
            raise TypeError(f"monitor must be the name of a number in the logs; got {describe(monitor)}.")
        self.trial, self.monitor = trial, monitor
        self._pruned = TrialPruned

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Report the value; raise `optuna.TrialPruned` if the trial is to end."""
        known = logs or {}
        if self.monitor not in known:
            raise ValueError(f"monitor must be one of {', '.join(known) or 'nothing'}; got {self.monitor!r}.")
        self.trial.report(float(known[self.monitor]), step=epoch)
        if self.trial.should_prune():
            raise self._pruned(f"pruned after epoch {epoch + 1}: {self.monitor} was {float(known[self.monitor]):.6g}")
