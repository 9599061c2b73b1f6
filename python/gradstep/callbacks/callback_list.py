"""Several callbacks called as one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from ..checks import check_bool, describe
from .base import Callback, LogNames, Logs
from .history import History
from .progress import ProgbarLogger

if TYPE_CHECKING:
    from numpy import ndarray

__all__ = ["CallbackList"]

Member = TypeVar("Member", bound=Callback)

# Overriding any of these means that a batch at a time is wanted.
BATCH_HOOKS = {
    "train": ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end"),
    "test": ("on_test_batch_begin", "on_test_batch_end"),
    "predict": ("on_predict_batch_begin", "on_predict_batch_end"),
}


class CallbackList(Callback):
    """Container of callbacks, which calls them in order.

    Parameters
    ----------
    callbacks : list of Callback, optional
        Nested lists too.
    add_history : bool, default False
        Whether to add a `History` if there is none.
    add_progbar : bool, default False
        Whether to add a `ProgbarLogger` if there is none.
    model : Sequential, optional
        What they are about.
    **params
        What they get as ``params``: ``verbose``, ``epochs``, ``steps``.

    Attributes
    ----------
    callbacks : list of Callback

    Raises
    ------
    TypeError
        Something is not a callback.

    Notes
    -----
    All of them get one dict as ``logs``, a copy: what one writes into it, the next one sees.

    Examples
    --------
    >>> import gradstep as gs
    >>> seen = []
    >>> each = gs.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs["loss"]))
    >>> callbacks = gs.callbacks.CallbackList([each], add_history=True, epochs=1)
    >>> callbacks.on_train_begin()
    >>> callbacks.on_epoch_end(0, {"loss": 0.5})
    >>> seen, callbacks.callbacks[1].history
    ([0.5], {'loss': [0.5]})
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        super().__init__()
        self.callbacks = as_callbacks(callbacks)
        self._added: list[Callback] = []  # by this list, not by its maker
        self._history = next((member for member in self.callbacks if isinstance(member, History)), None)
        # The bar is drawn before the history is written, and both after the callbacks that may add to the logs.
        add_history, add_progbar = check_bool("add_history", add_history), check_bool("add_progbar", add_progbar)
        if add_progbar and not any(isinstance(member, ProgbarLogger) for member in self.callbacks):
            self._add(ProgbarLogger(live=params.get("verbose") != 2))
        if add_history and self._history is None:
            self._history = self._add(History())
        self.set_model(model)
        self.set_params(params)

    def _add(self, member: Member) -> Member:
        self.callbacks.append(member)
        self._added.append(member)
        return member

    def set_model(self, model: Any) -> None:
        """Call the method of every callback."""
        if model is None:
            return
        super().set_model(model)
        if self._history is not None:
            model.history = self._history
        for member in self.callbacks:
            member.set_model(model)

    def set_params(self, params: dict[str, Any]) -> None:
        """Call the method of every callback."""
        super().set_params(params)
        if params:
            for member in self.callbacks:
                member.set_params(dict(params))

    def set_steps(self, steps: int | None) -> None:
        """Set the number of batches of an epoch, which of a generator is known at its end."""
        if steps != self.params.get("steps"):
            self.set_params(self.params | {"steps": steps})

    def wants_batches(self, what: str) -> bool:
        """Whether a callback has a hook for every batch of "train", "test" or "predict"."""
        return any(member._wants(hook) for member in self.callbacks for hook in BATCH_HOOKS[what])

    def _wants(self, hook: str) -> bool:
        return any(member._wants(hook) for member in self.callbacks)

    def _call(self, hook: str, *arguments: Any, logs: Logs | None) -> None:
        shared = dict(logs) if logs else {}
        for member in self.callbacks:
            getattr(member, hook)(*arguments, shared)

    def _call_batch(self, hook: str, batch: int, logs: Logs | None) -> None:
        # By name, as Keras does: `lambda batch, **rest` is a hook too.
        shared = dict(logs or {})
        for member in self.callbacks:
            getattr(member, hook)(batch, logs=shared)

    def on_fit_data(self, x: ndarray, y: ndarray, names: LogNames) -> History:
        """Before `fit`: those that look at its rows, (rows, inputs), or at the others get them; the run's history.

        names: what the logs of epochs have before a callback adds to them.
        """
        given = [member for member in self.callbacks if member not in self._added]
        if self._history is None:
            self._history = self._add(History())
            self._history.set_params(dict(self.params))
            self._history.set_model(self.model)
        known: LogNames | None = names
        for member in self.callbacks:
            member._on_fit_data(x, y, given)
            member._log_names, added = known, member._added_names()
            known = None if known is None or added is None else LogNames((*known.always, *added), known.sometimes)
        return self._history

    @contextmanager
    def closing(self) -> Iterator[None]:
        """Close every callback at the end of a run, whatever ends it."""
        try:
            yield
        finally:
            for member in self.callbacks:
                member.close()

    # -- the hooks of all ----------------------------------------------------------------------------------------------

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Call `on_train_begin` of every callback."""
        self._call("on_train_begin", logs=logs)
        for member in self.callbacks:
            member._is_resumed()  # also what another one has loaded meanwhile was for this run

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Call `on_train_end` of every callback."""
        self._call("on_train_end", logs=logs)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Call `on_epoch_begin` of every callback."""
        self._call("on_epoch_begin", epoch, logs=logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Call `on_epoch_end` of every callback."""
        self._call("on_epoch_end", epoch, logs=logs)
        for member in self.callbacks:
            member._after_epoch(epoch)

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Call `on_train_batch_begin` of every callback."""
        self._call_batch("on_train_batch_begin", batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Call `on_train_batch_end` of every callback."""
        self._call_batch("on_train_batch_end", batch, logs)

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Call `on_batch_begin` of every callback."""
        self._call_batch("on_batch_begin", batch, logs)

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Call `on_batch_end` of every callback."""
        self._call_batch("on_batch_end", batch, logs)

    def on_train_progress(self, batches: int, logs: Logs | None = None) -> None:
        """Call `on_train_progress` of every callback."""
        self._call("on_train_progress", batches, logs=logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Call `on_test_begin` of every callback."""
        self._call("on_test_begin", logs=logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Call `on_test_end` of every callback."""
        self._call("on_test_end", logs=logs)

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Call `on_test_batch_begin` of every callback."""
        self._call_batch("on_test_batch_begin", batch, logs)

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Call `on_test_batch_end` of every callback."""
        self._call_batch("on_test_batch_end", batch, logs)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Call `on_predict_begin` of every callback."""
        self._call("on_predict_begin", logs=logs)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Call `on_predict_end` of every callback."""
        self._call("on_predict_end", logs=logs)

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Call `on_predict_batch_begin` of every callback."""
        self._call_batch("on_predict_batch_begin", batch, logs)

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Call `on_predict_batch_end` of every callback."""
        self._call_batch("on_predict_batch_end", batch, logs)


def as_callbacks(callbacks: Any) -> list[Callback]:
    """The ``callbacks`` argument of `fit` as a flat list."""
    given = [] if callbacks is None else callbacks
    if isinstance(given, Callback):
        given = [given]
    if not isinstance(given, (list, tuple)):
        raise TypeError(f"callbacks must be a list of Callback objects; got {describe(given)}.")
    flat: list[Callback] = []
    for i, callback in enumerate(given):
        if isinstance(callback, (list, tuple)):
            flat += as_callbacks(callback)
            continue
        if isinstance(callback, type):
            raise TypeError(f"callbacks[{i}] must be an object; got the class {callback.__name__}: call it.")
        if not isinstance(callback, Callback):
            raise TypeError(f"callbacks[{i}] must be a Callback; got {describe(callback)}.")
        flat.append(callback)
    return flat


def as_list(callbacks: Any, model: Any, add_progbar: bool = False, **params: Any) -> CallbackList:
    """The ``callbacks`` argument as a `CallbackList`, which may be one already."""
    if isinstance(callbacks, CallbackList):
        callbacks.set_model(model)
        callbacks.set_params(callbacks.params | params)
        return callbacks
    return CallbackList(callbacks, add_progbar=add_progbar, model=model, **params)
