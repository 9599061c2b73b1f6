"""A penalty of rows that point the same way."""

from __future__ import annotations

from typing import Any

from ..checks import check_choice
from .base import Regularizer, factor

__all__ = ["OrthogonalRegularizer"]

MODES = {"rows": "rows", "columns": "columns"}


class OrthogonalRegularizer(Regularizer):
    r"""Penalty on the cosine similarity between rows, or columns, of a matrix.

    Parameters
    ----------
    factor : float, default 0.01
        At least 0.
    mode : {"rows", "columns"}, default "rows"

    Raises
    ------
    TypeError, ValueError
        `factor` is not a finite number of at least 0; an unknown mode.
    ValueError
        The weight is no matrix.

    Notes
    -----
    .. math:: \frac{2 \lambda}{n (n - 1)} \sum_{i < j} \left| \frac{w_i \cdot w_j}{|w_i| |w_j|} \right|

    Of a single row it is 0, where Keras divides by 0.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.regularizers.OrthogonalRegularizer(0.5)([[3.0, 0.0], [1.0, 0.0], [0.0, 2.0]])  # doctest: +ELLIPSIS
    0.1666...
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor, self.mode = _factor("factor", factor), check_choice("mode", mode, MODES)

    def penalty(self) -> dict[str, Any]:
        """Kind and settings of the penalty, for the compiled core."""
        return {"orthogonal": self.factor, "of_rows": self.mode == "rows"}

    def check(self, shape: tuple[int, ...]) -> None:
        """Raise ValueError for anything but a matrix."""
        if len(shape) != 2:
            raise ValueError(f"OrthogonalRegularizer is for matrices; the shape is {shape}.")


_factor = factor
