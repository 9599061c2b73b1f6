"""Save the model while it trains."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from typing import Any

from ..checks import check_bool, check_folder, check_int, describe
from ..distribution.active import is_writer, whole_state
from ..hints import warn
from ..references import is_ours
from .base import Logs
from .monitor import MonitorCallback, number
from .progress import say

__all__ = ["ModelCheckpoint"]

SAMPLE = 0.5  # in the place of a number that is not known yet


class ModelCheckpoint(MonitorCallback):
    """Save the model or its weights after epochs or batches, or only the best.

    Parameters
    ----------
    filepath : str or path
        Where to. ``{epoch}``, counted from 1, ``{batch}`` and the names of the logs are filled in, with a format if
        that is wanted: ``"run/{epoch:02d}-{val_loss:.3f}.gradstep"``. Folders are made.
    monitor : str, default "val_loss"
        Which number of the logs says what is better.
    verbose : int, default 0
        1 says what is saved, and why.
    save_best_only : bool, default False
        Whether to save only what is better than all before.
    save_weights_only : bool, default False
        Whether to call ``model.save_weights`` instead of ``model.save``.
    mode : {"auto", "min", "max"}, default "auto"
        Whether smaller or larger is better; "auto" goes by what the metric of that name says.
    save_freq : "epoch" or int, default "epoch"
        After each epoch, or after this many batches, counted over the epochs; then training comes back to Python at
        every batch, and the logs are those of the epoch so far.
    initial_value_threshold : float, optional
        What the first saved model must be better than.

    Attributes
    ----------
    best : float or None
        The value of the best model so far; it stays from one `fit` to the next.

    Raises
    ------
    TypeError, ValueError
        An argument is of a wrong type or out of range. When training begins: the model cannot be written, or not with
        this ending; with `save_best_only`, as `mode` "auto" raises.
    KeyError
        When training begins: `filepath` has a name that the logs do not have; or, where a custom callback may add
        it to the logs, when it saves.
    ImportError
        When training begins: h5py is needed and not installed.
    OSError
        When training begins, or when it saves: files cannot be written there.

    Notes
    -----
    With `save_best_only` and logs that do not have the number it warns, and saves. Keras wants certain endings of
    `filepath`; here that is a matter of `save` and `save_weights`.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> class Saving(gs.Sequential):
    ...     def save(self, path):
    ...         print("saving", path)
    >>> model = Saving([gs.Input((1,)), gs.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> save = gs.callbacks.ModelCheckpoint("{epoch:02d}.gradstep")
    >>> history = model.fit(np.ones((8, 1)), np.zeros(8), epochs=2, verbose=0, callbacks=[save])
    saving 01.gradstep
    saving 02.gradstep
    """

    _purpose = "saving the best model only"
    _state = ("best", "_batches_seen_since_last_saving", "_last_batch_seen")

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        if initial_value_threshold is not None:
            number("initial_value_threshold", initial_value_threshold)
        super().__init__(monitor, mode, initial_value_threshold)
        if not isinstance(filepath, (str, os.PathLike)):
            raise TypeError(f"filepath must be a str or a path; got {describe(filepath)}.")
        self.filepath = _checked_format(os.fspath(filepath))
        self.verbose = check_int("verbose", verbose, 0)
        self.save_best_only = check_bool("save_best_only", save_best_only)
        self.save_weights_only = check_bool("save_weights_only", save_weights_only)
        self.save_freq = batches_between("save_freq", save_freq)
        self._batches_seen_since_last_saving = 0
        self._last_batch_seen: int | None = None
        self._current_epoch = 0
        if self.save_freq == "epoch":
            self._idle = (ModelCheckpoint.on_train_batch_end,)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Determine whether larger or smaller is better, and check that the files can be written."""
        if self.save_best_only:
            super().on_train_begin(logs)
        numbers: Mapping[str, Any] = _Anything()
        if self._log_names is not None:
            each = self._log_names.always
            there = each if self.save_freq == "epoch" else [name for name in each if name in self.model.metrics_names]
            numbers = dict.fromkeys(there, SAMPLE)
        path = self._path(0, None if self.save_freq == "epoch" else 0, numbers)
        plain, is_plain = _before_names(self.filepath)
        check_folder(os.path.dirname(os.path.expanduser(plain)))
        if is_ours(self._saving()):
            self.model._check_saving(path, self.save_weights_only, is_final=is_plain)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Remember the epoch."""
        self._current_epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Save if enough batches have passed."""
        if self._is_due(batch):
            self._save(self._current_epoch, batch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save the model, if `save_freq` is "epoch"."""
        if self.save_freq == "epoch":
            self._save(epoch, None, logs)

    def _is_due(self, batch: int) -> bool:
        if self.save_freq == "epoch":
            return False
        new = self._last_batch_seen is None or batch <= self._last_batch_seen
        self._batches_seen_since_last_saving += batch + 1 if new else batch - (self._last_batch_seen or 0)
        self._last_batch_seen = batch
        if self._batches_seen_since_last_saving < int(self.save_freq):
            return False
        self._batches_seen_since_last_saving = 0
        return True

    def _save(self, epoch: int, batch: int | None, logs: Logs | None) -> None:
        path = self._path(epoch, batch, logs)
        if not self._is_wanted(epoch, logs, path):
            return
        with whole_state(self.model):
            if is_writer():
                self._write(path)

    def _write(self, path: str) -> None:
        folder = os.path.dirname(path)
        if folder:
            os.makedirs(folder, exist_ok=True)
        try:
            self._saving()(path)
        except IsADirectoryError as error:
            raise OSError(f"filepath must not be a folder; {path} is one.") from error

    def _saving(self) -> Callable[[str], Any]:
        saving: Callable[[str], Any] = self.model.save_weights if self.save_weights_only else self.model.save
        return saving

    def _is_wanted(self, epoch: int, logs: Logs | None, path: str) -> bool:
        begin = f"Epoch {epoch + 1}: "
        if not self.save_best_only:
            return self._said(f"{begin}saving model to {path}")
        current: Any = (logs or {}).get(self.monitor)
        if current is None:
            self._missing(logs)
            return True
        if self.best is None and math.isnan(current):
            warn(f"saving the best model only: {self.monitor!r} is nan, so nothing is saved.")
        before = "none" if self.best is None else f"{self.best:.5f}"
        if not self._is_improvement(current, self.best):
            return not self._said(f"{begin}{self.monitor} did not improve from {before}")
        self.best = float(current)
        return self._said(f"{begin}{self.monitor} improved from {before} to {self.best:.5f}, saving model to {path}")

    def _said(self, message: str) -> bool:
        if self.verbose > 0:
            say(message)
        return True

    def _path(self, epoch: int, batch: int | None, logs: Logs | None) -> str:
        numbers = {} if logs is None else logs
        names = {"epoch": epoch + 1} | ({} if batch is None else {"batch": batch + 1})
        try:
            path = self.filepath.format_map(_Names(names, numbers))
        except KeyError as error:
            raise KeyError(
                f"filepath {self.filepath!r} has the name {error}; there are {', '.join([*names, *numbers])}."
            ) from None
        return os.path.expanduser(path)


class _Names(dict[str, Any]):
    """Numbers by name; what is not among the first is looked for in others."""

    def __init__(self, first: Mapping[str, Any], others: Mapping[str, Any]) -> None:
        super().__init__(first)
        self._others = others

    def __missing__(self, name: str) -> Any:
        return self._others[name]


class _Anything(dict[str, float]):
    """A number for every name, where nobody knows which there will be."""

    def __missing__(self, name: str) -> float:
        return SAMPLE


def _checked_format(filepath: str) -> str:
    """A path with names in it, or a ValueError."""
    try:
        filepath.format_map(_Names({"epoch": 1, "batch": 1}, _Anything()))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"filepath must be a path with names such as {{epoch:02d}} or {{val_loss:.3f}} in it; got {filepath!r}: "
            f"{error}."
        ) from None
    return filepath


def _before_names(filepath: str) -> tuple[str, bool]:
    """The text before the first field of a format string, and whether it has no field."""
    from string import Formatter  # which few programs need

    before = ""
    for text, name, _, _ in Formatter().parse(filepath):
        before += text
        if name is not None:
            return before, False
    return before, True


def batches_between(name: str, value: Any) -> str | int:
    """How often something is saved: "epoch", or a number of batches."""
    if isinstance(value, str):
        if value != "epoch":
            raise ValueError(f"{name} must be 'epoch' or a number of batches; got {value!r}.")
        return value
    return check_int(name, value, 1)
