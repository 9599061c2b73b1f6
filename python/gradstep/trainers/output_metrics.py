"""The metrics of one output: which the engine computes by itself, and which are given each batch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy, deepcopy
from threading import get_ident
from typing import Any, NamedTuple

import numpy as np

from .. import metrics
from ..checks import describe
from ..losses.base import Loss
from ..metrics.base import Metric
from ..metrics.reduction import MeanMetricWrapper
from ..metrics.registry import fits, higher_is_better, named, streaming

__all__ = ["BorrowedMetrics", "MetricUse", "OutputMetrics"]


class CompiledMetric(NamedTuple):
    """A metric as `compile` was given it."""

    name: str  # in the logs
    given: str | Metric  # a name that the engine knows for some losses, or a metric
    weighted: bool  # whether sample weights count


class MetricUse(NamedTuple):
    """Who computes a value of the logs: the engine by itself, or a metric that is given each batch."""

    engine: str  # its name there; "": it is fed
    metric: Metric | None  # which also holds what the engine finds, if the user gave one
    weighted: bool
    output: int = 0  # of the model


class OutputMetrics:
    """The ``metrics`` and ``weighted_metrics`` arguments of `compile`."""

    def __init__(self, plain: Any = None, weighted: Any = None, loss: Loss | None = None) -> None:
        self.all: list[CompiledMetric] = []
        for what, wanted in (("metrics", plain), ("weighted_metrics", weighted)):
            self._add(what, [] if wanted is None else wanted, loss)
        self._known: dict[tuple[Any, ...], list[MetricUse]] = {}

    def _add(self, what: str, wanted: Any, loss: Loss | None) -> None:
        if not isinstance(wanted, (list, tuple)):
            raise TypeError(f"{what} must be a list of names and metrics; got {describe(wanted)}.")
        if wanted and loss is None:
            raise ValueError(f"{what} need a loss, which defines the form of the targets.")
        for i, one in enumerate(wanted):
            given: str | Metric
            if isinstance(one, str):
                assert loss is not None
                # A name keeps its spelling in the logs, as in Keras.
                given, name = one, one
                if not metrics.resolve(one, loss, 1, what):
                    given = named(one, what)
                    given.name = one
            else:
                given = named(one, f"{what}[{i}]")
                name = given.name
            names = self.names
            if what == "weighted_metrics" and name in names:
                name = f"weighted_{name}"
            if name in names or name == "loss":
                raise ValueError(
                    f"{what} must differ from each other, and from loss, in their names; got {name!r} again."
                )
            if any(given is other.given for other in self.all if isinstance(given, Metric)):
                raise ValueError(f"{what}[{i}] is in the list already: each metric accumulates its own values.")
            self.all.append(CompiledMetric(name, given, what == "weighted_metrics"))

    @property
    def names(self) -> list[str]:
        """Names in the logs."""
        return [one.name for one in self.all]

    @property
    def objects(self) -> dict[str, Metric]:
        """The metrics that `compile` was given as objects, by their names in the logs."""
        return {one.name: one.given for one in self.all if isinstance(one.given, Metric)}

    @property
    def directions(self) -> dict[str, bool | None]:
        """Whether each is better when larger, by its name in the logs; None: it does not say."""
        return {
            one.name: higher_is_better(one.given) if isinstance(one.given, str) else one.given.higher_is_better
            for one in self.all
        }

    def uses(
        self,
        loss: Loss,
        y: np.ndarray,
        row: tuple[int, ...],
        dtype: str,
        weights: bool,
        output: int = 0,
    ) -> list[MetricUse]:
        """Who does what for a model of this loss, these targets, outputs of this shape of a row, and their dtype.

        weights: whether rows have weights, which the engine's scores do not count.
        """
        # Targets of a custom loss need not be rows that the engine can read.
        readable = y.shape[1:] == row or (loss.labels and y.shape[1:] in (row[:-1], (*row[:-1], 1)))
        outputs, key = row[-1], (loss.labels, y.shape[1:], y.dtype, row, dtype, weights)
        if key in self._known:
            return self._known[key]
        found = []
        for name, given, weighted in self.all:
            metric = None if isinstance(given, str) else given
            if isinstance(given, str):
                known = metrics.resolve(given, loss, outputs)
            else:
                called = given._engine_name() if isinstance(given, MeanMetricWrapper) else ""
                known = called if fits(called, loss) else ""
            if known and ((weights and weighted) or not readable):
                metric = streaming(known) if metric is None else metric
                known = ""
            if metric is not None and not known:
                self._try(name, metric, y[:1], np.full((1, *row), 0.5, dtype))
            found.append(MetricUse(known, metric, weighted, output))
        self._known[key] = found
        return found

    def _try(self, name: str, metric: Metric, target: np.ndarray, output: np.ndarray) -> None:
        """Have one of our own metrics refuse what it cannot take before a weight is changed."""
        if not type(metric).__module__.startswith(metrics.__name__):
            return
        trial = copy(metric)
        trial.reset_state()  # which makes arrays of its own
        try:
            trial.update_state(np.zeros_like(target), output)
        except (TypeError, ValueError) as error:
            raise type(error)(f"metric {name!r} does not fit the loss and the outputs of the model: {error}") from None


class BorrowedMetrics:
    """Who may add to the metrics of a model: within ``with lent:`` a thread has the objects themselves, or copies of
    its own where another thread has them.

    A thread may enter again, as a callback that calls `evaluate`, and then has the same; copies while a pass over data
    goes on, whose metrics would forget what they saw.
    """

    def __init__(self) -> None:
        self._holder: dict[str, int] = {}  # the thread that has the objects, under "thread"
        # Copies by the object's id, None for the objects themselves, of each time that a thread has entered.
        self._entered: dict[int, list[dict[int, tuple[Metric, Metric]] | None]] = {}
        self._passes: set[int] = set()  # threads in the midst of a pass

    def __enter__(self) -> None:
        me = get_ident()
        # setdefault, for other threads cannot come between its question and its answer.
        holds = self._holder.setdefault("thread", me) == me
        entered = self._entered.setdefault(me, [])
        if me in self._passes or not (entered or holds):
            entered.append({})
        else:
            entered.append(entered[-1] if entered else None)

    def __exit__(self, *error: object) -> None:
        me = get_ident()
        entered = self._entered[me]
        if entered[1:]:
            entered.pop()
            return
        del self._entered[me]
        if entered[0] is None:
            del self._holder["thread"]

    @contextmanager
    def during_pass(self) -> Iterator[None]:
        """Within it this thread makes a pass over data: a call in a callback gets copies."""
        me, passes = get_ident(), self._passes
        inner = me in passes
        passes.add(me)
        try:
            yield
        finally:
            if not inner:
                passes.discard(me)

    def __reduce__(self) -> Any:
        return type(self), ()  # a copy of a model is used by nobody yet

    def of(self, metric: Metric) -> Metric:
        """The metric for this thread to add to."""
        entered = self._entered.get(get_ident())
        copies = entered[-1] if entered else None
        if copies is None:
            return metric
        if id(metric) not in copies:
            copies[id(metric)] = metric, deepcopy(metric)
        return copies[id(metric)][1]
