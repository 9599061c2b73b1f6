"""Training steps that an optimizer takes in Python: of optimizers that are made of others."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np

from .. import _core
from ..optimizers.bound import Bound
from ..optimizers.sam import BoundSAM
from ..unbroken import Unbroken
from .measured import Measured
from .network import statistics_of, undone

__all__ = ["AnyRun", "BatchRun", "Stepped"]

# What the engine steps by itself, or leaves the gradients of each batch of; all have the face of the first.
BatchRun: TypeAlias = _core.TrainLoop | Measured


class Stepped:
    """A run of the engine that leaves the gradients of each batch to `bound`; with the face of a run that steps.

    Parameters
    ----------
    run : TrainLoop or Measured
        Made with ``gradients=True``.
    bound : Bound
        Of a dict of the model's weights.
    names : sequence of str
        Keys of that dict, in the order in which the network gives gradients.
    network : Network
        The network of the run.
    guard : Guard
        Held for a step.
    """

    def __init__(
        self,
        run: BatchRun,
        bound: Bound,
        names: Sequence[str],
        network: _core.Network,
        guard: _core.Guard,
    ) -> None:
        self._run, self._bound, self._names, self._network, self._guard = run, bound, names, network, guard

    @property
    def progress(self) -> tuple[int, int, float, list[float]]:
        """Of this pass so far: batches, rows, mean loss, and the other values of the logs."""
        return self._run.progress

    @property
    def over(self) -> bool:
        """Whether the pass is over."""
        return self._run.over

    def start(self, order: np.ndarray | None, number: int = 0) -> None:
        """Begin a pass over the rows in this order; None: as they lie."""
        self._run.start(order, number)

    def advance(self, seconds: float) -> bool:
        """Run batches for about `seconds`, at least one; True when the pass is over."""
        end = perf_counter() + seconds
        while True:
            # Whatever of the user's fails in the midst of a batch: it is then as if that had not begun.
            with self._guard, Unbroken(), undone(self._network):
                over = self._run.advance(0.0)
                self._step()
            if over or perf_counter() >= end:
                return over

    def _step(self) -> None:
        optimizer = self._bound.optimizer
        steps, rate = optimizer.iterations, optimizer.learning_rate
        self._move()
        self._network.constrain(rate if optimizer.iterations > steps else 0.0)

    def _move(self) -> None:
        if not isinstance(self._bound, BoundSAM):
            self._bound.step(self._gradients())
            return
        self._bound.first_step(self._gradients())
        kept = [(weight, weight.copy()) for weight in statistics_of(self._network)]
        try:
            self._run.again()
            self._bound.second_step(self._gradients())
        except BaseException:
            self._bound.optimizer._come_back()
            raise
        finally:  # a batch moves the statistics once, by what it is at the weights themselves
            for weight, before in kept:
                weight[...] = before

    def _gradients(self) -> dict[str, Any]:
        return dict(zip(self._names, self._run.gradients, strict=True))


# What a pass over data is run by.
AnyRun: TypeAlias = BatchRun | Stepped
