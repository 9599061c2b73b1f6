"""Small modules that PyTorch does not have, for models that `to_torch` gives."""

from __future__ import annotations

from typing import Any

import torch

__all__ = ["LastStep", "Permute", "Scale", "Sequences"]


class Permute(torch.nn.Module):
    """Puts the axes in another order."""

    def __init__(self, *order: int) -> None:
        super().__init__()
        self.order = order

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The same numbers with other axes."""
        return x.permute(self.order)

    def extra_repr(self) -> str:
        """The order."""
        return str(self.order)


class Scale(torch.nn.Module):
    """scale x + offset."""

    def __init__(self, scale: float, offset: float) -> None:
        super().__init__()
        self.scale, self.offset = scale, offset

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The scaled numbers."""
        return x * self.scale + self.offset

    def extra_repr(self) -> str:
        """The two numbers."""
        return f"scale={self.scale}, offset={self.offset}"


class Sequences(torch.nn.Module):
    """What a recurrent module gives at each step."""

    def __init__(self, recurrent: torch.nn.Module) -> None:
        super().__init__()
        self.recurrent = recurrent

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(rows, steps, units), of both directions if there are two."""
        found: torch.Tensor = self.recurrent(x)[0]
        return found


class LastStep(Sequences):
    """What a recurrent module gives after its last step; of two directions each after its own."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(rows, units)."""
        states: Any = self.recurrent(x)[1]
        last: torch.Tensor = states[0] if isinstance(states, tuple) else states
        return last.transpose(0, 1).flatten(1)
