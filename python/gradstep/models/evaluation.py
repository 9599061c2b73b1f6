"""Scoring and predicting; single batches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..callbacks.base import Callback
from ..callbacks.callback_list import CallbackList, as_callbacks, as_list
from ..callbacks.progress import Bar
from ..checks import flag
from .compiled import Compiled
from .data import batch_rows, row_weights, verbosity
from .steps import AnyRun

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["SLICE", "Evaluator"]

# How long the engine works before it comes back for the progress bar and Ctrl-C.
SLICE = 0.05  # seconds
LONE = 2**31  # the first number of a pass that is no epoch


class Evaluator(Compiled):
    """A model that can be scored and asked."""

    def __init__(self) -> None:
        super().__init__()
        self._lone = 0  # batches trained on by themselves so far
        self.stop_evaluating = self.stop_predicting = False

    def evaluate(
        self,
        x: ArrayLike,
        y: ArrayLike,
        batch_size: int | str | None = 32,
        verbose: int | str = "auto",
        return_dict: bool = False,
        callbacks: Sequence[Callback] | Callback | None = None,
    ) -> float | list[float] | dict[str, float]:
        """Loss and metrics of the model on data: means over the rows.

        Parameters
        ----------
        x, y, batch_size, verbose
            As in `fit`.
        return_dict : bool, default False
        callbacks : list of Callback, optional
            Their hooks ``on_test_...`` are called.

        Returns
        -------
        float, list or dict
            The loss; with metrics a list of the loss and them; with `return_dict` all by name.

        Raises
        ------
        TypeError, ValueError
            As `fit` does.
        """
        level, named = verbosity(verbose), flag("return_dict", return_dict)
        as_callbacks(callbacks)
        batch_rows(batch_size, 1)
        rows, known = self._data(x, y)
        batch = batch_rows(batch_size, len(rows))
        run = self._run(rows, known, batch, train=False)
        steps = math.ceil(len(rows) / batch)
        hooks = as_list(callbacks, self, verbose=level, epochs=1, steps=steps)
        bar = Bar("Evaluation", steps, level == 1) if level else None
        try:
            with hooks.closing():
                logs = self._score(run, hooks, bar)
            if bar is not None:
                bar.finish(logs)
        finally:
            if bar is not None:
                bar.close()
        return _result(logs, named)

    def predict(
        self,
        x: ArrayLike,
        batch_size: int | str | None = 32,
        verbose: int | str = "auto",
        callbacks: Sequence[Callback] | Callback | None = None,
    ) -> np.ndarray:
        """The model's outputs for data.

        Parameters
        ----------
        x, batch_size, verbose
            As in `fit`; no rows at all give no outputs.
        callbacks : list of Callback, optional
            Their hooks ``on_predict_...`` are called.

        Returns
        -------
        ndarray, shape (rows, outputs), of the model's dtype

        Raises
        ------
        TypeError, ValueError
            As `fit` does.
        """
        level = verbosity(verbose)
        as_callbacks(callbacks)
        batch_rows(batch_size, 1)
        rows = self._ready(x, "x")
        assert self._network is not None
        batch = batch_rows(batch_size, len(rows))
        out = np.empty((len(rows), self._network.outputs), self._dtype)
        steps = math.ceil(len(rows) / batch)
        hooks = as_list(callbacks, self, verbose=level, epochs=1, steps=steps)
        bar = Bar("Prediction", steps, level == 1) if level else None
        try:
            with hooks.closing():
                out = out[: self._predict(rows, out, batch, hooks, bar)]
            if bar is not None:
                bar.finish()
        finally:
            if bar is not None:
                bar.close()
        return out

    def _predict(self, rows: np.ndarray, out: np.ndarray, batch: int, hooks: CallbackList, bar: Bar | None) -> int:
        """Fill `out`; gives the rows that were done, all of them unless a callback stopped it."""
        assert self._network is not None
        done, each, self.stop_predicting = 0, hooks.wants_batches("predict"), False
        hooks.on_predict_begin()
        while done < len(rows) and not self.stop_predicting:
            begin = done
            if each:
                hooks.on_predict_batch_begin(begin // batch)
            done = self._network.predict(rows, out, batch, begin, 0.0 if each else SLICE)
            if each:
                hooks.on_predict_batch_end(begin // batch, {"outputs": out[begin:done]})
            if bar is not None:
                bar.update(math.ceil(done / batch))
        hooks.on_predict_end()
        return done

    def _score(self, run: AnyRun, hooks: CallbackList, bar: Bar | None = None) -> dict[str, float]:
        over, batch, each, self.stop_evaluating = False, 0, hooks.wants_batches("test"), False
        hooks.on_test_begin()
        run.start(None)
        while not over and not self.stop_evaluating:
            if each:
                hooks.on_test_batch_begin(batch)
            over = run.advance(0.0 if each else SLICE)
            if each:
                hooks.on_test_batch_end(batch, self._logs(run))
            batch = run.progress[0]
            if bar is not None:
                bar.update(batch, self._logs(run))
        logs = self._logs(run)
        hooks.on_test_end(logs)
        return logs

    # -- one batch -----------------------------------------------------------------------------------------------------

    def __call__(self, x: ArrayLike) -> np.ndarray:
        """The outputs for one batch, as `predict_on_batch`."""
        return self.predict_on_batch(x)

    def predict_on_batch(self, x: ArrayLike) -> np.ndarray:
        """The outputs for one batch. Raises as `predict` does."""
        return self.predict(x, batch_size="full", verbose=0)

    def train_on_batch(
        self, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, return_dict: bool = False
    ) -> float | list[float] | dict[str, float]:
        """One step on one batch; gives loss and metrics from before it, as `evaluate` does. Raises as `fit` does.

        `sample_weight`, (rows,): what the loss of each row counts for.
        """
        return self._one_batch(x, y, sample_weight, return_dict, train=True)

    def test_on_batch(
        self, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, return_dict: bool = False
    ) -> float | list[float] | dict[str, float]:
        """Loss and metrics of one batch, as `evaluate` gives them; `sample_weight` as in `train_on_batch`."""
        return self._one_batch(x, y, sample_weight, return_dict, train=False)

    def _one_batch(
        self, x: Any, y: Any, sample_weight: Any, return_dict: bool, train: bool
    ) -> float | list[float] | dict[str, float]:
        named = flag("return_dict", return_dict)
        rows, known = self._data(x, y)
        run = self._run(rows, known, len(rows), train, weights=row_weights(sample_weight, "sample_weight", len(rows)))
        run.start(None, self._lone_pass() if train else 0)
        run.advance(0.0)
        return _result(self._logs(run), named)

    def _lone_pass(self) -> int:
        """The number of a pass over one batch: apart from those of epochs, below 2**31."""
        self._lone += 1
        return LONE + self._lone % LONE

    def value_and_grad(
        self, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> tuple[float, list[np.ndarray]]:
        """The loss of a batch in training, and its gradient with respect to each weight; no weight is changed.

        Layers that draw, as `Dropout`, draw anew at each call. `sample_weight` is as in `train_on_batch`.

        Returns
        -------
        value : float
        gradients : list of ndarray
            In the order and shapes of `weights`, as ``optimizer.step(model.weights, gradients)`` takes them.

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
        rows, known = self._data(x, y)
        loss, network = self._needed_loss(), self._network
        assert network is not None
        weights = row_weights(sample_weight, "sample_weight", len(rows))
        spec = loss._specification()
        value, gradients, _ = network.value_and_grad(
            (lambda outputs: loss._of_batch(known, outputs, weights)) if spec is None else spec,
            rows,
            known,
            self._lone_pass(),
            weights,
            loss._mask(known),
        )
        return value, [gradient for layer in gradients for gradient in layer]


def _result(logs: dict[str, float], named: bool) -> float | list[float] | dict[str, float]:
    if named:
        return logs
    values = list(logs.values())
    return values if len(values) > 1 else values[0]
