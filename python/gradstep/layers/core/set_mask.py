"""The mask that a call is given by its argument."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..base.layer import Layer

if TYPE_CHECKING:
    from ..base.call_graph import CallGraph, Value

__all__ = ["SetMask"]


class SetMask(Layer):
    """Passes its first input on with a mask: where the second is not 0. It stands in no model's list of layers."""

    _weightless = True

    def _add_to(
        self, graph: CallGraph, inputs: Sequence[Value], masks: Sequence[Value | None]
    ) -> tuple[Value, Value | None]:
        return inputs[0], graph.not_equal(inputs[1], 0.0, along_last=False)
