"""Data of several inputs and outputs: arrays with the same number of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..checks import numeric
from ..losses.base import Loss
from .names import by_column, by_name, each_by_name
from .rows import Rows, SparseRows, alone, inputs, row_weights, targets, wrong_shape
from .sources import is_sparse
from .sparse import SparseColumns

__all__ = ["Columns", "ManyRows", "arrays_of", "has_sparse", "input_columns", "target_columns", "weight_columns"]


class Columns:
    """Arrays (rows, ...), or None where there is none; at least one is there.

    Parameters
    ----------
    arrays : sequence of ndarray, SparseColumns or None
    """

    def __init__(self, arrays: Sequence[Any]) -> None:
        self.arrays = list(arrays)

    def __len__(self) -> int:
        return next(len(array) for array in self.arrays if array is not None)

    def __getitem__(self, rows: Any) -> Columns:
        return Columns(
            [one.part(rows) if _is_sparse(one) else None if one is None else one[rows] for one in self.arrays]
        )

    @property
    def sparse(self) -> tuple[bool, ...]:
        """Which of them are sparse."""
        return tuple(map(_is_sparse, self.arrays))

    def dense(self) -> Columns:
        """The same numbers in dense arrays."""
        return Columns([one[:] if _is_sparse(one) else one for one in self.arrays])


def _is_sparse(array: Any) -> bool:
    return isinstance(array, SparseColumns)


def has_sparse(rows: Rows) -> bool:
    """Whether x, or a part of it, is a sparse matrix."""
    return isinstance(rows, SparseRows) or any(map(_is_sparse, arrays_of(rows.x)))


def arrays_of(data: Any) -> list[Any]:
    """One array, in a list; or those of `Columns`."""
    return data.arrays if isinstance(data, Columns) else [data]


class ManyRows(Rows):
    """Rows of which x and y are `Columns`, and so are the weights, if there are any."""

    def of_classes(self, class_weight: Any) -> Rows:
        """The rows with class weights, where there is one output."""
        if class_weight is None:
            return self
        if len(self.y.arrays) > 1:
            raise ValueError("class_weight is for models of one output; use sample_weight, a list or dict by output.")
        found = Rows(None, self.y.arrays[0], self.weights and self.weights.arrays[0]).of_classes(class_weight)
        return ManyRows(self.x, self.y, Columns([found.weights]))


def label(what: str, name: str, names: Sequence[str]) -> str:
    """Name of one of several arrays in an error: ``y['b']``."""
    return what if len(names) == 1 else f"{what}[{name!r}]"


def input_columns(
    x: Any,
    what: str,
    names: Sequence[str],
    shapes: Sequence[tuple[int | None, ...]],
    dtype: str,
    takes_sparse: Sequence[bool] | None = None,
) -> list[Any]:
    """x, an array, or a list or dict of one for each input -> (rows, numbers a row) each, with the same number of rows.

    takes_sparse: which inputs may be sparse matrices, as which they stay; None: all may be, and are made dense.

    Raises
    ------
    TypeError, ValueError
        One is missing, or too many, or of another shape.
    """
    if len(names) > 1:
        x = by_column(x)
    if isinstance(x, Mapping):
        each = by_name(x, names, what, "must have data for input")
    else:
        each = [alone(x)] if len(names) == 1 else each_by_name(x, names, what, "an array")
    found: list[Any] = []
    for i, (name, one, shape) in enumerate(zip(names, each, shapes, strict=True)):
        called = label(what, name, names)
        if is_sparse(one) and takes_sparse is not None:
            found.append(_sparse_input(one, called, shape, dtype, takes_sparse[i]))
        else:
            found.append(inputs(numeric(one.toarray() if is_sparse(one) else one, called), called, shape, dtype))
    rows = {name: len(array) for name, array in zip(names, found, strict=True)}
    if len(set(rows.values())) > 1:
        raise ValueError(f"{what} must have the same number of rows for each input; got {rows}.")
    return found


def _sparse_input(x: Any, name: str, shape: tuple[int | None, ...], dtype: str, takes_sparse: bool) -> SparseColumns:
    if x.shape[1:] != shape:
        raise ValueError(wrong_shape(x, name, shape))
    if not takes_sparse:
        raise ValueError(
            f"{name} must be dense: of several inputs, those may be sparse that go into Dense layers alone, each of "
            f"which is called once. Give {name}.toarray()."
        )
    return SparseColumns(x.tocsr(), dtype)


def target_columns(
    y: Any,
    what: str,
    names: Sequence[str],
    losses: Sequence[Loss | None],
    shapes: Sequence[tuple[int, ...]],
    rows: int,
    dtype: str,
) -> Columns:
    """y, an array, or a list or dict of one for each output -> those that a loss is for, as the engine reads them."""
    if isinstance(y, Mapping):
        each = by_name(y, names, what)
    else:
        each = [alone(y, rows)] if len(names) == 1 else each_by_name(y, names, what, "targets")
    found: list[np.ndarray | None] = []
    for name, one, loss, shape in zip(names, each, losses, shapes, strict=True):
        if loss is None:
            found.append(None)
            continue
        called = label(what, name, names)
        if one is None:
            raise ValueError(f"{what} must have targets for output {name!r}, which has a loss or metrics.")
        known = targets(one, called, loss, tuple(shape), dtype)
        if len(known) != rows:
            raise ValueError(f"{called} must have the same number of rows as x; got {len(known)} and {rows}.")
        _try_labels(known, called, loss, shape[-1], dtype)
        found.append(known)
    return Columns(found)


def _try_labels(known: np.ndarray, called: str, loss: Loss, width: int, dtype: str) -> None:
    """Have the loss refuse class numbers that it cannot take before a weight is changed."""
    if not loss.labels or not len(known):
        return
    each = np.unique(known)
    try:
        loss._of_batch(each, np.full((len(each), width), 1 / width, dtype), None)
    except ValueError as error:
        raise ValueError(f"{called}: {error}") from None


def weight_columns(
    given: Any, what: str, names: Sequence[str], rows: int, shapes: Sequence[tuple[int, ...]]
) -> Columns | None:
    """sample_weight -> float64 (rows,) for each output, or None: one array for all, or a list or dict.

    shapes: of a row of each output, see `row_weights`.
    """
    if given is None:
        return None
    if isinstance(given, Mapping):
        each = by_name(given, names, what)
    elif len(names) > 1 and isinstance(given, (list, tuple)) and any(_is_array(one) for one in given):
        each = each_by_name(given, names, what, "an array or None")
    else:
        each = [alone(given, rows)] * len(names)
    found = [
        row_weights(one, label(what, name, names) if isinstance(given, (Mapping, list)) else what, rows, shape)
        for name, one, shape in zip(names, each, shapes, strict=True)
    ]
    return None if all(one is None for one in found) else Columns(found)


def _is_array(one: Any) -> bool:
    return one is None or np.ndim(one) > 0
