"""A parameter group as the engine has it: an optimizer with the group's settings."""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

import torch

from .counters import Numbers
from .spec import Form, Spec

__all__ = ["Settings"]


class Settings:
    """Settings of a group in the compiled core, updated when they change.

    Parameters
    ----------
    spec : Spec
        What the optimizer's class is in the engine.
    group : dict
        One of `param_groups`.
    number : int
        The group's place among them.

    Raises
    ------
    TypeError, ValueError
        A setting is no number, outside its bounds, or cannot be had. The error has PyTorch's name of it.
    """

    def __init__(self, spec: Spec, group: Mapping[str, Any], number: int) -> None:
        self._spec, self._where = spec, f"param_groups[{number}]"
        self._known = itemgetter(*spec.settings(group))
        plain, self._form = self._read(group)
        self.core = self._form.start()
        self._now: Any = None  # the settings that the engine has
        self._set(group, plain)

    def follow(self, group: Mapping[str, Any]) -> bool:
        """Hand changed settings to the engine; False if they need another rule."""
        now = self._known(group)
        if self._now is not None and all(map(is_constant, now)) and now == self._now:
            return True
        plain, form = self._read(group)
        if form != self._form:
            return False
        self._set(group, plain)
        return True

    def count(self, group: Mapping[str, Any], now: Numbers) -> None:
        """Hand what follows from the numbers of some tensors to the engine."""
        for field, (key, value) in self._spec.counter.fields(group, now).items():
            self._put(field, value, f"{key} in the state of tensors in {self._where}")

    def slots(self, shape: tuple[int, ...]) -> list[tuple[str | None, tuple[int, ...]]]:
        """PyTorch's key and the shape of every slot of the rule, for a tensor of this shape."""
        return [(slot.key, slot.shape) for slot in self._spec.slots(self._form.rule, tuple(shape))]

    def fresh(self, group: Mapping[str, Any], shape: tuple[int, ...], dtype: Any) -> dict[str, Any]:
        """The state of a tensor before its first step; its numbers come first."""
        # PyTorch counts in its default dtype, fused in float32.
        wide = torch.get_default_dtype() == torch.float64 and not group.get("fused")
        counter = self._spec.counter
        numbers = zip(counter.keys, counter.first(group), strict=False)
        state = {key: torch.tensor(n, dtype=torch.float64 if wide else torch.float32) for key, n in numbers}
        starts = self.core.starts()
        for slot in self._spec.slots(self._form.rule, shape):
            if slot.key is not None:
                state[slot.key] = torch.full(slot.shape, starts[slot.name], dtype=dtype)
        return state

    def _read(self, group: Mapping[str, Any]) -> tuple[dict[str, Any], Form]:
        plain = self._spec.read(group, self._where)
        try:
            return plain, self._spec.form(plain)
        except ValueError as error:
            raise ValueError(f"{self._where}: {error}") from None

    def _set(self, group: Mapping[str, Any], plain: Mapping[str, Any]) -> None:
        self._now = None  # until all is well
        for field, label, value in self._spec.values(plain, self._form.rule):
            self._put(field, value, f"{label} of {self._where}")
        now = self._known(group)
        # A tensor or list may change and still be the same object.
        self._now = now if all(map(is_constant, now)) else None

    def _put(self, field: str, value: float, label: str) -> None:
        try:
            self.core.set(field, value)
        except ValueError as error:
            raise ValueError(f"{label}{str(error).removeprefix(field)}") from None


def is_constant(value: Any) -> bool:
    """Whether a setting that is the same object is the same value."""
    return (
        value is None
        or type(value) in (float, int, bool, str)
        or (type(value) is tuple and all(map(is_constant, value)))
    )
