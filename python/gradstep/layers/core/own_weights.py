"""Weights that a layer made of layers added itself, as they stand in arithmetic: ``x @ self.w + self.b``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import activations
from ..base.layer import Layer, Shape
from ..base.sizes import is_resizing, merged
from ..base.tracing import Tracing, Untraceable

if TYPE_CHECKING:
    from ..base.call_graph import CallGraph, Value
    from ..base.symbolic import SymbolicTensor

__all__ = [
    "OwnWeight",
    "OwnWeights",
    "WeightProduct",
    "WeightValue",
    "dense",
    "inverse",
    "joined",
    "product",
    "value_of",
]


def _of_holder(name: str) -> Any:
    """A property that is the holder's, which alone sets it."""
    return property(lambda self: getattr(self._holder, name), lambda self, value: None)


class OwnWeights(Layer):
    """The weights of a layer that holds layers, without theirs: what models list of it beside those."""

    _weightless = True
    _is_of_holder = True
    _holder: Any

    def __init__(self, holder: Layer) -> None:
        vars(self)["_holder"] = holder
        super().__init__(name=holder.name, dtype=holder.dtype)
        self._guard = holder._guard
        self.built = True

    _weights = _of_holder("_weights")
    _weight_names = _of_holder("_weight_names")
    _trained = _of_holder("_trained")
    _trainable = _of_holder("_trainable")
    _added_rules = _of_holder("_added_rules")

    @property
    def _is_open(self) -> bool:
        return self._holder._is_open  # type: ignore[no-any-return]

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights."""
        return bool(vars(self._holder).get("_trainable", True))  # a model has constants alone

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._holder.__dict__["_trainable"] = value


class OwnWeight(Layer):
    """A weight of a layer, or a constant, in one operation of the engine. It stands in no model's list of layers."""

    _weightless = True
    _is_of_holder = True
    _width = 1  # numbers of an output

    def __init__(self, holder: Any, array: np.ndarray, number: int | None, view: np.ndarray, name: str) -> None:
        super().__init__(name=name, dtype=holder.dtype)
        self._holder, self.array = holder, array
        self._weights = [view]
        self._weight_names, self._trained = (name,), (number is not None and holder._trained[number],)
        self._added_rules = [(None, None) if number is None else holder._added_rules[number]]
        self._shared = self.built = True

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        return {"kind": "dense", "units": self._width, "use_bias": False, "activation": {"kind": "linear"}}

    @property
    def _trainable(self) -> bool:
        return bool(vars(self._holder).get("_trainable", True))  # a model has constants alone

    @_trainable.setter
    def _trainable(self, _: bool) -> None:
        """It is the holder's."""

    def _check_shape(self, input_shape: Sequence[int | None]) -> tuple[int, ...]:
        return tuple(input_shape[1:])  # type: ignore[arg-type]


class WeightValue(OwnWeight):
    """The weight for each row, whatever the input is."""

    def __init__(self, holder: Any, array: np.ndarray, number: int | None, view: np.ndarray, name: str) -> None:
        super().__init__(holder, array, number, view.reshape(1, -1), name)
        self._row, self._width = array.shape or (1,), array.size
        regularizer, constraint = self._added_rules[0]
        if constraint is not None or (regularizer is not None and "orthogonal" in regularizer.penalty()):
            raise Untraceable(
                f"weight {name!r}, which has a constraint or is to be orthogonal, must be used with @ alone."
            )

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """That of the weight, for each row."""
        return (None, *self._row)

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Take note of the shape of the input, which may be another in another call."""
        self._input_shape = tuple(input_shape)

    def _add_to(
        self, graph: CallGraph, inputs: Sequence[Value], masks: Sequence[Value | None]
    ) -> tuple[Value, Value | None]:
        ones = graph.ones_for(inputs[0], (1,))
        # The mask of its only neighbour in the operation, so that it goes on.
        return graph.view(graph.call(self, [ones], row=(self._width,)), self._row), masks[0]


class WeightProduct(OwnWeight):
    """The product of the input with a matrix; as `joined` makes it with a bias, and an activation behind it."""

    supports_masking = True
    _after: Layer | None = None  # which has that

    def __init__(self, holder: Any, array: np.ndarray, number: int | None, view: np.ndarray, name: str) -> None:
        super().__init__(holder, array, number, view, name)
        self._width = view.shape[1]

    @property
    def _stages(self) -> Sequence[Layer]:
        return () if self._after is None else self._after._stages

    @_stages.setter
    def _stages(self, _: Sequence[Layer]) -> None:
        """They are those of the activation."""

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        activation: Any = getattr(self._after, "activation", activations.linear)
        more = {"use_bias": len(self._weights) > 1, "activation": activations.specify(activation)}
        return super().specification() | more

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """(rows, ..., columns) for (rows, ..., n)."""
        return (*input_shape[:-1], self._width)

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Take note of the shape of the input, which may have other axes in another call."""
        matrix = self._weights[0].shape
        if len(input_shape) < 2 or input_shape[-1] != matrix[0]:
            raise ValueError(
                f"the left side of @ must have a last axis of {matrix[0]} for a weight of shape {matrix}; it has shape "
                f"{tuple(input_shape)}."
            )
        known = vars(self).get("_built_input_shape")
        if known is None or len(known) != len(input_shape) or is_resizing():
            self._input_shape = tuple(input_shape)
        else:  # calls of several sizes in one model
            self._input_shape = merged(known, input_shape)

    def _add_to(
        self, graph: CallGraph, inputs: Sequence[Value], masks: Sequence[Value | None]
    ) -> tuple[Value, Value | None]:
        return graph.call(self, inputs, row=(*inputs[0].row[:-1], self._width)), masks[0]


def joined(kernel: OwnWeight, bias: OwnWeight | None, after: Layer | None) -> WeightProduct:
    """The product with a matrix, with a bias and the activation of a layer: what `Dense` computes."""
    made = WeightProduct(kernel._holder, kernel.array, None, kernel._weights[0], kernel.name)
    each = [kernel] if bias is None else [kernel, bias]
    made._weights = [kernel._weights[0], *(one._weights[0].reshape(-1) for one in each[1:])]
    made._weight_names = tuple(one.name for one in each)
    made._trained = tuple(one._trained[0] for one in each)
    made._added_rules = [one._added_rules[0] for one in each]
    made._after = after
    return made


def _operand(run: Tracing, array: np.ndarray, kind: type[OwnWeight]) -> OwnWeight:
    """The layer that a weight of the holder is in its operations, or that a constant is."""
    holder, number = run.holder, None
    known: dict[Any, OwnWeight] = vars(holder).setdefault("_operands", {})
    if run.owns(array):
        key: Any = id(array)
        number = next(i for i, weight in enumerate(holder._weights) if weight is array)
        name = f"{holder.name}_{holder._weight_names[number]}"
    else:
        for weight in holder.weights:
            if np.shares_memory(weight, array):
                raise Untraceable(
                    f"weight {weight.path!r} must be one that this layer added, as a whole: neither a part of it, nor "
                    "one of another layer."
                )
        key, name = (kind.__name__, array.shape, array.tobytes()), f"{holder.name}_constant"
        array = np.asarray(array)
    if key not in known:
        view = array if number is not None else np.require(array, holder.dtype, "C")
        known[key] = kind(holder, array, number, view, name)
    if not isinstance(known[key], kind):
        raise Untraceable(f"weight {name!r} must be used with @ alone, or without it: use two weights.")
    return known[key]


def value_of(run: Tracing, tensor: SymbolicTensor, array: np.ndarray) -> SymbolicTensor:
    """A weight or constant as a tensor with the rows of another, for arithmetic with that."""
    if array.ndim > tensor.ndim or (array.ndim == tensor.ndim and array.shape[0] != 1):
        raise Untraceable(
            f"an array beside {tensor!r} must have fewer axes, or 1 as its first; its shape is {array.shape}."
        )
    layer = _operand(run, array, WeightValue)
    if array.ndim == tensor.ndim:
        layer._row = array.shape[1:] or (1,)
    made: SymbolicTensor = layer(tensor)
    return made


def product(run: Tracing, tensor: SymbolicTensor, array: np.ndarray) -> SymbolicTensor:
    """A tensor times a matrix, which is a weight or constant."""
    if array.ndim != 2:
        raise Untraceable(f"the right side of @ must be a matrix; its shape is {array.shape}.")
    made: SymbolicTensor = _operand(run, array, WeightProduct)(tensor)
    return made


def dense(
    run: Tracing, tensor: SymbolicTensor, kernel: np.ndarray, matrix: tuple[int, int], bias: Any, after: Layer | None
) -> SymbolicTensor:
    """A tensor times a weight of the holder, seen as a matrix, with a bias or None; after: what has the activation."""
    holder = run.holder
    known: dict[Any, Any] = vars(holder).setdefault("_operands", {})
    key = "dense", id(kernel)
    if key not in known:
        parts = []
        for weight, shape in ((kernel, matrix), (bias, (-1,))):
            if weight is not None:
                number = next(i for i, one in enumerate(holder._weights) if one is weight)
                name = f"{holder.name}_{holder._weight_names[number]}"
                parts.append(OwnWeight(holder, weight, number, weight.reshape(shape), name))
        known[key] = joined(parts[0], parts[1] if bias is not None else None, after)
    made: SymbolicTensor = known[key](tensor)
    return made


def inverse(run: Tracing, array: np.ndarray) -> np.ndarray:
    """1 / a constant."""
    if any(np.shares_memory(weight, array) for weight in run.holder.weights):
        raise Untraceable("a tensor must not be divided by a weight: multiply by one.")
    found: np.ndarray = 1 / np.asarray(array)
    return found
