"""When scikit-learn's networks stop, as a callback of `fit`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..callbacks.base import Callback, Logs

__all__ = ["Convergence"]


class Convergence(Callback):
    """Stops when the loss, or the score on validation rows, has not got better for some epochs; or lowers the rate.

    Parameters
    ----------
    tol : float
        How much better counts.
    patience : float
        Epochs; inf for ever.
    rule : {"constant", "invscaling", "adaptive"}
        How the learning rate goes on.
    rate, power_t : float
        First rate, and exponent of "invscaling".
    rows : int
        Of an epoch.
    seen : int
        Rows trained on before.
    best_loss : float
        Of earlier calls.
    score : function or None
        Of the model, on validation rows: larger is better.

    Attributes
    ----------
    losses, validation_losses, scores : list of float
        Of each epoch.
    best_loss, best_score : float
    best_weights : list of ndarray or None
    converged : bool
        Whether it stopped.
    """

    def __init__(
        self,
        tol: float,
        patience: float,
        rule: str,
        rate: float,
        power_t: float,
        rows: int,
        seen: int,
        best_loss: float,
        score: Callable[[Any], float] | None,
    ) -> None:
        super().__init__()
        self.tol, self.patience, self.rule, self.rate, self.power_t = tol, patience, rule, rate, power_t
        self.rows, self.seen, self.score = rows, seen, score
        self.losses: list[float] = []
        self.validation_losses: list[float] = []
        self.scores: list[float] = []
        self.best_loss, self.best_score = best_loss, -math.inf
        self.best_weights: list[Any] | None = None
        self.converged = False
        self._waited = 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Note the epoch, and stop or change the rate."""
        known = logs or {}
        self.losses.append(float(known["loss"]))
        if "val_loss" in known:
            self.validation_losses.append(float(known["val_loss"]))
        self.seen += self.rows
        if not math.isfinite(self.losses[-1]):
            self.model.stop_training = True
            return
        self._waited = 0 if self._is_better() else self._waited + 1
        if self.rule == "invscaling":
            self.model.optimizer.learning_rate = self.rate / (self.seen + 1) ** self.power_t
        if self._waited > self.patience:
            self._waited = 0
            rate = float(self.model.optimizer.learning_rate)
            if self.rule == "adaptive" and rate > 1e-6:
                self.model.optimizer.learning_rate = rate / 5
            else:
                self.converged = self.model.stop_training = True

    def _is_better(self) -> bool:
        if self.score is None:
            better = self.losses[-1] <= self.best_loss - self.tol
            self.best_loss = min(self.best_loss, self.losses[-1])
            return better
        self.scores.append(self.score(self.model))
        better = self.scores[-1] >= self.best_score + self.tol
        if self.scores[-1] > self.best_score:
            self.best_score, self.best_weights = self.scores[-1], self.model.get_weights()
        return better
