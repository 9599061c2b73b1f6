"""Batches of a sequence in turn, made ahead by other threads or processes where it asks for that."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

__all__ = ["fetched"]

_source: Any = None  # in a worker process: where its batches come from


def fetched(source: Any, length: int | None, order: Iterable[int] | None) -> Iterator[Any]:
    """``source[i]`` for each i of `order`, or of ``range(length)``, or of all numbers; in this order.

    As in Keras, an attribute ``workers`` above 1 or ``use_multiprocessing`` has them made ahead, at most
    ``max_queue_size`` at a time: by threads, or by processes to which the source is sent.
    """
    turn: Iterable[int] = map(int, order) if order is not None else count() if length is None else range(length)
    workers, processes = getattr(source, "workers", 1), getattr(source, "use_multiprocessing", False)
    if workers <= 1 and not processes:
        yield from map(source.__getitem__, turn)
        return
    with _executor(source, max(workers, 1), processes) as executor:
        yield from _ahead(
            executor, _batch if processes else source.__getitem__, turn, max(getattr(source, "max_queue_size", 10), 1)
        )


def _ahead(executor: Executor, make: Callable[[int], Any], turn: Iterable[int], most: int) -> Iterator[Any]:
    waiting: deque[Future[Any]] = deque()
    try:
        for i in turn:
            waiting.append(executor.submit(make, i))
            if len(waiting) >= most:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def _executor(source: Any, workers: int, processes: bool) -> Executor:
    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

    if not processes:
        return ThreadPoolExecutor(workers, "gradstep-batches")
    import multiprocessing

    # No fork: in a copy of a process with threads, locks may be held by nobody.
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _keep, (source,))


def _keep(source: Any) -> None:
    global _source
    _source = source


def _batch(index: int) -> Any:
    return _source[index]
