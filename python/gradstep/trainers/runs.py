"""Passes over data that come back to Python at each batch; both are used as the engine's own `TrainLoop`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from time import perf_counter
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from .. import _core
from ..data.rows import Rows
from ..metrics.reduction import MeanMetricWrapper
from .losses_and_metrics import beside
from .output_metrics import MetricUse

__all__ = ["HasStepLogs", "KeptRun", "KeptRuns", "Run", "RunOverBatches", "RunWithMetrics"]

# How many runs over single batches are kept; and of batches of many shapes, if they have memory for no more numbers.
MOST_KEPT, MOST_SMALL, MOST_NUMBERS = 4, 32, 1 << 22


class RunWithMetrics:
    """A run of the engine that comes back at every batch to update metrics; it is used as a `TrainLoop`.

    Parameters
    ----------
    run : TrainLoop
        Made with ``outputs=True`` if anything is updated, and with the engine's share of the metrics.
    ys : list of ndarray
        Targets of each output, as the run has them.
    uses : list of MetricUse
        As `LossesAndMetrics.uses` gives it.
    weights : list of ndarray or None
        Of the rows, for each output.
    shapes : list of tuple of int
        Of a row of each output.
    fresh : bool
        Whether metrics forget what they saw when a pass starts.
    """

    def __init__(
        self,
        run: _core.TrainLoop,
        ys: Sequence[Any],
        uses: Sequence[MetricUse],
        weights: Sequence[np.ndarray | None],
        shapes: Sequence[tuple[int, ...]],
        fresh: bool,
    ) -> None:
        self._run, self._ys, self._weights, self._shapes, self._fresh = run, ys, weights, shapes, fresh
        self._uses = uses
        self._updated = [use for use in uses if use.metric is not None and not use.engine]
        self._order: np.ndarray | None = None

    @property
    def batches(self) -> int:
        """How many are done of this pass."""
        return self._run.batches

    @property
    def progress(self) -> tuple[int, int, float, list[Any]]:
        """Of this pass so far: batches, rows, mean loss, and the other values of the logs."""
        return self.taken_up(self._run.progress)

    def taken_up(self, progress: tuple[int, int, float, list[Any]]) -> tuple[int, int, float, list[Any]]:
        """What the engine says of a pass, with what the metrics say that the program made."""
        batches, rows, loss, means = progress
        rest, values = iter(means), []
        for use in self._uses:
            if use.engine:
                values.append(next(rest))
                if isinstance(use.metric, MeanMetricWrapper):
                    use.metric._take(values[-1], rows)
            elif use.metric is not None:
                values.append(use.metric.result())
        return batches, rows, loss, values

    @property
    def engine(self) -> _core.TrainLoop | None:
        """The run of the engine, if it alone makes passes."""
        return None if self._updated else self._run

    @property
    def over(self) -> bool:
        """Whether the pass is over."""
        return self._run.over

    def start(self, order: np.ndarray | None, number: int = 0, ids: np.ndarray | None = None) -> None:
        """Begin a pass over the rows in this order; None: as they lie. What is drawn follows from number and ids."""
        self._run.start(order, number, ids)
        self._order = order
        for use in self._uses:
            if use.metric is not None and self._fresh:
                use.metric.reset_state()

    def advance(self, seconds: float) -> bool:
        """Run batches for about `seconds`, at least one; True when the pass is over."""
        if not self._updated:
            return self._run.advance(seconds)
        end = perf_counter() + seconds
        while True:
            first = self._run.progress[1]
            over = self._run.advance(0.0)
            self._update(first, self._run.progress[1])
            if over or perf_counter() >= end:
                return over

    def _update(self, first: int, last: int) -> None:
        rows = slice(first, last) if self._order is None else self._order[first:last]
        made = self._run.outputs
        outputs = made if isinstance(made, list) else [made]
        masks = self._run.masks
        for _, metric, weighted, k in self._updated:
            assert metric is not None
            given = self._weights[k]
            weights = given[rows] if weighted and given is not None else None
            mask = masks[k]
            if mask is not None and isinstance(metric, MeanMetricWrapper):  # as in Keras, which others do not ask
                shaped = mask.reshape(len(mask), *self._shapes[k][:-1])
                weights = shaped if weights is None else shaped * beside(weights, shaped.ndim)
            metric.update_state(self._ys[k][rows], outputs[k].reshape(-1, *self._shapes[k]), sample_weight=weights)


class HasStepLogs:
    """Base of the runs that have more to log than losses and metrics."""

    step_logs: dict[str, float]


# What goes over rows that lie in memory.
Run: TypeAlias = _core.TrainLoop | RunWithMetrics


class KeptRun(NamedTuple):
    """A run over one batch, and where it is kept when the batch is done."""

    run: Any
    key: Any  # what batches it is for; None: it is not kept
    version: int  # of the model
    numbers: int  # that layers give for its batch, for which it has memory


class KeptRuns(dict[Any, KeptRun]):
    """Runs over single batches that wait for another batch like theirs, those used last at the end."""

    def keep(self, kept: KeptRun, many: bool) -> None:
        """Keep a run, and let go of those that were used first; many: whether batches have many shapes."""
        if len(self) < MOST_KEPT:
            self[kept.key] = kept
            return
        most, numbers = MOST_SMALL if many else MOST_KEPT, kept.numbers + sum(one.numbers for one in self.values())
        while len(self) >= most or (len(self) >= MOST_KEPT and numbers > MOST_NUMBERS):
            numbers -= self.pop(next(iter(self))).numbers
        self[kept.key] = kept


class RunOverBatches:
    """A pass over batches of any sizes, each with a run of the engine; used as a run over rows that lie in memory.

    Parameters
    ----------
    make : function of Rows and bool
        Makes the run of one batch, over all its rows at once; the bool says whether metrics begin anew.
    run_batch : function
        Makes its pass.
    put_back : function
        Takes it back.
    uses : function of Rows
        Who measures what.
    """

    def __init__(
        self,
        make: Callable[[Rows, bool], KeptRun],
        run_batch: Callable[[Any], None],
        put_back: Callable[[KeptRun], None],
        uses: Callable[[Rows], list[MetricUse]],
    ) -> None:
        self._make, self._run_batch, self._put_back, self._uses = make, run_batch, put_back, uses
        self.start(iter(()))

    def start(self, batches: Iterator[Rows], limit: int | None = None) -> None:
        """Begin a pass over what these give, `limit` of them at most; each is asked for just before it is used."""
        self._batches, self._limit = batches, limit
        self._next: Rows | None = None
        self._done = self._rows = 0
        self._loss = 0.0
        self._sums: list[float] = []  # of what the engine measures, over the rows
        self._values: list[Any] = []

    @property
    def batches(self) -> int:
        """How many are done of this pass."""
        return self._done

    @property
    def progress(self) -> tuple[int, int, float, list[Any]]:
        """Of this pass so far: batches, rows, mean loss, and the other values of the logs."""
        return self._done, self._rows, self._loss / self._rows if self._rows else 0.0, list(self._values)

    @property
    def over(self) -> bool:
        """Whether there is no other batch: asks for it."""
        if self._limit is not None and self._done >= self._limit:
            return True
        if self._next is None:
            self._next = next(self._batches, None)
        return self._next is None

    def advance(self, seconds: float) -> bool:
        """Run batches for about `seconds`, at least one; True when the pass is over."""
        end = perf_counter() + seconds
        while not self.over:
            assert self._next is not None
            rows, self._next = self._next, None
            self._batch(rows)
            if perf_counter() >= end:
                break
        return self._limit is not None and self._done >= self._limit

    def _batch(self, rows: Rows) -> None:
        borrowed = self._make(rows, not self._done)
        run = borrowed.run
        self._run_batch(run)
        _, count, loss, values = run.progress
        self._put_back(borrowed)
        self._done += 1
        self._rows += count
        self._loss += loss * count
        self._sums = self._sums or [0.0] * len(values)
        for i, use in enumerate(self._uses(rows)):
            if not use.engine:
                continue
            self._sums[i] += values[i] * count
            values[i] = self._sums[i] / self._rows
            if isinstance(use.metric, MeanMetricWrapper):
                use.metric._take(values[i], self._rows)
        self._values = values
