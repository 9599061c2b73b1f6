"""Nodes of ONNX, one function for each kind of operation of a program. In front of all axes is that of the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .program import Operation, Value
from .scalar import Formula

if TYPE_CHECKING:
    from .onnx_file import Graph

__all__ = ["NODES"]

OPERATORS = {
    "absolute": "Abs",
    "add": "Add",
    "divide": "Div",
    "erf": "Erf",
    "exp": "Exp",
    "less": "Less",
    "less_or_equal": "LessOrEqual",
    "log": "Log",
    "maximum": "Max",
    "minimum": "Min",
    "multiply": "Mul",
    "negative": "Neg",
    "sqrt": "Sqrt",
    "subtract": "Sub",
    "tanh": "Tanh",
    "where": "Where",
}


def _map(g: Graph, operation: Operation) -> str:
    arguments = [g.name(value) for value in operation.inputs]
    native = operation.settings["native"]
    if native is not None:
        return g.node(native[0], arguments, **native[1])
    known: dict[int, str] = {}

    def name(node: Formula) -> str:
        if node.operation == "argument":
            return arguments[int(node.operands[0])]
        if node.operation == "number":
            return g.real(np.asarray(node.operands[0], g.dtype), "number")
        if id(node) not in known:
            known[id(node)] = _spelled(g, node.operation, [name(part) for part in node.operands])
        return known[id(node)]

    return name(operation.settings["formula"])


def _spelled(g: Graph, operation: str, parts: Sequence[str]) -> str:
    one = g.real(np.asarray(1.0, g.dtype), "number") if operation in ("expm1", "log1p") else ""
    if operation == "expm1":
        return g.node("Sub", [g.node("Exp", parts), one])
    if operation == "log1p":
        return g.node("Log", [g.node("Add", [*parts, one])])
    if operation == "not_equal":
        return g.node("Not", [g.node("Equal", parts)])
    return g.node(OPERATORS[operation], parts)


# -- places ------------------------------------------------------------------------------------------------------------


def _reshape(g: Graph, operation: Operation) -> str:
    return g.reshaped(g.name(operation.inputs[0]), operation.outputs[0].shape)


def _transpose(g: Graph, operation: Operation) -> str:
    return g.transposed(g.name(operation.inputs[0]), [0, *(axis + 1 for axis in operation.settings["order"])])


def _part(g: Graph, operation: Operation) -> str:
    begin, count = operation.settings["begin"], operation.outputs[0].shape[0]
    places = [g.integers([n]) for n in (begin, begin + count, 1)]
    return g.node("Slice", [g.name(operation.inputs[0]), *places])


def _take(g: Graph, operation: Operation) -> str:
    return g.node("Gather", [g.name(operation.inputs[0]), g.integers(operation.settings["places"])], axis=1)


def _concatenate(g: Graph, operation: Operation) -> str:
    return g.node("Concat", [g.name(value) for value in operation.inputs], axis=operation.settings["axis"] + 1)


def _rearrange(g: Graph, operation: Operation) -> str:
    x, y, s = operation.inputs[0], operation.outputs[0], operation.settings
    steps = np.indices(s["sizes"]).reshape(len(s["sizes"]), -1)
    source = s["offsets"][0] + np.asarray(s["source"], int) @ steps
    target = s["offsets"][1] + np.asarray(s["target"], int) @ steps
    places, kept = np.zeros(y.size, np.int64), np.zeros(y.size, bool)
    places[target], kept[target] = source, True
    made = g.node("Gather", [g.reshaped(g.name(x), (x.size,)), g.integers(places)], axis=1)
    if not kept.all():
        made = g.node("Where", [g.array(kept, "kept"), made, g.real(np.zeros((), g.dtype), "number")])
    return g.reshaped(made, y.shape)


def _lookup(g: Graph, operation: Operation) -> str:
    ids, table = operation.inputs
    return g.node("Gather", [g.name(table), g.node("Cast", [g.name(ids)], to=g.int64)], axis=0)


# -- sums --------------------------------------------------------------------------------------------------------------


def _reduce(g: Graph, operation: Operation) -> str:
    x, by = g.name(operation.inputs[0]), operation.settings["by"]
    axes = [axis + 1 for axis in operation.settings["axes"]]
    if by == "sum":  # of which the axes are an input since opset 13
        return g.node("ReduceSum", [x, g.integers(axes)], keepdims=1)
    return g.node("ReduceMax" if by == "max" else "ReduceMean", [x], axes=axes, keepdims=1)


def _softmax(g: Graph, operation: Operation) -> str:
    return g.node("Softmax", [g.name(operation.inputs[0])], axis=operation.settings["axis"] + 1)


def _matmul(g: Graph, operation: Operation) -> str:
    x, w, *bias = operation.inputs
    names = [g.name(x), g.name(w)]
    if operation.settings["transposed"]:
        last = len(w.shape)
        names[1] = g.transposed(names[1], [*range(last - 1), last, last - 1])
    if bias and len(x.shape) == 1:
        return g.node("Gemm", [*names, g.name(bias[0])])
    made = g.node("MatMul", names)
    return g.node("Add", [made, g.name(bias[0])]) if bias else made


# -- windows -----------------------------------------------------------------------------------------------------------


def _channels_first(g: Graph, x: Value, first: bool) -> str:
    rank = len(x.shape)
    return g.name(x) if first else g.transposed(g.name(x), [0, rank, *range(1, rank)])


def _as_it_was(g: Graph, made: str, rank: int, first: bool) -> str:
    return made if first else g.transposed(made, [0, *range(2, rank + 1), 1])


def _kernel(g: Graph, kernel: Value, order: Sequence[int]) -> str:
    assert kernel.constant is not None
    return g.real(np.ascontiguousarray(kernel.constant.transpose(order)), kernel.name)


def _convolution(g: Graph, operation: Operation, operator: str, **attributes: Any) -> str:
    x, kernel, *bias = operation.inputs
    windows, first, spatial = operation.settings["windows"], operation.settings["first"], len(x.shape) - 1
    inputs = [_channels_first(g, x, first), _kernel(g, kernel, [spatial + 1, spatial, *range(spatial)])]
    made = g.node(
        operator,
        [*inputs, *map(g.name, bias)],
        kernel_shape=[w.size for w in windows],
        strides=[w.stride for w in windows],
        dilations=[w.dilation for w in windows],
        pads=[*(w.before for w in windows), *(max(w.after, 0) for w in windows)],
        **attributes,
    )
    return _as_it_was(g, made, spatial + 1, first)


def _conv(g: Graph, operation: Operation) -> str:
    return _convolution(g, operation, "Conv", group=operation.settings["groups"])


def _conv_transpose(g: Graph, operation: Operation) -> str:
    more = [max(-w.after, 0) for w in operation.settings["windows"]]
    return _convolution(g, operation, "ConvTranspose", output_padding=more)


def _pool(g: Graph, operation: Operation) -> str:
    x, windows, first = operation.inputs[0], operation.settings["windows"], operation.settings["first"]
    more = {"count_include_pad": 0} if operation.settings["by"] == "mean" else {}
    made = g.node(
        "AveragePool" if more else "MaxPool",
        [_channels_first(g, x, first)],
        kernel_shape=[w.size for w in windows],
        strides=[w.stride for w in windows],
        pads=[*(w.before for w in windows), *(max(w.after, 0) for w in windows)],
        **more,
    )
    return _as_it_was(g, made, len(x.shape), first)


# -- steps -------------------------------------------------------------------------------------------------------------


def _scan(g: Graph, operation: Operation) -> str:
    s = operation.settings
    body, known, given, count = s["body"], s["states"], s["given"], s["count"]
    states, sequences = [g.name(value) for value in operation.inputs[:given]], operation.inputs[given:]
    rows = g.node("Slice", [g.node("Shape", [g.name(sequences[0])]), g.integers([0]), g.integers([1])])
    for value in operation.outputs[len(states) : known]:
        shape = g.node("Concat", [rows, g.integers(value.shape)], axis=0)
        states.append(g.node("ConstantOfShape", [shape], value=g.scalar(0.0)))
    steps = []
    for value in sequences:
        x = g.name(value)
        if s["backwards"]:
            x = g.node("Gather", [x, g.integers(range(count)[::-1])], axis=1)
        steps.append(g.transposed(x, [1, 0, *range(2, len(value.shape) + 1)]))
    names = g.scan([*states, *steps], body, known, len(operation.outputs))
    for value, name in zip(operation.outputs[:known], names, strict=False):
        g.call(value, name)
    for value, name in zip(operation.outputs[known:], names[known:], strict=True):
        g.call(value, g.transposed(name, [1, 0, *range(2, len(value.shape) + 1)]))
    return g.name(operation.outputs[0])


NODES: dict[str, Callable[[Any, Operation], str]] = {
    "concatenate": _concatenate,
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "lookup": _lookup,
    "map": _map,
    "matmul": _matmul,
    "part": _part,
    "pool": _pool,
    "rearrange": _rearrange,
    "reduce": _reduce,
    "reshape": _reshape,
    "scan": _scan,
    "softmax": _softmax,
    "take": _take,
    "transpose": _transpose,
}
