"""The part of the data that a process of a team has, and what computes it."""

from __future__ import annotations

from typing import NamedTuple

from ...data.rows import Rows
from ...distribution.data_parallel import DataParallel
from ...distribution.parts import borders
from ..executor import Executor

__all__ = ["OwnRows"]


class OwnRows(NamedTuple):
    """The rows of a process, of data that a team shares: those of its shards."""

    executor: Executor
    team: DataParallel
    rows: Rows  # those of this process
    first: int  # number of the first of them in the whole
    total: int  # rows in all processes

    @classmethod
    def of_whole(cls, executor: Executor, team: DataParallel, rows: Rows) -> OwnRows:
        """The own ones of rows that every process has; with fewer rows than shards one that no own shard has."""
        at = borders(len(rows), team.shards)
        first, last = at[team.own.start], at[team.own.stop]
        if first == last:  # a loop needs rows, if only to have none of them in its batches
            first, last = 0, 1
        return cls(executor, team, rows.part(slice(first, last)), first, len(rows))

    @property
    def spans(self) -> list[tuple[int, int, int]]:
        """Of each own shard its number, where its rows begin among the own ones, and how many they are."""
        at = borders(self.total, self.team.shards)
        return [(shard, at[shard] - self.first, at[shard + 1] - at[shard]) for shard in self.team.own]
