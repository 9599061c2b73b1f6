"""Sums over shards by a tree of pairs that is the same for any number of processes."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["TreeSum", "pairwise"]


def pairwise(rows: np.ndarray) -> np.ndarray:
    """The sum of a power of two of rows by pairs of neighbours, then pairs of those; it is left in the first row."""
    step = 1
    while step < len(rows):
        for i in range(0, len(rows), 2 * step):
            np.add(rows[i], rows[i + step], out=rows[i])
        step *= 2
    first: np.ndarray = rows[0]
    return first


class TreeSum:
    """Sum of a vector of each shard, weighed, divided by a number.

    Parameters
    ----------
    comm : mpi4py communicator or None
        None: there is one process.
    size : int
        Numbers of a vector.
    dtype : dtype

    Notes
    -----
    The shards of a process are neighbours and a power of two, so that what it adds up is a whole branch of the tree.
    The processes exchange parts of their branches (Alltoall), each adds up its part over all of them, which are the
    upper floors of the tree, and gives it to the others (Allgather): as many bytes as an Allreduce by a ring sends.
    """

    def __init__(self, comm: Any, size: int, dtype: Any) -> None:
        self._comm, self._ranks = comm, 1 if comm is None else comm.size
        self.size, self.dtype = size, np.dtype(dtype)
        self._padded = -(-size // self._ranks) * self._ranks
        self._free: list[np.ndarray] = []
        self._branches: list[tuple[int, np.ndarray]] = []  # height and sum, the heights falling
        self._received = None if comm is None else np.empty((self._ranks, self._padded // self._ranks), self.dtype)

    @property
    def span(self) -> slice:
        """Which numbers this process adds up over all."""
        each = self._padded // self._ranks
        rank = 0 if self._comm is None else self._comm.rank
        return slice(min(rank * each, self.size), min((rank + 1) * each, self.size))

    def add(self, vector: np.ndarray | None, weight: float = 1.0) -> None:
        """Take the next shard's vector, times its weight; None: zeros."""
        buffer = self._free.pop() if self._free else np.zeros(self._padded, self.dtype)
        if vector is None:
            buffer[:] = 0
        else:
            np.multiply(vector, self.dtype.type(weight), out=buffer[: self.size])
        height = 0
        while self._branches and self._branches[-1][0] == height:
            _, left = self._branches.pop()
            np.add(left, buffer, out=left)
            self._free.append(buffer)
            buffer, height = left, height + 1
        self._branches.append((height, buffer))

    def discard(self) -> None:
        """Forget the vectors since the last sum."""
        self._free += [buffer for _, buffer in self._branches]
        self._branches.clear()

    def part(self, divisor: float) -> np.ndarray:
        """The sum over all shards, divided, of the numbers in `span`; it is overwritten by the next `add`."""
        ((_, whole),) = self._branches
        self.discard()
        if self._received is None:
            mine = whole
        else:
            self._comm.Alltoall(whole, self._received)
            mine = pairwise(self._received)
        if divisor != 1:
            np.divide(mine, self.dtype.type(divisor), out=mine)
        return mine[: self.span.stop - self.span.start]

    def total(self, divisor: float, out: np.ndarray) -> None:
        """The sum over all shards, divided, as the same bits in all processes."""
        part = self.part(divisor)
        if self._received is None:
            out[:] = part
        else:
            self.share(part, out)

    def share(self, part: np.ndarray, out: np.ndarray) -> None:
        """Each process's numbers of its `span`, to all of them."""
        if self._comm is None:
            out[:] = part
            return
        each = self._padded // self._ranks
        if len(part) < each:
            part = np.concatenate([part, np.zeros(each - len(part), self.dtype)])
        if self._padded == self.size:
            self._comm.Allgather(np.ascontiguousarray(part), out)
            return
        whole = self._free[-1] if self._free else np.empty(self._padded, self.dtype)
        self._comm.Allgather(np.ascontiguousarray(part), whole)
        out[:] = whole[: self.size]
