"""One of several outputs of a layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..reshaping.rearranged import Rearranged, Views
from .layer import Layer, Shape

if TYPE_CHECKING:
    from .call_graph import CallGraph, Value

__all__ = ["Output"]


class Output(Rearranged, Layer):
    """One output of a layer that has several, which the engine computes in one row."""

    supports_masking = True

    def __init__(self, begin: int, row: tuple[int, ...], masked: bool, **options: Any) -> None:
        super().__init__(**options)
        self._begin, self._row, self._masked = begin, row, masked

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The shape of this output."""
        return (input_shape[0], *self._row)

    def _views(self, x: np.ndarray, y: np.ndarray) -> Views:
        return self.cut(x), y

    def cut(self, x: np.ndarray) -> np.ndarray:
        """This output of rows that have all."""
        part = x[..., self._begin : self._begin + int(np.prod(self._row))]
        return part.reshape(*x.shape[:-1], *self._row)

    def _output_mask(
        self, graph: CallGraph, inputs: Sequence[Value], masks: Sequence[Value | None], output: Value
    ) -> Value | None:
        return masks[0] if self._masked else None
