"""Iterators of batches: which objects are one, their length, and the contents of a batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from ..checks import check_int, describe

__all__ = ["batches_of", "gives_batches", "is_sequence", "is_sparse", "split_parts"]

# How objects show that they are arrays.
ARRAYS = ("__array__", "__array_interface__", "__dlpack__")


def is_sparse(x: Any) -> bool:
    """Whether x is a SciPy sparse matrix or array."""
    return type(x) is not np.ndarray and hasattr(x, "tocsr") and hasattr(x, "nnz")


def gives_batches(x: Any) -> bool:
    """Whether x is not data, but gives it batch by batch: a generator, a `PyDataset`, a loader of another library."""
    if x is None or isinstance(x, (str, bytes, bytearray, memoryview, list, tuple, Mapping, np.ndarray, np.generic)):
        return False
    if is_sparse(x) or any(hasattr(x, name) for name in ARRAYS):
        return False
    return isinstance(x, Iterable) or is_sequence(x)


def is_sequence(source: Any) -> bool:
    """Whether each batch can be asked for by its number."""
    return hasattr(source, "__getitem__") and (hasattr(source, "__len__") or hasattr(source, "num_batches"))


def batches_of(source: Any) -> int | None:
    """How many batches there are, if the source says so."""
    if isinstance(source, Iterator):
        return None
    if is_sequence(source) and hasattr(source, "num_batches"):
        count = source.num_batches
        return None if count is None else check_int("num_batches", count, 0)
    try:
        return len(source)
    except TypeError:  # no length, or one that is not known
        return None


def split_parts(batch: Any) -> tuple[Any, Any, Any]:
    """x, y and sample weights, None where there are none, of ``x``, ``(x,)``, ``(x, y)`` or ``(x, y, weights)``."""
    if not isinstance(batch, (tuple, list)):
        return batch, None, None
    if not 1 <= len(batch) <= 3:
        raise ValueError(f"it must be x, (x, y) or (x, y, sample_weight); got {describe(batch)} of {len(batch)}.")
    x, y, weights = (*batch, None, None)[:3]
    return x, y, weights
