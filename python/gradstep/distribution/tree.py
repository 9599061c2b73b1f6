"""Sums over shards by a tree of pairs that is the same for any number of processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import _core

__all__ = ["RoundedTreeSum", "TreeSum", "pairwise"]

_lost: list[Any] = []  # requests of steps that failed in the midst, with the memory that they may write to


def add_into(left: np.ndarray, right: np.ndarray) -> None:
    """left += right."""
    np.add(left, right, out=left)


def pairwise(rows: np.ndarray, add: Callable[[np.ndarray, np.ndarray], None] = add_into) -> np.ndarray:
    """The sum of a power of two of rows by pairs of neighbours, then pairs of those; it is left in the first row."""
    step = 1
    while step < len(rows):
        for i in range(0, len(rows), 2 * step):
            add(rows[i], rows[i + step])
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

    _sums_are: np.dtype | None = None  # as processes exchange them; None: of the dtype of the vectors

    def __init__(self, comm: Any, size: int, dtype: Any) -> None:
        self._comm, self._ranks = comm, 1 if comm is None else comm.size
        self.size, self.dtype = size, np.dtype(dtype)
        self._padded = -(-size // self._ranks) * self._ranks
        self._sent = self.dtype if self._sums_are is None else self._sums_are
        self._free: list[np.ndarray] = []
        self._branches: list[tuple[int, np.ndarray]] = []  # height and sum, the heights falling
        self._received = None if comm is None else self._to_receive()
        self._gathered: np.ndarray | None = None
        self._request: Any = None  # what is under way
        self._is_sent = False  # whether `send` began it
        self._is_divided = False  # whether `gather` knew the divisor

    def _to_receive(self) -> np.ndarray:
        return np.empty((self._ranks, self._padded // self._ranks), self._sent)

    def _take(self, vector: np.ndarray, weight: float, out: np.ndarray) -> None:
        """out = vector * weight."""
        np.multiply(vector, self.dtype.type(weight), out=out)

    def _add(self, left: np.ndarray, right: np.ndarray) -> None:
        """left += right."""
        np.add(left, right, out=left)

    def _divide(self, sums: np.ndarray, divisor: float) -> np.ndarray:
        """The quotient, of the dtype of the vectors; it may be left in the sums."""
        if divisor != 1:
            np.divide(sums, self.dtype.type(divisor), out=sums)
        return sums

    def _read(self, sums: np.ndarray, divisor: float, out: np.ndarray) -> None:
        """out = sums / divisor."""
        if divisor == 1:
            out[:] = sums
        else:
            np.divide(sums, self.dtype.type(divisor), out=out)

    @property
    def span(self) -> slice:
        """Which numbers this process adds up over all."""
        each = self._padded // self._ranks
        rank = 0 if self._comm is None else self._comm.rank
        return slice(min(rank * each, self.size), min((rank + 1) * each, self.size))

    def add(self, vector: np.ndarray | None, weight: float = 1.0) -> None:
        """Take the next shard's vector, times its weight; None: zeros."""
        buffer = self._free.pop() if self._free else np.zeros(self._padded, self._sent)
        if vector is None:
            buffer[:] = 0
        else:
            self._take(vector, weight, buffer[: self.size])
        height = 0
        while self._branches and self._branches[-1][0] == height:
            _, left = self._branches.pop()
            self._add(left, buffer)
            self._free.append(buffer)
            buffer, height = left, height + 1
        self._branches.append((height, buffer))

    def discard(self) -> None:
        """Forget the vectors since the last sum."""
        if self._request is not None:  # others may send yet: its memory is not to be used again
            _lost.append(self._request)
            self._request, self._received = None, self._to_receive()
        else:
            self._free += [buffer for _, buffer in self._branches]
        self._branches.clear()
        self._gathered, self._is_sent = None, False

    def _own_sums(self) -> np.ndarray:
        """The sum over all shards of the numbers in `span`."""
        ((_, whole),) = self._branches
        if self._received is None:
            mine = whole
        else:
            if not self._is_sent:
                self._comm.Alltoall(whole, self._received)
            self.wait()
            mine = pairwise(self._received, self._add)
        self.discard()
        return mine

    def part(self, divisor: float) -> np.ndarray:
        """The sum over all shards, divided, of the numbers in `span`; it is overwritten by the next `add`."""
        return self._divide(self._own_sums(), divisor)[: self.span.stop - self.span.start]

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
        whole = self._free[-1] if self._free and self._sent == self.dtype else np.empty(self._padded, self.dtype)
        self._comm.Allgather(np.ascontiguousarray(part), whole)
        out[:] = whole[: self.size]

    # -- the same without waiting: `send`, then `part`; or `send`, `gather`, `collect` ---------------------------------

    def send(self, comm: Any) -> None:
        """Begin to exchange what the own shards add up to. comm: in which nothing else but such is under way."""
        ((_, whole),) = self._branches
        self._request, self._is_sent = comm.Ialltoall(whole, self._received), True

    def go_on(self) -> bool:
        """Let what was begun go on: whether it is over."""
        if self._request is not None and self._request.Test():
            self._request = None
        return self._request is None

    def wait(self) -> None:
        """Until what was begun is over."""
        if self._request is not None:
            self._request.Wait()
            self._request = None

    def gather(self, comm: Any, divisor: float | None, out: np.ndarray) -> None:
        """Begin to give all processes the sums of the own numbers; waits for those of the others.

        divisor: None where it is not known yet. out: as of `collect`, which may be written from now on.
        """
        mine, self._is_divided = self._own_sums(), divisor is not None
        if divisor is not None:
            self._divide(mine, divisor)
        if self._is_divided and self._sent == self.dtype and self._padded == self.size:
            self._request = comm.Iallgather(mine, out)
            return
        self._gathered = self._free.pop()
        self._request = comm.Iallgather(mine, self._gathered)

    def collect(self, divisor: float, out: np.ndarray) -> None:
        """What `total` gives; waits for the others."""
        self.wait()
        if self._gathered is not None:
            self._read(self._gathered[: self.size], 1.0 if self._is_divided else divisor, out)
            self._free.append(self._gathered)
            self._gathered = None


class RoundedTreeSum(TreeSum):
    """The same of numbers that are rounded to bfloat16 wherever a number of the tree comes to be.

    Each sum of the tree is made in float32 of two bfloat16 and rounded, whoever makes it: so the bits do not depend on
    the number of processes, which send half as many bytes.
    """

    _sums_are = np.dtype(np.uint16)

    def __init__(self, comm: Any, size: int, dtype: Any) -> None:
        super().__init__(comm, size, dtype)
        self._mine = np.empty(0, np.uint16)  # the last quotients

    def _take(self, vector: np.ndarray, weight: float, out: np.ndarray) -> None:
        _core.scale_to_bfloat16(vector, weight, out)

    def _add(self, left: np.ndarray, right: np.ndarray) -> None:
        _core.add_bfloat16(left, right)

    def _divide(self, sums: np.ndarray, divisor: float) -> np.ndarray:
        _core.divide_bfloat16(sums, divisor)
        self._mine = sums
        quotients = np.empty(len(sums), self.dtype)
        _core.read_bfloat16(sums, quotients)
        return quotients

    def _read(self, sums: np.ndarray, divisor: float, out: np.ndarray) -> None:
        _core.divide_bfloat16(sums, divisor)
        _core.read_bfloat16(sums, out)

    def total(self, divisor: float, out: np.ndarray) -> None:
        """The same, sent in bfloat16."""
        part = self.part(divisor)
        if self._comm is None:
            out[:] = part
            return
        gathered = self._free[-1]
        self._comm.Allgather(self._mine, gathered)
        _core.read_bfloat16(gathered[: self.size], out)
