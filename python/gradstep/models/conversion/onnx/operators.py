"""What each operator of ONNX is as layers here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from .... import activations, layers
from ..assembly import Traced
from . import windows
from .moved import MOVES
from .node import Node
from .recurrent import recurrent

__all__ = ["FOLDED", "OPERATORS"]


# -- products ----------------------------------------------------------------------------------------------------------


def _gemm(node: Node) -> Traced:
    w, bias = node.array(1), node.optional(2)
    node.need(node.get("transA", 0) == 0, "have transA=0")
    kernel = node.get("alpha", 1.0) * (w.T if node.get("transB", 0) else w)
    units = kernel.shape[1]
    more = [] if bias is None else [np.broadcast_to(node.get("beta", 1.0) * bias, (units,))]
    return node.add(layers.Dense(units, use_bias=bias is not None), kernel, *more)


def _matmul(node: Node) -> Traced:
    if isinstance(node.inputs[1], Traced):
        a, b = node.x, node.traced(1)
        node.need(len(a.shape) == len(b.shape) == 3, "be of matrices of each row")
        return node.assembly.add(layers.Dot(axes=(2, 1)), a, b)
    kernel = node.array(1)
    node.need(kernel.ndim == 2, "have a matrix as its constant")
    return node.add(layers.Dense(kernel.shape[1], use_bias=False), kernel)


# -- arithmetic --------------------------------------------------------------------------------------------------------

MERGES = {"Add": "Add", "Sub": "Subtract", "Mul": "Multiply", "Max": "Maximum", "Min": "Minimum", "Mean": "Average"}


def _arithmetic(node: Node) -> Traced:
    """Two values, or a value and numbers: one for all, or one for each place along one axis."""
    if all(isinstance(one, Traced) for one in node.inputs):
        node.need(node.kind in MERGES, "have a constant as its second input")
        return node.assembly.add(getattr(layers, MERGES[node.kind])(), *node.inputs)
    node.need(len(node.inputs) == 2 and node.kind in ("Add", "Sub", "Mul", "Div"), "have values of the model alone")
    first = isinstance(node.inputs[0], Traced)
    x, numbers = (node.inputs if first else node.inputs[::-1])[0], node.array(1 if first else 0).astype(np.float64)
    node.need(first or node.kind != "Div", "have a constant as its second input")
    factor, offset = np.ones(()), np.zeros(())
    if node.kind == "Add":
        offset = numbers
    elif node.kind == "Sub":
        factor, offset = (factor, -numbers) if first else (-factor, numbers)
    else:
        factor = numbers if node.kind == "Mul" else 1 / numbers
    if numbers.size == 1:
        return node.add(layers.Rescaling(float(factor.ravel()[0]), float(offset.ravel()[0])), on=x)
    return _affine(node, x, factor, offset)


def _affine(node: Node, x: Traced, factor: np.ndarray, offset: np.ndarray) -> Traced:
    """factor x + offset, numbers for each place along an axis: a batch normalization whose statistics are 0 and 1."""
    rank = len(x.shape)
    full = np.broadcast_shapes(factor.shape, offset.shape)
    full = (1,) * (rank - len(full)) + full
    axes = [axis for axis, size in enumerate(full) if size != 1]
    node.need(len(full) == rank and len(axes) == 1 and axes[0] > 0, "have numbers along one axis, or one number")
    n = full[axes[0]]
    node.need(x.shape[axes[0]] == n, "have a number for each place along that axis")
    epsilon = 1e-3
    arrays = [np.broadcast_to(numbers.ravel(), (n,)) for numbers in (factor, offset)]
    layer = layers.BatchNormalization(axis=axes[0], epsilon=epsilon)
    return node.add(layer, *arrays, np.zeros(n), np.full(n, 1 - epsilon), on=x)


# -- normalization -----------------------------------------------------------------------------------------------------


def _batch_normalization(node: Node) -> Traced:
    layer = layers.BatchNormalization(axis=1, epsilon=node.get("epsilon", 1e-5), momentum=node.get("momentum", 0.9))
    return node.add(layer, *(node.array(k) for k in range(1, 5)))


def _layer_normalization(node: Node) -> Traced:
    rank, scale, bias = len(node.x.shape), node.array(1), node.optional(2)
    first = node.get("axis", -1) % rank
    axes = list(range(first, rank))
    layer = layers.LayerNormalization(axis=axes, epsilon=node.get("epsilon", 1e-5), center=bias is not None)
    shape = tuple(int(n or 0) for n in node.x.shape[first:])
    weights = [np.broadcast_to(array, shape) for array in (scale, bias) if array is not None]
    return node.add(layer, *weights)


# -- activations -------------------------------------------------------------------------------------------------------

ACTIVATIONS = {
    "Exp": "exponential",
    "HardSwish": "hard_silu",
    "Mish": "mish",
    "Relu": "relu",
    "Selu": "selu",
    "Sigmoid": "sigmoid",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Tanh": "tanh",
}


def _activation(node: Node) -> Traced:
    return node.add(layers.Activation(ACTIVATIONS[node.kind]))


def _gelu(node: Node) -> Traced:
    exact = node.get("approximate", b"none") == b"none"
    return node.add(layers.Activation("gelu" if exact else partial(activations.gelu, approximate=True)))


def _hard_sigmoid(node: Node) -> Traced:
    node.need(
        abs(node.get("alpha", 0.2) - 1 / 6) < 1e-6 and node.get("beta", 0.5) == 0.5, "have alpha=1/6 and beta=0.5"
    )
    return node.add(layers.Activation("hard_sigmoid"))


def _clip(node: Node) -> Traced:
    low, high = (
        node.optional(k) if len(node.inputs) > k else node.attributes.get(name) for k, name in ((1, "min"), (2, "max"))
    )
    node.need(low is not None and float(low) == 0, "begin at 0")
    return node.add(layers.ReLU(max_value=None if high is None else float(high)))


def _softmax(node: Node) -> Traced:
    axis = node.get("axis", -1)
    if node.kind == "LogSoftmax":
        node.need(axis in (-1, len(node.x.shape) - 1), "be along the last axis")
        return node.add(layers.Activation("log_softmax"))
    return node.add(layers.Softmax(axis=axis))


def _prelu(node: Node) -> Traced:
    row = tuple(int(n or 0) for n in node.x.shape[1:])
    slope = node.array(1)
    slope = slope.reshape((1,) * (len(row) - slope.ndim) + slope.shape) if slope.ndim <= len(row) else slope[0]
    shared = [axis + 1 for axis, size in enumerate(slope.shape) if size == 1 and row[axis] != 1]
    return node.add(layers.PReLU(shared_axes=shared or None), slope)


# -- moves -------------------------------------------------------------------------------------------------------------


def _shaped(node: Node, row: Sequence[int]) -> Traced:
    if tuple(row) == tuple(node.x.shape[1:]):
        return node.x
    return node.add(layers.Flatten() if len(row) == 1 else layers.Reshape(tuple(row)))


def _size(x: Traced) -> int:
    return int(np.prod([n or 0 for n in x.shape[1:]]))


def _reshape(node: Node) -> Traced:
    sizes = node.array(1).tolist()
    row = [int(node.x.shape[k] or 0) if size == 0 else size for k, size in enumerate(sizes)][1:]
    known = int(np.prod([n for n in row if n != -1]))
    row = [_size(node.x) // max(known, 1) if n == -1 else n for n in row]
    node.need(len(sizes) > 1 and int(np.prod(row)) == _size(node.x), "keep the rows as its first axis")
    return _shaped(node, row)


def _flatten(node: Node) -> Traced:
    node.need(node.get("axis", 1) == 1, "have axis=1")
    return _shaped(node, [_size(node.x)])


def _squeezed(node: Node) -> Traced:
    given = node.optional(1) if len(node.inputs) > 1 else None
    axes = node.get("axes", None) if given is None else given.tolist()
    node.need(axes is not None, "have axes")
    row: list[Any] = list(node.x.shape)
    if node.kind == "Unsqueeze":
        rank = len(row) + len(axes)
        for axis in sorted(axis % rank for axis in axes):
            row.insert(axis, 1)
    else:
        taken = [axis % len(row) for axis in axes]
        row = [n for axis, n in enumerate(row) if axis not in taken]
    node.need(row[0] is None, "keep the rows as its first axis")
    return _shaped(node, row[1:])


def _concat(node: Node) -> Traced:
    for place in range(len(node.inputs)):
        node.traced(place)
    if len(node.inputs) == 1:
        return node.x
    return node.assembly.add(layers.Concatenate(node.attributes["axis"]), *node.inputs)


def _gather(node: Node) -> Traced:
    if not isinstance(node.inputs[0], Traced):  # rows of a table
        table = node.array(0)
        node.need(table.ndim == 2 and node.get("axis", 0) == 0, "take rows of a table")
        return node.add(layers.Embedding(*table.shape), table, on=node.traced(1))
    places, axis = node.array(1), node.get("axis", 0) % len(node.x.shape)
    steps = set(np.diff(places).tolist()) if places.ndim == 1 else set()
    fits = places.ndim < 2 and places.size > 0 and len(steps) < 2 and 0 not in steps
    node.need(axis > 0 and fits, "take places at equal distances along an axis that is not the rows'")
    key: Any = int(places.ravel()[0])
    if places.ndim == 1:
        size, step = int(node.x.shape[axis] or 0), next(iter(steps), 1)
        begin = key % size
        end = begin + step * places.size
        key = slice(begin, end if end >= 0 else None, step)
    return node.add(layers.GetItem((*[slice(None)] * axis, key)))


def _slice(node: Node) -> Traced:
    begins, ends = node.array(1).tolist(), node.array(2).tolist()
    axes, steps = node.optional(3), node.optional(4)
    key = [slice(None)] * len(node.x.shape)
    for k, axis in enumerate(range(len(begins)) if axes is None else axes.tolist()):
        step = 1 if steps is None else int(steps[k])
        end = None if step < 0 and ends[k] <= -(2**31) else ends[k]
        key[axis % len(key)] = slice(begins[k], end, step)
    node.need(key[0] in (slice(None), slice(0, key[0].stop, 1)) and (key[0].stop or 2**40) > 2**30, "take all rows")
    return node.add(layers.GetItem((slice(None), *key[1:])))


def _split(node: Node) -> list[Traced]:
    axis, given = node.get("axis", 0) % len(node.x.shape), node.optional(1) if len(node.inputs) > 1 else None
    size, count = int(node.x.shape[axis] or 0), len(node.read)
    part = -(-size // count)
    sizes = [min(part, size - k * part) for k in range(count)] if given is None else given.tolist()
    node.need(axis > 0 and sum(sizes) == size, "be along an axis that is not the rows'")
    ends = np.cumsum([0, *sizes]).tolist()
    keys = [(*[slice(None)] * axis, slice(begin, end)) for begin, end in pairwise(ends)]
    return [node.add(layers.GetItem(key)) if node.reads(place) else node.x for place, key in enumerate(keys)]


def _pad(node: Node) -> Traced:
    pads, value = node.array(1).tolist(), node.optional(2)
    rank = len(node.x.shape)
    node.need(node.get("mode", b"constant") == b"constant" and (value is None or float(value) == 0), "put zeros around")
    each = list(zip(pads[:rank], pads[rank:], strict=True))
    first = not any(each[1]) or any(each[-1])
    around = each[2:] if first else each[1:-1]
    node.need(3 <= rank <= 5 and not any(map(any, [each[0], each[1] if first else each[-1]])), "pad axes of places")
    layout = "channels_first" if first else "channels_last"
    padding = around[0] if rank == 3 else tuple(around)
    return node.add(getattr(layers, f"ZeroPadding{rank - 2}D")(padding, data_format=layout))


# Operators on arrays that are known: shapes, mostly.
def _sliced(given: list[Any], attributes: dict[str, Any]) -> Any:
    array, begins, ends, *more = given
    axes = more[0] if more and more[0] is not None else range(len(begins))
    steps = more[1] if len(more) > 1 else np.ones_like(begins)
    key = [slice(None)] * array.ndim
    for begin, end, axis, step in zip(begins, ends, axes, steps, strict=True):
        key[axis] = slice(int(begin), int(end), int(step))
    return array[tuple(key)]


def _stretched(array: np.ndarray, sizes: Any) -> np.ndarray:
    """An array for one row, which stands for all."""
    return np.broadcast_to(array, np.broadcast_shapes(array.shape, tuple(max(int(n), 1) for n in sizes)))


FOLDED: dict[str, Callable[[list[Any], dict[str, Any]], Any]] = {
    "Cast": lambda given, attributes: given[0],
    "ConstantOfShape": lambda given, attributes: _stretched(attributes.get("value", np.zeros(1, np.float32)), given[0]),
    "Concat": lambda given, attributes: np.concatenate(given, attributes["axis"]),
    "Expand": lambda given, attributes: _stretched(*given),
    "Gather": lambda given, attributes: np.take(given[0], given[1], attributes.get("axis", 0)),
    "Identity": lambda given, attributes: given[0],
    "Shape": lambda given, attributes: np.array(np.shape(given[0]), np.int64),
    "Slice": _sliced,
    "Squeeze": lambda given, attributes: np.squeeze(given[0], tuple(given[1]) if len(given) > 1 else None),
    "Transpose": lambda given, attributes: np.transpose(given[0], attributes.get("perm")),
    "Unsqueeze": lambda given, attributes: np.expand_dims(given[0], tuple(np.atleast_1d(given[1]))),
}
OPERATORS: dict[str, Callable[[Node], Any]] = {
    **dict.fromkeys(["Add", "Div", "Max", "Mean", "Min", "Mul", "Sub"], _arithmetic),
    **dict.fromkeys(ACTIVATIONS, _activation),
    "AveragePool": windows.pool,
    "BatchNormalization": _batch_normalization,
    "Cast": lambda node: node.x,
    "Celu": lambda node: node.add(layers.Activation(partial(activations.celu, alpha=node.get("alpha", 1.0)))),
    "Clip": _clip,
    "Concat": _concat,
    "Conv": windows.conv,
    "ConvTranspose": windows.conv_transpose,
    "Dropout": lambda node: node.x,
    "Elu": lambda node: node.add(layers.ELU(node.get("alpha", 1.0))),
    "Flatten": _flatten,
    "Gather": _gather,
    "Gelu": _gelu,
    "Gemm": _gemm,
    "GRU": recurrent,
    "GlobalAveragePool": windows.global_pool,
    "GlobalMaxPool": windows.global_pool,
    "HardSigmoid": _hard_sigmoid,
    "Identity": lambda node: node.x,
    "LSTM": recurrent,
    "LayerNormalization": _layer_normalization,
    "LeakyRelu": lambda node: node.add(layers.LeakyReLU(node.get("alpha", 0.01))),
    "LogSoftmax": _softmax,
    "MatMul": _matmul,
    "MaxPool": windows.pool,
    "Neg": lambda node: node.add(layers.Rescaling(-1.0)),
    "PRelu": _prelu,
    "Pad": _pad,
    "RNN": recurrent,
    "ReduceMax": windows.reduced,
    "ReduceMean": windows.reduced,
    "Reshape": _reshape,
    "Slice": _slice,
    "Softmax": _softmax,
    "Split": _split,
    "Squeeze": _squeezed,
    "Transpose": MOVES["Transpose"],
    "Unsqueeze": _squeezed,
}
