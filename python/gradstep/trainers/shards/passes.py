"""Passes over the shards of a batch: one by one, or side by side where layers need statistics of the whole batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise as pairs
from typing import Any

import numpy as np

from ... import _core
from ...distribution.tree import pairwise
from ..output_metrics import MetricUse
from .checks import is_plain_mean
from .own_rows import OwnRows

__all__ = ["ShardPasses"]

# What is told of a bucket of gradients that is complete: of each shard whose gradients were not taken yet its loop and
# rows.
Send = Callable[[Sequence[tuple[_core.TrainLoop, np.ndarray]]], None]


class ShardPasses:
    """Runs a process's shards of a batch forward and backward.

    Parameters
    ----------
    own, most, uses, attached
        As of `ShardSums`.

    Attributes
    ----------
    loops : list of TrainLoop
        Which run the shards: one for all, or one for each. The first one steps.
    adds_up : bool
        Whether the loss of a batch is the sum of those of its shards.
    buckets : list of slice
        Numbers of the gradients, in the order in which a backward pass completes them; one where nothing overlaps.

    Notes
    -----
    A `BatchNormalization` asks for sums over the whole batch in the midst of a pass. Then each shard has a loop, which
    keeps what it has computed: all run up to the sum, the processes add up by the tree, and all go on. Gradients are of
    the mean over the rows of a shard; sums of them are weighed with the shard's weight before, and divided by it after.
    """

    def __init__(self, own: OwnRows, most: int, uses: Sequence[MetricUse], attached: tuple[Any, Sequence[int]]) -> None:
        executor, team, rows, self._first, _ = own
        self._team, known = team, executor.losses_and_metrics
        self._counted = known.counted
        self._plain = is_plain_mean(executor, rows)
        self.adds_up = not self._plain and known.loss is not None and known.loss.reduction == "sum"
        self.loops = [executor.loop(rows, most, uses, *attached, gradients=True, in_shards=True)]
        self._exchanges = self.loops[0].exchanges
        if self._exchanges:
            more = len(team.own) - 1
            self.loops += [executor.loop(rows, most, uses, gradients=True, in_shards=True) for _ in range(more)]
        self._stops, self.buckets = self._cut(self.loops[0])

    def _cut(self, loop: _core.TrainLoop) -> tuple[list[int], list[slice]]:
        """How many exchanges come before each bucket but the last one is complete; and the numbers of all buckets."""
        flat, found = loop.gradient_memory, loop.buckets if self._team.overlap and self._team.size > 1 else []
        borders = [len(flat)]
        for _, weight in found:
            borders.append((_core.address(loop.gradients[weight]) - _core.address(flat)) // flat.itemsize)
        borders.append(0)
        return [before for before, _ in found], [slice(low, high) for high, low in pairs(borders)]

    def divisor(self, rows: int) -> float | None:
        """What the sums over the shards of a batch are divided by, if that follows from its rows; else None."""
        return 1.0 if self.adds_up else float(rows) or 1.0 if self._plain else None

    def weight(self, loop: _core.TrainLoop, rows: int) -> float:
        """What a shard counts for in the mean over a batch, once its losses are computed."""
        if self._plain:
            return float(rows)
        divisor: float = loop.totals[-1][self._counted[0]]
        return 1.0 if self.adds_up else divisor

    def run(self, orders: list[np.ndarray], number: int, send: Send) -> Iterator[_core.TrainLoop]:
        """Run the shards; for each one the loop that has its gradients, until the next one is asked for.

        orders: of each own shard its rows of the batch; there may be none. send: called when the next bucket is
        complete in all own shards, but for the last bucket.
        """
        if self._exchanges:
            self._run_side_by_side(orders, number, send)
            yield from self.loops
            return
        loop, last = self.loops[0], len(orders) - 1
        for i, order in enumerate(orders):
            if len(order):
                self._start(loop, order, number, i == last)
                self._go_on(loop, 0, (lambda: send([(loop, orders[last])])) if i == last else None)
            yield loop

    def _start(self, loop: _core.TrainLoop, order: np.ndarray, number: int, is_last: bool) -> None:
        loop.start(order, number, order + self._first, is_last and bool(self._stops))

    def _go_on(self, loop: _core.TrainLoop, exchanges: int, send: Callable[[], None] | None) -> None:
        """To the next exchange, after so many, or to the end; send: called at each bucket, of the last shard."""
        if send is not None:
            for _ in range(self._stops.count(exchanges)):
                loop.advance(0.0)
                send()
        loop.advance(0.0)

    def _run_side_by_side(self, orders: list[np.ndarray], number: int, send: Send) -> None:
        last = len(orders) - 1
        running = [
            (i, loop, order) for i, (loop, order) in enumerate(zip(self.loops, orders, strict=True)) if len(order)
        ]
        for i, loop, order in running:
            self._start(loop, order, number, i == last)

        def send_all() -> None:
            send(list(zip(self.loops, orders, strict=True)))

        for k, (count, backward) in enumerate(self._exchanges):
            own, scales = np.zeros((len(orders), count)), np.ones(len(orders))
            for i, loop, order in running:
                self._go_on(loop, k, send_all if i == last else None)
                own[i] = loop.due
                if backward:
                    scales[i] = self.weight(loop, len(order)) or 1.0
            total = pairwise(self._team.numbers_of_all(own * scales[:, None]).copy())
            for i, loop, _ in running:
                loop.take_sum(k, total / scales[i], i == 0)
            if not len(orders[0]):
                self.loops[0].take_sum(k, total, True)
        for i, loop, _ in running:
            self._go_on(loop, len(self._exchanges), send_all if i == last else None)

    def discard(self) -> None:
        """End passes in the midst of a batch; statistics that they moved are as before."""
        if self._exchanges:
            for loop in self.loops:
                loop.start(np.empty(0, np.int64))
