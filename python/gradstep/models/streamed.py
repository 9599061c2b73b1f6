"""A pass over batches that come one by one, each with a run of the engine of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ..metrics.reduction import MeanMetricWrapper
from .data import Rows
from .measured import Share

if TYPE_CHECKING:
    from .compiled import Borrowed

__all__ = ["Streamed"]


class Streamed:
    """A pass over batches of any sizes; with the face of a run over rows that lie in one place.

    Parameters
    ----------
    run : function of Rows and bool
        Makes the run of one batch, over all its rows at once; the bool says whether metrics begin anew.
    put_back : function
        Takes it back.
    number : function
        Gives each batch the number of its pass, on which what is drawn in it depends.
    shares : function of Rows
        Who measures what.
    """

    def __init__(
        self,
        run: Callable[[Rows, bool], Borrowed],
        put_back: Callable[[Borrowed], None],
        number: Callable[[], int],
        shares: Callable[[Rows], list[Share]],
    ) -> None:
        self._run, self._put_back, self._number, self._shares = run, put_back, number, shares
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
        borrowed = self._run(rows, not self._done)
        run = borrowed.run
        run.start(None, self._number())
        run.advance(0.0)
        _, count, loss, values = run.progress
        self._put_back(borrowed)
        self._done += 1
        self._rows += count
        self._loss += loss * count
        self._sums = self._sums or [0.0] * len(values)
        for i, share in enumerate(self._shares(rows)):
            if not share.engine:
                continue
            self._sums[i] += values[i] * count
            values[i] = self._sums[i] / self._rows
            if isinstance(share.metric, MeanMetricWrapper):
                share.metric._take(values[i], self._rows)
        self._values = values
