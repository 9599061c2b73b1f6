"""Small modules that PyTorch does not have, for models that `to_torch` gives."""

from __future__ import annotations

from typing import Any

import torch

from .attentions import Attention, MultiHeadAttention

__all__ = [
    "Affine",
    "Attention",
    "EachStep",
    "GaussianDropout",
    "GaussianNoise",
    "LastStep",
    "MultiHeadAttention",
    "Part",
]
__all__ += ["Permute", "Places", "Scale", "Sequences", "UnitLength"]


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


class Affine(torch.nn.Module):
    """scale x + offset, of tensors that are stretched to the shape of x and are not trained."""

    scale: torch.Tensor
    offset: torch.Tensor

    def __init__(self, scale: torch.Tensor, offset: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("scale", scale)
        self.register_buffer("offset", offset)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The scaled numbers."""
        return x * self.scale + self.offset


class UnitLength(torch.nn.Module):
    """Divides by the L2 norm along some axes; smallest: its square, at least."""

    def __init__(self, axes: tuple[int, ...], smallest: float) -> None:
        super().__init__()
        self.axes, self.smallest = axes, smallest

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Vectors of length 1."""
        return x / x.square().sum(self.axes, keepdim=True).clamp(min=self.smallest).sqrt()

    def extra_repr(self) -> str:
        """The axes."""
        return f"axes={self.axes}"


class GaussianNoise(torch.nn.Module):
    """Adds normal numbers in training."""

    def __init__(self, deviation: float) -> None:
        super().__init__()
        self.deviation = deviation

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x, with noise in training."""
        return x + self.deviation * torch.randn_like(x) if self.training else x

    def extra_repr(self) -> str:
        """The standard deviation."""
        return f"deviation={self.deviation}"


class GaussianDropout(torch.nn.Module):
    """Multiplies by normal numbers of mean 1 in training, whose deviation is that of dropout."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x, with noise in training."""
        deviation = (self.rate / (1 - self.rate)) ** 0.5
        return x * (1 + deviation * torch.randn_like(x)) if self.training else x

    def extra_repr(self) -> str:
        """The rate."""
        return f"rate={self.rate}"


class EachStep(torch.nn.Module):
    """Calls a module on each step of sequences (rows, steps, ...)."""

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """What it gives, side by side."""
        made: torch.Tensor = self.module(x.flatten(0, 1))
        return made.unflatten(0, x.shape[:2])


class Sequences(torch.nn.Module):
    """What a recurrent module gives at each step; merge: how the two directions, if there are two, become one."""

    def __init__(self, recurrent: torch.nn.Module, merge: str = "concat") -> None:
        super().__init__()
        self.recurrent, self.merge = recurrent, merge

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(rows, steps, units)."""
        found: torch.Tensor = self.recurrent(x)[0]
        return self._merged(found)

    def _merged(self, joined: torch.Tensor) -> torch.Tensor:
        if self.merge == "concat":
            return joined
        one, other = joined.chunk(2, dim=-1)
        if self.merge == "mul":
            return one * other
        return (one + other) / (2 if self.merge == "ave" else 1)

    def extra_repr(self) -> str:
        """The merge."""
        return f"merge={self.merge!r}"


class LastStep(Sequences):
    """What a recurrent module gives after its last step; of two directions each after its own."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(rows, units)."""
        states: Any = self.recurrent(x)[1]
        last: torch.Tensor = states[0] if isinstance(states, tuple) else states
        return self._merged(last.transpose(0, 1).flatten(1))
