"""Calls of layers on each other's outputs, for the compiled core, with masks beside the values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import custom_layer_calls
from .sizes import is_resizing

if TYPE_CHECKING:
    from .layer import Layer

__all__ = ["CallGraph", "Value"]


class Value(NamedTuple):
    """A value of a graph: its number there, and the shape of a row.

    Numbers: first the inputs, then what the nodes give, in their order.
    """

    number: int
    row: tuple[int, ...]


class ExternalLayer:
    """A layer in NumPy, as the compiled core calls it.

    The layer itself keeps what `backward` needs, of its last call only. When it was called elsewhere since, `forward`
    runs again before `backward`.
    """

    def __init__(self, layer: Layer, inputs: Sequence[tuple[int, ...]], masked: bool, frozen: bool) -> None:
        self._layer, self._inputs, self._masked = layer, inputs, masked  # inputs: shapes of a row of each
        self._frozen = frozen  # whether it works as in inference always
        self._row, self._trained = layer._output_row, layer._trained[: len(layer.weights)]
        self._method, self._options = custom_layer_calls.method_of(layer)

    def forward(self, xs: list[np.ndarray], training: bool, call: int) -> Any:
        """What the layer gives for inputs (rows, *shape of a row) each, which cannot be written; call: its number."""
        layer, options = self._layer, self._options[training and not self._frozen]
        if self._masked:
            options = {**options, "mask": xs.pop() != 0}
        known = vars(layer)
        known["_last_call"] = None  # no setting
        y = getattr(layer, self._method)(xs[0] if len(xs) == 1 else xs, **options)
        known["_last_call"] = call
        return y

    def output(self, y: Any, rows: int) -> np.ndarray:
        """The array that the layer gave as something else."""
        return custom_layer_calls.output(self._layer, y, (rows, *self._row))

    def backward(self, dy: np.ndarray, call: int) -> Any:
        """What the layer gives for the gradient by its output, which cannot be written; False: `forward` is due."""
        layer = self._layer
        return layer._last_call == call and custom_layer_calls.call_backward(layer, dy)

    def parts(self, given: Any, rows: int, wanted: list[bool]) -> tuple[list[Any], list[np.ndarray | None]]:
        """The gradients by the inputs of a call, and by each weight, of what `backward` gave."""
        if self._masked:
            wanted[-1] = False
        shapes = [(rows, *row) for row in self._inputs[: len(wanted) - self._masked]]
        dxs, found = custom_layer_calls.parts(self._layer, given, shapes, any(wanted))
        missing: list[Any] = [None] * len(wanted)
        gradients = iter(found)
        return dxs or missing, [next(gradients) if each else None for each in self._trained]

    def jvp(
        self, xs: list[np.ndarray], dxs: list[np.ndarray], dws: Sequence[Any], training: bool, call: int
    ) -> np.ndarray:
        """How the output of a call moves along directions of the inputs, and of each weight."""
        layer = self._layer
        if layer._last_call != call:
            self.output(self.forward(xs, training, call), len(xs[0]))
        if self._masked:
            dxs.pop()
        weights = zip(dws, layer.weights, self._trained, strict=True)
        moves = [np.zeros_like(w) if dw is None else dw for dw, w, trained in weights if trained]
        return custom_layer_calls.tangent(layer, dxs, moves, self._row)


class ExternalMask:
    """The method `compute_mask` of a custom layer, as the compiled core calls it."""

    def __init__(self, layer: Layer, inputs: Sequence[tuple[int, ...]], masked: bool) -> None:
        self._layer, self._inputs, self._masked = layer, inputs, masked
        rows = [np.zeros((1, *row), layer.dtype) for row in inputs]
        made = self._made(rows)
        self.row = None if made is None else made.shape[1:]

    def _made(self, xs: Sequence[np.ndarray]) -> np.ndarray | None:
        mask = xs[-1] != 0 if self._masked else None
        xs = xs[: len(xs) - self._masked]
        made = self._layer.compute_mask(xs[0] if len(xs) == 1 else list(xs), mask)
        if made is None:
            return None
        array = np.asarray(made)
        if array.dtype.kind not in "biuf" or array.ndim < 2 or len(array) != len(xs[0]):
            raise ValueError(
                f"layer {self._layer.name!r}: compute_mask() must give an array with a row for each of x; got {made!r}."
            )
        return np.require(array.astype(bool), self._layer.dtype, ["C_CONTIGUOUS", "ALIGNED"])

    def forward(self, xs: Sequence[np.ndarray], training: bool, call: int) -> np.ndarray | None:
        """The mask for inputs (rows, *shape of a row) each."""
        return self._made(xs)

    def output(self, made: np.ndarray | None, rows: int) -> np.ndarray:
        """Refuses a mask of another shape than it was in the first call."""
        raise ValueError(
            f"layer {self._layer.name!r}: compute_mask() must give an array of shape {(rows, *(self.row or ()))}, as "
            f"for one row; it gave {None if made is None else made.shape}."
        )


class CallGraph:
    """Nodes of the engine's network, collected call by call.

    Parameters
    ----------
    shapes : sequence of tuple
        Of a row of each input.
    layers : sequence of Layer
        Those that will be called and compute something, each once: the first layers of the network.
    always_masked : collection of int
        Which of them, by identity, get a mask in every call, because they get one in some.
    frozen : collection of int
        Which of them work in training as they do in inference.

    Attributes
    ----------
    specifications : list of dict
        Of the network's layers.
    nodes : list of tuple
        As `_core.Network` takes them.
    rows : list of tuple
        Shape of a row of what each node gives.
    masked, unmasked : set of int
        Layers whose numbers depend on masks, by identity, that were called with one and without.
    """

    def __init__(
        self,
        shapes: Sequence[tuple[int, ...]],
        layers: Sequence[Layer],
        always_masked: frozenset[int] = frozenset(),
        frozen: frozenset[int] = frozenset(),
    ) -> None:
        self.specifications: list[dict[str, Any]] = [{} for _ in layers]
        self.nodes: list[tuple[Any, ...]] = []
        self.rows: list[tuple[int, ...]] = []
        self._places = {id(layer): i for i, layer in enumerate(layers)}
        self._rows_read: dict[int, list[tuple[int, ...]]] = {}  # shapes of the inputs of a layer's first call
        self._count = len(shapes)
        self._always, self._frozen = always_masked, frozen
        self.masked: set[int] = set()
        self.unmasked: set[int] = set()

    def _value(self, node: tuple[Any, ...], row: tuple[int, ...]) -> Value:
        self.nodes.append(node)
        self.rows.append(row)
        return Value(self._count + len(self.nodes) - 1, row)

    # -- values ------------------------------------------------------------------------------------------------------

    def call(
        self, layer: Layer, inputs: Sequence[Value], mask: Value | None = None, row: tuple[int, ...] | None = None
    ) -> Value:
        """Add a call of a layer; mask: the mask that its numbers depend on; row: the shape of a row of the output."""
        read = [*inputs] if mask is None else [*inputs, mask]
        place, rows = self._places[id(layer)], [one.row for one in read]
        node: tuple[Any, ...] = (place, tuple(one.number for one in read))
        if not self.specifications[place]:
            self.specifications[place] = self._described(layer, place, rows, mask is not None)
            self._rows_read[place] = rows
        elif rows != self._rows_read[place] and is_resizing():
            if layer._computing._in_numpy:
                raise ValueError(
                    f"layer {layer.name!r} computes in Python: it must get inputs of one size in all of its calls; got "
                    f"rows of shape {self._rows_read[place][0]} and {rows[0]}. Give each call a layer."
                )
            node = (*node, self._described(layer, place, rows, mask is not None))
        return self._value(node, layer._output_row if row is None else row)

    def _described(self, layer: Layer, place: int, rows: Sequence[tuple[int, ...]], masked: bool) -> dict[str, Any]:
        """The specification of a layer for inputs of these shapes of a row."""
        spec, frozen = layer._full_specification(masked), id(layer) in self._frozen
        if spec and frozen:
            spec |= {"in_inference": True}
        return spec or _external(layer._computing, place + 1, rows, masked, frozen)

    def add(self, specification: dict[str, Any], inputs: Sequence[Value], row: tuple[int, ...]) -> Value:
        """Add an operation without weights that belongs to no layer."""
        self.specifications.append(specification)
        return self._value((len(self.specifications) - 1, tuple(one.number for one in inputs)), row)

    def part(self, value: Value, begin: int, row: tuple[int, ...]) -> Value:
        """Numbers of a value from one on, in rows of a shape."""
        spec = {
            "kind": "rearrange",
            "shape": list(row),
            "sizes": [int(np.prod(row))],
            "source_strides": [1],
            "target_strides": [1],
            "source_offset": begin,
            "target_offset": 0,
        }
        return self.add(spec, [value], row)

    def step(self, value: Value, number: int) -> Value:
        """One step of a value, of its first axis."""
        row = value.row[1:] or (1,)
        return self.part(value, number * int(np.prod(row)), row)

    def joined(self, values: Sequence[Value]) -> Value:
        """All numbers of values one after another."""
        flat = [self.view(value, (int(np.prod(value.row)),)) for value in values]
        return self.add({"kind": "concatenate", "axis": 1}, flat, (sum(value.row[0] for value in flat),))

    def stack(self, steps: Sequence[Value]) -> Value:
        """Values of one shape as the steps of one."""
        row = steps[0].row
        each = [self.view(one, (1, *row)) for one in steps]
        return self.add({"kind": "concatenate", "axis": 1}, each, (len(each), *row))

    def transpose(self, value: Value, order: Sequence[int]) -> Value:
        """A value with the axes of its rows in another order."""
        row = tuple(value.row[axis] for axis in order)
        strides = [int(np.prod(value.row[axis + 1 :])) for axis in order]
        spec = {
            "kind": "rearrange",
            "shape": list(row),
            "sizes": list(row),
            "source_strides": strides,
            "target_strides": [int(np.prod(row[axis + 1 :])) for axis in range(len(row))],
            "source_offset": 0,
            "target_offset": 0,
        }
        return self.add(spec, [value], row)

    def view(self, value: Value, row: tuple[int, ...]) -> Value:
        """Add a reshape."""
        return value if value.row == row else self._value((None, value.number, row), row)

    # -- masks -------------------------------------------------------------------------------------------------------

    def not_equal(self, value: Value, number: float, along_last: bool) -> Value:
        """1 where a value, or any number of it along its last axis, is not a number."""
        spec = {"kind": "not_equal", "value": number, "along_last": along_last, "everywhere": False}
        return self.add(spec, [value], (value.row[:-1] or (1,)) if along_last else value.row)

    def ones_for(self, value: Value, row: tuple[int, ...]) -> Value:
        """A mask of ones, for the leading axes of a value."""
        spec = {"kind": "not_equal", "value": 0.0, "everywhere": True}
        if row == value.row:
            return self.add(spec | {"along_last": False}, [value], row)
        flat = self.view(value, (*row, -1 * (-int(np.prod(value.row)) // int(np.prod(row)))))
        return self.add(spec | {"along_last": True}, [flat], row)

    def fill(self, value: Value, mask: Value, number: float) -> Value:
        """A value with a number where the mask is 0; the mask's axes are the first ones of the value."""
        row = (*mask.row, *(1,) * (len(value.row) - len(mask.row)))
        spec = {"kind": "fill_masked", "value": number}
        return self.add(spec, [value, self.view(mask, row)], value.row)

    def any_of(self, masks: Sequence[Value]) -> Value:
        """1 where any of some masks is, stretched to each other's shapes."""
        if len(masks) == 1:
            return masks[0]
        row = tuple(int(n) for n in np.broadcast_shapes(*(mask.row for mask in masks)))
        return self.add({"kind": "maximum"}, masks, row)

    def all_of(self, masks: Sequence[Value]) -> Value:
        """1 where all of some masks of one shape are."""
        return masks[0] if len(masks) == 1 else self.add({"kind": "minimum"}, masks, masks[0].row)

    def mask_for(self, layer: Layer, value: Value, mask: Value | None) -> Value | None:
        """The mask that a layer reads, whose numbers depend on it: ones, where only another of its calls has one."""
        (self.unmasked if mask is None else self.masked).add(id(layer))
        if mask is None and id(layer) in self._always:
            return self.ones_for(value, layer._mask_row(value.row))
        return mask

    def computed(self, layer: Layer, inputs: Sequence[Value], mask: Value | None) -> Value | None:
        """Add a call of a custom `compute_mask`."""
        read = [*inputs] if mask is None else [*inputs, mask]
        shapes = [one.row for one in read]
        external = ExternalMask(layer, shapes, mask is not None)
        if external.row is None:
            return None
        spec = {
            "kind": "external",
            "output": external.row,
            "weight_shapes": [],
            "known": [],
            "number": len(self.specifications) + 1,
            "differentiable": False,
            "asked": external,
        }
        return self.add(spec, read, external.row)


def _external(
    layer: Layer, number: int, inputs: Sequence[tuple[int, ...]], masked: bool, frozen: bool
) -> dict[str, Any]:
    """The specification of a layer in NumPy."""
    return {
        "kind": "external",
        "output": layer._output_row,
        "weight_shapes": [weight.shape for weight in layer.weights],
        "known": list(layer._trained[: len(layer.weights)]),
        "number": number,
        "differentiable": True,
        "asked": ExternalLayer(layer, inputs, masked, frozen),
        "weights": layer._settings(),
    }
