"""The sweep of the learning rate: training of a copy, at a rate that rises from step to step."""

from __future__ import annotations

import math
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import seeds
from ..callbacks.base import Callback, Logs
from ..callbacks.rates import check_rates
from ..checks import check_bool, check_float, check_int
from ..data.sources import gives_batches
from ..hints import warn
from ..saving.training_state import fresh_optimizer
from .rate_curve import LEAST, read_curve, smoothed_curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["LRFindResult", "find_rate"]


@dataclass(frozen=True, repr=False)
class LRFindResult:
    """What `Model.lr_find` found.

    Attributes
    ----------
    rates : ndarray, shape (steps,)
        The learning rates that were tried, rising.
    losses : ndarray, shape (steps,)
        Loss of the batch at each of them, before the step with it.
    suggestion : float or None
        The rate to take: where 75 % of the whole fall of the smoothed curve is done. None if it does not fall.
    steep, valley, minimum : float or None
        Other places of the smoothed curve: where it falls most; two thirds along its longest fall, as fastai's rule of
        this name; where it is lowest, which is too high a rate to train with.
    reason : str
        Why this rate, or why none; and why the sweep ended where it did.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.utils.set_random_seed(0)
    >>> model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(8, "tanh"), gs.layers.Dense(1)])
    >>> model.compile("adam", "mse")
    >>> x = np.random.default_rng(0).normal(size=(64, 2))
    >>> found = model.lr_find(x, x[:, :1])
    >>> 0 < found.suggestion < 10
    True
    """

    rates: np.ndarray
    losses: np.ndarray
    suggestion: float | None
    steep: float | None
    valley: float | None
    minimum: float | None
    reason: str

    def __repr__(self) -> str:
        found = "no suggestion" if self.suggestion is None else f"suggestion {self.suggestion:.3g}"
        return f"<LRFindResult of {len(self.rates)} rates: {found}; {self.reason}>"

    @property
    def smoothed(self) -> np.ndarray:
        """The losses without the noise of batches, shape (steps,); nan where a loss is not finite."""
        finite = np.isfinite(self.losses)
        curve = np.full(len(self.losses), np.nan)
        if finite.any():
            curve[finite] = smoothed_curve(self.rates[finite], self.losses[finite])[0]
        return curve

    def plot(self, path: str | os.PathLike[Any] | None = None) -> Figure:
        """Draw the loss over the rate, with the suggestion.

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
        """
        from ..plot.plot_rates import plot_rates

        return plot_rates(self, path)


EARLIEST = 10  # batches: a running mean of fewer rises and falls by itself


class _Sweep(Callback):
    """One epoch is one batch: its rate is set before it, and its loss noted after it."""

    def __init__(self, rates: np.ndarray, smooth: float, stop_factor: float) -> None:
        super().__init__()
        self.rates, self._smooth, self._factor = rates, smooth, stop_factor
        self.losses: list[float] = []
        self._sum, self._lowest = 0.0, math.inf
        self.diverged = False

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self.model.optimizer.learning_rate = float(self.rates[epoch])

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        loss = float((logs or {})["loss"])
        self.losses.append(loss)
        self._sum = self._smooth * self._sum + (1 - self._smooth) * loss
        mean = self._sum / (1 - self._smooth ** len(self.losses))  # of the losses so far, the last ones most
        self._lowest = min(self._lowest, mean)
        limit = self._lowest + (self._factor - 1) * abs(self._lowest)
        if not math.isfinite(mean) or (mean > limit and len(self.losses) >= EARLIEST):
            self.diverged = self.model.stop_training = True


@contextmanager
def _same_draws() -> Iterator[None]:
    """Whatever is drawn within a ``with`` statement, the numbers drawn after it are those of a program without it."""
    state, state_of_numpy = random.getstate(), np.random.get_state()
    try:
        with seeds.within(seeds.ahead()):
            yield
    finally:
        random.setstate(state)
        np.random.set_state(state_of_numpy)


def _without_state(model: Any) -> Any:
    """The model with its optimizer as it was before its first step: old momentum would move weights at any rate."""
    model.optimizer, attach = fresh_optimizer(model)
    attach(model)
    return model


def find_rate(
    model: Any,
    x: Any,
    y: Any,
    *,
    start: Any,
    stop: Any,
    steps: Any,
    smooth: Any,
    stop_factor: Any,
    batch_size: Any,
    apply: Any,
    **data: Any,
) -> LRFindResult:
    """As `Model.lr_find`; data: the other arguments, which `fit` takes."""
    low, high = check_float("start", start), check_float("stop", stop)
    if not 0 < low < high < math.inf:
        raise ValueError(f"start and stop must be learning rates, 0 < start < stop; got {start!r} and {stop!r}.")
    count, share = check_int("steps", steps, LEAST), check_float("smooth", smooth)
    if not 0 <= share < 1:
        raise ValueError(f"smooth must be at least 0 and below 1; got {smooth!r}.")
    factor = check_float("stop_factor", stop_factor)
    if not factor > 1:
        raise ValueError(f"stop_factor must be above 1; got {stop_factor!r}.")
    is_applied = check_bool("apply", apply)
    check_rates(model.optimizer, "lr_find")
    sweep = _Sweep(np.geomspace(low, high, count), share, factor)
    rows = batch_size if batch_size is not None or gives_batches(x) else 32
    with _same_draws():
        _without_state(deepcopy(model)).fit(
            x, y, rows, epochs=count, steps_per_epoch=1, verbose=0, callbacks=[sweep], **data
        )
    rates, losses = sweep.rates[: len(sweep.losses)], np.array(sweep.losses)
    reading = read_curve(rates, losses)
    if sweep.diverged:
        end = f" The sweep ended at {rates[-1]:.3g}, where the loss was {losses[-1]:.4g}."
    elif len(rates) < count:
        end = f" The sweep ended at {rates[-1]:.3g}, where the data ended."
    elif reading.minimum is not None and reading.minimum >= rates[-1] / 2:
        end = f" The loss still fell at the end: with a larger stop than {stop:g} the suggestion may be another."
    else:
        end = ""
    result = LRFindResult(rates, losses, *reading[:-1], reading.reason + end)
    if is_applied:
        if result.suggestion is None:
            warn(f"lr_find set no learning rate: {result.reason}")
        else:
            model.optimizer.learning_rate = result.suggestion
    return result
