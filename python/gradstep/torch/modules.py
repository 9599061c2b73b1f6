"""Small modules that PyTorch does not have, for models that `to_torch` gives."""

from __future__ import annotations

from typing import Any

import torch

__all__ = ["LastStep", "Part", "Permute", "Places", "Scale", "Sequences"]


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


class Part(torch.nn.Module):
    """Takes a part: x[key]."""

    def __init__(self, *key: slice) -> None:
        super().__init__()
        self.key = key

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The numbers of the part."""
        return x[self.key]

    def extra_repr(self) -> str:
        """Which part."""
        return ", ".join(f"{one.start}:{one.stop}" for one in self.key)


class Places(torch.nn.Module):
    """Gives rows of another shape, each number of which is one of the input or 0.

    Parameters
    ----------
    places : ndarray of int
        For each number of a row which of the input's it is; -1 for 0.
    """

    places: torch.Tensor

    def __init__(self, places: Any) -> None:
        super().__init__()
        self.register_buffer("places", torch.from_numpy(places.copy()), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The numbers at their places."""
        made = x.flatten(1)[:, self.places.clamp(min=0)]
        return torch.where(self.places < 0, torch.zeros((), dtype=x.dtype, device=x.device), made)

    def extra_repr(self) -> str:
        """The shape of a row."""
        return str(tuple(self.places.shape))


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
