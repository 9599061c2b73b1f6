"""The hooks of a training run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ..optimizers.arrays import describe

__all__ = ["Callback", "Callbacks", "Logs"]

Logs = Mapping[str, float]

BATCH_HOOKS = ("on_train_batch_begin", "on_train_batch_end")


class Callback:
    """Base of the callbacks: override the hooks that are wanted.

    Attributes
    ----------
    model : Sequential
        The model in training. ``self.model.stop_training = True`` ends `fit` after the batch or epoch.
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

    def __init__(self) -> None:
        self.model: Any = None
        self.params: dict[str, Any] = {}

    def set_model(self, model: Any) -> None:
        """Called before all others."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Called before all others."""
        self.params = params

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last epoch; logs: its own."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before an epoch, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After an epoch; logs: its loss and metrics, and those of the validation data with ``val_`` in front."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch, counted from 0 in each epoch."""

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch; logs: means over the rows of the epoch so far."""

    def on_train_progress(self, batches: int, logs: Logs | None = None) -> None:
        """About 20 times a second, in Python anyway; batches: how many of the epoch are done. Not in Keras."""


class Callbacks:
    """Several callbacks called as one."""

    def __init__(self, callbacks: Sequence[Callback], model: Any, params: dict[str, Any]) -> None:
        self.members = list(callbacks)
        for member in self.members:
            member.set_model(model)
            member.set_params(dict(params))
        # Also a hook that was set on the object instead of in its class.
        self.wants_batches = any(
            getattr(getattr(member, hook), "__func__", None) is not getattr(Callback, hook)
            for member in self.members
            for hook in BATCH_HOOKS
        )

    def call(self, hook: str, *arguments: Any) -> None:
        """Call a hook of each, in order."""
        for member in self.members:
            getattr(member, hook)(*arguments)

    @contextmanager
    def closing(self) -> Iterator[None]:
        """Whatever ends the run, a callback that has a `close` is closed: a progress bar ends its line."""
        try:
            yield
        finally:
            for member in self.members:
                close = getattr(member, "close", None)
                if close is not None:
                    close()


def as_callbacks(callbacks: Any) -> list[Callback]:
    """The ``callbacks`` argument of `fit` as a list."""
    given = [] if callbacks is None else callbacks
    if isinstance(given, Callback):
        given = [given]
    if not isinstance(given, (list, tuple)):
        raise TypeError(f"callbacks must be a list of Callback objects; got {describe(given)}.")
    for i, callback in enumerate(given):
        if isinstance(callback, type):
            raise TypeError(f"callbacks[{i}] must be an object; got the class {callback.__name__}: call it.")
        if not isinstance(callback, Callback):
            raise TypeError(f"callbacks[{i}] must be a Callback; got {describe(callback)}.")
    return list(given)
