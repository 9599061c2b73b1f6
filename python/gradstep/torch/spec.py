"""How a class of `torch.optim` is said in the words of the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import _core
from .counters import Count

__all__ = ["Form", "Kept", "Spec"]

FLAGS = ("maximize", "decoupled_weight_decay", "amsgrad", "nesterov", "centered")
IMPOSSIBLE = {
    "differentiable": "a step leaves no graph",
    "capturable": "it is for CUDA graphs, and steps are made on the CPU",
}


@dataclass(frozen=True)
class Form:
    """What holds for good in an optimizer of the engine."""

    rule: str
    coupled_decay: bool
    maximize: bool

    def start(self) -> _core.Optimizer:
        """A new optimizer."""
        return _core.Optimizer(self.rule, {}, {"coupled_decay": self.coupled_decay, "maximize": self.maximize})


@dataclass(frozen=True)
class Kept:
    """Where PyTorch's state has a slot of the engine: under which key, and with which axis of length 1 more."""

    key: str
    axis: int | None = None


@dataclass(frozen=True)
class Spec:
    """One class.

    Parameters
    ----------
    rule : callable
        The name of the engine's rule for the settings of a parameter group.
    fields : dict of str to str or tuple of str
        PyTorch's name of a setting: the rule's, or those that a tuple is for. A rule without a field does not take it.
    slots : dict of str to str
        The rule's name of a slot: PyTorch's key of the state.
    counter : Count
        The numbers in the state.
    decoupled : bool
        Whether weight decay is decoupled where the settings do not say.
    axes : int, optional
        How many axes a tensor must have.
    """

    rule: Callable[[Mapping[str, Any]], str]
    fields: Mapping[str, str | tuple[str, ...]]
    slots: Mapping[str, str] = field(default_factory=dict)
    counter: Count = field(default_factory=Count)
    decoupled: bool = False
    axes: int | None = None

    def settings(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """The keys of a group that make form and values."""
        return tuple(key for key in (*self.fields, *FLAGS, *IMPOSSIBLE) if key in group)

    def form(self, group: Mapping[str, Any]) -> Form:
        """The rule for a group, with its flags checked."""
        for name, why in IMPOSSIBLE.items():
            if group.get(name):
                raise ValueError(f"{name} must be False: {why}.")
        decoupled = bool(group.get("decoupled_weight_decay", self.decoupled))
        return Form(self.rule(group), not decoupled, bool(group.get("maximize", False)))

    def values(self, group: Mapping[str, Any], rule: str) -> Iterator[tuple[str, float]]:
        """The rule's fields and their values in a group."""
        known = {each[0] for kind in ("fields", "common") for each in _core.rules()[rule][kind]}
        for key, one_or_more in self.fields.items():
            names = (one_or_more,) if isinstance(one_or_more, str) else one_or_more
            numbers = self.numbers(key, group[key])
            if len(numbers) != len(names):
                raise ValueError(f"{key} must hold {len(names)} numbers; it holds {len(numbers)}.")
            yield from ((name, float(value)) for name, value in zip(names, numbers, strict=True) if name in known)

    def numbers(self, key: str, value: Any) -> Sequence[Any]:
        """What the fields of a setting are given, one each."""
        return (value,) if isinstance(self.fields[key], str) else value

    def kept(self, rule: str, axes: int) -> dict[str, Kept]:
        """The slots that PyTorch has of a tensor with so many axes."""
        return {slot: Kept(self.slots[slot]) for slot in _core.rules()[rule]["slots"]}
