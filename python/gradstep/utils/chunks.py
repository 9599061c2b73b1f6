"""Batches of data that come in chunks, which are read ahead in a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from threading import Event, Thread
from typing import Any

import numpy as np

from .. import seeds
from ..checks import check_bool, check_int
from ..data.sources import is_sparse, split_parts

__all__ = ["Rebatched", "rebatch"]

WAIT = 0.05  # seconds between two looks whether anybody still wants chunks


def rebatch(
    chunks: Iterable[Any] | Callable[[], Iterable[Any]],
    batch_size: int = 32,
    *,
    shuffle: bool = False,
    seed: int | None = None,
    prefetch: int = 1,
) -> Rebatched:
    """Batches of equal size from chunks of any size, as `fit`, `evaluate` and `predict` take them.

    Parameters
    ----------
    chunks : iterable, or function without arguments that gives one
        Of chunks x, ``(x, y)`` or ``(x, y, sample_weight)``: arrays of as many rows, or SciPy sparse matrices. For more
        than one epoch it must be a function, or something that can be gone through again, such as a list; a generator
        is used up by one pass.
    batch_size : int, default 32
        At least 1. Batches go across the borders of chunks; the last one of a pass may be short.
    shuffle : bool, default False
        Whether the rows of each chunk come in a new order in each pass.
    seed : int, optional
        What the orders follow from; by default that of `set_random_seed`.
    prefetch : int, default 1
        How many chunks a thread reads ahead while batches are trained on; 0: none, and no thread. In memory are at most
        ``prefetch + 3`` chunks.

    Returns
    -------
    Rebatched
        An iterable of tuples as the chunks are.

    Raises
    ------
    TypeError, ValueError
        An argument of a wrong type or out of range; and in a pass, a chunk whose arrays are of different lengths. What
        reading a chunk raises comes out where its batches would.

    See Also
    --------
    PyDataset : batches by their numbers, made by several workers.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> def chunks():
    ...     for i in range(3):  # a file each
    ...         x = np.arange(4.0).reshape(4, 1) + i
    ...         yield x, 2 * x
    >>> [len(x) for x, y in gs.utils.rebatch(chunks, 5)]
    [5, 5, 2]
    >>> model = gs.Sequential([gs.Input((1,)), gs.layers.Dense(1)])
    >>> model.compile(gs.optimizers.SGD(0.05), "mse")
    >>> history = model.fit(gs.utils.rebatch(chunks, 5, shuffle=True, seed=0), epochs=50, verbose=0)
    >>> history.history["loss"][-1] < 0.01
    True
    """
    return Rebatched(chunks, batch_size, shuffle, seed, prefetch)


class Rebatched:
    """What `rebatch` gives: batches of equal size from chunks, again in each pass.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> chunks = [(np.zeros((5, 2)), np.zeros(5)), (np.ones((4, 2)), np.ones(4))]
    >>> batches = gs.utils.rebatch(chunks, batch_size=3)
    >>> [len(x) for x, y in batches]
    [3, 3, 3]
    """

    def __init__(self, chunks: Any, batch_size: Any, shuffle: Any, seed: Any, prefetch: Any) -> None:
        if not callable(chunks) and not isinstance(chunks, Iterable):
            raise TypeError(f"chunks must be an iterable, or a function that gives one; got {type(chunks).__name__}.")
        self._chunks, self.batch_size = chunks, check_int("batch_size", batch_size, 1)
        self.shuffle, self.prefetch = check_bool("shuffle", shuffle), check_int("prefetch", prefetch, 0)
        self._key = seeds.key_of(seed) or seeds.fresh_key()
        self._passes = 0

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """Begin a pass."""
        chunks = self._chunks() if callable(self._chunks) else self._chunks
        number, self._passes = self._passes, self._passes + 1
        return self._batches(read_ahead(chunks, self.prefetch) if self.prefetch else iter(chunks), number)

    def _batches(self, chunks: Iterator[Any], number: int) -> Iterator[tuple[Any, ...]]:
        size, left = self.batch_size, None  # rows of the last chunk that are no batch yet
        random = seeds.generator(self._key, number)
        for index, chunk in enumerate(chunks):
            parts = _parts(chunk, index)
            rows = parts[0].shape[0]
            order = random.permutation(rows) if self.shuffle else None
            begin = 0
            if left is not None:
                begin = min(size - left[0].shape[0], rows)
                left = tuple(_stack(one, _take(part, order, 0, begin)) for one, part in zip(left, parts, strict=True))
                if left[0].shape[0] < size:
                    continue
                yield left
                left = None
            while begin + size <= rows:
                yield tuple(_take(part, order, begin, begin + size) for part in parts)
                begin += size
            if begin < rows:
                left = tuple(_take(part, order, begin, rows) for part in parts)
                if not self.shuffle:
                    left = tuple(part.copy() for part in left)  # a view would keep the chunk
        if left is not None:
            yield left


def read_ahead(source: Iterable[Any], most: int) -> Iterator[Any]:
    """What an iterable gives, of which a thread has up to `most` things ready."""
    from queue import Empty, Full, Queue

    ready: Queue[tuple[bool, Any]] = Queue(most)
    stopped = Event()

    def put(thing: tuple[bool, Any]) -> bool:
        while not stopped.is_set():
            try:
                ready.put(thing, timeout=WAIT)
            except Full:
                continue
            return True
        return False

    def read() -> None:
        try:
            for thing in source:
                if not put((True, thing)):
                    return
                del thing
            put((False, None))
        except BaseException as error:
            put((False, error))

    thread = Thread(target=read, name="gradstep-chunks", daemon=True)
    thread.start()
    try:
        while True:
            try:
                is_thing, found = ready.get(timeout=1.0)
            except Empty:
                if thread.is_alive():
                    continue
                raise RuntimeError("the thread that reads chunks has ended: after a fork begin a new pass.") from None
            if not is_thing:
                if found is not None:
                    raise found
                return
            yield found
            del found
    finally:
        stopped.set()
        thread.join()


def _parts(chunk: Any, index: int) -> tuple[Any, ...]:
    """The arrays of a chunk; tables as arrays."""
    found = tuple(
        part.tocsr() if is_sparse(part) else np.asarray(part) for part in split_parts(chunk) if part is not None
    )
    rows = [part.shape[0] if part.ndim else 0 for part in found]
    if len(set(rows)) != 1:
        raise ValueError(
            f"the arrays of a chunk must have the same number of rows; those of chunk {index} have {rows}."
        )
    return found


def _take(part: Any, order: np.ndarray | None, begin: int, end: int) -> Any:
    return part[begin:end] if order is None else part[order[begin:end]]


def _stack(first: Any, second: Any) -> Any:
    if is_sparse(first):
        from scipy.sparse import vstack

        return vstack([first, second], format="csr")
    return np.concatenate([first, second])
