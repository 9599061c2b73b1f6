"""Scoring and predicting; single batches."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..callbacks.base import Callback
from ..callbacks.callback_list import CallbackList, as_callbacks, as_list
from ..callbacks.progress import Bar
from ..checks import check_bool
from ..metrics.base import Metric
from ..metrics.reduction import Mean
from .cautions import warn_of_targets
from .columns import arrays_of
from .compiled import Borrowed
from .data import Rows, alone, batch_rows, limit_of, verbosity
from .fed import Fed, whole_or_none
from .feeds import Feed
from .measured import Run
from .network import arranged, check_backward

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["SLICE", "Evaluator"]

# How long the engine works before it comes back for the progress bar and Ctrl-C.
SLICE = 0.05  # seconds


class Evaluator(Fed):
    """A model that can be scored and asked."""

    def __init__(self) -> None:
        super().__init__()
        self.stop_evaluating = self.stop_predicting = False

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | str | None = None,
        verbose: int | str = "auto",
        sample_weight: ArrayLike | None = None,
        steps: int | None = None,
        callbacks: Sequence[Callback] | Callback | None = None,
        return_dict: bool = False,
    ) -> float | list[float] | dict[str, float]:
        """Loss and metrics of the model on data: means over the rows.

        Parameters
        ----------
        x, y, batch_size, verbose, sample_weight
            As in `fit`.
        steps : int, optional
            How many batches to take, if not all. Without `batch_size` all rows are in them.
        callbacks : list of Callback, optional
            Their hooks ``on_test_...`` are called.
        return_dict : bool, default False

        Returns
        -------
        float, list or dict
            The loss; with metrics a list of the loss and them; with `return_dict` all by name.

        Raises
        ------
        TypeError, ValueError
            As `fit` does.
        """
        level, named = verbosity(verbose), check_bool("return_dict", return_dict)
        as_callbacks(callbacks)
        with self._lent:
            feed = self._feed(x, y, sample_weight, batch_size, limit_of("steps", steps))
            run = feed.make_run()
            warn_of_targets(self, feed.sample)
            hooks = as_list(callbacks, self, verbose=level, epochs=1, steps=feed.steps)
            bar = Bar("Evaluation", feed.steps, level == 1) if level else None
            try:
                with hooks.closing():
                    logs = self._score(feed, run, hooks, bar)
                if bar is not None:
                    bar.finish(logs)
            finally:
                if bar is not None:
                    bar.close()
            return _result(logs, named)

    def predict(
        self,
        x: Any,
        batch_size: int | str | None = None,
        verbose: int | str = "auto",
        steps: int | None = None,
        callbacks: Sequence[Callback] | Callback | None = None,
    ) -> Any:
        """The model's outputs for data.

        Parameters
        ----------
        x, batch_size, verbose
            As in `fit`; no rows at all give no outputs. Of what gives batches, targets and weights are not looked at.
        steps : int, optional
            How many batches to take, if not all. Without `batch_size` all rows are in them.
        callbacks : list of Callback, optional
            Their hooks ``on_predict_...`` are called.

        Returns
        -------
        ndarray of the model's dtype, of the shape of the last layer's output

        Raises
        ------
        TypeError, ValueError
            As `fit` does.
        """
        level, limit = verbosity(verbose), limit_of("steps", steps)
        plain = callbacks is None and not level and limit is None and isinstance(x, np.ndarray) and x.ndim > 0
        if plain and 0 < len(x) <= batch_rows(batch_size, len(x)):  # one batch, and nobody looks on
            self.stop_predicting = False
            return self._at_once(self._ready(x, "x"))
        as_callbacks(callbacks)
        total, parts = self._parts(x, batch_size, limit)
        hooks = as_list(callbacks, self, verbose=level, epochs=1, steps=total)
        bar = Bar("Prediction", total, level == 1) if level else None
        try:
            with hooks.closing():
                outputs = self._predict(parts, hooks, bar)
            if bar is not None:
                bar.finish()
        finally:
            if bar is not None:
                bar.close()
        return outputs

    def _predict(self, parts: Iterable[tuple[Any, int]], hooks: CallbackList, bar: Bar | None) -> Any:
        """The outputs of the rows that were done, all of them unless a callback stopped it."""
        each, self.stop_predicting = hooks.wants_batches("predict"), False
        hooks.on_predict_begin()
        outputs: list[list[np.ndarray]] = []
        batches = 0
        for rows, batch in parts:
            network, shapes = self._network, self._output_rows()  # with which the call goes on, whoever replaces it
            assert network is not None
            outs, done = [np.empty((len(rows), n), self._dtype) for n in network.outputs], 0

            def shaped(begin: int, end: int, outs: Any = outs, shapes: Any = shapes) -> list[np.ndarray]:
                return [out[begin:end].reshape(-1, *shape) for out, shape in zip(outs, shapes, strict=True)]

            while done < len(rows) and not self.stop_predicting:
                begin, index = done, batches + done // batch
                if each:
                    hooks.on_predict_batch_begin(index)
                done = network.predict(arrays_of(rows), outs, batch, begin, 0.0 if each else SLICE)
                if each:
                    hooks.on_predict_batch_end(index, {"outputs": self._packed(shaped(begin, done))})
                if bar is not None:
                    bar.update(batches + math.ceil(done / batch))
            batches += math.ceil(len(rows) / batch)
            outputs.append(shaped(0, done))
            if self.stop_predicting:
                break
        hooks.on_predict_end()
        if not outputs:
            raise ValueError("x must give at least one batch; it gives none.")
        joined = [one[0] if len(one) == 1 else np.concatenate(one) for one in zip(*outputs, strict=True)]
        return self._packed(joined)

    # -- passes over data ----------------------------------------------------------------------------------------------

    def _score(self, feed: Feed, run: Any, hooks: CallbackList, bar: Bar | None = None) -> dict[str, float]:
        batch, each, names, self.stop_evaluating = 0, hooks.wants_batches("test"), self.metrics_names, False
        hooks.on_test_begin()
        feed.start(run, 0, 0)
        while not run.over and not self.stop_evaluating:
            if each:
                hooks.on_test_batch_begin(batch)
                self._advance(run)
                hooks.on_test_batch_end(run.progress[0] - 1, self._logs(run, names))
            else:
                run.advance(SLICE)
            batch = run.progress[0]
            if bar is not None:
                bar.update(batch, self._logs(run, names))
        if not self.stop_evaluating:
            feed.finish(batch)
        logs = self._last_logs = self._logs(run, names)
        hooks.on_test_end(logs)
        return logs

    def _advance(self, run: Run) -> None:
        """The batches between two calls of a callback's hooks."""
        for _ in range(self._steps_per_execution):
            if run.advance(0.0):
                return

    # -- one batch -----------------------------------------------------------------------------------------------------

    def predict_on_batch(self, x: ArrayLike) -> Any:
        """The outputs for one batch. Raises as `predict` does."""
        return self._at_once(self._ready(alone(x), "x"))

    def _at_once(self, rows: Any) -> Any:
        """The outputs for rows as the engine reads them, in one batch."""
        network, count = self._network, len(rows)
        assert network is not None
        outs = [np.empty((count, *row), self._dtype) for row in self._output_rows()]
        flat = [out if out.ndim == 2 else out.reshape(count, math.prod(out.shape[1:])) for out in outs]
        network.predict(arrays_of(rows), flat, max(count, 1), 0, 0.0)
        return self._packed(outs)

    def train_on_batch(
        self,
        x: ArrayLike,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        class_weight: Mapping[int, float] | None = None,
        return_dict: bool = False,
    ) -> float | list[float] | dict[str, float]:
        """One step on one batch; gives loss and metrics from before it, as `evaluate` does. Raises as `fit` does.

        `sample_weight`, (rows,): what the loss of each row counts for; or `class_weight`, as in `fit`.
        """
        return self._one_batch(x, y, sample_weight, return_dict, train=True, class_weight=class_weight)

    def test_on_batch(
        self,
        x: ArrayLike,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        return_dict: bool = False,
    ) -> float | list[float] | dict[str, float]:
        """Loss and metrics of one batch, as `evaluate` gives them; `sample_weight` as in `train_on_batch`."""
        return self._one_batch(x, y, sample_weight, return_dict, train=False)

    @whole_or_none
    def _one_batch(
        self, x: Any, y: Any, sample_weight: Any, return_dict: bool, train: bool, class_weight: Any = None
    ) -> float | list[float] | dict[str, float]:
        named = check_bool("return_dict", return_dict)
        rows = self._dense(self._rows(x, y, sample_weight).of_classes(class_weight))
        kept = self._kept_run(rows, train)
        if kept is not None:
            return _result(self._of_batch(kept, train), named)
        with self._lent:  # for the metrics, which a run that is kept has none of
            return _result(self._of_batch(self._fresh_run(rows, train), train), named)

    def _of_batch(self, borrowed: Borrowed, train: bool) -> dict[str, float]:
        """Loss and metrics of a run's batch."""
        run = borrowed.run
        run.start(None, self._lone_pass() if train else 0)
        run.advance(0.0)
        logs = self._last_logs = self._logs(run)
        self._put_back(borrowed)
        return logs

    @property
    def metrics(self) -> list[Metric]:
        """The metrics, as `metrics_names` has them, with the results of the last pass or batch.

        Those that `compile` was given are these objects; a `Mean` stands for the loss and for metrics given by name.
        """
        given = self._objectives.objects
        found = []
        for name in self.metrics_names:
            metric = given.get(name)
            if metric is None:
                metric = Mean(name)
                if name in self._last_logs:
                    metric.update_state(self._last_logs[name])
            found.append(metric)
        return found

    def reset_metrics(self) -> None:
        """Let the metrics that `compile` was given begin anew.

        A pass over data and a batch by itself do so too: unlike Keras's, losses and metrics of `train_on_batch` and
        `test_on_batch` are those of the one batch, and do not go on from call to call.
        """
        for metric in _metrics_in([self._compiled.get("metrics"), self._compiled.get("weighted_metrics")]):
            metric.reset_state()

    def value_and_grad(
        self, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> tuple[float, list[np.ndarray]]:
        """The loss of a batch in training, and its gradient with respect to each weight; no weight is changed.

        Layers that draw, as `Dropout`, draw anew at each call. `sample_weight` is as in `train_on_batch`.

        Returns
        -------
        value : float
        gradients : list of ndarray
            In the order and shapes of `trainable_weights`, as ``optimizer.step(model.trainable_weights, gradients)``
            takes them; of what was trainable at the last `compile`.

        Raises
        ------
        TypeError, ValueError
            As `fit` does.

        Examples
        --------
        >>> import numpy as np, gradstep as gs
        >>> model = gs.Sequential([gs.Input((1,)), gs.layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile(loss="mse")
        >>> value, (slope, _) = model.value_and_grad(np.array([[2.0]]), np.array([[1.0]]))
        >>> value, slope.item()
        (1.0, 4.0)
        """
        rows = self._dense(self._rows(x, y, sample_weight))
        return self._gradients_of(rows.x, rows.y, rows.weights)

    @whole_or_none
    def _gradients_of(self, x: Any, y: Any, weights: Any = None) -> tuple[float, list[np.ndarray]]:
        """The same for data as a run has it."""
        network, rows = self._network, Rows(x, y, weights)
        assert network is not None
        check_backward(self._steps, len(arrays_of(x)))
        trained, words = list(self._trained().values()), self._words(rows)
        if not any(map(callable, words)) and not any(step.layer._in_numpy for step in self._steps):
            targets = self._targets(rows)
            value, layers, _ = network.value_and_grad(
                words, arrays_of(x), targets.values, self._lone_pass(), targets.weights, targets.masks
            )
            return value, arranged(network, [gradient for layer in layers for gradient in layer], trained)
        with self._guard:
            loop = self._loop(rows, len(rows.y), [], gradients=True)
            loop.start(None, self._lone_pass())
            loop.advance(0.0)
            return loop.progress[2], arranged(network, loop.gradients, trained)


def _result(logs: dict[str, float], named: bool) -> float | list[float] | dict[str, float]:
    if named:
        return logs
    values = list(logs.values())
    return values if len(values) > 1 else values[0]


def _metrics_in(given: Any) -> Iterator[Metric]:
    """The metrics in lists and dicts of them, of names and of functions."""
    if isinstance(given, Metric):
        yield given
    elif isinstance(given, (list, tuple, Mapping)):
        for member in given.values() if isinstance(given, Mapping) else given:
            yield from _metrics_in(member)
