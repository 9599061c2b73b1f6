"""A mean loss over the rows of data as the methods see it: of all rows, or of some."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...checks import batch_rows, check_unmasked, describe
from .objective import Objective

__all__ = ["BatchObjective", "data_of"]

CHUNK = 4096  # rows of one call in a pass over all of them: what bounds the memory that fun takes


def data_of(given: Any) -> list[Any]:
    """The ``data=`` argument as arrays, or CSR matrices, with the same number of rows.

    Raises
    ------
    TypeError, ValueError
        Something is no array with rows, has no row, or has another number of rows than the first.
    """
    arrays = []
    for i, one in enumerate(given if isinstance(given, (tuple, list)) else (given,)):
        check_unmasked(f"data[{i}]", one)
        if hasattr(one, "tocsr") and hasattr(one, "nnz"):
            array = one.tocsr()
        else:
            try:
                array = np.asarray(one)
            except (TypeError, ValueError) as error:
                raise TypeError(f"data[{i}] must be an array: {error}") from None
        if not array.ndim:
            raise TypeError(f"data[{i}] must be an array with rows; got {describe(one)}.")
        arrays.append(array)
    if not arrays or not arrays[0].shape[0]:
        raise ValueError("data must have at least one row.")
    rows = arrays[0].shape[0]
    for i, array in enumerate(arrays):
        if array.shape[0] != rows:
            raise ValueError(f"data[{i}] must have {rows} rows, as data[0] has; got shape {array.shape}.")
    return arrays


class BatchObjective(Objective):
    """The mean of ``fun(x, *rows, *args)`` over rows of data.

    Parameters
    ----------
    fun, jac, layout
        As of `Objective`; a pair of value and gradient where jac is None or True.
    data : list of arrays
        From `data_of`. What fun gets are copies of its rows.
    batch_size : int, "full" or None
        Rows of a batch.
    **rest
        As of `Objective`.

    Notes
    -----
    `value` and `gradient` are of all rows, at most 4,096 of them in a call, and weighted by their number. `batch_value`
    is of some rows, and no candidate for the best point.
    """

    limit_name = "epochs"

    def __init__(
        self, fun: Callable[..., Any], jac: Any, layout: Any, data: list[Any], batch_size: Any, **rest: Any
    ) -> None:
        if jac is not None and jac is not True and not callable(jac):
            raise TypeError(
                "jac must be True, where fun gives a pair of value and gradient, or callable with data=; got "
                f"{describe(jac)}."
            )
        super().__init__(fun, True if jac is None else jac, layout, **rest)
        self.data, self.rows = data, int(data[0].shape[0])
        self.batch = batch_rows(batch_size, self.rows)

    def first_rows(self) -> tuple[Any, ...]:
        """Copies of the first rows, as fun gets them."""
        return tuple(array[:CHUNK].copy() for array in self.data)

    def _split(self, found: Any) -> tuple[Any, Any]:
        if not isinstance(found, (tuple, list)) or len(found) != 2:
            raise TypeError(
                f"fun must give a pair (value, gradient) with data=, or jac= the gradient; got {describe(found)}."
            )
        return found[0], found[1]

    def _of_rows(self, x: np.ndarray, rows: Sequence[Any]) -> tuple[float, np.ndarray]:
        """Value and gradient at a point, for these rows."""
        self._spend()
        found = self.fun(self.layout.restore(x), *rows, *self.args)
        if self.is_pair:
            found, gradient = self._split(found)
            what = "the gradient that fun gives"
        else:
            copies = [array.copy() for array in rows]
            gradient, what = self.jac(self.layout.restore(x), *copies, *self.args), "jac(x, ...)"
        self.njev += 1
        return self._number(found), self.layout.flatten(gradient, what)

    def batch_value(self, x: np.ndarray, rows: np.ndarray) -> tuple[float, np.ndarray]:
        """Value and gradient for the rows of these numbers."""
        return self._of_rows(x, [array[rows] for array in self.data])

    def _of_all(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        if self.rows <= CHUNK:
            return self._of_rows(x, self.first_rows())
        value, gradient = 0.0, np.zeros(len(x))
        for begin in range(0, self.rows, CHUNK):
            rows = [array[begin : begin + CHUNK].copy() for array in self.data]
            f, g = self._of_rows(x, rows)
            share = rows[0].shape[0] / self.rows
            value += share * f
            gradient += share * g
        return value, gradient

    def value(self, x: np.ndarray) -> float:
        """The mean over all rows at a point; its gradient is kept."""
        if x is self._x:
            return self._f
        return self._saw(x, *self._of_all(x))

    def gradient(self, x: np.ndarray) -> np.ndarray:
        """The gradient of the mean over all rows."""
        if x is self.best_x and x is not self._x and self.best_g is not None:
            return self.best_g
        self.value(x)
        assert self._g is not None
        return self._g

    def values_beside(self, points: Sequence[np.ndarray]) -> list[float]:
        """Means over all rows, none of which is a candidate for the best one."""
        return [self._of_all(point)[0] for point in points]
