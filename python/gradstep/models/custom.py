"""Passes in which Python knows the loss: between the engine's forward and backward halves of each batch."""

from __future__ import annotations

from time import perf_counter

import numpy as np

from .. import _core
from ..losses.base import Loss
from .mixed import MixedRun

__all__ = ["Custom"]


class Custom:
    """A run of the engine that asks `loss` about each batch; with the face of a run that knows its loss.

    Parameters
    ----------
    run : Run or MixedRun
        Made without a loss.
    loss : Loss
    targets : ndarray, shape (rows, ...)
    weights : ndarray, shape (rows,), optional
        What the losses count for.
    """

    def __init__(self, run: _core.Run | MixedRun, loss: Loss, targets: np.ndarray, weights: np.ndarray | None) -> None:
        self._run, self._loss, self._targets, self._weights = run, loss, targets, weights

    @property
    def progress(self) -> tuple[int, int, float, list[float]]:
        """As the run's."""
        return self._run.progress

    @property
    def gradients(self) -> list[np.ndarray]:
        """As the run's."""
        return self._run.gradients

    @property
    def outputs(self) -> np.ndarray:
        """As the run's."""
        return self._run.outputs

    @property
    def over(self) -> bool:
        """As the run's."""
        return self._run.over

    def start(self, order: np.ndarray | None, number: int = 0) -> None:
        """As the run's."""
        self._run.start(order, number)

    def advance(self, seconds: float) -> bool:
        """As the run's."""
        end = perf_counter() + seconds
        while self._batch(again=False):
            if perf_counter() >= end:
                break
        return self._run.over

    def again(self) -> None:
        """As the run's."""
        self._batch(again=True)

    def _batch(self, again: bool) -> bool:
        batch = self._run.forward(again)
        if batch is None:
            return False
        rows, outputs = batch
        weights = None if self._weights is None else self._weights[rows]
        self._run.backward(*self._loss._of_batch(self._targets[rows], outputs, weights), again)
        return True
