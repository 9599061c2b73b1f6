"""RepeatVector."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...checks import check_int
from ..base.layer import Layer, Shape
from .rearranged import Rearranged, Views

__all__ = ["RepeatVector"]


class RepeatVector(Rearranged, Layer):
    """Repeats each row, as steps of a sequence.

    Parameters
    ----------
    n : int
        How many times, at least 1.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        `n` is no int of at least 1.
    ValueError
        At the build: the input has not the shape (rows, features).

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.RepeatVector(2)(np.array([[1.0, 2.0]]))
    array([[[1., 2.],
            [1., 2.]]], dtype=float32)
    """

    def __init__(
        self,
        n: int,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.n = check_int("n", n, 1)
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """(rows, n, features) for (rows, features)."""
        if len(input_shape) != 2:
            raise ValueError(
                f"layer {self.name!r} must get inputs of shape (rows, features); got {tuple(input_shape)}."
            )
        return (input_shape[0], self.n, input_shape[1])

    def _views(self, x: np.ndarray, y: np.ndarray) -> Views:
        return np.broadcast_to(x, y.shape), y
