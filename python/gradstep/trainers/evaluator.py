"""Scores and outputs of a model: the loops of `evaluate` and `predict`, and single batches."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np

from ..callbacks.callback_list import CallbackList, as_callbacks, as_list
from ..callbacks.progress import Bar
from ..checks import check_bool
from ..data.columns import arrays_of
from ..data.feeds import Feed
from ..data.mapped import SLICE as MAPPED_SLICE
from ..data.mapped import mapping_of
from ..data.rows import batch_rows, limit_of, verbosity
from ..metrics.base import Metric
from ..metrics.reduction import Mean
from .cautions import warn_of_targets
from .counted import run_batch
from .data_adapter import DataAdapter
from .executor import Executor
from .model_face import ModelFace
from .on_gpu import predict
from .runs import KeptRun, Run

__all__ = ["SLICE", "Evaluator", "Scores", "metrics_in"]

# The loss; with metrics a list; or all by name.
Scores: TypeAlias = float | list[float] | dict[str, float]
# How long the engine works before it comes back for the progress bar and Ctrl-C.
SLICE = 0.05  # seconds


class Evaluator:
    """Scores a model, and asks it for outputs.

    Parameters
    ----------
    model : ModelFace
        Which callbacks see.
    executor : Executor
    data : DataAdapter

    Attributes
    ----------
    steps_per_execution : int
        Batches between two calls of a callback's hooks for batches.
    last_logs : dict
        Of the last pass or batch.
    """

    def __init__(self, model: ModelFace, executor: Executor, data: DataAdapter) -> None:
        self.model, self._executor, self._data = model, executor, data
        self.steps_per_execution = 1
        self.last_logs: dict[str, float] = {}

    def evaluate(
        self,
        x: Any,
        y: Any,
        batch_size: Any,
        verbose: Any,
        sample_weight: Any,
        steps: Any,
        callbacks: Any,
        return_dict: Any,
    ) -> Scores:
        """As `Model.evaluate`."""
        level, named = verbosity(verbose), check_bool("return_dict", return_dict)
        as_callbacks(callbacks)
        with self._executor.lent:
            feed = self._data.feed(x, y, sample_weight, batch_size, limit_of("steps", steps))
            run = feed.make_run()
            warn_of_targets(self._executor, feed.sample)
            hooks = as_list(callbacks, self.model, verbose=level, epochs=1, steps=feed.steps)
            with _bar("Evaluation", feed.steps, level) as bar:
                with hooks.closing():
                    logs = self.score(feed, run, hooks, bar)
                if bar is not None:
                    bar.finish(logs)
            return self._result(logs, named)

    def score(self, feed: Feed, run: Any, hooks: CallbackList, bar: Bar | None = None) -> dict[str, float]:
        """Loss and metrics over a feed, from its beginning; none if it has no batch left."""
        if feed.is_over():
            return {}
        executor, model = self._executor, self.model
        batch, each, names = 0, hooks.wants_batches("test"), executor.losses_and_metrics.log_names
        model.stop_evaluating = False
        hooks.on_test_begin()
        feed.start(run, 0, 0)
        with executor.lent.during_pass():
            while not run.over:
                if each:
                    hooks.on_test_batch_begin(batch)
                    self.advance(run)
                    hooks.on_test_batch_end(run.batches - 1, executor.logs(run, names))
                else:
                    run.advance(0.0 if model.stop_evaluating else SLICE)
                batch = run.batches
                if bar is not None:
                    bar.update(batch, executor.logs(run, names))
                if model.stop_evaluating:  # after one batch at least: nothing has no mean
                    break
        if not model.stop_evaluating:
            feed.finish(batch)
        logs = self.last_logs = executor.logs(run, names) if batch else {}
        hooks.on_test_end(logs)
        return logs

    def advance(self, run: Run) -> None:
        """The batches between two calls of a callback's hooks."""
        for _ in range(self.steps_per_execution):
            if run.advance(0.0):
                return

    def predict(self, x: Any, batch_size: Any, verbose: Any, steps: Any, callbacks: Any) -> Any:
        """As `Model.predict`."""
        level, limit = verbosity(verbose), limit_of("steps", steps)
        plain = callbacks is None and not level and limit is None and isinstance(x, np.ndarray) and x.ndim > 0
        if plain and 0 < len(x) <= batch_rows(batch_size, len(x)):  # one batch, and nobody looks on
            self.model.stop_predicting = False
            return self._executor.outputs(self.model._ready(x, "x"))
        as_callbacks(callbacks)
        total, parts = self._data.parts(x, batch_size, limit)
        hooks = as_list(callbacks, self.model, verbose=level, epochs=1, steps=total)
        with _bar("Prediction", total, level) as bar:
            with hooks.closing():
                outputs = self._predict(parts, hooks, bar)
            if bar is not None:
                bar.finish()
        return outputs

    def _predict(self, parts: Iterable[tuple[Any, int]], hooks: CallbackList, bar: Bar | None) -> Any:
        """The outputs of the rows that were done, all of them unless a callback stopped it."""
        executor, model, batches = self._executor, self.model, 0
        each, model.stop_predicting = hooks.wants_batches("predict"), False
        hooks.on_predict_begin()
        outputs: list[list[np.ndarray]] = []
        for rows, batch in parts:
            network, steps, shapes = executor.sized(rows)  # the call goes on with, whoever replaces them
            outs, done = [np.empty((len(rows), n), model.dtype) for n in network.outputs], 0

            def shaped(begin: int, end: int, outs: Any = outs, shapes: Any = shapes) -> list[np.ndarray]:
                return [out[begin:end].reshape(-1, *shape) for out, shape in zip(outs, shapes, strict=True)]

            mappings = [mapping for mapping in map(mapping_of, arrays_of(rows)) if mapping is not None]
            seconds = MAPPED_SLICE if mappings else SLICE
            while done < len(rows):
                begin, index = done, batches + done // batch
                if each:
                    hooks.on_predict_batch_begin(index)
                limit = 0.0 if each or model.stop_predicting else seconds
                done = predict(network, steps, arrays_of(rows), outs, batch, begin, limit)
                for mapping in mappings:
                    mapping.let_go()
                if each:
                    hooks.on_predict_batch_end(index, {"outputs": model._pack_outputs(shaped(begin, done))})
                if bar is not None:
                    bar.update(batches + math.ceil(done / batch))
                if model.stop_predicting:
                    break
            batches += math.ceil(len(rows) / batch)
            outputs.append(shaped(0, done))
            if model.stop_predicting:
                break
        hooks.on_predict_end()
        if not outputs:
            raise ValueError("x must give at least one batch; it gives none.")
        for each in zip(*outputs, strict=True):
            given = sorted({one.shape[1:] for one in each})
            if len(given) > 1:
                raise ValueError(
                    "outputs of all batches must have rows of one shape to be put together; got "
                    f"{', '.join(map(str, given))}. Call predict_on_batch for each batch."
                )
        joined = [one[0] if len(one) == 1 else np.concatenate(one) for one in zip(*outputs, strict=True)]
        return model._pack_outputs(joined)

    # -- one batch -----------------------------------------------------------------------------------------------------

    def one_batch(
        self, x: Any, y: Any, sample_weight: Any, return_dict: Any, train: bool, class_weight: Any = None
    ) -> Scores:
        """As `Model.train_on_batch` and `Model.test_on_batch`."""
        named, executor = check_bool("return_dict", return_dict), self._executor
        rows = self._data.readable(self._data.rows(x, y, sample_weight).of_classes(class_weight))
        kept = executor.kept_run(rows, train)
        if kept is not None:
            return self._result(self._of_batch(kept, train), named)
        with executor.lent:  # for the metrics, which a run that is kept has none of
            return self._result(self._of_batch(executor.fresh_run(rows, train), train), named)

    def _result(self, logs: dict[str, float], named: bool) -> Scores:
        if named:
            return logs
        known = [name for name in self._executor.losses_and_metrics.listed if name in logs]
        values = [logs[name] for name in [*known, *(name for name in logs if name not in known)]]
        return values if len(values) > 1 else values[0]

    def _of_batch(self, kept: KeptRun, train: bool) -> dict[str, float]:
        """Loss and metrics of a run's batch."""
        run, executor = kept.run, self._executor
        run_batch(executor, run, train)
        logs = self.last_logs = executor.logs(run)
        executor.put_back(kept)
        return logs

    def metrics(self) -> list[Metric]:
        """As `Model.metrics`."""
        known = self._executor.losses_and_metrics
        found = []
        for name in known.listed:
            metric = known.objects.get(name)
            if metric is None:
                metric = Mean(name)
                if name in self.last_logs:
                    metric.update_state(self.last_logs[name])
            found.append(metric)
        return found


@contextmanager
def _bar(title: str, steps: int | None, level: int) -> Iterator[Bar | None]:
    """The bar of a pass; none in silence."""
    bar = Bar(title, steps, level == 1) if level else None
    try:
        yield bar
    finally:
        if bar is not None:
            bar.close()


def metrics_in(given: Any) -> Iterator[Metric]:
    """The metrics in lists and dicts of them, of names and of functions."""
    if isinstance(given, Metric):
        yield given
    elif isinstance(given, (list, tuple, Mapping)):
        for member in given.values() if isinstance(given, Mapping) else given:
            yield from metrics_in(member)
