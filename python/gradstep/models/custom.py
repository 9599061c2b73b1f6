"""Passes in which Python knows the loss: between the engine's forward and backward halves of each batch."""

from __future__ import annotations

from time import perf_counter

import numpy as np

from .. import _core
from ..losses.base import Loss
from ..unbroken import Unbroken
from .mixed import Mixed, MixedRun, undone

__all__ = ["Custom", "shaped_loss"]


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
    row : tuple of int
        Shape of a row of the outputs.
    guard : Guard
        Held for a batch: nobody sees the network between its two halves.
    network : Network or Mixed
        The network of the run.
    """

    def __init__(
        self,
        run: _core.TrainLoop | MixedRun,
        loss: Loss,
        targets: np.ndarray,
        weights: np.ndarray | None,
        row: tuple[int, ...],
        guard: _core.Guard,
        network: _core.Network | Mixed,
    ) -> None:
        self._run, self._loss, self._targets, self._weights, self._row = run, loss, targets, weights, row
        self._guard, self._network = guard, network

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
        return self._run.outputs.reshape(-1, *self._row)

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
        while True:
            with self._guard, Unbroken(), undone(self._network):
                done = not self._batch(again=False)
            if done or perf_counter() >= end:
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
        value, slope = shaped_loss(self._loss, self._targets[rows], outputs, weights, self._row)
        self._run.backward(value, slope, again)
        return True


def shaped_loss(
    loss: Loss, targets: np.ndarray, outputs: np.ndarray, weights: np.ndarray | None, row: tuple[int, ...]
) -> tuple[float, np.ndarray]:
    """Value of a loss, and its slope (rows, n) by outputs (rows, n), whose rows it sees in the shape `row`."""
    if len(row) == 1:
        return loss._of_batch(targets, outputs, weights)
    spread = None if weights is None else weights.reshape(-1, *[1] * (len(row) - 1))
    value, slope = loss._of_batch(targets, outputs.reshape(-1, *row), spread)
    return value, slope.reshape(outputs.shape)
