"""What `fit_many` gives."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..callbacks.history import History
from ..checks import describe
from ..notebook import table
from ..optimizers.schedules.base import LearningRateSchedule

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FitManyResult"]

SHOWN = 20  # members in a table


@dataclass(frozen=True, repr=False)
class FitManyResult:
    """Models that were trained together.

    Attributes
    ----------
    models : tuple of Model
        The members: ordinary models with their optimizers, which can be trained on. Made when they are first asked for.
    learning_rates : list of float or schedule, or None
    seeds : list of int, or None
        As they were given; or 0 to K - 1.
    weights : list of list of ndarray
        Of each member.
    history : dict of str to ndarray, shape (epochs, K)
        Loss and metrics of every epoch; nan where a member had stopped.
    epochs : ndarray of int, shape (K,)
        How many each was trained.
    scores : ndarray, shape (K,)
        Validation loss, or without validation data loss, of each member as it is: of its last epoch, or of the best one
        if early stopping restored its weights.
    best : int
        Number of the member with the lowest score.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> x = np.random.default_rng(0).normal(size=(64, 2))
    >>> found = gs.fit_many(model, 3, x, x[:, :1], learning_rate=[0.01, 0.03, 0.1], epochs=2)
    >>> len(found), found.history["loss"].shape, found.best
    (3, (2, 3), 2)
    """

    learning_rates: Sequence[float | LearningRateSchedule] | None
    seeds: Sequence[int | None] | None
    _histories: tuple[History, ...]
    _restored: tuple[int | None, ...]  # which epoch's weights a member has, if not the last one's
    _make_models: Callable[[], tuple[Any, ...]]
    _members: Sequence[Any]  # what has the weights until then

    def __len__(self) -> int:
        return len(self._histories)

    def __getstate__(self) -> dict[str, Any]:
        models = self.models
        return {**vars(self), "_make_models": None, "_members": models}

    @cached_property
    def models(self) -> tuple[Any, ...]:
        """The members: ordinary models with their optimizers, which can be trained on."""
        made = self._make_models()
        for name, value in (("_members", made), ("_make_models", lambda: made)):
            object.__setattr__(self, name, value)  # what made them holds the data too
        return made

    def __repr__(self) -> str:
        return f"<FitManyResult of {len(self)} models: best {self._monitor} {self._best_text()}>"

    def _best_text(self) -> str:
        scores = self.scores
        if not np.isfinite(scores).any():
            return "is not finite"
        return f"{scores[self.best]:.4g} of member {self.best}"

    @property
    def weights(self) -> list[list[np.ndarray]]:
        """Copies of the weights of each member."""
        return [[np.array(weight) for weight in member.weights] for member in self._members]

    @property
    def history(self) -> dict[str, np.ndarray]:
        """Loss and metrics of every epoch, each of shape (epochs, K); nan where a member had stopped."""
        each = [record.history for record in self._histories]
        length = int(self.epochs.max(initial=0))
        found = {}
        for name in each[0]:
            shape = np.shape(each[0][name][0])
            curves = np.full((length, len(each), *shape), np.nan)
            for number, curves_of in enumerate(each):
                curves[: len(curves_of[name]), number] = curves_of[name]
            found[name] = curves
        return found

    @property
    def epochs(self) -> np.ndarray:
        """How many epochs each member was trained."""
        return np.array([len(record.epoch) for record in self._histories])

    @property
    def _monitor(self) -> str:
        return "val_loss" if "val_loss" in self._histories[0].history else "loss"

    @property
    def scores(self) -> np.ndarray:
        """Validation loss, or loss, of each member as it is."""
        found = []
        for record, restored in zip(self._histories, self._restored, strict=True):
            curve = record.history.get(self._monitor, [math.nan])
            found.append(curve[-1 if restored is None else restored])
        return np.array(found)

    @property
    def best(self) -> int:
        """Number of the member with the lowest score, for ``models[best]``.

        Raises
        ------
        ValueError
            No member has a finite score.
        """
        scores = self.scores
        if not np.isfinite(scores).any():
            raise ValueError(f"no member has a finite {self._monitor}.")
        return int(np.argmin(np.where(np.isfinite(scores), scores, np.inf)))

    def predict(self, x: Any, reduce: str | None = "mean", batch_size: int | str | None = None) -> Any:
        """Predict the outputs of all members for data, or their mean.

        Parameters
        ----------
        x, batch_size
            As in `Model.predict`.
        reduce : {"mean", None}, default "mean"
            The mean over the members; None: the outputs of each, (K, rows, ...).

        Returns
        -------
        ndarray of the models' dtype
            Of models of several outputs a list or dict of them.

        Raises
        ------
        TypeError, ValueError
            As `Model.predict` does; `reduce` is something else.
        """
        if reduce is not None and reduce != "mean":
            raise ValueError(f"reduce must be 'mean' or None; got {reduce!r}.")
        each = (model.predict(x, batch_size=batch_size, verbose=0) for model in self.models)
        if reduce is None:
            return _joined(lambda *outputs: np.stack(outputs), list(each))
        first = next(each)
        total = _joined(lambda outputs: outputs.astype(np.float64), [first])
        for outputs in each:
            total = _joined(np.add, [total, outputs])
        return _joined(lambda sums, like: (sums / len(self)).astype(like.dtype), [total, first])

    # -- tables and figures --------------------------------------------------------------------------------------------

    def _rows(self) -> tuple[list[str], list[list[str]]]:
        """Columns and members, the best first."""
        scores = self.scores
        order = sorted(range(len(self)), key=lambda i: (not math.isfinite(scores[i]), scores[i], i))
        names = list(self._histories[0].history)
        heads = ["member"]
        if self.seeds is not None:
            heads.append("seed")
        if self.learning_rates is not None:
            heads.append("learning rate")
        rows = []
        for i in order:
            row = [str(i)]
            if self.seeds is not None:
                row.append(str(self.seeds[i]))
            if self.learning_rates is not None:
                row.append(_text(self.learning_rates[i]))
            record = self._histories[i]
            rows.append([*row, str(len(record.epoch)), *(_text(record.history[name][-1]) for name in names)])
        return [*heads, "epochs", *names], rows

    def summary(self, print_fn: Callable[[str], Any] | None = None) -> None:
        """Print a table of the members, the best first; of many the best 20.

        Parameters
        ----------
        print_fn : function of str, optional
            Called with each line instead of `print`.
        """
        tell = print if print_fn is None else print_fn
        if not callable(tell):
            raise TypeError(f"print_fn must be a function of a line; got {describe(print_fn)}.")
        heads, rows = self._rows()
        scores = self.scores[np.isfinite(self.scores)]
        spread = (
            f", from {scores.min():.4g} to {scores.max():.4g}, median {np.median(scores):.4g}" if len(scores) else ""
        )
        count = sum(weight.size for weight in self._members[0].weights)
        tell(f"{len(self)} models of {count:,} weights: {self._monitor}{spread}")
        widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
        for row in [heads, *rows[:SHOWN]]:
            tell("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))
        if len(rows) > SHOWN:
            tell(f"and {len(rows) - SHOWN} more")

    def _repr_html_(self) -> str:
        """The table, as notebooks show it."""
        heads, rows = self._rows()
        left = [f"and {len(rows) - SHOWN} more"] if len(rows) > SHOWN else []
        return table(f"{len(self)} models, the best first", heads, rows[:SHOWN], left)

    def plot(self, path: str | os.PathLike[Any] | None = None) -> Figure:
        """Draw the curves of all members, and their scores over the learning rate if they have different ones.

        Parameters
        ----------
        path : str or path, optional
            Where to save the figure; its ending says the format.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ImportError
            matplotlib is not installed: ``pip install 'gradstep[plot]'``.
        ValueError
            No epoch was trained, or no member has a finite score.
        """
        from ..plot.plot_many import plot_many

        return plot_many(self, path)


def _joined(function: Callable[..., Any], outputs: Sequence[Any]) -> Any:
    """A function of arrays for each output."""
    first = outputs[0]
    if isinstance(first, dict):
        return {name: function(*(one[name] for one in outputs)) for name in first}
    if isinstance(first, list):
        return [function(*each) for each in zip(*outputs, strict=True)]
    return function(*outputs)


def _text(value: Any) -> str:
    if isinstance(value, (float, int)):
        return f"{value:.4g}"
    return str(value)
