"""The numbers that PyTorch keeps for every tensor beside its state of the tensor's shape: above all its own step."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

__all__ = ["Averaging", "Count", "Growing", "Started"]

Group = Mapping[str, Any]  # of an optimizer's param_groups
Numbers = tuple[float, ...]  # one for each of `keys`; the first is the steps done


class Count:
    """The number of steps of a tensor, which is less than that of others if some of its gradients were None."""

    keys: tuple[str, ...] = ("step",)
    shown = True  # in the state

    def first(self, group: Group) -> Numbers:
        """Before the first step of a tensor."""
        return (0.0,)

    def adopt(self, state: Mapping[str, Any], name: str) -> Numbers:
        """From a state that PyTorch or an earlier run left."""
        for key in self.keys:
            if key not in state:
                raise ValueError(f"the state of {name} has no {key!r}; it holds {', '.join(state)}.")
        numbers = tuple(number(state[key], f"{key!r} in the state of {name}") for key in self.keys)
        if not 0 <= numbers[0] < inf:
            raise ValueError(f"{self.keys[0]!r} in the state of {name} must be 0 or more steps; it is {numbers[0]}.")
        return numbers

    def fields(self, group: Group, now: Numbers) -> dict[str, float]:
        """Fields of the rule that follow from the numbers."""
        return {}

    def after(self, group: Group, now: Numbers) -> Numbers:
        """After one more step."""
        return (now[0] + 1,)


class Started(Count):
    """Of SGD, which counts no steps: whether there was one, for the first gradient is not dampened."""

    shown = False

    def adopt(self, state: Mapping[str, Any], name: str) -> Numbers:
        return (0.0 if state.get("momentum_buffer") is None else 1.0,)

    def after(self, group: Group, now: Numbers) -> Numbers:
        return (1.0,)


class Growing(Count):
    """Of NAdam: the product of all momenta. The rule makes it from the step; this is for PyTorch to go on from."""

    keys = ("step", "mu_product")

    def first(self, group: Group) -> Numbers:
        return (0.0, 1.0)

    def after(self, group: Group, now: Numbers) -> Numbers:
        t = now[0] + 1
        momentum = float(group["betas"][0]) * (1 - 0.5 * 0.96 ** (t * float(group["momentum_decay"])))
        return (t, now[1] * momentum)


class Averaging(Count):
    """Of ASGD: the rate `eta` and the share `mu` of the step to come, which follow from the settings of the one before.

    The rule takes them as they are: as its rate, with ``alpha`` 0, and as the ``t0`` that gives this share.
    """

    keys = ("step", "eta", "mu")

    def first(self, group: Group) -> Numbers:
        return (0.0, float(group["lr"]), 1.0)

    def fields(self, group: Group, now: Numbers) -> dict[str, float]:
        done, eta, mu = now
        return {"learning_rate": eta, "alpha": 0.0, "t0": max(0.0, done - 1 / mu)}

    def after(self, group: Group, now: Numbers) -> Numbers:
        t, rate = now[0] + 1, float(group["lr"])
        eta = rate / (1 + float(group["lambd"]) * rate * t) ** float(group["alpha"])
        return (t, eta, 1 / max(1.0, t - float(group["t0"])))


def number(value: Any, name: str) -> float:
    """A number of a state, which PyTorch has as a tensor without axes."""
    if getattr(value, "shape", ()) != ():
        raise ValueError(f"{name} must have shape (); it has {tuple(value.shape)}.")
    return float(value)
