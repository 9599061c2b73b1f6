"""Arrays tied to an optimizer once, for steps without look-ups."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .arrays import Structure, gather

if TYPE_CHECKING:
    from .optimizer import Optimizer

__all__ = ["Bound", "Step"]


class Step(Protocol):
    """A step of some arrays, by the core or a wrapper. One gradient if there is one array without a label."""

    def step(self, gradients: Any, /) -> None:
        """Take one step."""

    def check(self, gradients: Any, /) -> None:
        """Raise what `step` would before it writes anything."""


class Bound:
    """Arrays tied to an optimizer, in a fixed order and structure. Made by `Optimizer.bind`.

    Attributes
    ----------
    optimizer : Optimizer
        Whose hyperparameters, step count and state a step uses.
    arrays : list of ndarray
        What is stepped, in order: after a pickle or a copy these are the copied arrays.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> w = np.ones(2)
    >>> bound = gs.optimizers.SGD(0.5).bind(w)
    >>> bound.step(np.ones(2))
    >>> w
    array([0.5, 0.5])
    """

    def __init__(self, optimizer: Optimizer, indices: list[int], labels: list[str], structure: Structure) -> None:
        self.optimizer = optimizer
        self._indices, self._labels, self._structure = indices, labels, structure
        self._core = optimizer._make_bound(indices, labels)
        if structure is None or (isinstance(structure, list) and all(inner is None for inner in structure)):
            # One array or a flat sequence: the engine's own method, with no Python in between.
            self.step = self._core.step  # type: ignore[method-assign]

    def __setattr__(self, name: str, value: Any) -> None:
        if name[0] != "_" and name not in ("optimizer", "step"):
            raise AttributeError(f"{name} is set on the optimizer: bound.optimizer.{name} = ..., or one of its groups.")
        super().__setattr__(name, value)

    @property
    def arrays(self) -> list[np.ndarray]:
        """The arrays, in order."""
        return [self.optimizer._core.parameter(index) for index in self._indices]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.optimizer, self._indices, self._labels, self._structure)

    def __copy__(self) -> Bound:
        copied: Bound = copy.deepcopy(self, {id(array): array for array in self.optimizer._arrays()})
        return copied

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
