"""The two published forms of a rule: Keras's and PyTorch's."""

from __future__ import annotations

from typing import Any

from ...checks import check_float, describe
from .hyperparameters import Configured

__all__ = ["DialectOptions", "PerArraySteps", "must_stay", "rule_name"]

PREFIX = {"keras": "", "torch": "Torch"}  # of a rule's name


def rule_name(rule: str, dialect: str) -> str:
    """The rule in a dialect."""
    if not isinstance(dialect, str):
        raise TypeError(f"dialect must be a str; got {describe(dialect)}.")
    if dialect not in PREFIX:
        raise ValueError(f"dialect must be {' or '.join(map(repr, PREFIX))}; got {dialect!r}.")
    return PREFIX[dialect] + rule


def must_stay(name: str, value: Any, absent: float, where: str) -> None:
    """Refuse an argument that the chosen rule does not have, unless it is the number that the rule stands for."""
    if check_float(name, value) != absent:
        raise ValueError(f"{name} must be {absent:g} {where}; got {value}.")


class PerArraySteps(Configured):
    """Mixin, before `Optimizer` among the bases, of rules that only PyTorch has: each array counts its steps."""

    def _engine_options(self, rule: str) -> dict[str, Any]:
        return {**super()._engine_options(rule), "own_steps": True}


class DialectOptions(Configured):
    """Mixin, before `Optimizer` among the bases, of classes with the argument `dialect`."""

    @property
    def dialect(self) -> str:
        """The library whose form of the rule is used: ``"keras"`` or ``"torch"``."""
        return "torch" if self._core.rule.startswith(PREFIX["torch"]) else "keras"

    def _engine_options(self, rule: str) -> dict[str, Any]:
        # PyTorch's weight_decay joins the gradient, and each of its tensors counts its own steps.
        is_torch = rule.startswith(PREFIX["torch"])
        return {**super()._engine_options(rule), "coupled_decay": is_torch, "own_steps": is_torch}

    def _arguments(self) -> dict[str, Any]:
        own = super()._arguments()
        return own if self.dialect == "keras" else {**own, "dialect": self.dialect}
