"""The classes that see tensors as matrices: what PyTorch has otherwise than the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

import torch

from .base import Stepping
from .counters import Started
from .spec import Kept, Spec

__all__ = ["Adafactor", "Muon"]

# What Muon's adjust_lr_fn is as rms_rate: infinite, the scale is the rule's own.
SCALES = {None: inf, "original": inf, "match_rms_adamw": 0.2}


class FactoredSpec(Spec):
    """Of Adafactor, whose state depends on the axes of a tensor."""

    def numbers(self, key: str, value: Any) -> Sequence[Any]:
        numbers = super().numbers(key, value)
        if key != "eps" or len(numbers) != 2:
            return numbers
        first, second = numbers
        if first == inf:  # which the engine has for None
            raise ValueError("eps[0] must be finite, or None for the precision of the type; got inf.")
        return (inf if first is None else first, second)

    def kept(self, rule: str, axes: int) -> dict[str, Kept]:
        if axes < 2:
            return {"column": Kept("variance")}  # its one row's mean is not used
        return {"row": Kept("row_var", -1), "column": Kept("col_var", -2)}


class OrthogonalSpec(Spec):
    """Of Muon, which has matrices alone."""

    def numbers(self, key: str, value: Any) -> Sequence[Any]:
        if key == "adjust_lr_fn":
            if value not in SCALES:
                *others, last = map(repr, SCALES)
                raise ValueError(f"adjust_lr_fn must be {', '.join(others)} or {last}; got {value!r}.")
            value = SCALES[value]
        if key == "ns_steps" and not isinstance(value, int):
            raise TypeError(f"ns_steps must be an int; got {value!r}.")
        return super().numbers(key, value)

    def kept(self, rule: str, axes: int) -> dict[str, Kept]:
        return {"m": Kept("momentum_buffer")}


def muon(group: Mapping[str, Any]) -> str:
    """The rule of Muon for a group."""
    return "TorchMuon" if group["nesterov"] else "TorchMuonHeavyBall"


class Adafactor(Stepping, torch.optim.Adafactor):
    """`torch.optim.Adafactor` through gradstep's kernels: `gradstep.optimizers.Adafactor` with ``dialect="torch"``.

    Notes
    -----
    With ``eps[0]`` None the bound is the precision of the type that a tensor's sums have: 1.2e-7 for float16 and
    bfloat16, where PyTorch takes 9.8e-4 and 7.8e-3. PyTorch takes that of a group's first tensor for all of it.
    """

    _spec = FactoredSpec(
        rule=lambda group: "TorchAdafactor",
        fields={
            "lr": "learning_rate",
            "weight_decay": "weight_decay",
            "beta2_decay": "beta_2_decay",
            "eps": ("epsilon_1", "epsilon_2"),
            "d": "clip_threshold",
        },
        decoupled=True,
    )


class Muon(Stepping, torch.optim.Muon):
    """`torch.optim.Muon` through gradstep's kernels: `gradstep.optimizers.Muon` with ``dialect="torch"``.

    Notes
    -----
    PyTorch multiplies matrices in bfloat16, here it is float32, or float64 for float64: weights are near PyTorch's, a
    few hundredths of the way that they have gone. The momentum is the same.
    """

    _spec = OrthogonalSpec(
        rule=muon,
        fields={
            "lr": "learning_rate",
            "weight_decay": "weight_decay",
            "momentum": "momentum",
            "ns_coefficients": ("muon_a", "muon_b", "muon_c"),
            "eps": "epsilon",
            "ns_steps": "ns_steps",
            "adjust_lr_fn": "rms_rate",
        },
        counter=Started(),
        decoupled=True,
        axes=2,
    )
