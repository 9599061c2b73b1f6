"""Loops of C, one function for each kind of operation of a program."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .program import Operation, Value, Window
from .scalar import Formula

if TYPE_CHECKING:
    from .c_file import Function

__all__ = ["LOOPS"]


def strides(shape: Sequence[int]) -> list[int]:
    """How far the numbers of each axis lie apart."""
    return [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]


def _stretched(shape: Sequence[int], to: Sequence[int]) -> list[int]:
    """The strides of an array where it is stretched to a shape: 0 along which it is repeated."""
    own = strides(shape)
    missing = len(to) - len(shape)
    return [0 if k < missing or shape[k - missing] == 1 else own[k - missing] for k in range(len(to))]


def _merged(sizes: Sequence[int], each: Sequence[Sequence[int]]) -> tuple[list[int], list[list[int]]]:
    """Axes without those of 1, and with those as one that all arrays pass through as one."""
    kept: list[int] = []
    of_each: list[list[int]] = [[] for _ in each]
    for axis, size in enumerate(sizes):
        if size == 1:
            continue
        own = [one[axis] for one in each]
        if kept and all(known[-1] == stride * size for known, stride in zip(of_each, own, strict=True)):
            kept[-1] *= size
            for known, stride in zip(of_each, own, strict=True):
                known[-1] = stride
            continue
        kept.append(size)
        for known, stride in zip(of_each, own, strict=True):
            known.append(stride)
    return kept, of_each


def index(names: Sequence[str], by: Sequence[int], offset: int = 0) -> str:
    """The place of a number, as a sum of indices times strides."""
    terms = [name if stride == 1 else f"{stride} * {name}" for name, stride in zip(names, by, strict=True) if stride]
    terms += [str(offset)] if offset or not terms else []
    return " + ".join(terms).replace("+ -", "- ")


def _nest(f: Function, sizes: Sequence[int], prefix: str = "i") -> list[str]:
    """Open a loop for each size; gives the indices."""
    names = [f"{prefix}{k}" for k in range(len(sizes))]
    for name, size in zip(names, sizes, strict=True):
        f.open(f"for (int {name} = 0; {name} < {size}; ++{name})")
    return names


# -- number by number --------------------------------------------------------------------------------------------------

BINARY = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
BINARY |= {"less": "<", "less_or_equal": "<=", "not_equal": "!="}
FUNCTIONS = {"absolute": "fabs", "erf": "erf", "exp": "exp", "expm1": "expm1", "log": "log", "log1p": "log1p"}
FUNCTIONS |= {"sqrt": "sqrt", "tanh": "tanh"}


def _evaluate(f: Function, formula: Formula, arguments: Sequence[str]) -> str:
    """Write a formula, each part of it once; gives its name."""
    known: dict[int, str] = {}

    def name(node: Formula) -> str:
        if node.operation == "argument":
            return arguments[int(node.operands[0])]
        if node.operation == "number":
            return f.number(node.operands[0])
        if id(node) not in known:
            known[id(node)] = f"t{len(known)}"
            parts = [name(part) for part in node.operands]
            kind = "int" if node.is_condition else "real"
            f.line(f"const {kind} {known[id(node)]} = {_spelled(f, node.operation, parts)};")
        return known[id(node)]

    return name(formula)


def _spelled(f: Function, operation: str, parts: Sequence[str]) -> str:
    if operation in BINARY:
        return f"{parts[0]} {BINARY[operation]} {parts[1]}"
    if operation == "negative":
        return f"-({parts[0]})"
    if operation == "maximum":
        return f"{parts[0]} < {parts[1]} ? {parts[1]} : {parts[0]}"
    if operation == "minimum":
        return f"{parts[0]} > {parts[1]} ? {parts[1]} : {parts[0]}"
    if operation == "where":
        return f"{parts[0]} ? {parts[1]} : {parts[2]}"
    return f"{f.function(FUNCTIONS[operation])}({parts[0]})"


def _map(f: Function, operation: Operation) -> None:
    shape = operation.outputs[0].shape
    values = [*operation.inputs, operation.outputs[0]]
    sizes, each = _merged(shape, [_stretched(value.shape, shape) for value in values])
    names = _nest(f, sizes)
    arguments = []
    used = _arguments(operation.settings["formula"])
    for k, value in enumerate(operation.inputs):
        arguments.append(f"a{k}")
        if k in used:
            f.line(f"const real a{k} = {f.at(value)}[{index(names, each[k])}];")
    made = _evaluate(f, operation.settings["formula"], arguments)
    f.line(f"{f.at(values[-1])}[{index(names, each[-1])}] = {made};")
    f.close(len(sizes))


def _arguments(formula: Formula) -> set[int]:
    found, waiting = set(), [formula]
    while waiting:
        node = waiting.pop()
        if node.operation == "argument":
            found.add(node.operands[0])
        waiting += [part for part in node.operands if isinstance(part, Formula)]
    return found


# -- places ------------------------------------------------------------------------------------------------------------


def _copy(f: Function, to: str, of: str, sizes: Sequence[int], target: Any, source: Any, offsets: Any = (0, 0)) -> None:
    sizes, (target, source) = _merged(sizes, [target, source])
    if len(sizes) == 1 and target == [1] and source == [1]:
        at, start = (f" + {offset}" if offset else "" for offset in (offsets[1], offsets[0]))
        f.line(f"memcpy({to}{at}, {of}{start}, {sizes[0]} * sizeof(real));")
        return
    names = _nest(f, sizes)
    f.line(f"{to}[{index(names, target, offsets[1])}] = {of}[{index(names, source, offsets[0])}];")
    f.close(len(sizes))


def _transpose(f: Function, operation: Operation) -> None:
    x, y = operation.inputs[0], operation.outputs[0]
    own = strides(x.shape)
    _copy(f, f.at(y), f.at(x), y.shape, strides(y.shape), [own[axis] for axis in operation.settings["order"]])


def _rearrange(f: Function, operation: Operation) -> None:
    x, y, s = operation.inputs[0], operation.outputs[0], operation.settings
    if math.prod(s["sizes"]) < y.size:
        f.open(f"for (int i = 0; i < {y.size}; ++i)")
        f.line(f"{f.at(y)}[i] = 0;")
        f.close()
    _copy(f, f.at(y), f.at(x), s["sizes"], s["target"], s["source"], s["offsets"])


def _take(f: Function, operation: Operation) -> None:
    x, y = operation.inputs[0], operation.outputs[0]
    places, each = f.integers(operation.settings["places"]), y.size // y.shape[0]
    f.open(f"for (int i = 0; i < {y.shape[0]}; ++i)")
    f.line(f"memcpy({f.at(y)} + {each} * i, {f.at(x)} + {each} * {places}[i], {each} * sizeof(real));")
    f.close()


def _concatenate(f: Function, operation: Operation) -> None:
    y, axis, at = operation.outputs[0], operation.settings["axis"], 0
    outer, inner = math.prod(y.shape[:axis]), math.prod(y.shape[axis + 1 :])
    for x in operation.inputs:
        run = x.shape[axis] * inner
        _copy(f, f.at(y), f.at(x), [outer, run], [y.size // outer, 1], [run, 1], (0, at))
        at += run


def _lookup(f: Function, operation: Operation) -> None:
    ids, table = operation.inputs
    rows, n = table.shape
    y = f.at(operation.outputs[0])
    f.open(f"for (int i = 0; i < {ids.size}; ++i)")
    f.line(f"const real id = {f.at(ids)}[i];")
    f.open(f"if (id > -1 && id < {rows})")
    f.line(f"memcpy({y} + {n} * i, {f.at(table)} + {n} * (int)id, {n} * sizeof(real));")
    f.close()
    f.open("else")
    f.open(f"for (int k = 0; k < {n}; ++k)")
    f.line(f"{y}[{n} * i + k] = NAN;")
    f.close(3)


# -- sums --------------------------------------------------------------------------------------------------------------


def _reduce(f: Function, operation: Operation) -> None:
    x, y, axes, by = operation.inputs[0], operation.outputs[0], operation.settings["axes"], operation.settings["by"]
    own, theirs = strides(x.shape), strides(y.shape)
    outer = [k for k in range(len(x.shape)) if k not in axes]
    sizes, (source, target) = _merged(
        [x.shape[k] for k in outer], [[own[k] for k in outer], [theirs[k] for k in outer]]
    )
    inner, (along,) = _merged([x.shape[k] for k in axes], [[own[k] for k in axes]])
    names = _nest(f, sizes)
    first = f"{f.at(x)}[{index(names, source)}]"
    f.line(f"real most = {first};" if by == "max" else "sum total = 0;")
    more = _nest(f, inner, "k")
    number = f"{f.at(x)}[{index([*names, *more], [*source, *along])}]"
    f.line(f"if ({number} > most) most = {number};" if by == "max" else f"total += {number};")
    f.close(len(inner))
    count = math.prod(x.shape[k] for k in axes)
    made = {"max": "most", "sum": "(real)total", "mean": f"(real)(total / {count})"}[by]
    f.line(f"{f.at(y)}[{index(names, target)}] = {made};")
    f.close(len(sizes))


def _softmax(f: Function, operation: Operation) -> None:
    x, y, axis = operation.inputs[0], operation.outputs[0], operation.settings["axis"]
    own, n = strides(x.shape), x.shape[axis]
    outer = [k for k in range(len(x.shape)) if k != axis]
    sizes, (by,) = _merged([x.shape[k] for k in outer], [[own[k] for k in outer]])
    names = _nest(f, sizes)
    at = index([*names, "k"], [*by, own[axis]])
    f.line(f"real most = {f.at(x)}[{index(names, by)}];")
    f.line("sum total = 0;")
    f.line(f"for (int k = 1; k < {n}; ++k) if ({f.at(x)}[{at}] > most) most = {f.at(x)}[{at}];")
    f.line(f"for (int k = 0; k < {n}; ++k) total += {f.at(y)}[{at}] = {f.function('exp')}({f.at(x)}[{at}] - most);")
    f.line(f"for (int k = 0; k < {n}; ++k) {f.at(y)}[{at}] = (real)({f.at(y)}[{at}] / total);")
    f.close(len(sizes))


def _matmul(f: Function, operation: Operation) -> None:
    x, w, y = *operation.inputs[:2], operation.outputs[0]
    depth, columns = x.shape[-1], y.shape[-1]
    transposed = operation.settings["transposed"]
    if w.constant is not None and not transposed:  # a column's numbers side by side
        w, transposed = f.constant(np.ascontiguousarray(w.constant.T), w, "transposed"), True
    matrices = len(w.shape) - 2
    rows = math.prod(x.shape[matrices:-1])
    batch = math.prod(w.shape[:-2])
    names, sizes = [], [batch, rows, columns]
    for name, size in zip("brj", sizes, strict=True):
        f.open(f"for (int {name} = 0; {name} < {size}; ++{name})") if size > 1 else None
        names.append(name if size > 1 else "0")
    steps = (depth, 1) if transposed else (1, columns)
    left = _at(names, (rows * depth, depth, 0), 1)
    right = _at(names, (depth * columns, 0, steps[0]), steps[1])
    bias = f.at(operation.inputs[2]) + f"[{names[2]}]" if len(operation.inputs) > 2 else "0"
    f.line(f"sum total = {bias};")
    f.line(f"for (int k = 0; k < {depth}; ++k) total += (sum){f.at(x)}[{left}] * {f.at(w)}[{right}];")
    f.line(f"{f.at(y)}[{_at(names, (rows * columns, columns, 1))}] = (real)total;")
    f.close(sum(size > 1 for size in sizes))


def _at(names: Sequence[str], by: Sequence[int], along: int = 0) -> str:
    """A place by indices, those of axes of 1 left out, and k."""
    chosen = [(name, stride) for name, stride in zip(names, by, strict=True) if name != "0"]
    return index([*(name for name, _ in chosen), "k"], [*(stride for _, stride in chosen), along])


# -- windows -----------------------------------------------------------------------------------------------------------


def _spatial(value: Value, first: bool) -> tuple[list[int], int]:
    """The strides of the axes of places, and that of the channels."""
    own = strides(value.shape)
    return (own[1:], own[0]) if first else (own[:-1], own[-1])


def _each_place(f: Function, windows: Sequence[Window], transposed: bool) -> list[str]:
    """Open loops over the numbers of a window that lie within the input; gives their places there.

    transposed: from a place of the windowed array to the places whose windows hold it.
    """
    names = []
    for k, w in enumerate(windows):
        f.open(f"for (int k{k} = 0; k{k} < {w.size}; ++k{k})")
        if transposed:
            f.line(f"const int from{k} = {index([f'o{k}', f'k{k}'], [1, -w.dilation], w.before)};")
            f.line(f"const int p{k} = from{k} / {w.stride};")
            f.line(f"if (from{k} < 0 || from{k} % {w.stride} || p{k} >= {w.output}) continue;")
        else:
            f.line(f"const int p{k} = {index([f'o{k}', f'k{k}'], [w.stride, w.dilation], -w.before)};")
            if w.before or w.after > 0:
                f.line(f"if (p{k} < 0 || p{k} >= {w.input}) continue;")
        names.append(f"p{k}")
    return names


def _conv(f: Function, operation: Operation, transposed: bool = False) -> None:
    x, kernel, y = *operation.inputs[:2], operation.outputs[0]
    windows, first, groups = (
        operation.settings["windows"],
        operation.settings["first"],
        operation.settings.get("groups", 1),
    )
    (by, channel), (to, made) = _spatial(x, first), _spatial(y, first)
    spatial = len(windows)
    # (filters, window, channels): what is summed lies side by side
    order = [spatial, *range(spatial), spatial + 1] if transposed else [spatial + 1, *range(spatial), spatial]
    assert kernel.constant is not None
    w = f.constant(np.ascontiguousarray(kernel.constant.transpose(order)), kernel, "by_filter")
    filters, depth = w.shape[0], w.shape[-1]
    places = [f"o{k}" for k in range(spatial)]
    for name, window in zip(places, windows, strict=True):
        size = window.input if transposed else window.output
        f.open(f"for (int {name} = 0; {name} < {size}; ++{name})")
    f.open(f"for (int j = 0; j < {filters}; ++j)")
    bias = f.at(operation.inputs[2]) + "[j]" if len(operation.inputs) > 2 else "0"
    f.line(f"sum total = {bias};")
    inside = _each_place(f, windows, transposed)
    start, step = ("c", channel) if groups == 1 else (f"(j / {filters // groups} * {depth} + c)", channel)
    left = index([*inside, start], [*by, step])
    right = index(["j", *(f"k{k}" for k in range(spatial)), "c"], strides(w.shape))
    f.line(f"for (int c = 0; c < {depth}; ++c) total += (sum){f.at(x)}[{left}] * {f.at(w)}[{right}];")
    f.close(spatial)
    f.line(f"{f.at(y)}[{index([*places, 'j'], [*to, made])}] = (real)total;")
    f.close(spatial + 1)


def _conv_transpose(f: Function, operation: Operation) -> None:
    _conv(f, operation, transposed=True)


def _pool(f: Function, operation: Operation) -> None:
    x, y = operation.inputs[0], operation.outputs[0]
    windows, first, is_mean = (
        operation.settings["windows"],
        operation.settings["first"],
        operation.settings["by"] == "mean",
    )
    (by, channel), (to, made) = _spatial(x, first), _spatial(y, first)
    channels = x.shape[0 if first else -1]
    places = [f"o{k}" for k in range(len(windows))]
    for name, window in zip(places, windows, strict=True):
        f.open(f"for (int {name} = 0; {name} < {window.output}; ++{name})")
    f.open(f"for (int c = 0; c < {channels}; ++c)")
    f.line("sum total = 0;" if is_mean else "real most = 0;")
    f.line("int count = 0;")
    inside = _each_place(f, windows, False)
    number = f"{f.at(x)}[{index([*inside, 'c'], [*by, channel])}]"
    f.line(f"total += {number};" if is_mean else f"if (count == 0 || {number} > most) most = {number};")
    f.line("++count;")
    f.close(len(windows))
    f.line(f"{f.at(y)}[{index([*places, 'c'], [*to, made])}] = {'(real)(total / count)' if is_mean else 'most'};")
    f.close(len(windows) + 1)


# -- steps -------------------------------------------------------------------------------------------------------------


def _scan(f: Function, operation: Operation) -> None:
    s = operation.settings
    body, known, given, count = s["body"], s["states"], s["given"], s["count"]
    states, outputs = operation.outputs[:known], operation.outputs[known:]
    for k, state in enumerate(states):
        if k < given:
            f.line(f"memcpy({f.at(state)}, {f.at(operation.inputs[k])}, {state.size} * sizeof(real));")
        else:
            f.line(f"for (int i = 0; i < {state.size}; ++i) {f.at(state)}[i] = 0;")
    f.open(f"for (int t = 0; t < {count}; ++t)")
    step = f"({count - 1} - t)" if s["backwards"] else "t"
    pointers = [f.at(state) for state in states]
    for value, sequence in zip(body.inputs[known:], operation.inputs[given:], strict=True):
        pointers.append(f"({f.at(sequence)} + {value.size} * {step})")
    f.body(body, pointers)
    for value, to in zip(body.outputs[known:], outputs, strict=True):
        f.line(f"memcpy({f.at(to)} + {value.size} * t, {f.at(value)}, {value.size} * sizeof(real));")
    for value, state in zip(body.outputs[:known], states, strict=True):
        f.line(f"memcpy({f.at(state)}, {f.at(value)}, {value.size} * sizeof(real));")
    f.close()


LOOPS: dict[str, Callable[[Any, Operation], None]] = {
    "concatenate": _concatenate,
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "lookup": _lookup,
    "map": _map,
    "matmul": _matmul,
    "pool": _pool,
    "rearrange": _rearrange,
    "reduce": _reduce,
    "scan": _scan,
    "softmax": _softmax,
    "take": _take,
    "transpose": _transpose,
}
