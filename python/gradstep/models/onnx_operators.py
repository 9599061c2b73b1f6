"""What each operator of ONNX is as layers here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, NoReturn

import numpy as np

from .. import activations, layers
from .assembly import Assembly, Traced

__all__ = ["FOLDED", "OPERATORS", "Node"]


class Node(NamedTuple):
    """A node of a graph.

    Attributes
    ----------
    assembly : Assembly
        The model that it becomes a part of.
    kind : str
        The operator.
    inputs : list
        Values of the model, arrays, or None.
    attributes : dict
    """

    assembly: Assembly
    kind: str
    inputs: list[Any]
    attributes: dict[str, Any]

    @property
    def x(self) -> Traced:
        """The first input, a value of the model."""
        return self.traced(0)

    def traced(self, place: int) -> Traced:
        """An input that must be a value of the model."""
        value = self.inputs[place]
        if not isinstance(value, Traced):
            self.refuse(f"have a value of the model as input {place}")
        return value

    def array(self, place: int) -> np.ndarray:
        """An input that must be known."""
        value = self.optional(place)
        if value is None:
            self.refuse(f"have a constant as input {place}")
        return value

    def optional(self, place: int) -> np.ndarray | None:
        """An input that is known, or not there."""
        value = self.inputs[place] if place < len(self.inputs) else None
        if isinstance(value, Traced):
            self.refuse(f"have a constant as input {place}")
        return None if value is None else np.asarray(value)

    def refuse(self, what: str) -> NoReturn:
        """Raise the error of a node that has no counterpart."""
        raise ValueError(f"operator {self.kind} must {what} to become a layer here.")

    def need(self, condition: bool, what: str) -> None:
        """Refuse the node unless a condition holds."""
        if not condition:
            self.refuse(what)

    def get(self, name: str, usual: Any) -> Any:
        """An attribute."""
        return self.attributes.get(name, usual)

    def add(self, layer: Any, *weights: np.ndarray, on: Traced | None = None) -> Traced:
        """Add a call of a layer on the first input, or another value."""
        if weights:
            self.assembly.give(layer, weights)
        return self.assembly.add(layer, self.x if on is None else on)


def _rank(value: Traced) -> int:
    return len(value.shape)


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
        node.need(_rank(a) == _rank(b) == 3, "be of matrices of each row")
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
    rank = _rank(x)
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


# -- windows -----------------------------------------------------------------------------------------------------------


def _edges(node: Node, sizes: Sequence[int], strides: Sequence[int], dilations: Sequence[int]) -> tuple[str, list[Any]]:
    """The padding of a layer, and which zeros are to be put around its input before."""
    n = len(sizes)
    pads, auto = list(node.get("pads", [0] * 2 * n)), node.get("auto_pad", b"NOTSET").decode()
    spatial = [int(size or 0) for size in node.x.shape[2:]]
    same = []
    for size, stride, dilation, length in zip(sizes, strides, dilations, spatial, strict=True):
        total = max((-(-length // stride) - 1) * stride + (size - 1) * dilation + 1 - length, 0)
        same.append((total // 2, total - total // 2))
    given = list(zip(pads[:n], pads[n:], strict=True))
    if auto == "SAME_UPPER" or (auto == "NOTSET" and any(map(any, given)) and given == same):
        return "same", []
    node.need(auto in ("NOTSET", "VALID"), "have pads or auto_pad='SAME_UPPER'")
    return "valid", given if auto == "NOTSET" and any(map(any, given)) else []


def _padded(node: Node, edges: Sequence[Any]) -> Traced:
    if not edges:
        return node.x
    n = len(edges)
    padding = edges[0] if n == 1 else tuple(edges)
    return node.add(getattr(layers, f"ZeroPadding{n}D")(padding, data_format="channels_first"))


def _conv(node: Node) -> Traced:
    kernel, bias = node.array(1), node.optional(2)
    n = kernel.ndim - 2
    node.need(1 <= n <= 3, "have 1 to 3 axes of places")
    strides, dilations = node.get("strides", [1] * n), node.get("dilations", [1] * n)
    padding, edges = _edges(node, kernel.shape[2:], strides, dilations)
    layer = getattr(layers, f"Conv{n}D")(
        kernel.shape[0],
        kernel.shape[2:],
        strides=tuple(strides),
        padding=padding,
        dilation_rate=tuple(dilations),
        groups=node.get("group", 1),
        use_bias=bias is not None,
        data_format="channels_first",
    )
    more = [] if bias is None else [bias]
    return node.add(layer, kernel.transpose(*range(2, n + 2), 1, 0), *more, on=_padded(node, edges))


def _conv_transpose(node: Node) -> Traced:
    kernel, bias = node.array(1), node.optional(2)
    n = kernel.ndim - 2
    node.need(node.get("group", 1) == 1, "have group=1")
    node.need("output_shape" not in node.attributes and "auto_pad" not in node.attributes, "have pads")
    pads = node.get("pads", [0] * 2 * n)
    layer = getattr(layers, f"Conv{n}DTranspose")(
        kernel.shape[1],
        kernel.shape[2:],
        strides=tuple(node.get("strides", [1] * n)),
        dilation_rate=tuple(node.get("dilations", [1] * n)),
        output_padding=tuple(node.get("output_padding", [0] * n)),
        use_bias=bias is not None,
        data_format="channels_first",
    )
    more = [] if bias is None else [bias]
    made = node.add(layer, kernel.transpose(*range(2, n + 2), 1, 0), *more)
    if not any(pads):
        return made
    cuts = (slice(begin, -end if end else None) for begin, end in zip(pads[:n], pads[n:], strict=True))
    return node.add(layers.GetItem((slice(None), slice(None), *cuts)), on=made)


def _pool(node: Node) -> Traced:
    size = node.attributes["kernel_shape"]
    n, is_mean = len(size), node.kind == "AveragePool"
    node.need(node.get("ceil_mode", 0) == 0, "have ceil_mode=0")
    node.need(set(node.get("dilations", [1])) == {1}, "have dilations of 1")
    strides = node.get("strides", [1] * n)
    padding, edges = _edges(node, size, strides, [1] * n)
    counts = is_mean and node.get("count_include_pad", 0) == 1
    if counts and padding == "same":
        pads = node.get("pads", [0] * 2 * n)
        node.need("auto_pad" not in node.attributes, "have pads")
        padding, edges = "valid", list(zip(pads[:n], pads[n:], strict=True))
    node.need(not edges or counts, "have pads of the least size for ceil(size / stride) windows, or none")
    layer = getattr(layers, f"{'Average' if is_mean else 'Max'}Pooling{n}D")
    made = layer(tuple(size), strides=tuple(strides), padding=padding, data_format="channels_first")
    return node.add(made, on=_padded(node, edges))


def _global_pool(node: Node) -> Traced:
    kind = "Average" if node.kind == "GlobalAveragePool" else "Max"
    layer = getattr(layers, f"Global{kind}Pooling{_rank(node.x) - 2}D")
    return node.add(layer(data_format="channels_first", keepdims=True))


def _reduced(node: Node) -> Traced:
    given = node.optional(1) if len(node.inputs) > 1 else None
    axes = node.get("axes", None) if given is None else given.tolist()
    rank = _rank(node.x)
    axes = sorted(axis % rank for axis in axes or [])
    first = axes == list(range(2, rank))
    node.need(rank >= 3 and (first or axes == list(range(1, rank - 1))), "be over all axes of places")
    kind = "Average" if node.kind == "ReduceMean" else "Max"
    layout = "channels_first" if first else "channels_last"
    layer = getattr(layers, f"Global{kind}Pooling{rank - 2}D")
    return node.add(layer(data_format=layout, keepdims=bool(node.get("keepdims", 1))))


# -- normalization -----------------------------------------------------------------------------------------------------


def _batch_normalization(node: Node) -> Traced:
    layer = layers.BatchNormalization(axis=1, epsilon=node.get("epsilon", 1e-5), momentum=node.get("momentum", 0.9))
    return node.add(layer, *(node.array(k) for k in range(1, 5)))


def _layer_normalization(node: Node) -> Traced:
    rank, scale, bias = _rank(node.x), node.array(1), node.optional(2)
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
        node.need(axis in (-1, _rank(node.x) - 1), "be along the last axis")
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


def _transpose(node: Node) -> Traced:
    order = list(node.get("perm", range(_rank(node.x))[::-1]))
    node.need(order[0] == 0, "keep the rows as its first axis")
    return node.x if order == sorted(order) else node.add(layers.Permute(tuple(order[1:])))


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
    places, axis = node.array(1), node.get("axis", 0) % _rank(node.x)
    node.need(axis > 0 and places.size == 1 and places.ndim < 2, "take one place along an axis that is not the rows'")
    at = int(places.ravel()[0])
    key: Any = at if places.ndim == 0 else slice(at, at + 1 or None)
    return node.add(layers.GetItem((*[slice(None)] * axis, key)))


def _slice(node: Node) -> Traced:
    begins, ends = node.array(1).tolist(), node.array(2).tolist()
    axes, steps = node.optional(3), node.optional(4)
    key = [slice(None)] * _rank(node.x)
    for k, axis in enumerate(range(len(begins)) if axes is None else axes.tolist()):
        step = 1 if steps is None else int(steps[k])
        end = None if step < 0 and ends[k] <= -(2**31) else ends[k]
        key[axis % len(key)] = slice(begins[k], end, step)
    node.need(key[0] in (slice(None), slice(0, key[0].stop, 1)) and (key[0].stop or 2**40) > 2**30, "take all rows")
    return node.add(layers.GetItem((slice(None), *key[1:])))


def _pad(node: Node) -> Traced:
    pads, value = node.array(1).tolist(), node.optional(2)
    rank = _rank(node.x)
    node.need(node.get("mode", b"constant") == b"constant" and (value is None or float(value) == 0), "put zeros around")
    each = list(zip(pads[:rank], pads[rank:], strict=True))
    first = not any(each[1]) or any(each[-1])
    around = each[2:] if first else each[1:-1]
    node.need(3 <= rank <= 5 and not any(map(any, [each[0], each[1] if first else each[-1]])), "pad axes of places")
    layout = "channels_first" if first else "channels_last"
    padding = around[0] if rank == 3 else tuple(around)
    return node.add(getattr(layers, f"ZeroPadding{rank - 2}D")(padding, data_format=layout))


# Operators on arrays that are known: shapes, mostly.
FOLDED: dict[str, Callable[[list[Any], dict[str, Any]], Any]] = {
    "Cast": lambda given, attributes: given[0],
    "Concat": lambda given, attributes: np.concatenate(given, attributes["axis"]),
    "Gather": lambda given, attributes: np.take(given[0], given[1], attributes.get("axis", 0)),
    "Identity": lambda given, attributes: given[0],
    "Shape": lambda given, attributes: np.array(np.shape(given[0]), np.int64),
    "Squeeze": lambda given, attributes: np.squeeze(given[0], tuple(given[1]) if len(given) > 1 else None),
    "Transpose": lambda given, attributes: np.transpose(given[0], attributes.get("perm")),
    "Unsqueeze": lambda given, attributes: np.expand_dims(given[0], tuple(np.atleast_1d(given[1]))),
}
OPERATORS: dict[str, Callable[[Node], Traced]] = {
    **dict.fromkeys(["Add", "Div", "Max", "Mean", "Min", "Mul", "Sub"], _arithmetic),
    **dict.fromkeys(ACTIVATIONS, _activation),
    "AveragePool": _pool,
    "BatchNormalization": _batch_normalization,
    "Cast": lambda node: node.x,
    "Celu": lambda node: node.add(layers.Activation(partial(activations.celu, alpha=node.get("alpha", 1.0)))),
    "Clip": _clip,
    "Concat": _concat,
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "Dropout": lambda node: node.x,
    "Elu": lambda node: node.add(layers.ELU(node.get("alpha", 1.0))),
    "Flatten": _flatten,
    "Gather": _gather,
    "Gelu": _gelu,
    "Gemm": _gemm,
    "GlobalAveragePool": _global_pool,
    "GlobalMaxPool": _global_pool,
    "HardSigmoid": _hard_sigmoid,
    "Identity": lambda node: node.x,
    "LayerNormalization": _layer_normalization,
    "LeakyRelu": lambda node: node.add(layers.LeakyReLU(node.get("alpha", 0.01))),
    "LogSoftmax": _softmax,
    "MatMul": _matmul,
    "MaxPool": _pool,
    "Neg": lambda node: node.add(layers.Rescaling(-1.0)),
    "PRelu": _prelu,
    "Pad": _pad,
    "ReduceMax": _reduced,
    "ReduceMean": _reduced,
    "Reshape": _reshape,
    "Slice": _slice,
    "Softmax": _softmax,
    "Squeeze": _squeezed,
    "Transpose": _transpose,
    "Unsqueeze": _squeezed,
}
