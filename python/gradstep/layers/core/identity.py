"""A layer that changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from ..base.layer import Layer, Shape

__all__ = ["Identity"]


class Identity(Layer):
    """Returns its input: a placeholder, which costs nothing in a model.

    Parameters
    ----------
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.Identity()(np.array([[1.0, 2.0]]))
    array([[1., 2.]], dtype=float32)
    """

    supports_masking = True

    def __init__(
        self,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The shape of the input."""
        return tuple(input_shape)
