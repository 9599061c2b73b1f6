"""A layer by itself: forward and backward over an array, at once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from ..checks import numeric, rows_of
from . import given

if TYPE_CHECKING:
    from .base import Layer

__all__ = ["Alone", "slope_of"]


def slope_of(dy: Any, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """dy, checked: an array of the shape of what a call gave."""
    array = numeric(dy, "dy")
    if array.shape != shape:
        raise ValueError(f"dy has shape {array.shape}; the call gave {shape}.")
    return rows_of(array, dtype)


class Alone:
    """What a layer computes without a model; the engine's layers in networks of one layer."""

    def __init__(self, layer: Layer, calls: int = 0) -> None:
        self._layer = layer
        self._network: _core.Network | None = None
        self._words: Any = None  # what the network was made of
        self._tape: _core.ForwardBackward | None = None
        self._shapes: tuple[tuple[int, ...], tuple[int, ...]] | None = None  # of x and y, to go backward from
        self.calls = calls  # in training, which what is drawn depends on

    def forward(self, x: Any, training: bool) -> np.ndarray:
        """As `Layer.__call__`."""
        with self._layer._guard:
            return self._forward(x, training)

    def _forward(self, x: Any, training: bool) -> np.ndarray:
        layer, array = self._layer, numeric(x, "x")
        layer.build(array.shape or (None,))
        kept = array.astype(layer.dtype) if training else array  # a copy: backward reads it
        rows = rows_of(kept, layer.dtype)
        shape = (len(array), *layer._output_row)
        if training and not len(array):
            raise ValueError(f"x must have at least one row; its shape is {array.shape}.")
        if layer._in_numpy:
            y = given.forward(layer, [rows], training)
        else:
            words = layer._words()
            y = np.array(rows) if words is None else self._ask(words, rows, training)
        y = y.reshape(shape)
        for stage in layer._stages:
            stage.build(shape)
            y = given.forward(stage, [y], training)
        if training:
            self._shapes = array.shape, shape
        return y

    def _ask(self, words: dict[str, Any], rows: np.ndarray, training: bool) -> np.ndarray:
        layer = self._layer
        row = rows.shape[1:]
        network, tape = self._network, self._tape
        if network is None or tape is None or self._words != (row, words):
            network = _core.Network([row], [words], layer.dtype, None, layer._guard)
            tape = _core.ForwardBackward(network)
        if not len(rows):
            return np.empty((0, *network.outputs), layer.dtype)
        views = network.parameters[0]
        for view, weight in zip(views, layer._weights, strict=True):
            view[...] = weight
        y: np.ndarray = tape.forward(rows.reshape(len(rows), math.prod(row)), training, self.calls, dx=training)
        if training:  # else the memory of other weights than the layer's own is not kept
            self._network, self._tape, self._words = network, tape, (row, words)
            self.calls = (self.calls + 1) % 2**32
            for view, weight, trained in zip(views, layer._weights, network.trained[0], strict=True):
                if not trained:  # it may be a moving average
                    weight[...] = view
        return y

    def backward(self, dy: Any) -> tuple[np.ndarray, list[np.ndarray]]:
        """As `Layer.backward`."""
        with self._layer._guard:
            return self._backward(dy)

    def _backward(self, dy: Any) -> tuple[np.ndarray, list[np.ndarray]]:
        layer = self._layer
        if self._shapes is None:
            raise RuntimeError(
                f"layer {layer.name!r} must be called with training=True before each backward(), which goes back from "
                "that call."
            )
        shape, outputs = self._shapes
        slope = slope_of(dy, outputs, layer.dtype)
        for stage in reversed(layer._stages):
            (slope,), _ = given.slopes(stage, slope, [outputs])
        if layer._in_numpy:
            (dx,), found = given.slopes(layer, slope, [shape])
            gradients = given.penalized(layer, found) if layer.trainable else []
        elif layer._words() is None:
            dx, gradients = slope.reshape(shape).copy(), []
        else:
            assert self._tape is not None
            by_rows = self._tape.backward(slope.reshape(len(slope), -1))
            assert by_rows is not None
            dx, gradients = by_rows.reshape(shape), [gradient.copy() for gradient in self._tape.gradients]
        self._shapes = None
        return dx, gradients
