"""Data of any kind as feeds of batches for a compiled model."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial, wraps
from itertools import islice
from typing import Any, TypeVar, cast

import numpy as np

from ..checks import numeric
from .compiled import Borrowed, Compiled
from .data import NAMES, Rows, SparseRows, alone, batch_rows, equal_rows, no_batch_size, row_weights, targets
from .feeds import ArrayFeed, BatchFeed, Feed, Order, SparseFeed
from .named import only_by_name
from .prefetch import fetched
from .sources import batches_of, gives_batches, is_sequence, is_sparse, split_parts
from .streamed import Streamed

__all__ = ["Fed", "whole_or_none"]

LONE = 2**31  # the first number of a pass that is no epoch

Method = TypeVar("Method", bound=Callable[..., Any])


def whole_or_none(method: Method) -> Method:
    """A method of a `Fed` that passes over one batch: if it fails, or Ctrl-C ends it, the pass does not count."""

    @wraps(method)
    def guarded(self: Fed, *args: Any, **options: Any) -> Any:
        before = self._lone
        try:
            return method(self, *args, **options)
        except BaseException:
            self._lone = before
            raise

    return cast(Method, guarded)


class Fed(Compiled):
    """A compiled model that takes data as users have it."""

    def __init__(self) -> None:
        super().__init__()
        self._lone = 0  # batches trained on by themselves so far

    def _rows(self, x: Any, y: Any, sample_weight: Any = None, names: tuple[str, str, str] = NAMES) -> Rows:
        """Data as the engine reads it; of sparse x, data of which parts can be made so."""
        x = only_by_name(x, self.input_names, names[0])
        y = only_by_name(y, self.output_names, names[1])
        sample_weight = only_by_name(sample_weight, self.output_names, names[2])
        loss, sparse = self._needed_loss(), is_sparse(x)
        x = x.tocsr() if sparse else numeric(alone(x), names[0])
        y = alone(y.toarray() if is_sparse(y) else y, x.shape[0] if x.ndim else 0)
        equal_rows(x, numeric(y, names[1]), names[:2])
        ready = self._ready(x[:1].toarray() if sparse else x, names[0])
        assert self._network is not None
        known = targets(y, names[1], loss, self._row, self._dtype)
        weights = row_weights(sample_weight, names[2], len(known))
        return SparseRows(x, known, weights) if sparse else Rows(ready, known, weights)

    def _dense(self, rows: Rows, which: np.ndarray | slice | None = None) -> Rows:
        """Some of the rows, or all of them, as the engine reads them."""
        if which is None and not isinstance(rows, SparseRows):
            return rows
        part = rows.part(slice(None) if which is None else which)
        return Rows(self._ready(part.x.toarray(), "x"), part.y, part.weights) if is_sparse(part.x) else part

    def _feed(
        self,
        x: Any,
        y: Any,
        sample_weight: Any,
        batch_size: Any,
        limit: int | None,
        names: tuple[str, str, str] = NAMES,
    ) -> Feed:
        """Data to score, from its beginning each time."""
        if not gives_batches(x):
            batch_rows(batch_size, 1)
            return self._feed_rows(self._rows(x, y, sample_weight, names), batch_size, limit)
        return self._feed_batches(x, (y, sample_weight), batch_size, limit, None, names)

    def _feed_rows(
        self, rows: Rows, batch_size: Any, limit: int | None, train: bool = False, order: Order | None = None
    ) -> Feed:
        batch = batch_rows(batch_size, len(rows), limit=limit)
        if isinstance(rows, SparseRows):
            first = self._dense(rows, slice(batch))
            stream = partial(self._stream, first, train)
            return SparseFeed(len(rows), batch, partial(self._dense, rows), stream, limit, order)
        return ArrayFeed(rows, batch, lambda rows, batch: self._run(rows, batch, train), limit, order)

    def _feed_batches(
        self,
        source: Any,
        rest: tuple[Any, Any],
        batch_size: Any,
        limit: int | None,
        class_weight: Any,
        names: tuple[str, str, str] = NAMES,
        train: bool = False,
        order: Order | None = None,
    ) -> Feed:
        for name, value in zip(names[1:], rest, strict=True):
            if value is not None:
                raise ValueError(f"{name} must be None where {names[0]} gives batches: they hold it.")
        no_batch_size(batch_size, names[0])

        def ready(batch: Any) -> Rows:
            x, y, weights = split_parts(batch)
            return self._dense(self._rows(x, y, weights).of_classes(class_weight))

        try:
            feed = BatchFeed(source, ready, lambda: self._stream(feed.sample, train), limit, order, train)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{names[0]}: {error}") from None
        return feed

    def _stream(self, sample: Rows, train: bool) -> Streamed:
        """A pass over batches like the sample, of which a run could be made."""
        self._put_back(self._batch_run(sample, train))
        number = self._lone_pass if train else lambda: 0
        version = self._version

        def run(rows: Rows, fresh: bool) -> Borrowed:
            if self._version != version:
                raise RuntimeError(
                    "the model was compiled anew while batches of a generator, a sequence or a sparse matrix passed. "
                    "In a callback of fit do so when an epoch begins or ends."
                )
            return self._batch_run(rows, train, fresh)

        return Streamed(run, self._put_back, number, self._shares)

    def _lone_pass(self) -> int:
        """The number of a pass over one batch: apart from those of epochs, below 2**31."""
        self._lone += 1
        return LONE + self._lone % LONE

    def _parts(self, x: Any, batch_size: Any, limit: int | None) -> tuple[int | None, Iterator[tuple[np.ndarray, int]]]:
        """How many batches there are to predict, if that is known; and rows that lie together, with a batch's size."""
        if gives_batches(x):
            no_batch_size(batch_size, "x")
            total = limit if limit is not None else batches_of(x)
            given = fetched(x, batches_of(x), None) if is_sequence(x) else iter(x)
            ready = (
                self._ready(alone(split_parts(one)[0]), f"batch {i}") for i, one in enumerate(islice(given, limit))
            )
            return total, ((rows, max(len(rows), 1)) for rows in ready)
        batch_rows(batch_size, 1)
        if is_sparse(x):
            matrix = x.tocsr()
            batch = batch_rows(batch_size, matrix.shape[0], limit=limit)
            begins = range(0, max(matrix.shape[0], 1), batch)[:limit]
            return len(begins), ((self._ready(matrix[i : i + batch].toarray(), "x"), batch) for i in begins)
        rows = self._ready(alone(x), "x")
        batch = batch_rows(batch_size, len(rows), limit=limit)
        rows = rows if limit is None else rows[: limit * batch]
        return math.ceil(len(rows) / batch), iter([(rows, batch)])
