"""What `fit` gives back."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .base import Callback, Logs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["History"]


class History(Callback):
    """Losses and metrics of every epoch.

    Attributes
    ----------
    history : dict of str to list of float
        "loss" and the metrics, and those of the validation data with ``val_`` in front: a number an epoch.
    epoch : list of int
        The epochs' numbers, from 0.
    params : dict
        "verbose", "epochs", and "steps", the batches of an epoch.
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start anew."""
        self.history, self.epoch = {}, []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Add an epoch."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def plot(self, path: str | os.PathLike[Any] | None = None) -> Figure:
        """Draw the curves of loss and metrics, for training and validation.

        Parameters
        ----------
        path : str or path, optional
            Where to save the figure; its ending says the format (.png, .pdf, .svg).

        Returns
        -------
        matplotlib.figure.Figure
            It belongs to no window; a notebook shows it.

        Raises
        ------
        ImportError
            matplotlib is not installed: ``pip install 'gradstep[plot]'``.
        ValueError
            No epoch was trained.
        """
        from ..plot import plot_history

        return plot_history(self.history, self.epoch, path)
