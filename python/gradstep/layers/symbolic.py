"""Tensors without numbers, by which a model is described: which layer makes them, and of what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from ..optimizers.arrays import describe

if TYPE_CHECKING:
    from .base import Shape

__all__ = ["Node", "SymbolicTensor", "is_symbolic", "tensors_of"]


class SymbolicTensor:
    """What `Input` gives, and a layer or model that is called with it: a shape that numbers will have in a `Model`.

    Attributes
    ----------
    shape : tuple
        With None for the rows.
    dtype, name : str
    node : Node
        The call that makes it, and through it the layer.
    index : int
        Which output of the call it is.

    Notes
    -----
    There is no arithmetic on it: ``layers.Add()([a, b])`` is what ``a + b`` would be.
    """

    __array_ufunc__ = None  # NumPy leaves arithmetic to us, who have none

    def __init__(self, shape: Shape, dtype: str, name: str, node: Node, index: int = 0) -> None:
        self.shape, self.dtype, self.name, self.node, self.index = tuple(shape), dtype, name, node, index

    def __repr__(self) -> str:
        return f"<SymbolicTensor {self.name} shape={self.shape} dtype={self.dtype}>"

    @property
    def ndim(self) -> int:
        """How many axes there are, with that of the rows."""
        return len(self.shape)

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError(f"{self!r} has no numbers: they come when a Model is called with data.")

    def __len__(self) -> NoReturn:
        raise TypeError(f"{self!r} has no number of rows: it comes when a Model is called with data.")

    def __bool__(self) -> NoReturn:
        raise TypeError(f"{self!r} has no numbers, and so is neither true nor false.")

    def __iter__(self) -> NoReturn:
        raise TypeError(f"{self!r} has no numbers to go through.")


class Node:
    """One call of a layer, or of a model that is used as one.

    Attributes
    ----------
    operation : Layer or model
    inputs : list of SymbolicTensor
        None for an `InputLayer`.
    listed : bool
        Whether they came in a list.
    outputs : list of SymbolicTensor
    """

    def __init__(
        self, operation: Any, inputs: Sequence[SymbolicTensor], listed: bool, shapes: Sequence[Shape], dtype: str
    ) -> None:
        self.operation, self.inputs, self.listed = operation, list(inputs), listed
        self.outputs = [SymbolicTensor(shape, dtype, operation.name, self, i) for i, shape in enumerate(shapes)]
        operation._nodes.append(self)


def is_symbolic(x: Any) -> bool:
    """Whether x is a symbolic tensor, or a list or dict with one."""
    if isinstance(x, dict):
        return any(map(is_symbolic, x.values()))
    return isinstance(x, SymbolicTensor) or (isinstance(x, (list, tuple)) and any(map(is_symbolic, x)))


def tensors_of(x: Any, what: str) -> list[SymbolicTensor]:
    """The tensors of one, or of a list of them.

    Raises
    ------
    TypeError
        Something else is among them.
    """
    given = list(x) if isinstance(x, (list, tuple)) else [x]
    for i, tensor in enumerate(given):
        if not isinstance(tensor, SymbolicTensor):
            raise TypeError(
                f"{what} must be symbolic tensors, of Input() and of layers called with them; number {i} is "
                f"{describe(tensor)}."
            )
    return given
