"""Training steps that an optimizer takes in Python: of optimizers that are made of others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np

from .. import _core
from ..optimizers.bound import Bound
from ..optimizers.sam import BoundSAM
from ..unbroken import Unbroken
from .custom import Custom
from .graph import Graph
from .measured import Measured
from .mixed import Mixed
from .weighed import GraphRun

__all__ = ["AnyRun", "BatchRun", "Stepped"]

# What the engine steps by itself, or leaves the gradients of each batch of; all have the face of the first.
BatchRun: TypeAlias = _core.Run | Custom | Measured | GraphRun


class Stepped:
    """A run of the engine that leaves the gradients of each batch to `bound`; with the face of a run that steps.

    Parameters
    ----------
    run : Run, Custom, Measured or GraphRun
        Made with ``gradients=True``.
    bound : Bound
        Of a dict of the model's weights.
    names : sequence of str
        Keys of that dict, in the order in which the network gives gradients.
    network : Network, Mixed or Graph
        The network of the run.
    """

    def __init__(
        self, run: BatchRun, bound: Bound, names: Sequence[str], network: _core.Network | Mixed | Graph
    ) -> None:
        self._run, self._bound, self._names, self._network = run, bound, names, network

    @property
    def progress(self) -> tuple[int, int, float, list[float]]:
        """As the run's."""
        return self._run.progress

    @property
    def over(self) -> bool:
        """As the run's."""
        return self._run.over

    def start(self, order: np.ndarray | None, number: int = 0) -> None:
        """As the run's."""
        self._run.start(order, number)

    def advance(self, seconds: float) -> bool:
        """As the run's."""
        end = perf_counter() + seconds
        # A layer of the user's own may fail in the midst of a batch: it is then as if that had not begun.
        moving = self._network.graph.moving if isinstance(self._network, Mixed) else []
        while True:
            with Unbroken():
                kept = [weight.copy() for weight in moving]
                try:
                    over = self._run.advance(0.0)
                    self._step()
                except BaseException:
                    for weight, before in zip(moving, kept, strict=True):
                        weight[...] = before
                    raise
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
        kept = [(weight, weight.copy()) for weight in self._moving()]
        try:
            self._run.again()
            self._bound.second_step(self._gradients())
        except BaseException:
            self._bound.optimizer._come_back()
            raise
        finally:  # a batch moves the statistics once, by what it is at the weights themselves
            for weight, before in kept:
                weight[...] = before

    def _moving(self) -> Iterator[np.ndarray]:
        """What layers may move by themselves, as `BatchNormalization` its statistics: vectors that are not trained."""
        graph = self._network.graph if isinstance(self._network, Mixed) else self._network
        if isinstance(graph, Graph):
            yield from graph.moving
            return
        for views, trained in zip(graph.parameters, graph.trained, strict=True):
            yield from (
                view for view, is_trained in zip(views, trained, strict=True) if view.ndim == 1 and not is_trained
            )

    def _gradients(self) -> dict[str, Any]:
        return dict(zip(self._names, self._run.gradients, strict=True))


# What a pass over data is run by.
AnyRun: TypeAlias = BatchRun | Stepped
