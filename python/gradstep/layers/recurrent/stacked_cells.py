"""Cells one after another, as one cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...checks import check_config, check_int, describe
from ..base.custom_layer import revived_arguments
from ..base.layer import Layer
from ..core.of_layers import OfLayers
from .cells import Cell, zeros_for

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["StackedRNNCells", "check_cell", "first_states"]


class StackedRNNCells(OfLayers, Layer):
    """Stacks cells, each of which gets the output of the one before: a cell for `RNN`.

    Parameters
    ----------
    cells : list of cells
        `LSTMCell`, `GRUCell`, `SimpleRNNCell`, or custom ones as `RNN` takes them.
    dtype, name, trainable
        As in `Layer`.

    Attributes
    ----------
    cells : list
    state_size : list
        That of each cell.
    output_size : int

    Raises
    ------
    TypeError, ValueError
        There is no cell, or something is none.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> stack = gs.layers.StackedRNNCells([gs.layers.LSTMCell(4), gs.layers.GRUCell(3)])
    >>> gs.layers.RNN(stack)(np.zeros((2, 5, 1))).shape
    (2, 3)
    """

    def __init__(
        self, cells: Sequence[Any], *, dtype: str | None = None, name: str | None = None, trainable: bool = True
    ) -> None:
        if not isinstance(cells, (list, tuple)) or not cells:
            raise TypeError(f"cells must be a list of cells; got {describe(cells)}.")
        for i, cell in enumerate(cells):
            check_cell(f"cells[{i}]", cell)
        if len({id(cell) for cell in cells}) < len(cells):
            raise ValueError("cells must be different ones: each has its weights.")
        super().__init__(dtype=cells[0].dtype if dtype is None else dtype, name=name, trainable=trainable)
        self.cells = list(cells)
        if not trainable:
            self.trainable = False

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Create a stack from its config, of this package or Keras. Raises as the class itself."""
        return cls(**revived_arguments(check_config(config)))

    @property
    def state_size(self) -> list[Any]:
        """The sizes of the states of each cell."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> Any:
        """How many numbers the output has."""
        return getattr(self.cells[-1], "output_size", self.cells[-1].state_size)

    def get_initial_state(self, batch_size: int) -> list[list[np.ndarray]]:
        """List of the first states of each cell: by default zeros."""
        check_int("batch_size", batch_size, 1)
        return [first_states(cell, batch_size) for cell in self.cells]

    def call(self, inputs: Any, states: Any, training: bool | None = None) -> Any:
        """Output of the last cell, and the new states of each, for those of each."""
        if not isinstance(states, (list, tuple)) or len(states) != len(self.cells):
            raise ValueError(f"states of {self.name!r} must be a list of {len(self.cells)}, one for each cell.")
        made = []
        for cell, own in zip(self.cells, states, strict=True):
            listed = list(own) if isinstance(own, (list, tuple)) else [own]
            inputs, new = cell(inputs, listed, training=training)
            made.append(list(new) if isinstance(new, (list, tuple)) else [new])
        return inputs, made


def check_cell(name: str, cell: Any) -> None:
    """Raise an error unless this is a cell without weights yet that nothing else runs."""
    if not isinstance(cell, Layer) or not hasattr(cell, "state_size"):
        raise TypeError(
            f"{name} must be a cell: an LSTMCell, GRUCell, SimpleRNNCell or StackedRNNCells, or a layer with a method "
            f"call(inputs, states) and an attribute state_size; got {describe(cell)}."
        )
    if isinstance(cell, Cell) and (cell._runs or cell._runner.built):
        whose = f"is of RNN {cell._runs!r}" if cell._runs else "is built"
        raise ValueError(f"{name} must be a new cell; {cell.name!r} {whose}.")


def first_states(cell: Any, rows: int) -> list[Any]:
    """What the states of a cell begin with, for so many rows."""
    method = getattr(cell, "get_initial_state", None)
    if method is None:
        return zeros_for(cell, rows)
    made = method(batch_size=rows)
    return list(made) if isinstance(made, (list, tuple)) else [made]
