"""Gradients of which only some rows are not 0, as those of embeddings are."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

import numpy as np

from ...checks import brief, describe, is_array
from .arrays import as_gradient

__all__ = ["RowSparse", "as_engine_gradient", "as_rows", "check_sparse"]


class RowSparse:
    """Row-sparse gradient: zero except in the given rows along the first axis.

    `Optimizer.step` and its kin take one in place of an array. A step then costs what its rows cost, not what the whole
    parameter does.

    Parameters
    ----------
    rows : array of int, shape (n,)
        Which rows, in any order; each from 0 to ``shape[0] - 1``. Copied. A row may be given several times: its
        gradient is the sum, in the order given.
    values : array, shape (n,) + shape[1:]
        The gradient of each of them, float32 or float64. Not copied if it lies in C order.
    shape : tuple of int
        Shape of the dense gradient, and of the parameter; at least one axis.

    Attributes
    ----------
    rows : ndarray, int64
    values : ndarray
    shape : tuple of int

    Raises
    ------
    TypeError
        `rows` are no integers, or `values` or `shape` have a wrong type.
    ValueError
        A shape does not fit, or a row is out of range.

    Notes
    -----
    Most rules move a weight even where its gradient is 0: momentum goes on, averages fade, weights decay. By default an
    optimizer makes up for that: a row that is not in a gradient misses the step and takes it, with the constants of
    then, when the row is next in a gradient, or on `Optimizer.flush`. In the end every bit is that of the dense
    gradient; before it, a row that waits holds an older value: call ``flush(array, rows)`` for the rows that you are
    about to read, and ``flush()`` before you read everything.

    With ``lazy=True`` rows that are not in a gradient miss the step for good: neither they nor their state change. This
    is what `torch.optim.SparseAdam` does. The step counter, and with it the bias correction, counts all steps in both.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> table = np.zeros((4, 2))
    >>> gradient = gs.RowSparse([2, 0, 2], np.ones((3, 2)), table.shape)
    >>> gs.optimizers.SGD(learning_rate=0.5).step(table, gradient)
    >>> table
    array([[-0.5, -0.5],
           [ 0. ,  0. ],
           [-1. , -1. ],
           [ 0. ,  0. ]])
    """

    __slots__ = ("rows", "shape", "values")

    def __init__(self, rows: Any, values: Any, shape: Sequence[int]) -> None:
        self.shape = _shape(shape)
        self.rows = as_rows(rows, self.shape[0])
        self.rows.flags.writeable = False
        array = as_gradient(values, "values")
        if array.dtype not in (np.float32, np.float64) or not array.dtype.isnative:
            raise TypeError(f"values must be float32 or float64; got {array.dtype}.")
        expected = (len(self.rows), *self.shape[1:])
        if array.shape != expected:
            raise ValueError(f"values must have shape {expected}, a gradient for each of rows; got {array.shape}.")
        self.values = np.ascontiguousarray(array)

    def __repr__(self) -> str:
        return f"RowSparse({len(self.rows)} rows of {self.shape}, {self.values.dtype})"

    def to_dense(self) -> np.ndarray:
        """The gradient as an array.

        Examples
        --------
        >>> import numpy as np, gradstep as gs
        >>> gs.RowSparse([1, 1], np.array([2.0, 3.0]), (3,)).to_dense()
        array([0., 5., 0.])
        """
        dense = np.zeros(self.shape, self.values.dtype)
        np.add.at(dense, self.rows, self.values)
        return dense

    @classmethod
    def from_csr(cls, matrix: Any) -> RowSparse:
        """The rows of a SciPy CSR matrix or array that hold an element, stored zeros included.

        Parameters
        ----------
        matrix : scipy.sparse.csr_array or csr_matrix
            A gradient of two axes, float32 or float64. Elements stored twice are summed.

        Raises
        ------
        TypeError
            It is not in CSR format, or of another dtype.

        Examples
        --------
        >>> import numpy as np, scipy.sparse, gradstep as gs
        >>> gs.RowSparse.from_csr(scipy.sparse.csr_array(np.array([[0.0, 0], [0, 7]]))).values
        array([[0., 7.]])
        """
        return cls._from_csr(matrix, "matrix")

    @classmethod
    def _from_csr(cls, matrix: Any, name: str) -> RowSparse:
        if not is_csr(matrix):
            raise TypeError(f"{name} must be in SciPy's CSR format; got {describe(matrix)}.")
        if matrix.data.dtype not in (np.float32, np.float64):
            raise TypeError(f"{name} must be float32 or float64; got {matrix.data.dtype}.")
        counts = np.diff(matrix.indptr)
        rows = np.flatnonzero(counts)
        values = np.zeros((len(rows), matrix.shape[1]), matrix.data.dtype)
        places = np.repeat(np.arange(len(rows)), counts[rows]), matrix.indices[: matrix.indptr[-1]]
        np.add.at(values, places, matrix.data[: matrix.indptr[-1]])
        return cls(rows, values, matrix.shape)


def as_rows(rows: Any, length: int) -> np.ndarray:
    """Numbers of rows, as a new int64 array."""
    found = np.asarray(rows) if isinstance(rows, (list, tuple)) else as_gradient(rows, "rows")
    if found.size == 0 and isinstance(rows, (list, tuple)):
        found = found.astype(np.int64)
    if found.dtype.kind not in "iu":
        raise TypeError(f"rows must be integers; got an array of {found.dtype}.")
    if found.ndim != 1:
        raise ValueError(f"rows must have one axis; got shape {found.shape}.")
    wrong = (found < 0) | (found >= length)
    if wrong.any():
        at = int(wrong.argmax())
        raise ValueError(f"rows must be from 0 to {length - 1}; rows[{at}] is {found[at]}.")
    return found.astype(np.int64)


def _shape(shape: Any) -> tuple[int, ...]:
    try:
        sizes = tuple(index(size) for size in shape)
    except TypeError:
        raise TypeError(f"shape must be a tuple of ints; got {brief(shape)}.") from None
    if not sizes or min(sizes) < 0:
        raise ValueError(f"shape must have at least one axis, and none below 0; got {sizes}.")
    return sizes


def is_csr(value: Any) -> bool:
    """Whether a value is SciPy's CSR matrix, without importing SciPy."""
    return getattr(value, "format", None) == "csr" and all(
        hasattr(value, name) for name in ("indptr", "indices", "data", "shape")
    )


def check_sparse(value: Any, name: str) -> None:
    """Refuse what is neither an array nor a row-sparse gradient."""
    if not isinstance(value, RowSparse) and not is_csr(value):
        hint = " Of sparse matrices it may be CSR: .tocsr()." if hasattr(value, "tocsr") else ""
        raise TypeError(f"{name} must be an array or None; got {describe(value)}.{hint}")


def as_engine_gradient(value: Any, name: str) -> np.ndarray | RowSparse:
    """A gradient as the engine takes it."""
    if isinstance(value, RowSparse):
        return value
    if is_csr(value):
        return RowSparse._from_csr(value, name)
    if not is_array(value):
        check_sparse(value, name)
    return as_gradient(value, name)
