"""Arrays tied to an optimizer once, for steps without look-ups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import _core
from .arrays import Structure, gather
from .sparse import as_move

if TYPE_CHECKING:
    from .base import Optimizer

__all__ = ["Bound"]


class Bound:
    """Some arrays of an optimizer, in a fixed order and structure. Made by `Optimizer.bind`.

    Attributes
    ----------
    optimizer : Optimizer
        Whose hyperparameters, step count and state a step uses.
    """

    def __init__(self, optimizer: Optimizer, indices: list[int], labels: list[str], structure: Structure) -> None:
        self.optimizer = optimizer
        self._structure = structure
        self._core = _core.Bound(optimizer._core, indices, labels, as_move)
        if structure is None or (isinstance(structure, list) and all(inner is None for inner in structure)):
            # One array or a flat sequence: the engine's own method, with no Python in between.
            self.step = self._core.step  # type: ignore[method-assign]

    def step(self, grads: Any, /) -> None:
        """Take one step.

        Parameters
        ----------
        grads : array, or sequence or dict of arrays
            The structure that was bound; a list or tuple if that was a flat sequence. Each gradient has its array's
            shape and dtype, or is a `RowSparse` or CSR matrix; None leaves an array as it is.

        Raises
        ------
        TypeError, ValueError
            As `Optimizer.step` does; all arrays, state and counters are then as they were.
        """
        self._core.step(gather(self._structure, grads))
