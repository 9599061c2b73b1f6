"""Checks of arrays, and traversal of nested lists and dicts of arrays."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ...checks import check_unmasked, describe, is_array, is_sequence
from .device import as_device_array, is_on_gpu

__all__ = ["Structure", "as_gradient", "as_parameter", "fill", "flatten", "gather", "noun", "path"]

# The shape of a tree of arrays: None for an array, a list or a dict of shapes for a sequence or mapping.
Structure = Any

CPU = 1  # kDLCPU of the DLPack standard
PARAMETER = "an array that can be updated in place"


def _lent(value: Any, name: str, wanted: str) -> np.ndarray:
    """The memory of a value as an ndarray, never a copy of it."""
    if isinstance(value, np.ndarray):
        if type(value) is not np.ndarray:
            check_unmasked(name, value)
        return value
    if not is_array(value):
        raise TypeError(f"{name} must be {wanted}; got {describe(value)}.")
    if is_on_gpu(value):
        raise TypeError(f"{name} must be in CPU memory; it is on a GPU.")
    if hasattr(value, "__dlpack__") and not hasattr(value, "__array_interface__"):
        if getattr(value, "requires_grad", False):
            raise TypeError(f"{name} must be detached from its graph; pass {name}.detach().")
        device = value.__dlpack_device__()
        if device[0] != CPU:
            raise TypeError(f"{name} must be in CPU memory; its DLPack device is {tuple(map(int, device))}.")
        try:
            return np.from_dlpack(value)
        except (BufferError, RuntimeError, TypeError) as error:
            raise TypeError(f"{name} must be {wanted}, and NumPy cannot share its memory: {error}") from error
    return np.asarray(value)


def as_parameter(value: Any, name: str) -> Any:
    """An array that is to be updated in place: the very memory of `value`. A `DeviceArray` if it is on a GPU."""
    if is_on_gpu(value):
        return as_device_array(value, name)
    if isinstance(value, np.generic):
        raise TypeError(f"{name} must be {PARAMETER}; got a NumPy scalar. Use an array of shape ().")
    return _lent(value, name, PARAMETER)


def as_gradient(value: Any, name: str) -> np.ndarray:
    """An array that is only read. A NumPy scalar is one of shape (): ``2 * w`` is a scalar where w has shape ()."""
    return _lent(value, name, "an array")


def path(label: str) -> str:
    """The name of an array from its label: ``out/0/bias`` of ``['out'][0]['bias']``."""
    return "/".join(quoted or number for _, quoted, number in re.findall(r"\[(?:(['\"])(.*?)\1|([^\]]*))\]", label))


def noun(singular: str, label: str) -> str:
    """An array in an error, here and in the engine: ``gradient``, or ``gradients[3]`` of label ``[3]``."""
    return f"{singular}s{label}" if label else singular


def flatten(tree: Any) -> tuple[list[Any], list[str], Structure]:
    """Leaves of parameters, their labels (``[3]``, ``['a'][0]``; empty for a lone array) and their structure."""
    leaves: list[Any] = []
    labels: list[str] = []
    structure = _flatten(tree, "", leaves, labels)
    if not leaves:
        raise ValueError(f"parameters must hold at least one array; got {describe(tree)}.")
    return leaves, labels, structure


# Not closures: one that calls itself is a cycle, in which the arrays would live on until garbage is collected.
def _flatten(node: Any, label: str, leaves: list[Any], labels: list[str]) -> Structure:
    if not is_array(node):
        if isinstance(node, Mapping):
            return {key: _flatten(child, f"{label}[{key!r}]", leaves, labels) for key, child in node.items()}
        if is_sequence(node):
            return [_flatten(child, f"{label}[{i}]", leaves, labels) for i, child in enumerate(node)]
        raise TypeError(f"{noun('parameter', label)} must be {PARAMETER}; got {describe(node)}.")
    leaves.append(node)
    labels.append(label)
    return None


def fill(structure: Structure, leaves: Iterator[Any]) -> Any:
    """A tree of this structure with these leaves."""
    if isinstance(structure, dict):
        return {key: fill(child, leaves) for key, child in structure.items()}
    return [fill(child, leaves) for child in structure] if isinstance(structure, list) else next(leaves)


def gather(structure: Structure, tree: Any) -> list[Any]:
    """The leaves of gradients, which must have the parameters' structure; None may stand for any array."""
    leaves: list[Any] = []
    _gather(structure, tree, "", leaves)
    return leaves


def _gather(shape: Structure, node: Any, label: str, leaves: list[Any]) -> None:
    name, of = f"gradients{label}", f"parameters{label}"
    if isinstance(shape, dict):
        if is_array(node) or not isinstance(node, Mapping):
            raise TypeError(f"{name} must be a dict, as {of} is; got {describe(node)}.")
        for key in shape:
            if key not in node:
                raise ValueError(f"{name} has no key {key!r}, which {of} has.")
        for key in node:
            if key not in shape:
                raise ValueError(f"{name} has the key {key!r}, which {of} does not have.")
        for key, child in shape.items():
            _gather(child, node[key], f"{label}[{key!r}]", leaves)
    elif isinstance(shape, list):
        if is_array(node) or not is_sequence(node):
            raise TypeError(f"{name} must be a sequence, as {of} is; got {describe(node)}.")
        children = list(node)
        if len(children) != len(shape):
            raise ValueError(f"{name} has length {len(children)}; {of} has length {len(shape)}.")
        for i, (child, value) in enumerate(zip(shape, children, strict=True)):
            _gather(child, value, f"{label}[{i}]", leaves)
    else:
        if node is not None and not is_array(node):
            from .sparse import check_sparse

            check_sparse(node, noun("gradient", label))
        leaves.append(node)
