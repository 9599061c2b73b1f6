"""ONNX files as models."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from itertools import permutations
from typing import Any

import numpy as np

from .... import layers
from ....export.onnx_file import onnx_module
from ....export.onnx_metadata import model_of_metadata
from ....saving.atomic import path_of
from ....saving.file_formats import contents, parsed
from ..assembly import Assembly, Traced
from .formulas import spelled
from .moved import MOVES
from .node import Moved, Node
from .operators import FOLDED, OPERATORS

__all__ = ["from_onnx"]


def from_onnx(filepath: str | os.PathLike[str], name: str | None = None) -> Any:
    """Create a model from an ONNX file, with its weights (extra ``onnx``).

    Parameters
    ----------
    filepath : str or path
        Of the file, which holds its weights itself.
    name : str, optional
        Of the model; by default the graph's.

    Returns
    -------
    Sequential or Model
        A `Sequential` where layers follow one another, else a `Model`; built, not compiled.

    Raises
    ------
    TypeError
        `filepath` is no str.
    ValueError
        The file is damaged, an operator or one of its attributes has no layer here, or the shape of an input is not
        known; the message names it.
    ImportError
        onnx is not installed: ``pip install "gradstep[onnx]"``.
    OSError
        There is no such file.

    Notes
    -----
    The first axis of inputs is that of the rows. Convolution and pooling are layers with ``data_format=
    "channels_first"``, as ONNX has them. Operators are those of dense, convolutional and recurrent networks: products,
    convolution, pooling, normalization, LSTM, GRU, RNN, activations (also those that are spelled out, as GELU by Erf),
    embeddings, merges and moves of numbers. Control flow, and weights that lie in files beside it, are not read.

    A file of `export_onnx` gives the model that was exported, with its layers and their names, and those that do
    nothing in inference, such as `Dropout`: their config is in its metadata. If the graph was changed since, its
    operators count.

    Examples
    --------
    >>> import gradstep as gs
    >>> model = gs.models.from_onnx("price.onnx")  # doctest: +SKIP
    """
    path = path_of(filepath)
    onnx = onnx_module()
    data = contents(path)
    from google.protobuf.message import DecodeError

    with parsed(path, DecodeError, onnx.checker.ValidationError):
        read = onnx.load_model_from_string(data)
        onnx.checker.check_model(read)
        model = model_of_metadata(onnx, read, name)
        return model if model is not None else _Reader(onnx, read.graph).model(name)


class _Reader:
    """Reads a graph, node by node. Values are arrays where they are known, else `Traced`."""

    def __init__(self, onnx: Any, graph: Any) -> None:
        self._onnx, self._graph = onnx, graph
        self.assembly = Assembly()
        self.values: dict[str, Any] = {"": None}
        for tensor in graph.initializer:
            if tensor.data_location == onnx.TensorProto.EXTERNAL:
                raise ValueError(f"weight {tensor.name!r} must be in the file itself, not in one beside it.")
            self.values[tensor.name] = onnx.numpy_helper.to_array(tensor)
        self.inputs = {info.name: self._input(info) for info in graph.input if info.name not in self.values}
        self.values.update(self.inputs)

    def _input(self, info: Any) -> Traced:
        tensor = info.type.tensor_type
        sizes = [axis.dim_value or None for axis in tensor.shape.dim]
        if len(sizes) < 2 or None in sizes[1:]:
            raise ValueError(f"input {info.name!r} must have known sizes but for the rows; it has {sizes}.")
        dtype = np.dtype(self._onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)).name
        return self.assembly.input(tuple(n for n in sizes[1:] if n is not None), dtype, _plain(info.name))

    def model(self, name: str | None) -> Any:
        """The model of the graph."""
        self._fold()
        constants = {name: value for name, value in self.values.items() if isinstance(value, np.ndarray)}
        outputs = [info.name for info in self._graph.output]
        needed, activations = spelled(outputs, self._graph.node, constants)
        biases = self._biases()
        for node in self._graph.node:
            read = tuple(name != "" and name in needed for name in node.output)
            if not any(read) or (node.output[0] and node.output[0] in self.values):  # as a bias added with its product
                continue
            if node.output[0] in activations:
                self.values[node.output[0]] = self._activation(node, *activations[node.output[0]])
                continue
            results = self._read(node, biases, read)
            if node.output[0] in biases:
                self.values[biases[node.output[0]][0]] = results[0]
            self.values.update((name, one) for name, one in zip(node.output, results, strict=False) if name)
        found = [self.values[info.name] for info in self._graph.output]
        for info, value in zip(self._graph.output, found, strict=True):
            if isinstance(value, Moved):
                raise ValueError(f"output {info.name!r} must have the rows as its first axis.")
            if not isinstance(value, Traced):
                raise ValueError(f"output {info.name!r} must follow from an input.")
        return self.assembly.model(found, len(found) == 1, name or _plain(self._graph.name) or None)

    def _fold(self) -> None:
        """Compute what follows from constants alone."""
        for node in self._graph.node:
            known = [self.values.get(name) for name in node.input]
            if node.op_type == "Constant":
                self.values[node.output[0]] = np.asarray(*self._attributes(node).values())
            elif node.op_type in FOLDED and known and all(isinstance(one, np.ndarray) for one in known):
                self.values[node.output[0]] = FOLDED[node.op_type](known, self._attributes(node))

    def _activation(self, node: Any, activation: Any, x: str) -> Traced:
        """An activation that is spelled out in nodes, of which this is the last one."""
        return Node(self.assembly, node.op_type, [self.values[x]], {}).add(layers.Activation(activation))

    def _attributes(self, node: Any) -> dict[str, Any]:
        given = {one.name: self._onnx.helper.get_attribute_value(one) for one in node.attribute}
        tensor, read = self._onnx.TensorProto, self._onnx.numpy_helper.to_array
        return {name: read(value) if isinstance(value, tensor) else value for name, value in given.items()}

    def _biases(self) -> dict[str, tuple[str, np.ndarray]]:
        """For the output of each product by a matrix that a sum with a vector alone reads: the sum, and the vector."""
        reads = Counter(name for node in self._graph.node for name in node.input)
        reads.update(info.name for info in self._graph.output)
        products = {}
        for node in self._graph.node:
            kernel = self.values.get(node.input[1]) if node.op_type == "MatMul" else None
            if isinstance(kernel, np.ndarray) and kernel.ndim == 2 and reads[node.output[0]] == 1:
                products[node.output[0]] = kernel.shape[1]
        found = {}
        for node in self._graph.node:
            for product, other in permutations(node.input) if node.op_type == "Add" else ():
                bias = self.values.get(other)
                if product in products and isinstance(bias, np.ndarray) and bias.shape == (products[product],):
                    found[product] = (node.output[0], bias)
        return found

    def _read(self, node: Any, biases: dict[str, tuple[str, np.ndarray]], read: tuple[bool, ...]) -> Sequence[Any]:
        kind, attributes = node.op_type, self._attributes(node)
        given = [self.values[name] for name in node.input]
        if node.output[0] in biases:
            return [OPERATORS["Gemm"](Node(self.assembly, "Gemm", [*given, biases[node.output[0]][1]], {}))]
        if kind == "Shape" and isinstance(given[0], (Traced, Moved)):  # -1 stands for the rows
            return [np.array([n or -1 for n in given[0].shape], np.int64)]
        if kind in FOLDED and not any(isinstance(one, (Traced, Moved)) for one in given):
            return [FOLDED[kind](given, attributes)]
        operators = MOVES if kind in MOVES and isinstance(given[0], Moved) else OPERATORS
        if kind not in operators or node.domain not in ("", "ai.onnx"):
            label = f" {node.name!r}" if node.name else ""
            raise ValueError(f"operator {kind}{label} has no layer here; there are those for {', '.join(OPERATORS)}.")
        made = operators[kind](Node(self.assembly, kind, given, attributes, read))
        return made if isinstance(made, list) else [made]


def _plain(name: str) -> str:
    """A name without what names here cannot have."""
    return name.replace("/", "_")
