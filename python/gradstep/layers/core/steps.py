"""Steps of sequences, taken apart and put together again around what is done to each; in no model's list of layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..base.layer import Layer

if TYPE_CHECKING:
    from ..base.call_graph import CallGraph, Value

__all__ = ["StackSteps", "TakeStep"]


class TakeStep(Layer):
    """One step of its input, and of the mask."""

    _weightless = True
    number = 0

    def _add_to(
        self, graph: CallGraph, inputs: Sequence[Value], masks: Sequence[Value | None]
    ) -> tuple[Value, Value | None]:
        mask = masks[0]
        return graph.step(inputs[0], self.number), None if mask is None else graph.step(mask, self.number)


class StackSteps(Layer):
    """Puts steps, all inputs but the first, side by side, with the mask of the first."""

    _weightless = True

    def _add_to(
        self, graph: CallGraph, inputs: Sequence[Value], masks: Sequence[Value | None]
    ) -> tuple[Value, Value | None]:
        return graph.stack(inputs[1:]), masks[0]
