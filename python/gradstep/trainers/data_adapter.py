"""Data of any kind as rows and feeds of batches for a compiled model."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from ..checks import describe, numeric
from ..data.columns import ManyRows, arrays_of, has_sparse, target_columns, weight_columns
from ..data.feeds import ArrayFeed, BatchFeed, Feed, Order, SparseFeed
from ..data.mapped import MappedRun, in_blocks, mapping_of
from ..data.names import by_name, each_by_name, only_by_name
from ..data.prefetch import fetched
from ..data.rows import NAMES, Rows, SparseRows, alone, batch_rows, equal_rows, no_batch_size, row_weights, targets
from ..data.sources import batches_of, gives_batches, is_sequence, is_sparse, split_parts
from ..data.sparse import SparseColumns
from .executor import Executor
from .model_face import ModelFace

__all__ = ["DataAdapter"]


class DataAdapter:
    """Data as users have it, for a model and what it is trained by.

    Parameters
    ----------
    model : ModelFace
    executor : Executor
    """

    def __init__(self, model: ModelFace, executor: Executor) -> None:
        self.model, self._executor = model, executor
        self._readable: tuple[Any, ...] = ()  # of which kind the last x and y were that the engine reads as they are

    @property
    def executor(self) -> Executor:
        """What the data are for."""
        return self._executor

    # -- rows ----------------------------------------------------------------------------------------------------------

    def rows(self, x: Any, y: Any, sample_weight: Any = None, names: tuple[str, str, str] = NAMES) -> Rows:
        """Data as the engine reads it; of sparse x, data of which parts can be made so."""
        model = self.model
        model._meet(x)
        if model._has_many:
            return self._many_rows(x, y, sample_weight, names)
        kind = self._kind(x, y) if sample_weight is None else ()
        if kind and kind == self._readable:
            return Rows(x, y)
        x = only_by_name(x, model.input_names, names[0])
        y = only_by_name(y, model.output_names, names[1])
        sample_weight = only_by_name(sample_weight, model.output_names, names[2])
        loss, sparse = self._executor.needed_loss(), is_sparse(x)
        x = x.tocsr() if sparse else numeric(alone(x), names[0])
        y = alone(y.toarray() if is_sparse(y) else y, x.shape[0] if x.ndim else 0)
        equal_rows(x, numeric(y, names[1]), names[:2])
        ready = model._ready(x[:1].toarray() if sparse else x, names[0])
        row = self._executor.sized(ready).rows[0]
        known = targets(y, names[1], loss, row, model.dtype)
        weights = row_weights(sample_weight, names[2], len(known), row)
        if sparse:
            return SparseRows(x, known, weights)
        if kind and kind == self._kind(ready, known):
            self._readable = kind
        return Rows(ready, known, weights)

    def _kind(self, x: Any, y: Any) -> tuple[Any, ...]:
        """What says whether the engine can read arrays as they are, whatever their rows and numbers; else empty."""
        if type(x) is not np.ndarray or type(y) is not np.ndarray or x.shape[:1] != y.shape[:1] or not x.size:
            return ()
        flags = x.flags, y.flags
        if not all(one.c_contiguous and one.aligned for one in flags):
            return ()
        return self._executor.version, x.dtype, x.shape[1:], y.dtype, y.shape[1:]

    def _many_rows(self, x: Any, y: Any, sample_weight: Any, names: tuple[str, str, str]) -> Rows:
        """Data of a model with several inputs or outputs."""
        self._executor.needed_loss()
        if y is None:
            raise ValueError(f"{names[1]} must be targets; got None.")
        model, losses = self.model, self._executor.losses_and_metrics.target_losses
        columns, outputs = model._columns(x, names[0]), model.output_names
        rows = len(columns)
        if rows == 0:
            raise ValueError(f"{names[0]} must have at least one row.")
        shapes = self._executor.sized(columns).rows
        known = target_columns(y, names[1], outputs, losses, shapes, rows, model.dtype)
        weights = weight_columns(sample_weight, names[2], outputs, rows, shapes)
        return ManyRows(columns, known, weights)

    def dense(self, rows: Rows, which: np.ndarray | slice | None = None) -> Rows:
        """Some of the rows, or all of them, as the engine reads them."""
        if which is None and not isinstance(rows, SparseRows):
            return ManyRows(rows.x.dense(), rows.y, rows.weights) if has_sparse(rows) else rows
        part = rows.part(slice(None) if which is None else which)
        return Rows(self.model._ready(part.x.toarray(), "x"), part.y, part.weights) if is_sparse(part.x) else part

    def readable(self, rows: Rows) -> Rows:
        """The rows as runs read them: sparse ones as they are, where the network multiplies them so, else dense."""
        if not isinstance(rows, SparseRows):
            return rows
        if not self._takes_sparse():
            return self.dense(rows)
        return Rows(SparseColumns(rows.x, self.model.dtype), rows.y, rows.weights)

    def inputs(self, x: Any, name: str) -> Any:
        """A batch to predict, as the network reads it."""
        self.model._meet(x)
        if self.model._has_many:
            return self.model._columns(x, name)
        x = only_by_name(x, self.model.input_names, name)
        if not is_sparse(x):
            return self.model._ready(alone(x), name)
        matrix = x.tocsr()
        self.model._ready(matrix[:1].toarray(), name)
        if self._takes_sparse():
            return SparseColumns(matrix, self.model.dtype)
        return self.model._ready(matrix.toarray(), name)

    def _takes_sparse(self) -> bool:
        """Whether the network multiplies sparse rows as they are; the model is built."""
        network = self._executor.network
        return network is not None and network.takes_sparse[0]

    def output_gradients(self, dy: Any) -> list[Any]:
        """The gradients by the outputs that `backward` is given, one for each; None for zeros."""
        if not self.model._lists_outputs:
            return [numeric(dy, "dy")]
        names = self.model.output_names
        return by_name(dy, names, "dy") if isinstance(dy, Mapping) else each_by_name(dy, names, "dy", "a gradient")

    def input_directions(self, dx: Any, shapes: Sequence[tuple[int, ...]]) -> list[Any]:
        """Directions of the inputs, of these shapes, one for each; None for one that stands still."""
        given = list(dx) if len(shapes) > 1 and isinstance(dx, (list, tuple)) else [dx]
        if len(given) != len(shapes):
            raise ValueError(f"dx must be a list with a direction for each of {len(shapes)} inputs, None for zeros.")
        made: list[Any] = []
        for i, (one, shape) in enumerate(zip(given, shapes, strict=True)):
            name = "dx" if len(shapes) == 1 else f"dx[{i}]"
            array = None if one is None else np.asarray(numeric(one, name), self.model.dtype)
            if array is not None and array.shape != shape:
                raise ValueError(f"{name} must have the shape of x, {shape}; it has {array.shape}.")
            made.append(array)
        return made

    # -- feeds ---------------------------------------------------------------------------------------------------------

    def feed(
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
            return self.feed_rows(self.rows(x, y, sample_weight, names), batch_size, limit)
        return self.feed_batches(x, (y, sample_weight), batch_size, limit, None, names)

    def feed_rows(
        self,
        rows: Rows,
        batch_size: Any,
        limit: int | None,
        train: bool = False,
        order: Order | None = None,
        blocks: bool = False,
    ) -> Feed:
        """Rows that lie in memory, or in files mapped into it; blocks: whether the order is to be one of blocks."""
        batch, run = batch_rows(batch_size, len(rows), limit=limit), self._executor.run
        if self._takes_sparse():
            rows = self.readable(rows)  # all at once: they take no more memory
        if isinstance(rows, SparseRows):
            stream = partial(self._executor.stream, self.dense(rows, slice(batch)), train)
            return SparseFeed(len(rows), batch, partial(self.dense, rows), stream, limit, order)
        arrays = [array for array in arrays_of(rows.x) if isinstance(array, np.ndarray)]
        row = sum(array.nbytes for array in arrays) // len(rows)
        mappings = [mapping for mapping in map(mapping_of, arrays) if mapping is not None]

        def make(rows: Rows, batch: int) -> Any:
            made = run(rows, batch, train)
            return MappedRun(made, mappings, row, blocks) if mappings else made

        return ArrayFeed(rows, batch, make, limit, in_blocks(order, row) if blocks else order)

    def feed_batches(
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
        """Data from an iterator of batches; rest: y and sample_weight, which must be None."""
        for name, value in zip(names[1:], rest, strict=True):
            if value is not None:
                raise ValueError(f"{name} must be None where {names[0]} gives batches: they hold it.")
        no_batch_size(batch_size, names[0])

        def ready(batch: Any) -> Rows:
            x, y, weights = split_parts(batch)
            return self.readable(self.rows(x, y, weights).of_classes(class_weight))

        try:
            feed = BatchFeed(source, ready, lambda: self._executor.stream(feed.sample, train), limit, order, train)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{names[0]}: {error}") from None
        return feed

    def validation_feed(
        self, held_out: Rows | None, data: Any, batch_size: Any, of_training: Any, limit: int | None
    ) -> Feed | None:
        """Validation data of `fit`: `validation_data`, or else the rows held out, if there are any."""
        names = "validation_data[0]", "validation_data[1]", "validation_data[2]"
        if gives_batches(data):
            return self.feed_batches(data, (None, None), batch_size, limit, None, ("validation_data", "", ""))
        if data is not None:
            if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
                raise TypeError(f"validation_data must be (x, y) or (x, y, sample_weight); got {describe(data)}.")
            held_out = self.rows(data[0], data[1], data[2] if len(data) == 3 else None, names)
        size = of_training if batch_size is None else batch_size
        return None if held_out is None else self.feed_rows(held_out, size, limit)

    def parts(self, x: Any, batch_size: Any, limit: int | None) -> tuple[int | None, Iterator[tuple[Any, int]]]:
        """How many batches there are to predict, if that is known; and rows that lie together, with a batch's size."""
        ready: Callable[[Any, str], Any] = self.model._ready
        if gives_batches(x):
            no_batch_size(batch_size, "x")
            total = limit if limit is not None else batches_of(x)
            given = fetched(x, batches_of(x), None) if is_sequence(x) else iter(x)
            each = (self.inputs(split_parts(one)[0], f"batch {i}") for i, one in enumerate(islice(given, limit)))
            return total, ((rows, max(len(rows), 1)) for rows in each)
        batch_rows(batch_size, 1)
        self.model._meet(x)
        if is_sparse(x) and not self.model._has_many:
            matrix = x.tocsr()
            batch = batch_rows(batch_size, matrix.shape[0], limit=limit)
            ready(matrix[:1].toarray(), "x")
            if self._takes_sparse():
                matrix = matrix if limit is None else matrix[: limit * batch]
                return math.ceil(matrix.shape[0] / batch), iter([(SparseColumns(matrix, self.model.dtype), batch)])
            begins = range(0, max(matrix.shape[0], 1), batch)[:limit]
            return len(begins), ((ready(matrix[i : i + batch].toarray(), "x"), batch) for i in begins)
        rows = self.inputs(x, "x")
        batch = batch_rows(batch_size, len(rows), limit=limit)
        rows = rows if limit is None else rows[: limit * batch]
        return math.ceil(len(rows) / batch), iter([(rows, batch)])
