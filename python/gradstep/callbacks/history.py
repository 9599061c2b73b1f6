"""The history of `fit`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..checks import describe
from ..notebook import table
from .base import Callback, Logs
from .states import loaded, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["History"]

SHOWN = 15  # epochs at each end of a long table


class History(Callback):
    """Record of the loss and metrics of every epoch.

    Attributes
    ----------
    history : dict of str to list of float
        "loss" and the metrics, and those of the validation data with ``val_`` in front: a number an epoch in which it
        was measured.
    epoch : list of int
        The epochs' numbers, from 0.
    params : dict
        "verbose", "epochs", and "steps", the batches of an epoch.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> history = model.fit(np.ones((8, 2)), np.ones(8), epochs=3, verbose=0)
    >>> history.epoch, list(history.history)
    ([0, 1, 2], ['loss'])
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []
        self._measured: dict[str, list[int]] = {}  # in which epochs, by name

    def __repr__(self) -> str:
        last = ", ".join(f"{name} {_text(curve[-1])}" for name, curve in self.history.items() if curve)
        count = len(self.epoch)
        return f"<History of {count} epoch{'s' if count != 1 else ''}{': ' if last else ''}{last}>"

    def _repr_html_(self) -> str:
        """A row an epoch, as notebooks show it; of many epochs the first and the last."""
        known = {name: dict(zip(self._epochs_of(name), curve, strict=True)) for name, curve in self.history.items()}
        rows = [
            [str(epoch + 1), *(_text(values[epoch]) if epoch in values else "" for values in known.values())]
            for epoch in self.epoch
        ]
        if len(rows) > 2 * SHOWN:
            rows[SHOWN:-SHOWN] = [["..."] * (len(known) + 1)]
        return table(f"History of {len(self.epoch)} epochs", ["epoch", *known], rows)

    def _epochs_of(self, name: str) -> list[int]:
        """The epochs in which a curve has a number."""
        return self.epoch if len(self.history[name]) == len(self.epoch) else self._measured.get(name, self.epoch)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Reset the state, unless one was loaded."""
        if not self._is_resumed():
            self.history, self.epoch, self._measured = {}, [], {}

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Add an epoch."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
            self._measured.setdefault(name, []).append(epoch)

    def state_dict(self) -> dict[str, Any]:
        """The epochs as ``"epoch"``, each curve as ``"history."`` and its name.

        The epochs of a curve that has not a value for each are ``"epochs."`` and its name.
        """
        state = {"epoch": list(self.epoch), **{f"history.{name}": plain(curve) for name, curve in self.history.items()}}
        some = {name: list(epochs) for name, epochs in self._measured.items() if epochs != self.epoch}
        return state | {f"epochs.{name}": epochs for name, epochs in some.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load what `state_dict` gave. The next `fit` adds to it.

        Raises
        ------
        TypeError, ValueError
            It is no dict, or holds something else. Nothing is changed then.
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"state must be a dict, as state_dict() gives; got {describe(state)}.")
        wrong = [key for key in state if key != "epoch" and not str(key).startswith(("history.", "epochs."))]
        if wrong or "epoch" not in state:
            raise ValueError(
                "state must hold 'epoch' and keys 'history.<name>' or 'epochs.<name>'; "
                f"it holds {', '.join(map(str, state))}."
            )
        curves = {key[len("history.") :]: loaded(value) for key, value in state.items() if key.startswith("history.")}
        measured = {name: list(state.get(f"epochs.{name}", state["epoch"])) for name in curves}
        odd = [name for name, curve in curves.items() if len(measured[name]) != len(curve)]
        if odd:
            raise ValueError(f"state['history.{odd[0]}'] must have a number for each of its epochs.")
        self.history, self.epoch, self._measured, self._loaded = curves, list(state["epoch"]), measured, True

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

        return plot_history(self.history, {name: self._epochs_of(name) for name in self.history}, path)


def _text(value: Any) -> str:
    """A number of a curve, or several, as a person reads it."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
