"""The layers of a model in the metadata of its ONNX file, from which `from_onnx` makes that model again.

The nodes of a file say what is computed, and not which layers did it: dropout is not there, a recurrence is a loop,
batch normalization a factor. So the config of the model stands beside them, and for each weight the constant of the
graph that holds it, or the weight itself where none does. They count only if the nodes say the same: a model is made
again if it would be written as this graph, to the byte.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..saving.loading import model_from_json

__all__ = ["model_of_metadata", "written_metadata"]

MODEL, WEIGHTS = "gradstep.model", "gradstep.weights"


def _constants(graph: Any) -> Iterator[Any]:
    """The constants of a graph, and of those in it."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _constants(attribute.g)


def _key(array: np.ndarray) -> bytes:
    return hashlib.sha256(array.dtype.str.encode() + array.tobytes()).digest()


def _kernel_first(array: np.ndarray) -> np.ndarray:
    """The kernel of a convolution as layers have it, from that of ONNX: channels and filters last."""
    return np.ascontiguousarray(array.transpose(*range(2, array.ndim), 1, 0))


def written_metadata(onnx: Any, model: Any, graph: Any) -> dict[str, str]:
    """What a file's metadata says of its model: its config and where its weights are; nothing of custom classes."""
    try:
        config = model.to_json()
    except TypeError:  # a setting is a function of the user's
        return {}
    places: dict[bytes, dict[str, Any]] = {}
    for constant in _constants(graph):
        array = onnx.numpy_helper.to_array(constant)
        places.setdefault(_key(array), {"constant": constant.name})
        if array.ndim > 2:
            places.setdefault(_key(_kernel_first(array)), {"constant": constant.name, "kernel": True})
    weights = []
    for weight in model.get_weights():
        array = np.ascontiguousarray(weight)
        kept = {"data": base64.b64encode(array.tobytes()).decode(), "dtype": array.dtype.str}
        weights.append(places.get(_key(array), kept) if array.size else kept)
    return {MODEL: config, WEIGHTS: json.dumps(weights)}


def model_of_metadata(onnx: Any, read: Any, name: str | None) -> Any:
    """The model that a file's metadata describes; None without metadata, or if the graph has been changed since.

    Parameters
    ----------
    read : onnx.ModelProto
    name : str, optional
        Of the model.
    """
    given = {entry.key: entry.value for entry in read.metadata_props}
    if MODEL not in given or WEIGHTS not in given:
        return None
    try:
        config = json.loads(given[MODEL])
        if name is not None:
            config["config"]["name"] = name
        model = model_from_json(json.dumps(config))
        constants = {constant.name: constant for constant in _constants(read.graph)}
        entries = json.loads(given[WEIGHTS])
        shapes = [weight.shape for weight in model.get_weights()]
        arrays = [_weight(onnx, constants, entry).reshape(shape) for entry, shape in zip(entries, shapes, strict=True)]
        model.set_weights(arrays)
    except (AttributeError, KeyError, OSError, TypeError, ValueError):  # of another version, or damaged
        return None
    return model if _is_written_so(model, read.graph) else None


def _weight(onnx: Any, constants: Mapping[str, Any], entry: Mapping[str, Any]) -> np.ndarray:
    if "data" in entry:
        return np.frombuffer(base64.b64decode(entry["data"], validate=True), np.dtype(entry["dtype"]))
    array: np.ndarray = onnx.numpy_helper.to_array(constants[entry["constant"]])
    return _kernel_first(array) if entry.get("kernel") else array


def _is_written_so(model: Any, graph: Any) -> bool:
    """Whether a model would be written as this graph."""
    from .lowering import program_of
    from .onnx_file import onnx_graph

    names: Sequence[str] = model.output_names
    try:
        with model._guard:
            made = onnx_graph(program_of(model, "ONNX"), graph.name, names, [one.dtype for one in model.inputs])
    except ValueError:
        return False
    return bool(made == graph)
