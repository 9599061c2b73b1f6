"""Go on with a run that was interrupted."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from ..checks import check_bool, describe
from ..distribution.active import is_writer, whole_state
from ..hints import warn
from .base import Callback, Logs
from .model_checkpoint import batches_between

if TYPE_CHECKING:
    import numpy as np

__all__ = ["BackupAndRestore"]

LATEST, PREVIOUS = "latest.gradstep", "previous.gradstep"


class BackupAndRestore(Callback):
    """Back up the state of training, and resume from it when an interrupted program is started again.

    Parameters
    ----------
    backup_dir : str or path
        A folder for this run alone; it is made.
    save_freq : "epoch" or int, default "epoch"
        After each epoch, or after this many batches, counted over the epochs.
    double_checkpoint : bool, default False
        Whether to keep the backup before the latest too, for the case that the latest is damaged.
    delete_checkpoint : bool, default True
        Whether the backup is removed when training has come to its end.

    Raises
    ------
    TypeError, ValueError
        An argument is of a wrong type or out of range. From `fit`: the backup is of another model, another optimizer or
        other callbacks, or is damaged.
    OSError
        From `fit`: the folder cannot be read or written.

    Warns
    -----
    UserWarning
        The latest backup cannot be taken up, and training goes on from the one before it.

    Notes
    -----
    A backup is a file of `saving.Checkpoint`: weights, the optimizer's state, seeds and counters, and the state of the
    callbacks that `fit` was given. A run that went on from the end of an epoch comes to the same bits as one that was
    never interrupted. From within an epoch, with an int for `save_freq`, that epoch begins anew, as in Keras.

    With a distribution the first process writes the file, and all restore it: the folder must be one that all of them
    see. The processes may be more or fewer than before.

    Keras restores neither callbacks nor the seeds of shuffles. It removes the folder with all that is in it; here
    what is not of this callback stays.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np, gradstep as gs
    >>> def trained(folder, breaks):
    ...     def begin(epoch, logs):
    ...         if epoch == breaks:
    ...             raise RuntimeError("a power cut")
    ...     backup = gs.callbacks.BackupAndRestore(folder)
    ...     power = gs.callbacks.LambdaCallback(on_epoch_begin=begin)
    ...     model = gs.Sequential([gs.Input((1,)), gs.layers.Dense(1)])
    ...     model.compile("adam", "mse")
    ...     return model.fit(np.ones((8, 1)), np.ones(8), epochs=5, verbose=0, callbacks=[backup, power])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     try:
    ...         trained(os.path.join(folder, "backup"), breaks=3)
    ...     except RuntimeError as error:
    ...         print(error)
    ...     trained(os.path.join(folder, "backup"), breaks=None).epoch
    a power cut
    [3, 4]
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
        self.backup_dir = os.path.expanduser(os.fspath(backup_dir))
        if not self.backup_dir:
            raise ValueError("backup_dir must be the name of a folder; got ''.")
        self.save_freq = batches_between("save_freq", save_freq)
        self.double_checkpoint = check_bool("double_checkpoint", double_checkpoint)
        self.delete_checkpoint = check_bool("delete_checkpoint", delete_checkpoint)
        self._others: list[Callback] = []
        self._epoch = self._batches = 0
        if self.save_freq == "epoch":
            self._idle = (BackupAndRestore.on_train_batch_end,)

    def _on_fit_data(self, x: np.ndarray, y: np.ndarray, others: list[Callback]) -> None:
        self._others = [other for other in others if other is not self and other.state_dict()]

    def _path(self, name: str) -> str:
        return os.path.join(self.backup_dir, name)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Resume from the backup, if there is one."""
        self._batches = 0
        checkpoint = self.model._checkpoint(self._others)
        checkpoint.check(self._path(LATEST))
        damage: ValueError | None = None
        for name in (LATEST, PREVIOUS):
            try:
                notes = checkpoint.restore(self._path(name))
            except FileNotFoundError:
                continue
            except ValueError as error:
                if name == LATEST and os.path.exists(self._path(PREVIOUS)):
                    damage = error
                    continue
                raise
            if damage is not None:
                warn(f"{damage} Training continues from the previous backup.")
            self._epoch = self.model._trainer.initial_epoch = notes["epoch"]
            return

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Remember the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Save if enough batches have passed."""
        self._batches += 1
        if self.save_freq != "epoch" and self._batches >= int(self.save_freq):
            self._save(self._epoch)

    def _after_epoch(self, epoch: int) -> None:
        """Save if it goes by epochs, when the others have done their part."""
        if self.save_freq == "epoch":
            self._save(epoch + 1)

    def _save(self, epoch: int) -> None:
        self._batches = 0
        with whole_state(self.model):
            if is_writer():
                self._write(epoch)

    def _write(self, epoch: int) -> None:
        os.makedirs(self.backup_dir, exist_ok=True)
        checkpoint = self.model._checkpoint(self._others)
        # A damaged latest backup is written over; it must never take the place of a good previous one.
        if self.double_checkpoint and checkpoint.is_whole(self._path(LATEST)):
            os.replace(self._path(LATEST), self._path(PREVIOUS))
        checkpoint.save(self._path(LATEST), epoch=epoch)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Remove the backup, if `delete_checkpoint` is set."""
        if not self.delete_checkpoint or not is_writer():
            return
        for name in (LATEST, PREVIOUS):
            with suppress(FileNotFoundError):
                os.unlink(self._path(name))
        with suppress(OSError):  # not empty
            os.rmdir(self.backup_dir)
