"""Masking of steps of sequences (csrc/layers/masks.hpp)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...checks import check_float, numeric
from ..base.layer import Layer, Shape

if TYPE_CHECKING:
    from ..base.call_graph import CallGraph, Value

__all__ = ["Masking"]


class Masking(Layer):
    """Masks the steps of sequences in which all features equal `mask_value`.

    Parameters
    ----------
    mask_value : float, default 0.0
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        `mask_value` is no finite number.

    Notes
    -----
    The output is the input, with 0 in masked steps. The mask, (rows, steps), goes on beside it through layers with
    ``supports_masking``, to those that leave masked steps out (recurrent layers, attention, `GlobalAveragePooling1D`,
    `BatchNormalization` in training), and to the loss and metrics of a model: they are means over the steps that count.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> x = np.array([[[1.0, 2.0], [0.0, 0.0], [0.0, 3.0]]])
    >>> layer = gs.layers.Masking()
    >>> layer.compute_mask(x)
    array([[ True, False,  True]])
    >>> gs.Sequential([layer, gs.layers.GlobalAveragePooling1D()])(x)
    array([[0.5, 2.5]], dtype=float32)
    """

    _weightless = True

    def __init__(
        self,
        mask_value: float = 0.0,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.mask_value = check_float("mask_value", mask_value)
        if not np.isfinite(self.mask_value):
            raise ValueError(f"mask_value must be finite; got {mask_value!r}.")
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The shape of the input."""
        return tuple(input_shape)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> np.ndarray:
        """Which steps have a number that is not `mask_value`: the shape of the inputs without the last axis."""
        array = numeric(inputs, "inputs").astype(self.dtype, copy=False)
        mask: np.ndarray = np.any(array != array.dtype.type(self.mask_value), axis=-1)
        return mask

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        return {"kind": "fill_masked", "value": 0.0}

    def _add_to(
        self, graph: CallGraph, inputs: Sequence[Value], masks: Sequence[Value | None]
    ) -> tuple[Value, Value | None]:
        mask = graph.not_equal(inputs[0], self.mask_value, along_last=True)
        steps = graph.view(mask, (*inputs[0].row[:-1], 1))
        return graph.call(self, inputs, steps), mask
