"""One call of a layer, as the functions that write it into a program read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .program import Program, Value

__all__ = ["Call", "along"]


class Call(NamedTuple):
    """A call of a layer of the compiled core.

    Attributes
    ----------
    spec : dict
        Kind and settings, as the core takes them.
    weights : list of ndarray
    inputs : list of Value
    row : tuple of int
        Shape of a row of the output.
    """

    program: Program
    spec: dict[str, Any]
    weights: list[np.ndarray]
    inputs: list[Value]
    row: tuple[int, ...]

    @property
    def x(self) -> Value:
        """The first input."""
        return self.inputs[0]

    def weight(self, place: int, name: str, shape: Sequence[int] | None = None) -> Value:
        """A weight, perhaps in another shape."""
        array = self.weights[place]
        return self.program.constant(array if shape is None else array.reshape(shape), name)


def along(array: np.ndarray, axes: Sequence[int], rank: int) -> np.ndarray:
    """Numbers for each place along some axes, with 1 in the others: they are stretched along those."""
    array = np.asarray(array)
    sizes = iter(array.shape)
    return array.reshape([next(sizes) if axis in axes else 1 for axis in range(rank)])
