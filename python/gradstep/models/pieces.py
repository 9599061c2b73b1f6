"""The pieces that a graph is made of: layers of the engine in a row, and layers in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from .. import _core
from ..checks import rows_of
from ..layers import given
from ..layers.base import Layer

__all__ = ["Chain", "InNumpy", "Moment", "Piece"]


class Moment:
    """What a forward pass is told beside its inputs.

    number, ids: of the pass, and of the batch's rows in the data, or None for 0, 1, 2, ...: what is drawn follows.
    """

    def __init__(self, training: bool, number: int, ids: np.ndarray | None) -> None:
        self.training, self.number, self.ids = training, number, ids


class Chain:
    """Layers of the engine in a row, as one network; without one, layers that only give rows another shape.

    layers are built; source and target are the numbers of the values that it reads and makes.
    """

    def __init__(self, layers: Sequence[Layer], network: _core.Network | None, source: int, target: int) -> None:
        self.layers, self.sources, self.target = list(layers), (source,), target
        self._network = network
        self._dtype, self._shape = layers[0].dtype, layers[-1]._output_row
        self._into: tuple[int, ...] = ()  # shape of the last input
        self._vectors = layers[0]._vectors

    def renew(self) -> None:
        """Take up how the network's weights are treated now."""
        self._tape = None if self._network is None else _core.ForwardBackward(self._network)

    def forward(self, xs: Sequence[np.ndarray], moment: Moment, dx: bool) -> np.ndarray:
        """x (rows, ...) -> y (rows, ...); dx: whether its gradient will be wanted."""
        x, self._into = xs[0], xs[0].shape
        if self._tape is None:
            y = rows_of(x, self._dtype)
        else:
            rows = self._rows(x)
            ids = None if self._vectors else moment.ids  # nothing is drawn for vectors
            y = self._tape.forward(rows, moment.training, moment.number, ids, dx)
        return y.reshape(len(x), *self._shape)

    def backward(self, dy: np.ndarray, dx: bool) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """dy -> dx, if it was wanted, and the gradients of the weights that are trained; the next writes over these."""
        if self._tape is None:
            return [dy.reshape(self._into)], []
        found = self._tape.backward(self._rows(dy))
        return [] if found is None else [found.reshape(self._into)], self._tape.gradients

    def _rows(self, x: np.ndarray) -> np.ndarray:
        """x (rows, ...) as the network takes it: a row each, or a vector each."""
        return x.reshape(-1, x.shape[-1]) if self._vectors else x.reshape(len(x), -1)


class InNumpy:
    """A layer in NumPy.

    often: whether it is called elsewhere too, and may have forgotten this call when backward comes.
    """

    def __init__(self, layer: Layer, sources: Sequence[int], target: int, often: bool) -> None:
        self.layers, self.sources, self.target = [layer], tuple(sources), target
        self._layer, self._often = layer, often
        self._xs: list[np.ndarray] = []

    def renew(self) -> None:
        """Nothing is kept of how weights are treated."""

    def forward(self, xs: Sequence[np.ndarray], moment: Moment, dx: bool) -> np.ndarray:
        """As a chain's, of one input or several."""
        self._xs = [rows_of(x, self._layer.dtype) for x in xs]
        return given.forward(self._layer, self._xs, moment.training)

    def backward(self, dy: np.ndarray, dx: bool) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """As a chain's; the gradients are new arrays."""
        if self._often:
            given.forward(self._layer, self._xs, True)
        return given.slopes(self._layer, dy, [x.shape for x in self._xs], dx)


Piece: TypeAlias = Chain | InNumpy
