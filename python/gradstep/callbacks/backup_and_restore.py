"""Training that goes on after a crash."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..checks import flag
from ..optimizers.arrays import describe
from .base import Callback, Logs
from .model_checkpoint import batches_between

if TYPE_CHECKING:
    from numpy import ndarray

__all__ = ["BackupAndRestore"]


class BackupAndRestore(Callback):
    """Keep a backup of training while it runs; the same `fit` in a new process goes on from there.

    Parameters
    ----------
    backup_dir : str or path
        A folder for this training alone; it is made.
    save_freq : "epoch" or int, default "epoch"
        After each epoch, or after this many batches; then training comes back to Python at every batch.
    double_checkpoint : bool, default False
        Whether to keep the backup before the last one too, for a disk that damages files.
    delete_checkpoint : bool, default True
        Whether to delete the backups when training has come to its end.

    Raises
    ------
    TypeError, ValueError
        An argument is of a wrong type or out of range. When training begins: the backup is of another model,
        optimizer or callbacks, or is damaged.
    OSError
        It cannot be read or written.

    Notes
    -----
    A backup has weights, optimizer, seeds and counters, and the state of the other callbacks: after an epoch's backup
    training goes on as if it had not been interrupted, bit for bit. It is made when all callbacks have seen the epoch;
    none is made of the epoch that ends training. From a backup in the middle of an epoch that epoch begins anew, with
    the weights as they were. The history that `fit` makes has the epochs of its own process only, as in Keras; a
    `History` among the callbacks has all. Keras's backup does not have the callbacks' state, nor its seeds.

    Examples
    --------
    >>> import os, tempfile, numpy as np, gradstep as gs
    >>> class Crash(gs.callbacks.Callback):
    ...     def on_epoch_begin(self, epoch, logs=None):
    ...         if epoch == 4:
    ...             raise RuntimeError("the power fails")
    >>> def fit(*more):
    ...     model = gs.Sequential([gs.Input((3,)), gs.layers.Dense(1, name="out")])
    ...     model.compile("adam", "mse")
    ...     backup = gs.callbacks.BackupAndRestore(folder)
    ...     return model.fit(np.eye(3), np.ones(3), epochs=10, verbose=0, callbacks=[backup, *more])
    >>> folder = os.path.join(tempfile.mkdtemp(), "backup")
    >>> fit(Crash())
    Traceback (most recent call last):
        ...
    RuntimeError: the power fails
    >>> fit().epoch
    [4, 5, 6, 7, 8, 9]
    """

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        if not isinstance(backup_dir, (str, os.PathLike)):
            raise TypeError(f"backup_dir must be a str or a path; got {describe(backup_dir)}.")
        self.backup_dir = os.fspath(backup_dir)
        if not self.backup_dir:
            raise ValueError("backup_dir must be a folder; got ''.")
        self.save_freq = batches_between("save_freq", save_freq)
        self.double_checkpoint = flag("double_checkpoint", double_checkpoint)
        self.delete_checkpoint = flag("delete_checkpoint", delete_checkpoint)
        self._path = os.path.join(self.backup_dir, "latest.gradstep")
        self._earlier = os.path.join(self.backup_dir, "before.gradstep")
        self._others: list[Callback] = []
        self._epoch = self._batches = 0
        if self.save_freq == "epoch":
            self._idle = (BackupAndRestore.on_train_batch_end,)

    def _attend_fit(self, x: ndarray, y: ndarray, others: list[Callback]) -> None:
        self._others = [other for other in others if other is not self and other.state_dict()]

    def _checkpoint(self) -> Any:
        from ..saving import Checkpoint

        return Checkpoint(self.model, self._others)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Go on from the backup, if there is one."""
        self._batches = 0
        there = [path for path in (self._path, self._earlier) if os.path.exists(path)]
        while there:
            try:
                self.model._initial_epoch = self._checkpoint().restore(there.pop(0))["epoch"]
            except (ValueError, OSError):
                if not there:
                    raise
            else:
                return

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Remember the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Save if enough batches have passed."""
        if self.save_freq == "epoch":
            return
        self._batches += 1
        if self._batches % int(self.save_freq) == 0:
            self._save(self._epoch)

    def _after_epoch(self, epoch: int) -> None:
        if self.save_freq == "epoch" and not self.model.stop_training:
            self._save(epoch + 1)

    def _save(self, epoch: int) -> None:
        os.makedirs(self.backup_dir, exist_ok=True)
        if self.double_checkpoint and os.path.exists(self._path):
            os.replace(self._path, self._earlier)
        self._checkpoint().save(self._path, epoch=epoch)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Delete the backups, and the folder if nothing else is in it."""
        if self.delete_checkpoint:
            for path in (self._path, self._earlier):
                with suppress(FileNotFoundError):
                    os.remove(path)
            with suppress(OSError):
                os.rmdir(self.backup_dir)
