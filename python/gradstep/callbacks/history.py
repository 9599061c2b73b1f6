"""What `fit` gives back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..optimizers.arrays import describe
from .base import Callback, Logs
from .states import loaded, plain

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
        """Start anew, unless state was loaded."""
        if not self._goes_on():
            self.history, self.epoch = {}, []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Add an epoch."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def state_dict(self) -> dict[str, Any]:
        """The epochs as ``"epoch"``, each curve as ``"history."`` and its name."""
        return {"epoch": list(self.epoch), **{f"history.{name}": plain(curve) for name, curve in self.history.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave; the next `fit` then adds to it.

        Raises
        ------
        TypeError, ValueError
            It is no dict, or holds something else. Nothing is changed then.
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"state must be a dict, as state_dict() gives; got {describe(state)}.")
        wrong = [key for key in state if key != "epoch" and not str(key).startswith("history.")]
        if wrong or "epoch" not in state:
            raise ValueError(
                f"state must hold 'epoch' and keys 'history.<name>'; it holds {', '.join(map(str, state))}."
            )
        curves = {key[len("history.") :]: loaded(value) for key, value in state.items() if key != "epoch"}
        self.history, self.epoch, self._loaded = curves, list(state["epoch"]), True

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
