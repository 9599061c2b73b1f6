"""The shape of a model's input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..config import FLOATS
from .base import Layer, Shape
from .symbolic import Node, SymbolicTensor

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Input", "InputLayer"]


class InputLayer(Layer):
    """Says what shape the rows of a model's input have; the first thing in a `Sequential`, and not one of its layers.

    Parameters
    ----------
    shape : tuple of int
        Of one row: ``(64,)`` for 64 features.
    dtype, name
        As in `Input`.

    Raises
    ------
    TypeError, ValueError
        A size is no int, or less than 1.
    """

    def __init__(self, shape: Sequence[int] | int, *, dtype: str | None = None, name: str | None = None) -> None:
        super().__init__(input_shape=shape, dtype=dtype, name=name)
        assert self._declared is not None
        self.build((None, *self._declared))
        Node(self, [], False, [self.input_shape], self.dtype)

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        super().__setstate__(state)
        Node(self, [], False, [self.input_shape], self.dtype)

    def get_config(self) -> dict[str, Any]:
        """The shape, in Keras's words, and the name."""
        return {"batch_shape": list(self.input_shape), "dtype": self.dtype, "name": self.name}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """An input of the dict that `get_config` gives, here or in Keras.

        Raises
        ------
        TypeError, ValueError
            It has no ``"batch_shape"`` that begins with None.
        """
        shape = config.get("batch_shape") if isinstance(config, Mapping) else None
        if not isinstance(shape, (list, tuple)) or len(shape) < 2 or shape[0] is not None:
            raise ValueError(f"an InputLayer must have a batch_shape [null, ...]; got {shape!r}.")
        dtype = config.get("dtype")  # Keras's may be of data that is converted here, "uint8"
        return cls(tuple(shape[1:]), dtype=dtype if dtype in [*FLOATS] else None, name=config.get("name"))

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The shape of the input."""
        return tuple(input_shape)


def Input(shape: Sequence[int] | int, *, dtype: str | None = None, name: str | None = None) -> SymbolicTensor:
    """An input of a model: a symbolic tensor, with which layers are called to describe a `Model`.

    Parameters
    ----------
    shape : tuple of int
        Of one row: ``(64,)`` for 64 features.
    dtype : {"float32", "float64"}, default `config.floatx()`
        Of the symbolic tensor. Data may be of any: layers convert what they read.
    name : str, optional
        By which a `Model` of several inputs takes its data.

    Returns
    -------
    SymbolicTensor
        In front of a `Sequential` it says what comes in: ``Sequential([Input((64,)), Dense(10)])``.

    Raises
    ------
    TypeError, ValueError
        A size is no int, or less than 1.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.Sequential([gs.Input((64,)), gs.layers.Dense(10)]).output_shape
    (None, 10)
    >>> gs.layers.Dense(3, name="out")(gs.Input((8,)))
    <SymbolicTensor out shape=(None, 3) dtype=float32>
    """
    return InputLayer(shape, dtype=dtype, name=name).output
