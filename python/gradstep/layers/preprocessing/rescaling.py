"""Rescaling (csrc/layers/rescaling.hpp)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ...checks import check_float
from ..base.layer import Layer, Shape

__all__ = ["Rescaling"]


class Rescaling(Layer):
    """Rescales inputs: ``x * scale + offset``. ``Rescaling(1 / 255)`` maps bytes to [0, 1].

    Parameters
    ----------
    scale : float
        What to multiply by.
    offset : float, default 0.0
        What to add afterwards.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        `scale` or `offset` is not a finite real number.

    Notes
    -----
    .. math:: y = \\text{scale} \\cdot x + \\text{offset}

    It takes no pass over the data: the layer after it does this to the numbers as it reads them. So a model that begins
    with it trains on uint8 images where they lie, at a quarter of the memory of float32.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.Rescaling(0.5, offset=-1.0)(np.array([[0, 2, 4]], np.uint8))
    array([[-1.,  0.,  1.]], dtype=float32)
    """

    supports_masking = True

    def __init__(
        self,
        scale: float,
        offset: float = 0.0,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.scale, self.offset = _finite("scale", scale), _finite("offset", offset)
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The shape of the input."""
        return tuple(input_shape)

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        return {"kind": "rescaling", "scale": self.scale, "offset": self.offset}


def _finite(name: str, value: Any) -> float:
    number = check_float(name, value)
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite; got {value!r}.")
    return number
