"""A program as an ONNX file (extra `onnx`)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .. import _core
from .onnx_metadata import written_metadata
from .onnx_nodes import NODES
from .program import Program, Value

__all__ = ["Graph", "onnx_bytes", "onnx_graph", "onnx_module"]

OPSET, IR_VERSION = 17, 8
ROWS = "rows"  # name of the first axis


def onnx_module() -> Any:
    """The package onnx; ImportError says how to install it."""
    try:
        import onnx
        import onnx.helper
        import onnx.numpy_helper
    except ImportError as error:
        raise ImportError('files of ONNX need onnx: pip install "gradstep[onnx]"') from error
    return onnx


class Graph:
    """Nodes of ONNX, and the names of their values.

    outer: the graph that a step of a scan is part of, with which it counts names.
    """

    def __init__(self, dtype: str, outer: Graph | None = None) -> None:
        self.onnx = onnx_module()
        self.dtype = dtype
        self.int64 = self.onnx.TensorProto.INT64
        self.element = self.onnx.TensorProto.FLOAT if dtype == "float32" else self.onnx.TensorProto.DOUBLE
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self._names: dict[int, str] = {}
        self._kept: list[Value] = []
        self._known: dict[bytes, str] = {}
        self._used: set[str] = outer._used if outer is not None else set()

    # -- names ---------------------------------------------------------------------------------------------------------

    def call(self, value: Value, name: str) -> None:
        """Let a value have a name."""
        self._names[id(value)] = name
        self._kept.append(value)

    def name(self, value: Value) -> str:
        """Name of a value."""
        if id(value) not in self._names:
            assert value.constant is not None
            self.call(value, self.real(value.constant, value.name))
        return self._names[id(value)]

    def new(self, stem: str) -> str:
        """A name that is not used yet."""
        name, count = stem, 1
        while name in self._used:
            name, count = f"{stem}_{count}", count + 1
        self._used.add(name)
        return name

    # -- constants -----------------------------------------------------------------------------------------------------

    def array(self, array: np.ndarray, name: str) -> str:
        """A constant; the same array once."""
        key = hashlib.sha256(f"{array.dtype}{array.shape}".encode() + array.tobytes()).digest()
        if key not in self._known:
            self._known[key] = self.new(name)
            self.initializers.append(self.onnx.numpy_helper.from_array(array, self._known[key]))
        return self._known[key]

    def real(self, array: np.ndarray, name: str) -> str:
        """A constant of the model's dtype."""
        return self.array(np.asarray(array, self.dtype), name)

    def integers(self, places: Iterable[int]) -> str:
        """A list of places, sizes or axes."""
        return self.array(np.asarray(list(places), np.int64), "places")

    def scalar(self, value: float) -> Any:
        """A number as an attribute."""
        return self.onnx.helper.make_tensor("value", self.element, [1], [value])

    # -- nodes ---------------------------------------------------------------------------------------------------------

    def node(self, operator: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Add a node with one output; gives its name."""
        name = self.new(operator.lower())
        self.nodes.append(self.onnx.helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def reshaped(self, x: str, shape: Sequence[int]) -> str:
        """Rows in another shape."""
        return self.node("Reshape", [x, self.integers([-1, *shape])])

    def transposed(self, x: str, order: Sequence[int]) -> str:
        """The axes in another order, that of the rows counted too."""
        return self.node("Transpose", [x], perm=list(order))

    def scan(self, inputs: Sequence[str], body: Program, known: int, outputs: int) -> list[str]:
        """Add a loop over steps, whose first inputs and outputs are `known` states."""
        inner = Graph(self.dtype, self)
        takes = []
        for value in body.inputs:
            inner.call(value, self.new("step"))
            takes.append(inner.info(inner.name(value), value.shape))
        inner.write(body)
        gives, taken = [], set()
        for value in body.outputs:
            name = inner.name(value)
            if name in taken:  # an output twice must have two names
                name = inner.node("Identity", [name])
            taken.add(name)
            gives.append(inner.info(name, value.shape))
        graph = self.onnx.helper.make_graph(inner.nodes, self.new("body"), takes, gives, inner.initializers)
        names = [self.new("scan") for _ in range(outputs)]
        count = len(inputs) - known
        self.nodes.append(self.onnx.helper.make_node("Scan", list(inputs), names, body=graph, num_scan_inputs=count))
        return names

    def info(self, name: str, shape: Sequence[int], element: int | None = None) -> Any:
        """Name, dtype and shape of an input or output."""
        return self.onnx.helper.make_tensor_value_info(name, element or self.element, [ROWS, *shape])

    def write(self, program: Program) -> None:
        """Add a program's operations."""
        for operation in program.operations:
            made = NODES[operation.kind](self, operation)
            if operation.kind != "scan":
                self.call(operation.outputs[0], made)


def onnx_graph(program: Program, name: str, outputs: Sequence[str], dtypes: Sequence[str]) -> Any:
    """The graph of a file.

    Parameters
    ----------
    program : Program
    name : str
        Of the model.
    outputs : sequence of str
        Names of the outputs.
    dtypes : sequence of str
        Of the inputs, as data has them.
    """
    graph = Graph(program.dtype)
    takes, gives = [], []
    for value, dtype in zip(program.inputs, dtypes, strict=True):
        given = graph.new(value.name)
        element = graph.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        takes.append(graph.info(given, value.shape, element))
        graph.call(value, given if element == graph.element else graph.node("Cast", [given], to=graph.element))
    reserved = [graph.new(output) for output in outputs]
    graph.write(program)
    for value, output in zip(program.outputs, reserved, strict=True):
        graph.nodes.append(graph.onnx.helper.make_node("Identity", [graph.name(value)], [output]))
        gives.append(graph.info(output, value.shape))
    return graph.onnx.helper.make_graph(graph.nodes, name, takes, gives, graph.initializers)


def onnx_bytes(model: Any, program: Program) -> bytes:
    """The bytes of the file of a model, of which the program is."""
    onnx = onnx_module()
    graph = onnx_graph(program, model.name, model.output_names, [tensor.dtype for tensor in model.inputs])
    made = onnx.helper.make_model(
        graph,
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="gradstep",
        producer_version=_core.__version__,
    )
    onnx.helper.set_model_props(made, written_metadata(onnx, model, graph))
    onnx.checker.check_model(made, full_check=True)
    data: bytes = made.SerializeToString()
    return data
