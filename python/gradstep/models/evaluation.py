"""Scoring and predicting; single batches."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from ..callbacks.progress import Bar
from ..checks import flag
from .compiled import Compiled
from .custom import Custom
from .data import batch_rows, row_weights, verbosity
from .steps import Stepped

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

    def evaluate(
        self,
        x: ArrayLike,
        y: ArrayLike,
        batch_size: int | str | None = 32,
        verbose: int | str = "auto",
        return_dict: bool = False,
    ) -> float | list[float] | dict[str, float]:
        """Loss and metrics of the model on data: means over the rows.

        Parameters
        ----------
        x, y, batch_size, verbose
            As in `fit`.
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
        level, named = verbosity(verbose), flag("return_dict", return_dict)
        batch_rows(batch_size, 1)
        rows, known = self._data(x, y)
        batch = batch_rows(batch_size, len(rows))
        run = self._run(rows, known, batch, train=False)
        bar = Bar("Evaluation", math.ceil(len(rows) / batch), level == 1) if level else None
        try:
            logs = self._score(run, bar=bar)
            if bar is not None:
                bar.finish(logs)
        finally:
            if bar is not None:
                bar.close()
        return _result(logs, named)

    def predict(self, x: ArrayLike, batch_size: int | str | None = 32, verbose: int | str = "auto") -> np.ndarray:
        """The model's outputs for data.

        Parameters
        ----------
        x, batch_size, verbose
            As in `fit`; no rows at all give no outputs.

        Returns
        -------
        ndarray, shape (rows, outputs), of the model's dtype

        Raises
        ------
        TypeError, ValueError
            As `fit` does.
        """
        level = verbosity(verbose)
        batch_rows(batch_size, 1)
        rows = self._ready(x, "x")
        assert self._network is not None
        batch = batch_rows(batch_size, len(rows))
        out = np.empty((len(rows), self._network.outputs), self._dtype)
        bar = Bar("Prediction", math.ceil(len(rows) / batch), level == 1) if level else None
        try:
            done = 0
            while done < len(rows):
                done = self._network.predict(rows, out, batch, done, SLICE)
                if bar is not None:
                    bar.update(math.ceil(done / batch))
            if bar is not None:
                bar.finish()
        finally:
            if bar is not None:
                bar.close()
        return out

    def _score(self, run: _core.Run | Custom | Stepped, prefix: str = "", bar: Bar | None = None) -> dict[str, float]:
        run.start(None)
        while not run.advance(SLICE):
            if bar is not None:
                bar.update(run.progress[0], self._logs(run))
        return self._logs(run, prefix)

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
