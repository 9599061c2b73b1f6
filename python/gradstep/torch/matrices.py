"""The classes that see tensors as matrices: what PyTorch has otherwise than the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

import torch

from .base import Stepping
from .counters import Started
from .spec import Slot, Spec

__all__ = ["Adafactor", "Muon"]

# What Muon's adjust_lr_fn is as rms_rate: infinite, the scale is the rule's own.
SCALES = {None: inf, "original": inf, "match_rms_adamw": 0.2}


class FactoredSpec(Spec):
    """Of Adafactor, whose state depends on the axes of a tensor."""

    def several(self, key: str, value: Any, label: str) -> tuple[float, ...]:
        if key != "eps" or not isinstance(value, Sequence) or len(value) != 2:
            return super().several(key, value, label)
        if value[0] == inf:  # which the engine has for None
            raise ValueError(f"{label.replace('eps', 'eps[0]')} must be finite, or None for the precision of the type.")
        return super().several(key, (inf if value[0] is None else value[0], value[1]), label)

    def slots(self, rule: str, shape: tuple[int, ...]) -> list[Slot]:
        if len(shape) < 2:  # its one row's mean is not used
            return [Slot("row", None, shape[:-1]), Slot("column", "variance", shape)]
        return [Slot("row", "row_var", (*shape[:-1], 1)), Slot("column", "col_var", (*shape[:-2], 1, shape[-1]))]


class OrthogonalSpec(Spec):
    """Of Muon, which has matrices alone."""

    def single(self, key: str, value: Any, label: str) -> float:
        if key == "adjust_lr_fn":
            if not (value is None or isinstance(value, str)) or value not in SCALES:
                *others, last = map(repr, SCALES)
                raise ValueError(f"{label} must be {', '.join(others)} or {last}; got {value!r}.")
            return SCALES[value]
        if key == "ns_steps" and not isinstance(value, int):
            raise TypeError(f"{label} must be an int; got {value!r}.")
        return super().single(key, value, label)

    def slots(self, rule: str, shape: tuple[int, ...]) -> list[Slot]:
        return [Slot("m", "momentum_buffer", shape), Slot("v", None, (0,))]


def muon(group: Mapping[str, Any]) -> str:
    """The rule of Muon for a group."""
    return "TorchMuon" if group["nesterov"] else "TorchMuonHeavyBall"


class Adafactor(Stepping, torch.optim.Adafactor):
    """`torch.optim.Adafactor` through gradstep's kernels: `gradstep.optimizers.Adafactor` with ``dialect="torch"``.

    Notes
    -----
    With ``eps[0]`` None the bound is the precision of the type that a tensor's sums have: 1.2e-7 for float16 and
    bfloat16, where PyTorch takes 9.8e-4 and 7.8e-3. PyTorch takes that of a group's first tensor for all of it.

    Examples
    --------
    >>> import torch, gradstep.torch
    >>> p = torch.ones(2, 2, requires_grad=True)
    >>> optimizer = gradstep.torch.Adafactor([p], lr=0.5)
    >>> p.sum().backward()
    >>> optimizer.step()
    >>> bool((p < 1).all())
    True
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

    Examples
    --------
    >>> import torch, gradstep.torch
    >>> p = torch.ones(2, 2, requires_grad=True)
    >>> optimizer = gradstep.torch.Muon([p], lr=0.5)
    >>> p.sum().backward()
    >>> optimizer.step()
    >>> bool((p < 1).all())
    True
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
