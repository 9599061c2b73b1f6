"""The numbers that PyTorch keeps for every tensor beside its state of the tensor's shape: above all its own step."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, isnan
from typing import Any

import torch

from .tensors import check_stored

__all__ = ["Averaging", "Count", "Growing", "Started"]

Group = Mapping[str, Any]  # of an optimizer's param_groups
Numbers = tuple[float, ...]  # one for each of `keys`; the first is the steps done


class Count:
    """The number of steps of a tensor, which is less than that of others if some of its gradients were None."""

    keys: tuple[str, ...] = ("step",)
    settings: tuple[str, ...] = ()  # that the numbers follow from, beside those of the rule

    def first(self, group: Group) -> Numbers:
        """Before the first step of a tensor."""
        return (0.0,)

    def is_new(self, state: Mapping[str, Any]) -> bool:
        """Whether a state is yet to be made."""
        return not state

    def adopt(self, state: Mapping[str, Any], name: str) -> Numbers:
        """The numbers in a state."""
        for key in self.keys:
            if key not in state:
                raise ValueError(f"the state of {name} has no {key!r}; it holds {', '.join(map(str, state))}.")
        numbers = tuple(number(state[key], f"{key!r} in the state of {name}") for key in self.keys)
        if not (0 <= numbers[0] <= 2**53 and numbers[0].is_integer()):
            raise ValueError(
                f"{self.keys[0]!r} in the state of {name} must be a whole number, 0 or more steps; it is {numbers[0]}."
            )
        return numbers

    def fields(self, group: Group, now: Numbers) -> dict[str, tuple[str, float]]:
        """Fields of the rule that follow from the numbers, each with PyTorch's key."""
        return {}

    def done(self, now: Numbers) -> int:
        """The steps that the rule is told of."""
        return int(now[0])

    def after(self, group: Group, now: Numbers) -> Numbers:
        """After one more step."""
        return (now[0] + 1,)


class Started(Count):
    """Of SGD, which counts no steps: whether there was one, for the first gradient is not dampened."""

    keys = ()

    def is_new(self, state: Mapping[str, Any]) -> bool:
        return state.get("momentum_buffer") is None

    def adopt(self, state: Mapping[str, Any], name: str) -> Numbers:
        return (1.0,)


class Growing(Count):
    """Of NAdam: the product of all momenta so far."""

    keys = ("step", "mu_product")

    def first(self, group: Group) -> Numbers:
        return (0.0, 1.0)

    def fields(self, group: Group, now: Numbers) -> dict[str, tuple[str, float]]:
        return {"mu_product": ("mu_product", now[1])}

    def after(self, group: Group, now: Numbers) -> Numbers:
        t = now[0] + 1
        momentum = float(group["betas"][0]) * (1 - 0.5 * 0.96 ** (t * float(group["momentum_decay"])))
        return (t, now[1] * momentum)


class Averaging(Count):
    """Of ASGD: the rate `eta` and the share `mu` of the step to come, which follow from the settings of the one before.

    The rule takes them as they are: as its rate, with ``alpha`` 0, and as the ``t0`` that gives this share after so
    many steps.
    """

    keys = ("step", "eta", "mu")
    settings = ("lr", "alpha", "t0")

    def first(self, group: Group) -> Numbers:
        return (0.0, float(group["lr"]), 1.0)

    def fields(self, group: Group, now: Numbers) -> dict[str, tuple[str, float]]:
        _, eta, mu = now
        if not 2**-53 <= mu <= 1:
            raise ValueError(f"mu must be a number in (0, 1]; got {mu}.")
        return {"learning_rate": ("eta", eta), "alpha": ("alpha", 0.0), "t0": ("mu", self.done(now) - 1 / mu)}

    def done(self, now: Numbers) -> int:
        return ceil(1 / now[2])

    def after(self, group: Group, now: Numbers) -> Numbers:
        t, rate = now[0] + 1, float(group["lr"])
        eta = rate / (1 + float(group["lambd"]) * rate * t) ** float(group["alpha"])
        return (t, eta, 1 / max(1.0, t - float(group["t0"])))


def number(value: Any, name: str) -> float:
    """A number of a state, which PyTorch has as a tensor without axes."""
    if not isinstance(value, torch.Tensor):
        raise TypeError(f"{name} must be a tensor; it is {value!r}.")
    if value.shape != ():
        raise ValueError(f"{name} must have shape (); it has {tuple(value.shape)}.")
    check_stored(value, name)
    if value.is_complex():
        raise TypeError(f"{name} must be real; it is {value.dtype}.")
    found = float(value)
    if isnan(found):
        raise ValueError(f"{name} must be a number; it is nan.")
    return found
