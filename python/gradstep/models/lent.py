"""Metrics between threads: one pass at a time adds to the objects that `compile` was given."""

from __future__ import annotations

from copy import deepcopy
from threading import get_ident
from typing import Any

from ..metrics.base import Metric

__all__ = ["Lent"]


class Lent:
    """Who may add to the metrics of a model: within ``with lent:`` a thread has the objects themselves, or copies of
    its own where another thread has them.

    A thread may enter again, as `fit` scores validation data, and then has the same.
    """

    def __init__(self) -> None:
        self._holder: dict[str, int] = {}  # the thread that has the objects, under "thread"
        self._depths: dict[int, int] = {}
        self._copies: dict[int, dict[int, tuple[Metric, Metric]]] = {}  # of each other thread, by the object's id

    def __enter__(self) -> None:
        me = get_ident()
        # setdefault, for other threads cannot come between its question and its answer.
        if self._holder.setdefault("thread", me) != me:
            self._copies.setdefault(me, {})
        self._depths[me] = self._depths.get(me, 0) + 1

    def __exit__(self, *error: object) -> None:
        me = get_ident()
        self._depths[me] -= 1
        if self._depths[me]:
            return
        del self._depths[me]
        if self._copies.pop(me, None) is None:
            del self._holder["thread"]

    def __reduce__(self) -> Any:
        return type(self), ()  # a copy of a model is used by nobody yet

    def of(self, metric: Metric) -> Metric:
        """The metric for this thread to add to."""
        copies = self._copies.get(get_ident())
        if copies is None:
            return metric
        if id(metric) not in copies:
            copies[id(metric)] = metric, deepcopy(metric)
        return copies[id(metric)][1]
