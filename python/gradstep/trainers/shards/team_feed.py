"""Data of `fit` for a team of processes, each with the rows of its shards."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ...data.columns import has_sparse
from ...data.feeds import ArrayFeed
from ...data.rows import Rows, batch_rows
from ...data.sources import gives_batches
from ...distribution.data_parallel import DataParallel
from ...distribution.parts import Part, borders
from ..data_adapter import DataAdapter
from ..fit_arguments import FitArguments
from .own_rows import OwnRows
from .run import ShardedRun, ShardOrder

__all__ = ["team_feed"]


class ShardedFeed(ArrayFeed):
    """Rows in memory for a team of processes.

    Parameters
    ----------
    own : OwnRows
    batch : int
        Rows of a batch of the whole team.
    limit : int, optional
        Batches of an epoch, if they are not all. The next epoch goes on where this one ends.
    order : function, optional
        Shuffles; without, rows come as they lie.
    """

    def __init__(self, own: OwnRows, batch: int, limit: int | None, order: ShardOrder | None) -> None:
        def make(_: Rows, batch: int) -> Any:
            with own.executor.guard:
                return ShardedRun(own, batch, order)

        super().__init__(own.rows, batch, make, limit)
        self._all = math.ceil(own.total / batch)

    def start(self, run: Any, epoch: int, number: int) -> None:
        """Begin an epoch; number: of the pass, from which random numbers follow."""
        part = 0 if self._limit is None else epoch % math.ceil(self._all / self._limit)
        begin = 0 if self._limit is None else part * self._limit
        end = self._all if self._limit is None else min(self._all, begin + self._limit)
        run.start(number, number - part, begin, end)


def team_feed(
    data: DataAdapter, team: DataParallel, given: FitArguments, order: ShardOrder | None
) -> tuple[ShardedFeed, Rows | None]:
    """Training data for a team, and the rows held out for validation.

    Raises
    ------
    TypeError, ValueError
        As `DataAdapter.rows` does; or the data come in batches, are sparse, or have fewer rows than there are shards;
        or the shards of a batch would differ in size.
    """
    x, y, sample_weight, share, limit = given.x, given.y, given.sample_weight, given.held_out, given.steps
    parts = _parts((x, y, sample_weight))
    held_out: Rows | None = None
    if not parts and gives_batches(x):
        raise ValueError("x must be arrays, or what DataParallel.parts gives, with a distribution; it gives batches.")
    if parts:
        if share > 0:
            raise ValueError("validation_split must be 0 for data in parts: give validation_data.")
        rows = data.rows(*(_own(one) for one in (x, y, sample_weight))).of_classes(given.class_weight)
        first, count = _place(team, parts, len(rows))
    else:
        rows = data.rows(x, y, sample_weight)
        if share > 0:
            rows, held_out = rows.split(share)
        rows = rows.of_classes(given.class_weight)
        first, count = 0, len(rows)
    if has_sparse(rows):
        raise ValueError("x must be dense with a distribution: x.toarray().")
    if count < team.shards:
        raise ValueError(f"x must have a row for each of {team.shards} shards; it has {count} rows.")
    batch = batch_rows(given.batch_size, count, limit=limit)
    if batch >= count:
        batch = math.ceil(count / team.shards) * team.shards
    if batch % team.shards:
        raise ValueError(f"batch_size must be a multiple of the {team.shards} shards of the distribution; got {batch}.")
    executor = data.executor
    own = OwnRows(executor, team, rows, first, count) if parts else OwnRows.of_whole(executor, team, rows)
    return ShardedFeed(own, batch, limit, order), held_out


def _parts(data: Any) -> list[Part]:
    """The parts in data, in lists and dicts of them too."""
    if isinstance(data, Part):
        return [data]
    inside = data.values() if isinstance(data, Mapping) else data if isinstance(data, (list, tuple)) else ()
    return [part for one in inside if not isinstance(one, (int, float)) for part in _parts(one)]


def _own(data: Any) -> Any:
    """Data with the arrays of parts in their places."""
    if isinstance(data, Mapping):
        return {name: _own(one) for name, one in data.items()}
    if isinstance(data, (list, tuple)):
        return type(data)(_own(one) for one in data)
    return data.array if isinstance(data, Part) else data


def _place(team: DataParallel, parts: list[Part], rows: int) -> tuple[int, int]:
    """The number of the first row of parts, and how many rows there are in all."""
    at = borders(parts[0].rows, team.shards)
    first, last = at[team.own.start], at[team.own.stop]
    for part in parts:
        if (part.first, part.rows) != (first, parts[0].rows):
            raise ValueError(f"all data must be parts of as many rows, by the same team; got {parts[0]} and {part}.")
    if rows != last - first:
        raise ValueError(f"x, y and sample_weight must all be parts of {parts[0].rows} rows; others have {rows}.")
    return first, parts[0].rows
