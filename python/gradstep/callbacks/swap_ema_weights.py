"""Score the running averages of the weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..checks import check_bool
from .base import Callback, Logs
from .rates import rated

__all__ = ["SwapEMAWeights"]


class SwapEMAWeights(Callback):
    """Use the averaged weights (`use_ema`) of the optimizer in evaluation and prediction.

    Parameters
    ----------
    swap_on_epoch : bool, default False
        Whether they are in the model from the end of an epoch to the beginning of the next one too, for callbacks
        after this one in the list, as `ModelCheckpoint`.

    Raises
    ------
    TypeError
        `swap_on_epoch` is not a bool.
    ValueError
        When a run begins: the optimizer, or all those of a `MultiOptimizer`, have ``use_ema=False``.

    Notes
    -----
    Weights and averages change places, bit for bit. After `fit` the model has the averages, as without this callback.
    In Keras that is lost if training is stopped before the last epoch with `swap_on_epoch`, and the averages stay in
    the model after `predict`; here they do not.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> model = gs.Sequential([gs.Input((1,)), gs.layers.Dense(1, kernel_initializer="ones")])
    >>> model.compile(gs.optimizers.SGD(learning_rate=0.5, use_ema=True, ema_momentum=0.5), "mse")
    >>> x, y = np.ones((4, 1)), np.zeros(4)
    >>> _ = model.train_on_batch(x, y), model.train_on_batch(x, y)
    >>> raw = model.evaluate(x, y, verbose=0)
    >>> raw == model.evaluate(x, y, verbose=0, callbacks=[gs.callbacks.SwapEMAWeights()])
    False
    >>> raw == model.evaluate(x, y, verbose=0)
    True
    """

    _state = ("_swapped",)

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = check_bool("swap_on_epoch", swap_on_epoch)
        self._swapped = False
        self._averages: list[np.ndarray] = []  # at the end of the last epoch

    def _optimizers(self) -> list[Any]:
        found = [each for _, each in rated(self.model.optimizer) if each.use_ema]
        if not found:
            raise ValueError("SwapEMAWeights needs an optimizer with use_ema=True; it has use_ema=False.")
        return found

    def _pairs(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Weights that have been stepped, and their averages."""
        for optimizer in self._optimizers():
            for weight in self.model.weights if optimizer.iterations else []:
                index = optimizer._core.find(weight)
                if index >= 0:
                    yield weight, optimizer._core.state(index)["average"]

    def _swap(self, wanted: bool) -> None:
        if self._swapped == wanted:
            return
        with self.model._guard:  # nobody predicts with some of them
            for weight, average in self._pairs():
                kept = weight.copy()
                weight[...] = average
                average[...] = kept
        self._swapped = wanted

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Check that the optimizer keeps averages."""
        self._optimizers()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Train on with the weights."""
        if self.swap_on_epoch:
            self._swap(False)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Put the averages in place for the callbacks that follow."""
        if self.swap_on_epoch:
            self._swap(True)
            self._averages = [weight.copy() for weight, _ in self._pairs()]

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Leave the averages in the model."""
        if self._swapped:
            # The end of `fit` has put what it took for averages into the model: the weights.
            with self.model._guard:
                for (weight, average), kept in zip(self._pairs(), self._averages, strict=True):
                    weight[...] = average[...] = kept
            self._swapped = False
        self._averages = []

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Score the averages."""
        self._swap(True)

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Restore the weights."""
        self._swap(False)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Predict with the averages."""
        self._swap(True)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Restore the weights."""
        self._swap(False)

    def close(self) -> None:
        """Restore the weights if a run was interrupted."""
        if self.model is not None:
            self._swap(False)
