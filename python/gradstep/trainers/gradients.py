"""Gradients of a model for custom training loops: forward and backward, and of the loss of a batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _core
from ..data.columns import arrays_of
from ..data.rows import Rows
from .counted import Counted, run_batch
from .executor import Executor
from .network import arranged, check_backward

__all__ = ["ForwardBackward", "value_and_grad"]


def value_and_grad(executor: Executor, rows: Rows) -> tuple[float, list[np.ndarray]]:
    """The loss of rows in training, and its gradient by each weight that is trained."""
    network, x = executor.sized(rows.x).network, arrays_of(rows.x)
    check_backward(executor.steps, len(x))
    trained, losses = list(executor.trained_weights().values()), executor.specifications(rows)
    if not any(map(callable, losses)) and not any(step.layer._computing._in_numpy for step in executor.steps):
        targets = executor.targets(rows)
        with Counted(executor, network) as number:
            value, found, _ = network.value_and_grad(losses, x, targets.values, number, targets.weights, targets.masks)
        return value, arranged(network, found, trained)
    with executor.guard:
        loop = executor.loop(rows, len(rows.y), [], gradients=True)
        run_batch(executor, loop)
        return loop.progress[2], arranged(network, loop.gradients, trained)


class ForwardBackward:
    """The last call of a model in training, from which `backward` goes back, once."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._network: _core.Network | None = None
        self._halves: _core.ForwardBackward | None = None
        # Shapes of the inputs, as the user gave them, and of the outputs.
        self._shapes: tuple[list[tuple[int, ...]], list[tuple[int, ...]]] | None = None

    def forget(self) -> None:
        """The network, or what it trains, is another from now on."""
        self._network = self._halves = self._shapes = None

    def forward(self, rows: Any, input_shapes: list[tuple[int, ...]]) -> list[np.ndarray]:
        """The outputs for rows as the engine reads them."""
        executor, arrays = self._executor, [np.array(array) for array in arrays_of(rows)]  # backward reads them
        network, _, outputs = executor.sized(rows)
        shapes = [(len(rows), *row) for row in outputs]
        with executor.guard:
            if self._halves is None or self._network is not network:
                self._network, self._halves = network, _core.ForwardBackward(network)
            self._shapes = None
            with Counted(executor, self._halves) as number:
                made = self._halves.forward(arrays, True, number, None, True)
            self._shapes = input_shapes, shapes
            ys = made if isinstance(made, list) else [made]
            return [y.reshape(shape) for y, shape in zip(ys, shapes, strict=True)]

    @property
    def output_shapes(self) -> list[tuple[int, ...]]:
        """Shapes of what the call gave.

        Raises
        ------
        RuntimeError
            There was no such call, or `backward` was called for it already.
        """
        if self._shapes is None:
            raise RuntimeError(
                f"model {self._executor.model.name!r} must be called with training=True before each backward(), which "
                "differentiates that call; compile(), add() and pop() discard it."
            )
        return self._shapes[1]

    def backward(self, dys: list[np.ndarray | None]) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """The gradients by the inputs, and by the trainable weights, for those by the outputs; None: zeros."""
        network, model = self._network, self._executor.model
        assert self._shapes is not None
        assert self._halves is not None
        assert network is not None
        made = self._halves.backward([None if dy is None else dy.reshape(len(dy), -1) for dy in dys])
        shapes, self._shapes = self._shapes[0], None
        dxs = made if isinstance(made, list) else [made]
        gradients = arranged(network, self._halves.gradients, model.trainable_weights)
        found = [dx.reshape(shape) for dx, shape in zip(dxs, shapes, strict=True)]
        return found, [gradient.copy() for gradient in gradients]
