"""An activation as a layer of its own (csrc/layers/activate.hpp)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import activations
from .base import Layer, Shape

__all__ = ["Activation"]


class Activation(Layer):
    """A function of every element, or of every row.

    Parameters
    ----------
    activation : str or function
        A name of `gradstep.activations`, or a function of it.
    input_shape, input_dim, dtype, name
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        An unknown activation.
    ValueError
        At the build: rows are not of shape (n,).

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.Activation("relu")(np.array([[-1.0, 2.0]]))
    array([[0., 2.]], dtype=float32)
    """

    def __init__(
        self,
        activation: str | Callable[..., np.ndarray],
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
    ) -> None:
        self.activation = activations.get(activation)
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The shape of the input."""
        return self._flat(input_shape)

    def specification(self) -> dict[str, Any]:
        """The layer in the engine's words."""
        return {"kind": "activation", "activation": activations.name_of(self.activation)}
