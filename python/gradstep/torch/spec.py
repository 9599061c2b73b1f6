"""Specification of a class of `torch.optim`: rule, slots and settings in the compiled core."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from .. import _core
from .counters import Count

__all__ = ["Form", "Slot", "Spec"]

rule_words = cache(_core.rule)

FLAGS = ("maximize", "decoupled_weight_decay", "amsgrad", "nesterov", "centered")
IMPOSSIBLE = {
    "differentiable": "a step leaves no graph",
    "capturable": "it is for CUDA graphs, and steps are made on the CPU",
}


@dataclass(frozen=True)
class Form:
    """Settings of an optimizer of the compiled core that cannot change."""

    rule: str
    coupled_decay: bool
    maximize: bool

    def start(self) -> _core.Optimizer:
        """A new optimizer."""
        return _core.Optimizer(self.rule, {}, {"coupled_decay": self.coupled_decay, "maximize": self.maximize})


@dataclass(frozen=True)
class Slot:
    """State of the engine's rule: PyTorch's key for it, or None, and its shape."""

    name: str
    key: str | None
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Spec:
    """One class.

    Parameters
    ----------
    rule : callable
        The name of the engine's rule for the settings of a parameter group.
    fields : dict of str to str or tuple of str
        PyTorch's name of a setting: the rule's, or those that a tuple is for. A rule without a field does not take it.
    keys : dict of str to str
        The rule's name of a slot: PyTorch's key of the state.
    counter : Count
        The numbers in the state.
    decoupled : bool
        Whether weight decay is decoupled where the settings do not say.
    axes : int, optional
        How many axes a tensor must have.
    sparse : bool
        Whether sparse gradients are taken, as PyTorch's class takes them; as dense ones.
    """

    rule: Callable[[Mapping[str, Any]], str]
    fields: Mapping[str, str | tuple[str, ...]]
    keys: Mapping[str, str] = field(default_factory=dict)
    counter: Count = field(default_factory=Count)
    decoupled: bool = False
    axes: int | None = None
    sparse: bool = False

    def settings(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """The keys of a group that make form and values."""
        return tuple(key for key in (*self.fields, *self.counter.settings, *FLAGS, *IMPOSSIBLE) if key in group)

    def read(self, group: Mapping[str, Any], where: str) -> dict[str, Any]:
        """The settings of a group as plain numbers, tuples of numbers and bools, each checked to be that."""
        plain: dict[str, Any] = {}
        for key in self.settings(group):
            if key in FLAGS or key in IMPOSSIBLE:
                plain[key] = as_flag(group[key], f"{key} of {where}")
            elif isinstance(self.fields.get(key, ""), str):
                plain[key] = self.single(key, group[key], f"{key} of {where}")
            else:
                plain[key] = self.several(key, group[key], f"{key} of {where}")
        return plain

    def single(self, key: str, value: Any, label: str) -> float:
        """A setting as what the rule's field is given."""
        return as_float(value, label)

    def several(self, key: str, value: Any, label: str) -> tuple[float, ...]:
        """Fields of the core for a setting that stands for several."""
        count = len(self.fields[key])
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise TypeError(f"{label} must be a tuple of {count} numbers; got {value!r}.")
        if len(value) != count:
            raise ValueError(f"{label} must hold {count} numbers; it holds {len(value)}.")
        return tuple(as_float(each, f"{key}[{i}]{label.removeprefix(key)}") for i, each in enumerate(value))

    def form(self, plain: Mapping[str, Any]) -> Form:
        """The rule for settings that were read, with its flags checked."""
        for name, why in IMPOSSIBLE.items():
            if plain.get(name):
                raise ValueError(f"{name} must be False: {why}.")
        decoupled = plain.get("decoupled_weight_decay", self.decoupled)
        return Form(self.rule(plain), not decoupled, plain.get("maximize", False))

    def values(self, plain: Mapping[str, Any], rule: str) -> Iterator[tuple[str, str, float]]:
        """The rule's fields, PyTorch's names for them (``betas[0]``), and their values in settings that were read."""
        described = rule_words(rule)
        known = {each[0] for kind in ("fields", "common") for each in described[kind]}
        for key, one_or_more in self.fields.items():
            if isinstance(one_or_more, str):
                given = [(one_or_more, key, plain[key])]
            else:
                given = [(name, f"{key}[{i}]", plain[key][i]) for i, name in enumerate(one_or_more)]
            yield from (each for each in given if each[0] in known)

    def slots(self, rule: str, shape: tuple[int, ...]) -> list[Slot]:
        """The state of a tensor of this shape, in the order of the rule's slots."""
        return [Slot(name, self.keys[name], shape) for name in rule_words(rule)["slots"]]


def as_flag(value: Any, name: str) -> bool:
    """Whether a setting is switched on."""
    try:
        return bool(value)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"{name} must be a bool; got {value!r}.") from None


def as_float(value: Any, name: str) -> float:
    """A number, or a tensor or array that holds one."""
    if not isinstance(value, (str, bytes)):
        try:
            return float(value)
        except (TypeError, ValueError, RuntimeError, OverflowError):
            pass
    raise TypeError(f"{name} must be a number; got {value!r}.")
