"""The shape of a model's input."""

from __future__ import annotations

from collections.abc import Sequence

from .base import Layer, Shape

__all__ = ["Input", "InputLayer"]


class InputLayer(Layer):
    """Says what shape the rows of a model's input have; the first thing in a `Sequential`, and not one of its layers.

    Parameters
    ----------
    shape : tuple of int
        Of one row: ``(64,)`` for 64 features.
    name : str, optional

    Raises
    ------
    TypeError, ValueError
        A size is no int, or less than 1.
    """

    def __init__(self, shape: Sequence[int] | int, *, name: str | None = None) -> None:
        super().__init__(input_shape=shape, name=name)
        assert self._declared is not None
        self.build((None, *self._declared))

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The shape of the input."""
        return tuple(input_shape)


def Input(shape: Sequence[int] | int, *, name: str | None = None) -> InputLayer:
    """The shape of a model's input: ``Sequential([Input((64,)), Dense(10)])``. See `InputLayer`.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.Sequential([gs.Input((64,)), gs.layers.Dense(10)]).output_shape
    (None, 10)
    """
    return InputLayer(shape, name=name)
