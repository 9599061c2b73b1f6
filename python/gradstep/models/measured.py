"""What `compile` is asked to measure, and a run of the engine that gives each batch to the metrics that it has not."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from .. import _core, metrics
from ..checks import describe
from ..losses.base import Loss
from ..metrics.base import Metric
from ..metrics.reduction import MeanMetricWrapper
from ..metrics.registry import fits, higher_is_better, named, streaming

__all__ = ["Measured", "Measures", "Run"]


class Measure(NamedTuple):
    """One thing to measure."""

    name: str  # in the logs
    given: str | Metric  # a name that the engine knows for some losses, or a metric
    weighted: bool  # whether sample weights count


class Share(NamedTuple):
    """Who measures something: the engine by itself, or a metric that is fed."""

    engine: str  # its name there; "": it is fed
    metric: Metric | None  # which also holds what the engine finds, if the user gave one
    weighted: bool
    output: int = 0  # of the model


class Measures:
    """The ``metrics`` and ``weighted_metrics`` arguments of `compile`."""

    def __init__(self, plain: Any = None, weighted: Any = None, loss: Loss | None = None) -> None:
        self.all: list[Measure] = []
        for what, wanted in (("metrics", plain), ("weighted_metrics", weighted)):
            self._add(what, [] if wanted is None else wanted, loss)
        self._shared: dict[tuple[Any, ...], list[Share]] = {}

    def _add(self, what: str, wanted: Any, loss: Loss | None) -> None:
        if not isinstance(wanted, (list, tuple)):
            raise TypeError(f"{what} must be a list of names and metrics; got {describe(wanted)}.")
        if wanted and loss is None:
            raise ValueError(f"{what} need a loss: it says what the targets are.")
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
                raise ValueError(f"{what}[{i}] is in the list already: each metric gathers numbers of its own.")
            self.all.append(Measure(name, given, what == "weighted_metrics"))

    @property
    def names(self) -> list[str]:
        """What they are called in the logs."""
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

    def share_out(
        self,
        loss: Loss,
        y: np.ndarray,
        row: tuple[int, ...],
        dtype: str,
        weights: bool,
        output: int = 0,
    ) -> list[Share]:
        """Who does what for a model of this loss, these targets, outputs of this shape of a row, and their dtype.

        weights: whether rows have weights, which the engine's scores do not count.
        """
        # What a loss of the user's own takes as targets need be no rows that the engine can read.
        readable = y.shape[1:] == row or (loss.labels and y.shape[1:] in (row[:-1], (*row[:-1], 1)))
        outputs, key = row[-1], (loss.labels, y.shape[1:], y.dtype, row, dtype, weights)
        if key in self._shared:
            return self._shared[key]
        shared = []
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
            shared.append(Share(known, metric, weighted, output))
        self._shared[key] = shared
        return shared

    def _try(self, name: str, metric: Metric, target: np.ndarray, output: np.ndarray) -> None:
        """Have one of our own metrics refuse what it cannot take before a weight is changed."""
        if not type(metric).__module__.startswith(metrics.__name__):
            return
        from copy import copy

        trial = copy(metric)
        trial.reset_state()  # which makes arrays of its own
        try:
            trial.update_state(np.zeros_like(target), output)
        except (TypeError, ValueError) as error:
            raise type(error)(f"metric {name!r} does not fit the loss and the outputs of the model: {error}") from None


class Measured:
    """A run of the engine that comes back at every batch to feed metrics; with the face of a run that does not.

    Parameters
    ----------
    run : TrainLoop
        Made with ``outputs=True`` if anything is fed, and with the engine's share of the metrics.
    ys : list of ndarray
        Targets of each output, as the run has them.
    shared : list of Share
        As `Objectives.shares` gives it.
    weights : list of ndarray or None
        Of the rows, for each output.
    shapes : list of tuple of int
        Of a row of each output.
    fresh : bool
        Whether metrics forget what they saw when a pass starts.
    """

    def __init__(
        self,
        run: _core.TrainLoop,
        ys: Sequence[Any],
        shared: Sequence[Share],
        weights: Sequence[np.ndarray | None],
        shapes: Sequence[tuple[int, ...]],
        fresh: bool,
    ) -> None:
        self._run, self._ys, self._weights, self._shapes, self._fresh = run, ys, weights, shapes, fresh
        self._shared = shared
        self._fed = [share for share in shared if share.metric is not None and not share.engine]
        self._order: np.ndarray | None = None

    @property
    def progress(self) -> tuple[int, int, float, list[Any]]:
        """Of this pass so far: batches, rows, mean loss, and the other values of the logs."""
        batches, rows, loss, means = self._run.progress
        rest, values = iter(means), []
        for share in self._shared:
            if share.engine:
                values.append(next(rest))
                if isinstance(share.metric, MeanMetricWrapper):
                    share.metric._take(values[-1], rows)
            elif share.metric is not None:
                values.append(share.metric.result())
        return batches, rows, loss, values

    @property
    def over(self) -> bool:
        """Whether the pass is over."""
        return self._run.over

    def start(self, order: np.ndarray | None, number: int = 0) -> None:
        """Begin a pass over the rows in this order; None: as they lie."""
        self._run.start(order, number)
        self._order = order
        for share in self._shared:
            if share.metric is not None and self._fresh:
                share.metric.reset_state()

    def advance(self, seconds: float) -> bool:
        """Run batches for about `seconds`, at least one; True when the pass is over."""
        if not self._fed:
            return self._run.advance(seconds)
        end = perf_counter() + seconds
        while True:
            first = self._run.progress[1]
            over = self._run.advance(0.0)
            self._feed(first, self._run.progress[1])
            if over or perf_counter() >= end:
                return over

    def _feed(self, first: int, last: int) -> None:
        rows = slice(first, last) if self._order is None else self._order[first:last]
        made = self._run.outputs
        outputs = made if isinstance(made, list) else [made]
        for _, metric, weighted, k in self._fed:
            assert metric is not None
            given = self._weights[k]
            weights = given[rows] if weighted and given is not None else None
            metric.update_state(self._ys[k][rows], outputs[k].reshape(-1, *self._shapes[k]), sample_weight=weights)


# What a pass over data is run by; both have the face of the first.
Run: TypeAlias = _core.TrainLoop | Measured
