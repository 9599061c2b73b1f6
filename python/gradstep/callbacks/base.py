"""The hooks of training, scoring and prediction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..checks import describe
from ..references import is_ours
from .states import loaded, plain

__all__ = ["Callback", "LogNames", "Logs"]

Logs = Mapping[str, Any]


class LogNames(NamedTuple):
    """Names of the numbers in the logs of epochs: those in each, and those that some have, as of validation."""

    always: tuple[str, ...]
    sometimes: tuple[str, ...] = ()


class Callback:
    """Base class of the callbacks, with hooks to override.

    Attributes
    ----------
    model : Sequential
        The model in training. ``self.model.stop_training = True`` ends `fit` after the batch or epoch;
        ``stop_evaluating`` and ``stop_predicting`` end `evaluate` and `predict` after the batch.
    params : dict
        "verbose", "epochs", and "steps", the batches of an epoch.

    Notes
    -----
    A hook for batches brings training back to Python at every batch; without one that happens about 20 times a second.

    Examples
    --------
    >>> import gradstep as gs
    >>> class StopWhenGood(gs.callbacks.Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         self.model.stop_training = logs["loss"] < 0.01
    """

    # Hooks of the class that do nothing as this object is set: they alone do not bring training back at every batch.
    _idle: tuple[Any, ...] = ()
    # Attributes that a run must have again to go on as if it had not been interrupted.
    _state: tuple[str, ...] = ()
    # In `fit`: what the logs of an epoch have when they come to this callback; None: another one may add anything.
    _log_names: LogNames | None = None
    _loaded = False  # since the last run: the next one goes on instead of starting anew

    def __init__(self) -> None:
        self.model: Any = None
        self.params: dict[str, Any] = {}

    def set_model(self, model: Any) -> None:
        """Called before all other hooks."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Called before all other hooks."""
        self.params = params

    # -- training ------------------------------------------------------------------------------------------------------

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last epoch; logs: its own."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before an epoch, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After an epoch; logs: its loss and metrics, and those of the validation data with ``val_`` in front.

        What a callback adds to `logs` is seen by those after it in the list, and by the history.
        """

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch, counted from 0 in each epoch."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch; logs: means over the rows of the epoch so far."""
        self.on_batch_end(batch, logs=logs)

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Another name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Another name of `on_train_batch_end`."""

    def on_train_progress(self, batches: int, logs: Logs | None = None) -> None:
        """Called about 20 times a second; batches: number of finished batches of the epoch. Not in Keras."""

    # -- scoring and prediction ----------------------------------------------------------------------------------------

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Before `evaluate`, and before the validation data of an epoch are scored."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """After it; logs: loss and metrics, without ``val_``."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch is scored."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch was scored; logs: means over the rows so far."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Before `predict`."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """After `predict`."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of `predict`; logs: its "outputs"."""

    # -- for the list of callbacks -------------------------------------------------------------------------------------

    def close(self) -> None:
        """Called however a run ends, by an error or Ctrl-C too: close files, end lines. Not in Keras."""

    def _on_fit_data(self, x: Any, y: Any, others: list[Callback]) -> None:
        """Before training begins: rows of the data of `fit`, and the callbacks that its user gave."""

    def _after_epoch(self, epoch: int) -> None:
        """After `on_epoch_end` of all callbacks."""

    # -- state ---------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """State of the callback, for resuming in another process: numbers, strings and lists.

        The same bits come back through JSON. A subclass with additional state overrides this and `load_state_dict`.
        """
        return {name: plain(getattr(self, name)) for name in self._state}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load what `state_dict` gave. The next `fit` continues with it.

        Raises
        ------
        TypeError, ValueError
            It is no dict, or its keys are others than those of `state_dict`. Nothing is changed then.
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"state must be a dict, as state_dict() gives; got {describe(state)}.")
        for name in self._state:
            if name not in state:
                raise ValueError(f"state has no key {name!r}.")
        for name in state:
            if name not in self._state:
                raise ValueError(f"state has the key {name!r}, unknown to this {type(self).__name__}.")
        values = {name: loaded(value) for name, value in state.items()}
        for name, value in values.items():
            setattr(self, name, value)
        self._loaded = True

    def _is_resumed(self) -> bool:
        """Whether a run that begins now goes on with state that was loaded; asked once a run."""
        goes_on, self._loaded = self._loaded, False
        return goes_on

    def _added_names(self) -> tuple[str, ...] | None:
        """Names that this callback adds to the logs of an epoch; None if unknown, for custom callbacks."""
        hooks = [getattr(self, hook) for hook in ("on_epoch_end", "on_train_batch_end", "on_batch_end")]
        return self._own_names() if all(map(is_ours, hooks)) else None

    def _own_names(self) -> tuple[str, ...]:
        """Names that a callback of this package adds to the logs of an epoch."""
        return ()

    def _wants(self, hook: str) -> bool:
        """Whether a hook was overridden, in the class or on the object."""
        function = getattr(getattr(self, hook), "__func__", None)
        return function is not getattr(Callback, hook) and function not in self._idle
