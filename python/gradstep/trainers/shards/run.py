"""Training in shards: a step is a pass over each shard of a batch, and the update by the sum of their gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from ... import _core, optimizers
from ...data.columns import arrays_of
from ...data.rows import Rows
from ...distribution.buckets import BucketSums
from ...distribution.data_parallel import DataParallel
from ...distribution.parts import borders
from ...distribution.tree import pairwise
from ...metrics.reduction import MeanMetricWrapper
from ..counted import next_number
from ..executor import Executor
from ..losses_and_metrics import beside
from ..network import arranged
from ..output_metrics import MetricUse
from .checks import check_losses, check_model, check_optimizer
from .own_rows import OwnRows
from .partial_step import PartialStep
from .passes import ShardPasses

__all__ = ["ShardOrder", "ShardedRun", "value_and_grad_in_shards", "weights_hash"]

FIXED = 4  # numbers of a record before those of outputs and metrics: rows, weight, weighted loss, whether time is over

# (number of the pass, shard, rows) -> a permutation of the shard's rows
ShardOrder = Callable[[int, int, int], np.ndarray]


def weights_hash(weights: list[np.ndarray]) -> str:
    """64 bits that differ where weights do."""
    from hashlib import blake2b  # which loads OpenSSL

    digest = blake2b(digest_size=8)
    for weight in weights:
        digest.update(np.ascontiguousarray(weight).data)
    return digest.hexdigest()


class ShardSums:
    """Sums over shards: gradients of a batch, its loss and what is measured of it.

    Parameters
    ----------
    own : OwnRows
    most : int
        Rows of a shard of a batch, at most.
    uses : list of MetricUse
        Who measures what.
    attached : (Optimizer, list of int), optional
        What the loop's `update` steps by, and the numbers of the weights there.
    """

    def __init__(
        self,
        own: OwnRows,
        most: int,
        uses: Sequence[MetricUse] = (),
        attached: tuple[optimizers.Optimizer | None, Sequence[int]] = (None, ()),
    ) -> None:
        self._executor, self._team, self._rows = own.executor, own.team, own.rows
        check_model(own.executor)
        check_losses(own.executor, own.rows)
        self.uses = list(uses)
        self.passes = ShardPasses(own, most, self.uses, attached)
        self.loop = self.passes.loops[0]
        self._flat = self.loop.gradient_memory
        self.tree = BucketSums(own.team, self.passes.buckets, self._flat.dtype)
        self._fed = [use for use in self.uses if use.metric is not None and not use.engine]
        self._made: list[Any] = []  # for each own shard what metrics in Python are given

    def add(self, orders: list[np.ndarray], rows: int, number: int, is_over: bool = False) -> np.ndarray:
        """The sums over the shards of a batch: its record, see `FIXED`; gradients wait for `put`.

        orders: of each own shard its rows of the batch; rows: of all shards. is_over: whether this process wants to
        come back to Python.
        """
        self.tree.begin(self.passes.divisor(rows), self._flat)
        records = [
            self._record(loop, order, is_over)
            for loop, order in zip(self.passes.run(orders, number, self._send), orders, strict=True)
        ]
        self.tree.send_rest()
        length = max(map(len, records))
        own = np.zeros((len(records), max(length, self._record_length())))
        for record, to in zip(records, own, strict=True):
            to[: len(record)] = record
        totals = pairwise(self._team.numbers_of_all(own).copy())
        if self._fed:
            self._feed()
        self.divisor = 1.0 if self.passes.adds_up else float(totals[1]) or 1.0
        return totals

    def _record_length(self) -> int:
        """Numbers of a record, also in a process whose shards have no row of a batch."""
        measured = sum(bool(use.engine) and use.engine != "loss" for use in self.uses)
        outputs = len(self._executor.losses_and_metrics.outputs)
        return FIXED + outputs + measured + outputs

    def _send(self, shards: Sequence[tuple[_core.TrainLoop, np.ndarray]]) -> None:
        """Send the next bucket of gradients, which these are the last shards to add to."""
        self.tree.send(
            (loop.gradient_memory, self.passes.weight(loop, len(order)) or 1.0) if len(order) else (None, 1.0)
            for loop, order in shards
        )

    def _record(self, loop: _core.TrainLoop, order: np.ndarray, is_over: bool) -> list[float]:
        """Take the gradients that a loop left of its shard of a batch, and what it measured."""
        if not len(order):
            self.tree.add(None)
            if self._fed:
                self._made.append(None)
            return [0.0, 0.0, 0.0, float(is_over)]
        rows = len(order)
        loss, of_outputs, of_metrics, counts, _ = loop.totals
        weight = self.passes.weight(loop, rows)
        self.tree.add(loop.gradient_memory, weight or 1.0)  # of no weight: what rows of other shards lose by its rows
        if self._fed:
            self._made.append(self._of_metrics(loop, order))
        return [rows, weight, weight * (loss / rows), float(is_over), *of_outputs, *of_metrics, *counts]

    def put(self) -> None:
        """Leave the gradient of the batch, divided, in the memory of the loop's gradients."""
        self.tree.total(self.divisor)

    def discard(self) -> None:
        """Forget the gradients of shards since the last sum."""
        self.tree.discard()
        self.passes.discard()
        self._made.clear()

    # -- metrics in Python ---------------------------------------------------------------------------------------------

    def _of_metrics(self, loop: _core.TrainLoop, order: np.ndarray) -> list[Any]:
        """For each output that such metrics look at: targets, outputs, sample weights, mask."""
        made = loop.outputs
        outputs = made if isinstance(made, list) else [made]
        masks, ys = loop.masks, arrays_of(self._rows.y)
        weights: list[Any] = [None] * len(ys) if self._rows.weights is None else arrays_of(self._rows.weights)
        wanted = {use.output for use in self._fed}
        return [
            (ys[k][order], outputs[k], None if weights[k] is None else weights[k][order], masks[k])
            if k in wanted
            else None
            for k in range(len(outputs))
        ]

    def _feed(self) -> None:
        """Update the metrics by all shards, in their order, in each process."""
        shapes = self._executor.sized(self._rows.x).rows
        for made in self._team.of_all(self._made):
            for _, metric, weighted, k in self._fed if made is not None else []:
                assert metric is not None
                y, outputs, given, mask = made[k]
                weights = given if weighted else None
                if mask is not None and isinstance(metric, MeanMetricWrapper):
                    shaped = mask.reshape(len(mask), *shapes[k][:-1])
                    weights = shaped if weights is None else shaped * beside(weights, shaped.ndim)
                metric.update_state(y, outputs.reshape(-1, *shapes[k]), sample_weight=weights)
        self._made.clear()


class ShardedRun:
    """Passes over rows in memory, of which each process computes its shards; used as the engine's `TrainLoop`.

    Parameters
    ----------
    own : OwnRows
    batch : int
        Rows of a batch of the whole team.
    order : function, optional
        Shuffles; without, rows come as they lie.
    """

    def __init__(self, own: OwnRows, batch: int, order: ShardOrder | None = None) -> None:
        executor, team = own.executor, own.team
        self._executor, self._order, self._spans = executor, order, own.spans
        self._sizes = np.diff(borders(own.total, team.shards))  # rows of each shard
        self._each = batch // team.shards
        check_optimizer(executor)
        uses = executor.uses(own.rows)
        if team.shard_optimizer:
            self._sums = ShardSums(own, self._each, uses)
            executor.partial = PartialStep(executor, team, self._sums.loop, self._sums.tree)
        else:
            with executor.attached() as attached:
                self._sums = ShardSums(own, self._each, uses, attached)
        self._partial = executor.partial
        self._done = 0
        self._rows, self._loss = 0.0, 0.0
        self._totals = np.zeros(self._sums._record_length())

    def start(self, number: int, order_number: int, begin: int, end: int) -> None:
        """Begin with batch `begin` of a pass, up to `end`; order_number: of the pass, from which the order follows."""
        self._number, self._begin, self._end = number, begin, end
        if self._partial is not None:
            self._partial.spread()
        self._orders = []
        for shard, place, rows in self._spans:
            order = np.arange(rows) if self._order is None else self._order(order_number, shard, rows)
            self._orders.append(order + place)
        self._done, self._rows, self._loss = 0, 0.0, 0.0
        self._totals[:] = 0
        for use in self._sums.uses:
            if use.metric is not None:
                use.metric.reset_state()

    @property
    def over(self) -> bool:
        """Whether the pass is over."""
        return self._begin + self._done >= self._end

    @property
    def batches(self) -> int:
        """How many are done of this pass."""
        return self._done

    @property
    def progress(self) -> tuple[int, int, float, list[Any]]:
        """Of this pass so far: batches, rows, mean loss, and the other values of the logs, which all processes have."""
        rows, outputs = int(self._rows), len(self._executor.losses_and_metrics.outputs)
        of_outputs, rest = self._totals[FIXED : FIXED + outputs], self._totals[FIXED + outputs :]
        counts, measured, values = rest[len(rest) - outputs :], iter(rest), []
        for use in self._sums.uses:
            if use.engine == "loss":
                values.append(float(of_outputs[use.output]) / rows if rows else 0.0)
            elif use.engine:
                counted = float(counts[use.output])
                values.append(float(next(measured)) / counted if counted else 0.0)
                if isinstance(use.metric, MeanMetricWrapper):
                    use.metric._take(values[-1], rows)
            elif use.metric is not None:
                values.append(use.metric.result())
        return self.batches, rows, self._loss / self._rows if rows else 0.0, values

    def advance(self, seconds: float) -> bool:
        """Run batches for about `seconds`, at least one; True when the pass is over.

        All processes come back after the same batch: when one of them has spent the time.
        """
        end = perf_counter() + seconds
        is_over = False
        while not self.over and not is_over:
            is_over = self._step(perf_counter() >= end)
            is_over |= seconds == 0
        return self.over

    def _step(self, is_over: bool) -> bool:
        begin = (self._begin + self._done) * self._each
        batch, rows = slice(begin, begin + self._each), int((self._sizes - begin).clip(0, self._each).sum())
        try:
            totals = self._sums.add([order[batch] for order in self._orders], rows, self._number, is_over)
            self._update()
        except BaseException:
            self._sums.discard()
            raise
        _, _, loss, says_over = map(float, totals[:FIXED])
        self._rows += rows
        self._loss += rows * (loss / self._sums.divisor)
        self._totals += totals
        self._done += 1
        return says_over > 0

    def _update(self) -> None:
        if self._partial is not None:
            self._partial.step(self._sums.divisor)
            return
        self._sums.put()
        self._sums.loop.update()


def value_and_grad_in_shards(executor: Executor, team: DataParallel, rows: Rows) -> tuple[float, list[np.ndarray]]:
    """The loss of rows in training, and its gradient by each weight that is trained, summed over shards."""
    network = executor.sized(rows.x).network
    own = OwnRows.of_whole(executor, team, rows)
    with executor.guard:
        sums = ShardSums(own, -(-own.total // team.shards))
        orders = [np.arange(place, place + n) for _, place, n in own.spans]
        calls = executor.calls
        try:
            totals = sums.add(orders, own.total, next_number(executor))
        except BaseException:
            executor.calls = calls
            raise
        sums.put()
        gradients = arranged(network, sums.loop.gradients, list(executor.trained_weights().values()))
        return float(totals[2] / sums.divisor), gradients
