"""Who computes the runs of a search: this thread, threads, an executor, or a backend of joblib."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, TypeVar

import numpy as np

from ..checks import check_int, describe
from ..config import get_num_threads, set_num_threads

__all__ = ["Data", "Workers", "workers_of"]

Task = TypeVar("Task")
Result = TypeVar("Result")
GROUP = 1.0  # seconds of work that are worth sending to another process
MAPPED = 2**20  # bytes of an array that is sent as a file


class Data:
    """Data that all runs read; another process of this machine gets large arrays as files."""

    def __init__(self, **parts: Any) -> None:
        self.parts = parts

    def stored(self, folder: str) -> Data:
        """The same with large arrays in files of a folder."""
        return Data(**{name: _stored(part, os.path.join(folder, name)) for name, part in self.parts.items()})

    def __getitem__(self, name: str) -> Any:
        return _loaded(self.parts[name])


class _InFile:
    """An array in a file."""

    def __init__(self, path: str) -> None:
        self.path = path


def _stored(part: Any, path: str) -> Any:
    if isinstance(part, dict):
        return {key: _stored(one, f"{path}.{i}") for i, (key, one) in enumerate(part.items())}
    if not isinstance(part, np.ndarray) or part.nbytes < MAPPED or part.dtype.hasobject:
        return part
    np.save(f"{path}.npy", part)
    return _InFile(f"{path}.npy")


def _loaded(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: _loaded(one) for key, one in part.items()}
    return np.load(part.path, mmap_mode="r") if isinstance(part, _InFile) else part


def _group(
    function: Callable[..., Result], data: Data, tasks: Sequence[Task], parent: int, threads: int | None
) -> list[Result]:
    """The results of some tasks, in another process."""
    if threads is not None and os.getpid() != parent:
        set_num_threads(threads)
    return [function(data, task) for task in tasks]


class Workers:
    """Compute tasks here, one after another.

    Attributes
    ----------
    shares_memory : bool
        Whether a task's objects are those of this process.
    """

    shares_memory = True

    def run(
        self, function: Callable[..., Result], data: Data, tasks: Sequence[Task], cancelled: threading.Event
    ) -> Iterator[tuple[int, Result]]:
        """The number of each task and its result, in any order; `function` gets the data and the task."""
        for number, task in enumerate(tasks):
            yield number, function(data, task)

    @contextmanager
    def open(self, data: Data) -> Iterator[Data]:
        """Be ready for tasks, within a ``with`` statement; gives the data as they are to be sent."""
        yield data


class _Threads(Workers):
    """Threads of this process; each computes with its share of the processors."""

    def __init__(self, count: int) -> None:
        self._count = count

    def run(
        self, function: Callable[..., Result], data: Data, tasks: Sequence[Task], cancelled: threading.Event
    ) -> Iterator[tuple[int, Result]]:
        before = get_num_threads()
        set_num_threads(max(1, before // self._count))
        try:
            with ThreadPoolExecutor(self._count) as pool:
                calls = [pool.submit(_group, function, data, [task], os.getpid(), None) for task in tasks]
                yield from _collected({call: [number] for number, call in enumerate(calls)}, cancelled)
        finally:
            set_num_threads(before)


class _Executor(Workers):
    """An executor that the user gave."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self.shares_memory = isinstance(executor, ThreadPoolExecutor)

    @contextmanager
    def open(self, data: Data) -> Iterator[Data]:
        if not isinstance(self._executor, ProcessPoolExecutor):
            yield data
            return
        with TemporaryDirectory() as folder:
            yield data.stored(folder)

    def run(
        self, function: Callable[..., Result], data: Data, tasks: Sequence[Task], cancelled: threading.Event
    ) -> Iterator[tuple[int, Result]]:
        count = getattr(self._executor, "_max_workers", None) or os.cpu_count() or 1
        begin = perf_counter()
        if not tasks:
            return
        yield 0, function(data, tasks[0])  # here: it says how long a task is
        size = max(1, min(round(GROUP / max(perf_counter() - begin, 1e-6)), -(-len(tasks) // (2 * count))))
        threads = None if self.shares_memory else max(1, get_num_threads() // count)
        groups: dict[Future[Any], list[int]] = {}
        for first in range(1, len(tasks), size):
            numbers = list(range(first, min(first + size, len(tasks))))
            given = [tasks[i] for i in numbers]
            groups[self._executor.submit(_group, function, data, given, os.getpid(), threads)] = numbers
        yield from _collected(groups, cancelled)


class _Joblib(Workers):
    """A backend of joblib: its own, Dask's or Ray's."""

    shares_memory = False

    def __init__(self, backend: str) -> None:
        try:
            import joblib
        except ImportError:
            raise ImportError(
                f"workers={backend!r} is a backend of joblib, which comes with scikit-learn: "
                "pip install 'gradstep[sklearn]'"
            ) from None
        self._joblib, self._backend = joblib, backend
        with joblib.parallel_config(backend=backend):  # raises for a name that is none
            pass

    def run(
        self, function: Callable[..., Result], data: Data, tasks: Sequence[Task], cancelled: threading.Event
    ) -> Iterator[tuple[int, Result]]:
        with self._joblib.parallel_config(backend=self._backend, n_jobs=-1):
            calls = (self._joblib.delayed(function)(data, task) for task in tasks)
            yield from enumerate(self._joblib.Parallel()(calls))


def _collected(futures: dict[Future[Any], list[int]], cancelled: threading.Event) -> Iterator[tuple[int, Any]]:
    """The results as they come; at an error or Ctrl-C the others are told to end."""
    try:
        for future in as_completed(futures):
            yield from zip(futures[future], future.result(), strict=True)
    except BaseException:
        cancelled.set()
        for future in futures:
            future.cancel()
        raise


def workers_of(workers: Any) -> Workers:
    """What `workers=` means."""
    if workers is None:
        return Workers()
    if isinstance(workers, Executor):
        return _Executor(workers)
    if isinstance(workers, str):
        return _Joblib(workers)
    if isinstance(workers, Iterable):
        raise TypeError(f"workers must be a number of threads, an executor or a name; got {describe(workers)}.")
    count = check_int("workers", workers, 1)
    return Workers() if count == 1 else _Threads(count)
