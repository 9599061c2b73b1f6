"""Where the batches of `fit` and `evaluate` come from: rows in memory, or anything that gives batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeAlias

import numpy as np

from ..hints import warn
from .prefetch import fetched
from .rows import Rows
from .sources import batches_of, is_sequence

__all__ = ["ArrayFeed", "BatchFeed", "BatchRun", "Feed", "Order", "RowRun", "SparseFeed"]

# (number of the pass, how many) -> a permutation of that many
Order: TypeAlias = Callable[[int, int], np.ndarray]


class RowRun(Protocol):
    """A pass over rows that lie in memory."""

    def start(self, order: np.ndarray | None, number: int = 0, /) -> None:
        """Begin a pass over the rows in this order; None: as they lie."""


class BatchRun(Protocol):
    """A pass over batches that come one by one."""

    def start(self, batches: Iterator[Rows], limit: int | None = None, /) -> None:
        """Begin a pass over what these give, `limit` of them at most."""


class Feed(Protocol):
    """Batches, epoch after epoch."""

    @property
    def steps(self) -> int | None:
        """Batches of an epoch, if that is known."""

    @property
    def sample(self) -> Rows:
        """Rows of it, all of them if they lie in memory, for those who look at data."""

    def make_run(self) -> Any:
        """Create the run over the data, with the current network."""

    def is_over(self) -> bool:
        """Whether there is no batch for another epoch."""

    def start(self, run: Any, epoch: int, number: int) -> None:
        """Begin an epoch; number: of the pass, on which what is drawn in it depends."""

    def finish(self, done: int) -> None:
        """End an epoch after `done` batches that nobody stopped."""


class _RowFeed:
    """Base of the feeds of rows in memory. An epoch is a part of a pass over all rows, as in Keras."""

    def __init__(self, rows: int, batch: int, limit: int | None = None, order: Order | None = None) -> None:
        self._count, self._batch, self._limit, self._order = rows, batch, limit, order
        self._all = math.ceil(rows / batch)

    @property
    def steps(self) -> int | None:
        """Batches of an epoch, or None if that is not known."""
        return self._all if self._limit is None else self._limit

    def is_over(self) -> bool:
        """Whether there is no batch for another epoch."""
        return False

    def finish(self, done: int) -> None:
        """End an epoch after `done` batches that no callback stopped."""
        _warn(done, self._limit)

    def _rows(self, epoch: int, number: int) -> np.ndarray | None:
        """Which rows an epoch takes, in order; None: all as they lie.

        It follows from the epoch's number alone, so that training that goes on takes the same.
        """
        part = 0 if self._limit is None else epoch % math.ceil(self._all / self._limit)
        order = None if self._order is None else self._order(number - part, self._count)
        if self._limit is None or self._limit >= self._all:
            return order
        span = self._limit * self._batch
        return (np.arange(self._count) if order is None else order)[part * span : (part + 1) * span]


class ArrayFeed(_RowFeed):
    """Arrays, read where they lie.

    Parameters
    ----------
    rows : Rows
    batch : int
        Rows of a batch.
    make : function of Rows and int
        Makes a run over rows, in batches of a size.
    limit : int, optional
        Batches of an epoch, if they are not all. The next epoch goes on where this one ends.
    order : function, optional
        Shuffles; without, rows come as they lie.
    """

    def __init__(self, rows: Rows, batch: int, make: Callable[[Rows, int], RowRun], *rest: Any) -> None:
        super().__init__(len(rows), batch, *rest)
        self.sample, self._make = rows, make

    def make_run(self) -> RowRun:
        """The run over the batches, with the network as it is now."""
        return self._make(self.sample, self._batch)

    def start(self, run: RowRun, epoch: int, number: int) -> None:
        """Begin an epoch; number: of the pass, from which random numbers follow."""
        run.start(self._rows(epoch, number), number)


class SparseFeed(_RowFeed):
    """Rows that must be made dense, a batch at a time; arguments as of `ArrayFeed`.

    Parameters
    ----------
    rows : int
        How many there are.
    dense : function of ndarray
        Makes Rows of their numbers.
    make : function
        Makes the run.
    """

    def __init__(
        self, rows: int, batch: int, dense: Callable[[np.ndarray], Rows], make: Callable[[], BatchRun], *rest: Any
    ) -> None:
        super().__init__(rows, batch, *rest)
        self._dense, self._make = dense, make
        self.sample = dense(np.arange(min(batch, rows)))

    def make_run(self) -> BatchRun:
        """The run over the batches, with the network as it is now."""
        return self._make()

    def start(self, run: BatchRun, epoch: int, number: int) -> None:
        """Begin an epoch; number: of the pass, from which random numbers follow."""
        rows = self._rows(epoch, number)
        order = np.arange(self._count) if rows is None else rows
        run.start(self._dense(order[i : i + self._batch]) for i in range(0, len(order), self._batch))


class BatchFeed:
    """Anything that gives batches: a generator, an iterable, or a sequence such as a `PyDataset`.

    Parameters
    ----------
    source : iterable or sequence
        See `gradstep.data.sources`. A sequence has its ``on_epoch_begin`` and ``on_epoch_end`` called.
    ready : function
        Makes Rows of what it gives.
    make : function
        Makes the run.
    limit : int, optional
        Batches of an epoch, if they are not all.
    order : function, optional
        Shuffles the batches of a sequence.
    keeps : bool, default True
        Whether an epoch continues where the previous one ended, if that was not the end. A generator always does.

    Raises
    ------
    ValueError
        It gives no batch.
    """

    def __init__(
        self,
        source: Any,
        ready: Callable[[Any], Rows],
        make: Callable[[], BatchRun],
        limit: int | None = None,
        order: Order | None = None,
        keeps: bool = True,
    ) -> None:
        self._source, self._ready, self._make = source, ready, make
        self._limit, self._order, self._keeps = limit, order, keeps
        self._known = batches_of(source)
        self._left: _Peeking | None = None  # of a pass over the source
        self._given = 0  # batches of that pass
        asked = is_sequence(source)
        first = source[0] if asked and self._known != 0 else None if asked else self._pass(0).peek()
        if first is None:
            raise ValueError("it gives no batch.")
        self._first = first
        self.renew()

    def renew(self) -> None:
        """Take the sample as loss and metrics take data now."""
        self.sample = self._named(self._first, 0)

    @property
    def steps(self) -> int | None:
        """Batches of an epoch, or None if that is not known."""
        return self._known if self._limit is None else self._limit

    def make_run(self) -> BatchRun:
        """The run over the batches, with the network as it is now."""
        return self._make()

    def is_over(self) -> bool:
        """Whether there is no batch for another epoch."""
        return self._known == 0 or (isinstance(self._source, Iterator) and self._pass(0).peek() is None)

    def start(self, run: BatchRun, epoch: int, number: int) -> None:
        """Begin an epoch; number: of the pass, from which random numbers follow."""
        self._tell("on_epoch_begin")
        run.start(self._batches(self._pass(number)), self._limit)

    def finish(self, done: int) -> None:
        """End an epoch after `done` batches that no callback stopped."""
        if not isinstance(self._source, Iterator) and (not self._keeps or self._given == self._known):
            self._left = None
        self._tell("on_epoch_end")
        _warn(done, self._limit)

    def _pass(self, number: int) -> _Peeking:
        """The rest of a pass over the source, or a new pass."""
        if self._left is None:
            self._given = 0
            if is_sequence(self._source):
                every = self._known
                order = None if self._order is None or every is None else self._order(number, every)
                self._left = _Peeking(fetched(self._source, every, order))
            else:
                self._left = _Peeking(iter(self._source))
        return self._left

    def _batches(self, given: Iterator[Any]) -> Iterator[Rows]:
        for batch in given:
            rows = self._named(batch, self._given)
            if (rows.weights is None) != (self.sample.weights is None):
                raise ValueError(
                    f"all batches must have sample weights, or none; batch {self._given} is not as the first."
                )
            self._given += 1
            yield rows
        if not isinstance(self._source, Iterator):
            self._known, self._left = self._given, None

    def _named(self, batch: Any, index: int) -> Rows:
        try:
            return self._ready(batch)
        except (TypeError, ValueError) as error:
            raise type(error)(f"batch {index}: {error}") from None

    def _tell(self, hook: str) -> None:
        call = getattr(self._source, hook, None)
        if callable(call):
            call()
        if is_sequence(self._source) and self._left is None:
            self._known = batches_of(self._source)  # the hook may have changed it


class _Peeking(Iterator[Any]):
    """An iterator of which the next item can be looked at; None is the end."""

    def __init__(self, rest: Iterator[Any]) -> None:
        self._rest, self._next = rest, None

    def peek(self) -> Any:
        if self._next is None:
            self._next = next(self._rest, None)
        return self._next

    def __next__(self) -> Any:
        item, self._next = self.peek(), None
        if item is None:
            raise StopIteration
        return item


def _warn(done: int, limit: int | None) -> None:
    if limit is not None and done < limit:
        warn(
            f"the data ran out after {done} of {limit} batches: an epoch continues where the previous one ended, so "
            "the batches in the data should be a multiple of the steps.",
        )
