"""Rows in files that are mapped into memory: read ahead of a pass, and let go of behind it.

Pages of a mapped file that were read count as memory of the process until the system needs them for something else. A
pass over a large file lets go of them itself, so that it takes little memory however large the file is. They stay in
the system's cache of files.
"""

from __future__ import annotations

import mmap
import sys
from collections.abc import Sequence
from contextlib import suppress
from time import perf_counter
from typing import Any

import numpy as np

__all__ = ["BLOCK", "SLICE", "WINDOW", "MappedRun", "Mapping", "in_blocks", "mapping_of"]

LARGE = MOST = 1 << 26  # bytes: of a file that is large; of pages of files that are kept
BLOCK, WINDOW = 1 << 20, 1 << 25  # bytes of rows that are read together, and shuffled together, of `in_blocks`
SLICE = 0.001  # seconds between two looks at how many there are: memory is read at 20 GB/s


class Mapping:
    """The file that rows lie in.

    Parameters
    ----------
    rows : ndarray
        In C order.
    file : mmap
    """

    def __init__(self, rows: np.ndarray, file: mmap.mmap) -> None:
        self._file, self._row = file, rows.nbytes // max(len(rows), 1)
        begin = np.frombuffer(file, np.uint8).__array_interface__["data"][0]
        self._first = rows.__array_interface__["data"][0] - begin
        self._advise(mmap.MADV_DONTNEED)  # what an earlier pass left: else passes add up
        self._most = pages_of_files() + MOST

    def let_go(self) -> None:
        """Drop the pages that were read, if they are many; they are read again when somebody needs them."""
        if pages_of_files() > self._most:
            self._advise(mmap.MADV_DONTNEED)

    def expect(self, order: np.ndarray | None, in_blocks: bool) -> None:
        """Tell the system in which order rows will be read: None as they lie, in blocks, or anyhow."""
        self._advise(mmap.MADV_SEQUENTIAL if order is None else mmap.MADV_NORMAL if in_blocks else mmap.MADV_RANDOM)

    def fetch(self, rows: np.ndarray) -> None:
        """Let the system begin to read the blocks that these rows lie in."""
        for block in np.unique((self._first + rows * self._row) // BLOCK).tolist():
            length = min(BLOCK, len(self._file) - block * BLOCK)
            if length > 0:
                self._advise(mmap.MADV_WILLNEED, block * BLOCK, length)

    def _advise(self, *advice: int) -> None:
        with suppress(OSError, ValueError):  # pages that are locked; a file that was closed
            self._file.madvise(*advice)


def pages_of_files() -> int:
    """Bytes of mapped files that count as memory of the process, on Linux."""
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[2]) * mmap.PAGESIZE


def mapping_of(array: Any) -> Mapping | None:
    """The large file that an array lies in, if its pages can be let go of: none is a private copy of somebody's."""
    memory = array
    while memory is not None and not isinstance(memory, np.memmap):
        memory = getattr(memory, "base", None)
    file = getattr(memory, "_mmap", None)
    if not sys.platform.startswith("linux") or file is None or memory is None or memory.mode == "c":
        return None
    return Mapping(array, file) if len(file) >= LARGE else None


def in_blocks(order: Any, row: int) -> Any:
    """An order of blocks of neighbouring rows, of `row` bytes each, which are mixed within windows of many blocks.

    order: gives a permutation for a pass and a number of things, as `Trainer.order`; so does this.
    """
    block, window = max(BLOCK // max(row, 1), 1), max(WINDOW // max(row, 1), 1)

    def rows_of(number: int, count: int) -> np.ndarray:
        blocks = order(number, -(-count // block))
        rows: np.ndarray = (blocks[:, None] * block + np.arange(block)).ravel()
        rows = rows[rows < count]
        places = order(number + 2**31, count)
        for i in range(0, count, window):
            rows[i : i + window] = rows[i : i + window][np.argsort(places[i : i + window])]
        return rows

    return rows_of


class MappedRun:
    """A run over rows in mapped files; used as the run itself.

    Parameters
    ----------
    run : Run
    mappings : sequence of Mapping
    row : int
        Bytes of a row.
    in_blocks : bool
        Whether its orders are those of `in_blocks`.
    """

    def __init__(self, run: Any, mappings: Sequence[Mapping], row: int, in_blocks: bool) -> None:
        self._run, self._mappings, self._in_blocks = run, mappings, in_blocks
        self._window, self._fetched = max(WINDOW // max(row, 1), 1), 0
        self._order: np.ndarray | None = None

    @property
    def batches(self) -> int:
        """How many are done of this pass."""
        return int(self._run.batches)

    @property
    def progress(self) -> tuple[int, int, float, list[Any]]:
        """Of this pass so far: batches, rows, mean loss, and the other values of the logs."""
        progress: tuple[int, int, float, list[Any]] = self._run.progress
        return progress

    @property
    def over(self) -> bool:
        """Whether the pass is over."""
        return bool(self._run.over)

    def start(self, order: np.ndarray | None, number: int = 0) -> None:
        """Begin a pass over the rows in this order; None: as they lie."""
        self._run.start(order, number)
        self._order, self._fetched = order, 0
        for mapping in self._mappings:
            mapping.expect(order, self._in_blocks)
        self._fetch()

    def _fetch(self) -> None:
        """Have the window after the one that is read now fetched."""
        if self._order is None or not self._in_blocks or self._fetched > self.progress[1]:
            return
        rows = self._order[self._fetched : self._fetched + self._window]
        for mapping in self._mappings:
            mapping.fetch(rows)
        self._fetched += self._window

    def advance(self, seconds: float) -> bool:
        """Run batches for about `seconds`, at least one; True when the pass is over."""
        end = perf_counter() + seconds
        while True:
            over = bool(self._run.advance(min(seconds, SLICE)))
            for mapping in self._mappings:
                mapping.let_go()
            self._fetch()
            if over or perf_counter() >= end:
                return over
