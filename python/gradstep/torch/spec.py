"""How a class of `torch.optim` is said in the words of the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import _core
from .counters import Count

__all__ = ["Form", "Spec"]

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
class Spec:
    """One class.

    Parameters
    ----------
    rule : callable
        The name of the engine's rule for the settings of a parameter group.
    fields : dict of str to str or tuple of str
        PyTorch's name of a setting: the rule's, or the two that a pair is for. A rule without a field does not take it.
    slots : dict of str to str
        The rule's name of a slot: PyTorch's key of the state.
    counter : Count
        The numbers in the state.
    decoupled : bool
        Whether weight decay is decoupled where the settings do not say.
    """

    rule: Callable[[Mapping[str, Any]], str]
    fields: Mapping[str, str | tuple[str, ...]]
    slots: Mapping[str, str]
    counter: Count = field(default_factory=Count)
    decoupled: bool = False

    def settings(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """The keys of a group that make form and values."""
        return tuple(key for key in (*self.fields, *FLAGS, *IMPOSSIBLE) if key in group)

    def form(self, group: Mapping[str, Any]) -> Form:
        """The rule for a group, with its flags checked."""
        for name, why in IMPOSSIBLE.items():
            if group.get(name):
                raise ValueError(f"{name} must be False: {why}.")
        decoupled = bool(group.get("decoupled_weight_decay", self.decoupled))
        return Form(self.rule(group), not decoupled, bool(group["maximize"]))

    def values(self, group: Mapping[str, Any], rule: str) -> Iterator[tuple[str, float]]:
        """The rule's fields and their values in a group."""
        known = {each[0] for kind in ("fields", "common") for each in _core.rules()[rule][kind]}
        for key, names in self.fields.items():
            pairs = [(names, group[key])] if isinstance(names, str) else zip(names, group[key], strict=True)
            yield from ((name, float(value)) for name, value in pairs if name in known)
