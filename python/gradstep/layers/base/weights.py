"""Walking the layers of models, and setting many weights at once, or none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ... import _core
from ...checks import describe, numeric

__all__ = ["assign", "leaves_of", "placed"]


def assign(targets: Sequence[np.ndarray], weights: Any) -> None:
    """Copy values into arrays in place, after all have been checked."""
    if not isinstance(weights, (list, tuple)):
        raise TypeError(f"weights must be a list of arrays; got {describe(weights)}.")
    if len(weights) != len(targets):
        raise ValueError(f"weights must hold {len(targets)} arrays, one for each weight; got {len(weights)}.")
    values = [numeric(weight, f"weights[{i}]") for i, weight in enumerate(weights)]
    for i, (target, value) in enumerate(zip(targets, values, strict=True)):
        if value.shape != target.shape:
            raise ValueError(f"weights[{i}] has shape {value.shape}; the weight has shape {target.shape}.")
    # Copies first: a value may be a view of another target.
    copies = [value.astype(target.dtype) for target, value in zip(targets, values, strict=True)]
    for target, copy in zip(targets, copies, strict=True):
        target[...] = copy


def placed(weight: np.ndarray, dtype: str) -> np.ndarray:
    """A weight where the engine can keep it: itself, or if it is of a file, say, a copy on a border of 64 bytes."""
    if weight.dtype == dtype and weight.ctypes.data % 64 == 0 and weight.flags.carray:
        return weight
    copy = _core.aligned_zeros(weight.shape, dtype)
    copy[...] = weight
    return copy


def leaves_of(layers: Iterable[Any]) -> dict[str, Any]:
    """Every layer once by its path, in the place of a model its own."""
    found: dict[str, Any] = {}
    seen: set[int] = set()
    for layer in layers:
        inner = getattr(layer, "_leaves", {"": layer})
        for path, leaf in inner.items():
            if id(leaf) not in seen:
                seen.add(id(leaf))
                found[f"{layer.name}/{path}".rstrip("/")] = leaf
    return found
