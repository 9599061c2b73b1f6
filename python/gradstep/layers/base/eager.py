"""A layer by itself: forward and backward over an array, at once."""

from __future__ import annotations

from math import prod
from operator import is_
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import _core
from ...checks import numeric, rows_of
from . import custom_layer_calls
from .call_graph import CallGraph, Value
from .sizes import at_sizes

if TYPE_CHECKING:
    from .layer import Layer

__all__ = ["EagerExecutor", "output_gradient"]


def output_gradient(dy: Any, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """dy, checked: an array of the shape of what a call gave."""
    array = numeric(dy, "dy")
    if array.shape != shape:
        raise ValueError(f"dy has shape {array.shape}; the call gave {shape}.")
    return rows_of(array, dtype)


class EagerExecutor:
    """Runs a layer without a model, in a network of one layer."""

    def __init__(self, layer: Layer, calls: int = 0) -> None:
        self._layer = layer
        self._network: _core.Network | None = None
        self._built_from: Any = None  # what the network was made of
        self._inference: tuple[_core.Network, Any] | None = None  # by the layer's own weights, and what it was made of
        self._passes: _core.ForwardBackward | None = None
        # Shapes of the inputs and of the output, to go backward from.
        self._shapes: tuple[list[tuple[int, ...]], tuple[int, ...]] | None = None
        self.calls = calls  # in training, which what is drawn depends on

    def forward(self, x: Any, training: bool, mask: Any = None) -> Any:
        """As `Layer.__call__`."""
        layer = self._layer
        with layer._guard:
            if not layer._is_open:
                arrays = layer._checked_inputs(x)
                layer._build_for([array.shape or (None,) for array in arrays])
                if not layer._is_open:  # as after an input of another size than the first
                    return layer._unpacked(self._computed(arrays, training, mask))
            with at_sizes():
                return layer._unpacked(self._forward(x, training, mask))

    def _forward(self, x: Any, training: bool, mask: Any = None) -> np.ndarray:
        arrays = self._layer._checked_inputs(x)
        self._layer._build_for([array.shape or (None,) for array in arrays])
        return self._computed(arrays, training, mask)

    def _computed(self, arrays: list[np.ndarray], training: bool, mask: Any) -> np.ndarray:
        layer = self._layer
        kept = [array.astype(layer.dtype) if training else array for array in arrays]  # copies: backward reads them
        rows = [rows_of(array, layer.dtype) for array in kept]
        shape = (len(arrays[0]), *layer._output_row)
        if training and not len(arrays[0]):
            raise ValueError(f"x must have at least one row; its shape is {arrays[0].shape}.")
        counts = None if mask is None else layer._mask_array(mask, rows[0].shape[1:], len(rows[0]))
        if layer._in_numpy:
            y = custom_layer_calls.forward(layer, rows, training, mask=counts)
        elif not layer._computes_itself:
            y = np.array(rows[0])
        else:
            y = self._run(rows, training, counts)
        y = y.reshape(shape)
        for stage in layer._stages:
            y = stage._eager._forward(y, training)
        if training:
            self._shapes = [array.shape for array in arrays], shape
        return y

    def _run(self, xs: list[np.ndarray], training: bool, mask: np.ndarray | None) -> np.ndarray:
        layer = self._layer
        if mask is not None:
            xs = [*xs, mask.astype(layer.dtype)]
        shapes = [x.shape[1:] for x in xs]
        graph = CallGraph(shapes, [layer])
        values = [Value(i, shape) for i, shape in enumerate(shapes)]
        last = None if mask is None else values.pop()
        output, _ = layer._add_to(graph, values, [last] * len(values))
        made_from = shapes, graph.specifications, graph.nodes, output.number
        flat = [x.reshape(len(x), prod(x.shape[1:])) for x in xs]
        return self._trained(made_from, flat) if training else self._predicted(made_from, flat)

    def _predicted(self, made_from: tuple[Any, ...], xs: list[np.ndarray]) -> np.ndarray:
        shapes, specifications, nodes, output = made_from
        layer = self._layer
        network, known = self._inference or (None, None)
        if network is None or known != made_from or not all(map(is_, network.parameters[0], layer._weights)):
            places = [layer._placed(), *[[]] * (len(specifications) - 1)]
            network = _core.Network(shapes, specifications, layer.dtype, places, layer._guard, nodes, [output])
            self._inference = network, made_from
        y = np.empty((len(xs[0]), network.outputs[0]), layer.dtype)
        network.predict(xs, [y], max(len(y), 1), 0, 0.0)
        return y

    def _trained(self, made_from: tuple[Any, ...], xs: list[np.ndarray]) -> np.ndarray:
        shapes, specifications, nodes, output = made_from
        layer, network, passes = self._layer, self._network, self._passes
        if network is None or passes is None or self._built_from != made_from:
            network = _core.Network(shapes, specifications, layer.dtype, None, layer._guard, nodes, [output])
            passes = _core.ForwardBackward(network)
        # Backward is by the weights as they are now, and so they stay in the network until then.
        views = network.parameters[0]
        for view, weight in zip(views, layer._weights, strict=True):
            view[...] = weight
        y: np.ndarray = passes.forward(xs, True, self.calls, dx=True)
        self._network, self._passes, self._built_from = network, passes, made_from
        self.calls = (self.calls + 1) % 2**32
        for view, weight, trained in zip(views, layer._weights, network.trained[0], strict=True):
            if not trained:  # it may be a moving average, or a state
                weight[...] = view
        return y

    def backward(self, dy: Any) -> tuple[Any, list[np.ndarray]]:
        """As `Layer.backward`."""
        layer = self._layer
        if self._shapes is None or not layer._is_open:
            with layer._guard:
                return self._backward(dy)
        with layer._guard, at_sizes():
            layer._build_for([(None, *shape[1:]) for shape in self._shapes[0]])
            return self._backward(dy)

    def _backward(self, dy: Any) -> tuple[Any, list[np.ndarray]]:
        layer = self._layer
        if self._shapes is None:
            raise RuntimeError(
                f"layer {layer.name!r} must be called with training=True before each backward(), which "
                "differentiates that call."
            )
        shapes, outputs = self._shapes
        gradient = output_gradient(layer._packed_outputs(dy), outputs, layer.dtype)
        for stage in reversed(layer._stages):
            gradient, _ = stage._eager._backward(gradient)
        if layer._in_numpy:
            dxs, found = custom_layer_calls.gradients(layer, gradient, shapes)
            gradients = custom_layer_calls.penalized(layer, found) if layer.trainable else []
        elif not layer._computes_itself:
            dxs, gradients = [gradient.reshape(shapes[0]).copy()], []
        else:
            assert self._passes is not None
            made = self._passes.backward(gradient.reshape(len(gradient), -1))
            each = made if isinstance(made, list) else [made]
            dxs = [dx.reshape(shape) for dx, shape in zip(each, shapes, strict=False)]  # without that by a mask
            gradients = [gradient.copy() for gradient in self._passes.gradients]
        self._shapes = None
        return layer._packed(dxs), gradients
