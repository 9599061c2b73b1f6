"""Passes over data through a graph: of several inputs and outputs, each with a loss of its own."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np

from .columns import ManyRows
from .graph import Graph
from .objectives import Fed, Objectives

__all__ = ["GraphRun"]


class GraphRun:
    """Batches forward, their losses, and backward; with the face of a run of the engine that leaves its gradients.

    Parameters
    ----------
    graph : Graph
    objectives : Objectives
        Of its outputs.
    metrics : list of Fed
        As `Objectives.metrics_for` gives them.
    rows : ManyRows
    batch : int
        Rows of a batch.
    train : bool
        Whether there is a way back.
    fresh : bool, default True
        Whether metrics forget what they saw when a pass starts.
    """

    def __init__(
        self,
        graph: Graph,
        objectives: Objectives,
        metrics: Sequence[Fed],
        rows: ManyRows,
        batch: int,
        train: bool,
        fresh: bool = True,
    ) -> None:
        self._graph, self._objectives, self._rows, self._batch = graph, objectives, rows, batch
        self._train, self._fresh = train, fresh
        self._metrics = metrics
        self.gradients: list[np.ndarray] = []
        self._ids = np.empty(0, np.int64)  # rows of the last batch
        self._clear(np.arange(len(rows)), 0)

    def _clear(self, order: np.ndarray, number: int) -> None:
        self._order, self._number, self._first, self._done = order, number, 0, 0
        self._loss, self._each = 0.0, [0.0] * (len(self._objectives.counted) if self._objectives.split else 0)

    @property
    def progress(self) -> tuple[int, int, float, list[Any]]:
        """As a run's: with the losses of outputs, and the results of the metrics."""
        rows = self._first
        means = [sum / rows if rows else 0.0 for sum in (self._loss, *self._each)]
        return self._done, rows, means[0], [*means[1:], *[metric.result() for _, metric, _ in self._metrics]]

    @property
    def over(self) -> bool:
        """As a run's."""
        return self._first >= len(self._order)

    def start(self, order: np.ndarray | None, number: int = 0) -> None:
        """As a run's."""
        self._clear(np.arange(len(self._rows)) if order is None else order, number)
        if self._fresh:
            for _, metric, _ in self._metrics:
                metric.reset_state()

    def advance(self, seconds: float) -> bool:
        """As a run's."""
        end = perf_counter() + seconds
        while not self.over:
            self._next()
            if perf_counter() >= end:
                break
        return self.over

    def again(self) -> None:
        """As a run's."""
        self._pass(self._ids)

    def _next(self) -> None:
        self._ids = self._order[self._first : self._first + self._batch]
        count = len(self._ids)
        with self._graph.guard:
            total, each, outputs = self._pass(self._ids)
        self._loss += total * count
        self._each = [sum + value * count for sum, value in zip(self._each, each, strict=False)]
        self._first += count
        self._done += 1
        for i, metric, weighted in self._metrics:
            weights = self._rows.weights.arrays[i] if weighted and self._rows.weights is not None else None
            y = self._rows.y.arrays[i]
            metric.update_state(y[self._ids], outputs[i], sample_weight=None if weights is None else weights[self._ids])

    def _pass(self, ids: np.ndarray) -> tuple[float, list[float], list[np.ndarray]]:
        """Forward over rows, and backward where there is a way: loss, losses of outputs, outputs."""
        xs = [array[ids] for array in self._rows.x.arrays]
        outputs = [np.array(y) for y in self._graph.forward(xs, self._train, self._number, ids)]  # for later readers
        ys = self._rows.y[ids].arrays
        weights = [None] * len(ys) if self._rows.weights is None else self._rows.weights[ids].arrays
        penalty = self._graph.penalty
        total, each, slopes = self._objectives.of_batch(ys, outputs, weights)
        if self._train:
            dys = [None if dy is None else dy.reshape(y.shape) for dy, y in zip(slopes, outputs, strict=True)]
            self.gradients = self._graph.backward(dys)[1]
        return total + penalty, each, outputs
