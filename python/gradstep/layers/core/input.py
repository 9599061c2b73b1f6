"""The shape of a model's input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...checks import brief, check_choice, check_int
from ...config import FLOATS
from ..base.layer import Layer, Shape
from ..base.symbolic import Node, SymbolicTensor

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Input", "InputLayer"]

# Types of data that layers convert as they read it.
CONVERTED = ("bool", "float16", *[f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)])


class InputLayer(Layer):
    """Input of a `Sequential`: sets the shape of its rows. Not one of its layers.

    Parameters
    ----------
    shape : tuple of int or None
        Of one row: ``(64,)`` for 64 features; None is any size.
    batch_size, dtype, name
        As in `Input`.

    Raises
    ------
    TypeError, ValueError
        A size is no int, or less than 1.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.Sequential([gs.layers.InputLayer((4,)), gs.layers.Dense(3)]).output_shape
    (None, 3)
    """

    def __init__(
        self,
        shape: Sequence[int | None] | int,
        batch_size: int | None = None,
        *,
        dtype: str | None = None,
        name: str | None = None,
    ) -> None:
        self.batch_size = None if batch_size is None else check_int("batch_size", batch_size, 1)
        of_data = None if dtype is None else check_choice("dtype", dtype, {**FLOATS, **dict.fromkeys(CONVERTED)})
        super().__init__(input_shape=shape, dtype=None if of_data is None else dtype, name=name)
        self._of_data = self.dtype if dtype is None else dtype  # what is converted to the layer's own type
        assert self._declared is not None
        self.build((None, *self._declared))
        Node(self, [], False, [self.input_shape], self._of_data)

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        super().__setstate__(state)
        Node(self, [], False, [self.input_shape], self._of_data)

    def get_config(self) -> dict[str, Any]:
        """The shape, by Keras's names, and the name."""
        return {"batch_shape": [self.batch_size, *self.input_shape[1:]], "dtype": self._of_data, "name": self.name}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """An input of the dict that `get_config` gives, here or in Keras.

        Raises
        ------
        TypeError, ValueError
            It has no ``"batch_shape"``.
        """
        shape = config.get("batch_shape") if isinstance(config, Mapping) else None
        if not isinstance(shape, (list, tuple)) or len(shape) < 2:
            raise ValueError(f"an InputLayer must have a batch_shape [null, ...]; got {shape!r}.")
        dtype = config.get("dtype")  # Keras has more types
        known = dtype if dtype in [*FLOATS, *CONVERTED] else None
        return cls(tuple(shape[1:]), shape[0], dtype=known, name=config.get("name"))

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The shape of the input."""
        return tuple(input_shape)


def Input(
    shape: Sequence[int | None] | int | None = None,
    batch_size: int | None = None,
    *,
    dtype: str | None = None,
    batch_shape: Sequence[int | None] | None = None,
    name: str | None = None,
) -> SymbolicTensor:
    """An input of a model: a symbolic tensor, with which layers are called to describe a `Model`.

    Parameters
    ----------
    shape : tuple of int or None
        Of one row: ``(64,)`` for 64 features. None is a size that may be another in each batch: ``(None,)`` for
        sequences of any length, ``(None, None, 3)`` for images of any size.
    batch_size : int, optional
        How many rows each batch has, for layers that are stateful; other models are not held to it.
    dtype : str, default `config.floatx()`
        Of the symbolic tensor: "float32", "float64", "float16", "bool", or a type of integers. Data may be of any:
        layers convert what they read.
    batch_shape : tuple, optional
        Instead of `shape` and `batch_size`: the rows of a batch, None or a number, and the shape of one.
    name : str, optional
        By which a `Model` of several inputs takes its data.

    Returns
    -------
    SymbolicTensor
        In front of a `Sequential` it says what comes in: ``Sequential([Input((64,)), Dense(10)])``.

    Raises
    ------
    TypeError, ValueError
        A size is no int, or less than 1; the dtype is not known; not one of `shape` and `batch_shape` was given.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.Sequential([gs.Input((64,)), gs.layers.Dense(10)]).output_shape
    (None, 10)
    >>> gs.Sequential([gs.Input((None,)), gs.layers.Embedding(50, 8)]).output_shape
    (None, None, 8)
    >>> gs.layers.Dense(3, name="out")(gs.Input((8,)))
    <SymbolicTensor out shape=(None, 3) dtype=float32>
    """
    if (shape is None) == (batch_shape is None):
        got = f"{brief(shape)} and {brief(batch_shape)}"
        raise ValueError(f"Input takes a shape or a batch_shape, one of them; got {got}.")
    if batch_shape is not None:
        if not isinstance(batch_shape, (list, tuple)) or len(batch_shape) < 2:
            raise ValueError(f"batch_shape must be (None, ...), the rows and the shape of one; got {batch_shape!r}.")
        if batch_size is not None:
            raise ValueError(
                f"Input takes a batch_size or a batch_shape, one of them; got {batch_size} and {batch_shape}."
            )
        batch_size = None if batch_shape[0] is None else check_int("batch_shape[0]", batch_shape[0], 1)
        sizes = list(enumerate(batch_shape))[1:]
        shape = [None if size is None else check_int(f"batch_shape[{i}]", size, 1) for i, size in sizes]
    assert shape is not None
    return InputLayer(shape, batch_size, dtype=dtype, name=name).output
