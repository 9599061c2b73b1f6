"""What a model computes for one row, as operations on arrays: from which C and ONNX are written.

Shapes are those of one row. The writers of C loop over the rows; those of ONNX put an axis of the rows in front.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import scalar

__all__ = ["Operation", "Program", "Value", "Window"]


@dataclass(eq=False)
class Value:
    """An array of a program.

    Attributes
    ----------
    shape : tuple of int
        Of one row.
    constant : ndarray, optional
        Its numbers, if they are the same for all rows.
    name : str
        Of a constant or an input.
    """

    shape: tuple[int, ...]
    constant: np.ndarray | None = None
    name: str = ""

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return int(np.prod(self.shape))


@dataclass(eq=False)
class Operation:
    """One operation: its kind, what it reads, what it gives, and its settings; layer: whose it is."""

    kind: str
    inputs: list[Value]
    outputs: list[Value]
    settings: dict[str, Any] = field(default_factory=dict)
    layer: str = ""


@dataclass(frozen=True)
class Window:
    """A window along one axis: over `input` numbers, at `output` places, `before` of which lie in front of the first.

    Number k of the window at place i is number i stride + k dilation - before of the input.
    """

    input: int
    output: int
    size: int
    stride: int
    dilation: int
    before: int

    @property
    def after(self) -> int:
        """How far the last window reaches beyond the input; negative where it ends within."""
        return (self.output - 1) * self.stride + (self.size - 1) * self.dilation + 1 - self.before - self.input


class Program:
    """Operations, each after those that it reads.

    Parameters
    ----------
    dtype : {"float32", "float64"}
        Of all numbers.
    """

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self.inputs: list[Value] = []
        self.outputs: list[Value] = []
        self.operations: list[Operation] = []
        self.layer = ""  # whose operations are being added

    def input(self, shape: Sequence[int], name: str = "") -> Value:
        """Add an input."""
        self.inputs.append(Value(tuple(shape), name=name))
        return self.inputs[-1]

    def constant(self, array: Any, name: str) -> Value:
        """Numbers that are the same for all rows."""
        numbers = np.ascontiguousarray(array, self.dtype)
        return Value(np.shape(array), numbers, f"{self.layer}_{name}")

    def add(self, kind: str, inputs: Sequence[Value], shape: Sequence[int], **settings: Any) -> Value:
        """Add an operation with one output."""
        made = Value(tuple(int(n) for n in shape))
        self.operations.append(Operation(kind, list(inputs), [made], settings, self.layer))
        return made

    # -- number by number ----------------------------------------------------------------------------------------------

    def map(
        self, formula: Callable[..., Any], *values: Value, native: tuple[str, dict[str, float]] | None = None
    ) -> Value:
        """A formula of numbers of arrays, which are stretched to each other's shapes.

        native: the operator of ONNX that does the same, and its attributes.
        """
        shape = np.broadcast_shapes(*(value.shape for value in values))
        made = formula(*(scalar.argument(i) for i in range(len(values))))
        same = [
            v if v.constant is not None else self.reshape(v, (1,) * (len(shape) - len(v.shape)) + v.shape)
            for v in values
        ]
        return self.add("map", same, shape, formula=made, native=native)

    # -- places --------------------------------------------------------------------------------------------------------

    def reshape(self, x: Value, shape: Sequence[int]) -> Value:
        """The same numbers in another shape."""
        return x if x.shape == tuple(shape) else self.add("reshape", [x], shape)

    def transpose(self, x: Value, order: Sequence[int]) -> Value:
        """The axes in another order."""
        order = list(order)
        if order == sorted(order):
            return x
        return self.add("transpose", [x], [x.shape[axis] for axis in order], order=order)

    def part(self, x: Value, begin: int, end: int) -> Value:
        """Numbers begin to end along the first axis."""
        return self.add("part", [x], (end - begin, *x.shape[1:]), begin=begin)

    def take(self, x: Value, places: Any) -> Value:
        """Numbers at these places of the first axis."""
        return self.add("take", [x], (len(places), *x.shape[1:]), places=[int(i) for i in places])

    def concatenate(self, values: Sequence[Value], axis: int) -> Value:
        """Arrays one after another along an axis."""
        shape = list(values[0].shape)
        shape[axis] = sum(value.shape[axis] for value in values)
        return values[0] if len(values) == 1 else self.add("concatenate", values, shape, axis=axis)

    # -- sums ----------------------------------------------------------------------------------------------------------

    def reduce(self, x: Value, axes: Sequence[int], by: str) -> Value:
        """The "sum", "mean" or "max" along axes, which stay as 1."""
        axes = sorted(axis % len(x.shape) for axis in axes)
        shape = [1 if axis in axes else n for axis, n in enumerate(x.shape)]
        return self.add("reduce", [x], shape, axes=axes, by=by)

    def softmax(self, x: Value, axis: int) -> Value:
        """Exponentials over their sum along an axis."""
        return self.add("softmax", [x], x.shape, axis=axis % len(x.shape))

    def matmul(self, x: Value, w: Value, bias: Value | None = None, transposed: bool = False) -> Value:
        """x (..., k) times w (..., k, n), or transposed (..., n, k); bias (n), a constant."""
        columns = w.shape[-2 if transposed else -1]
        inputs = [x, w] if bias is None else [x, w, bias]
        return self.add("matmul", inputs, (*x.shape[:-1], columns), transposed=transposed)

    def window(
        self, kind: str, inputs: Sequence[Value], windows: Sequence[Window], channels: int, first: bool, **settings: Any
    ) -> Value:
        """What moves a window over the axes before (or, channels first, behind) that of the channels."""
        places = [w.output for w in windows]
        shape = (channels, *places) if first else (*places, channels)
        return self.add(kind, inputs, shape, windows=list(windows), first=first, **settings)

    # -- steps ---------------------------------------------------------------------------------------------------------

    def scan(
        self, body: Program, given: Sequence[Value], sequences: Sequence[Value], count: int, backwards: bool
    ) -> list[Value]:
        """Run a program for each step of sequences, along their first axis.

        Parameters
        ----------
        body : Program
            Its inputs are the states, then one step of each sequence; its outputs the new states, then what each step
            gives.
        given : sequence of Value
            What the first states begin with; the others begin as zeros.
        count : int
            Number of steps.

        Returns
        -------
        list of Value
            The last states, then what the steps gave, in their order, along a first axis.
        """
        known = len(body.inputs) - len(sequences)
        body.prune()
        made = [Value(value.shape) for value in body.outputs[:known]]
        made += [Value((count, *value.shape)) for value in body.outputs[known:]]
        settings = {"body": body, "states": known, "given": len(given), "count": count, "backwards": backwards}
        self.operations.append(Operation("scan", [*given, *sequences], made, settings, self.layer))
        return made

    # -- what is needed ------------------------------------------------------------------------------------------------

    def prune(self) -> None:
        """Leave out operations that no output needs."""
        needed = {id(value) for value in self.outputs}
        kept: list[Operation] = []
        for operation in reversed(self.operations):
            if needed.isdisjoint(map(id, operation.outputs)):
                continue
            kept.append(operation)
            needed.update(map(id, operation.inputs))
        self.operations = kept[::-1]
