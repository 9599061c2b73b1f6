"""Sums over shards in buckets, each of which is sent to the other processes while the next one is computed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .data_parallel import DataParallel

__all__ = ["BucketSums"]


class BucketSums:
    """Sum of a vector of each shard, as `TreeSum` makes it, in buckets of neighbouring numbers.

    Parameters
    ----------
    team : DataParallel
    places : list of slice
        The numbers of each bucket, in the order in which they will be complete; together all of a vector.
    dtype : dtype

    Notes
    -----
    What was sent goes on whenever a bucket is sent: MPI moves messages while one of its functions is called. Two
    communicators, one for exchanges and one for what gives sums to all, have them in the order of the buckets in every
    process, whenever they arrive.
    """

    def __init__(self, team: DataParallel, places: Sequence[slice], dtype: Any) -> None:
        self._team, self._places = team, list(places)
        self._trees = [team.tree(place.stop - place.start, dtype) for place in places]
        self._streams: tuple[Any, Any] | None = None  # those of the team, where there are several buckets
        self._gathers = not team.shard_optimizer  # whether processes want all sums, and not their part
        self._sent = self._gathering = 0  # buckets
        self._cuts = [0, *np.cumsum([tree.span.stop - tree.span.start for tree in self._trees]).tolist()]
        self._part = np.empty(self._cuts[-1] if len(self._trees) > 1 else 0, dtype)
        self._divisor: float | None = None
        self._out: np.ndarray | None = None

    @property
    def spans(self) -> list[slice]:
        """Which numbers this process adds up over all, in the order of `part`."""
        return [
            slice(place.start + tree.span.start, place.start + tree.span.stop)
            for place, tree in zip(self._places, self._trees, strict=True)
        ]

    def begin(self, divisor: float | None, out: np.ndarray) -> None:
        """Before the vectors of a sum: the divisor of `total` if it is known by now, and where that is to be left; a
        bucket may be written there as soon as it was sent."""
        self._divisor, self._out = divisor, out
        if len(self._trees) > 1:
            self._streams = self._team.streams()

    def add(self, vector: np.ndarray | None, weight: float = 1.0) -> None:
        """Take the next shard's vector, times its weight, but for buckets that were sent; None: zeros."""
        for place, tree in list(zip(self._places, self._trees, strict=True))[self._sent :]:
            tree.add(None if vector is None else vector[place], weight)

    def send(self, vectors: Iterable[tuple[np.ndarray | None, float]] = ()) -> None:
        """The next bucket is complete once the vectors of these shards are added: it is sent."""
        assert self._streams is not None
        place, tree = self._places[self._sent], self._trees[self._sent]
        for vector, weight in vectors:
            tree.add(None if vector is None else vector[place], weight)
        tree.send(self._streams[0])
        self._sent += 1
        self._go_on()

    def send_rest(self) -> None:
        """All buckets are complete."""
        while self._streams and self._sent < len(self._trees):
            self.send()

    def _go_on(self) -> None:
        """Let messages go on, and gather what has arrived."""
        assert self._streams is not None
        while self._gathers and self._gathering < self._sent and self._trees[self._gathering].go_on():
            self._gather_next()
        for tree in self._trees[: self._sent]:
            tree.go_on()

    def _gather_next(self) -> None:
        assert self._streams is not None
        assert self._out is not None
        place, tree = self._places[self._gathering], self._trees[self._gathering]
        tree.gather(self._streams[1], self._divisor, self._out[place])
        self._gathering += 1

    def discard(self) -> None:
        """Forget the vectors since the last sum, and with what is under way the communicators. In all processes."""
        if self._streams is not None:
            self._team.lose_streams()
        for tree in self._trees:
            tree.discard()
        self._sent = self._gathering = 0

    def part(self, divisor: float) -> np.ndarray:
        """The sum over all shards, divided, of the numbers in `spans`; it is overwritten by the next sum."""
        if self._streams is None:
            return self._trees[0].part(divisor)
        self.send_rest()
        for i, tree in enumerate(self._trees):
            self._part[self._cuts[i] : self._cuts[i + 1]] = tree.part(divisor)
        self._sent = 0
        return self._part

    def total(self, divisor: float) -> None:
        """The sum over all shards, divided, as the same bits in all processes; it is left where `begin` says."""
        out = self._out
        assert out is not None
        if self._streams is None:
            self._trees[0].total(divisor, out)
            return
        self.send_rest()
        while self._gathering < len(self._trees):
            self._gather_next()
        for place, tree in zip(self._places, self._trees, strict=True):
            tree.collect(divisor, out[place])
        self._sent = self._gathering = 0

    def share(self, part: np.ndarray, out: np.ndarray) -> None:
        """Each process's numbers of its `spans`, to all of them."""
        for i, (place, tree) in enumerate(zip(self._places, self._trees, strict=True)):
            tree.share(part[self._cuts[i] : self._cuts[i + 1]], out[place])
