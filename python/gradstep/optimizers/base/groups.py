"""Parameter groups: arrays with separate hyperparameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ...checks import check_float, describe, is_array, is_sequence
from ...hints import closest
from ..schedules.base import LearningRateSchedule, as_rate, values_ahead
from .options import CLIPS, COMMON, DEFAULTS

if TYPE_CHECKING:
    from .hyperparameters import Configured

__all__ = ["Group", "check_clips", "is_groups", "number", "settings", "shown"]


class Group(Mapping[str, Any]):
    """A group of arrays of an optimizer: its hyperparameters by name. Setting one makes it the group's own.

    Made by `Optimizer.bind`; `Optimizer.groups` lists them. What is not a group's own is the optimizer's, also when
    that changes later.
    """

    def __init__(self, optimizer: Configured, index: int) -> None:
        self._optimizer = optimizer
        self._index = index

    def __getitem__(self, name: str) -> Any:
        self._check(name)
        if self._index == 0 or not self._optimizer._core.is_own(name, self._index):
            return shown(name, self._optimizer._get(name))
        schedule = self._optimizer._group_schedules.get((self._index, name))
        if schedule is not None:
            return float(schedule(self._optimizer.iterations))
        return shown(name, self._optimizer._core.get(name, self._index))

    def __setitem__(self, name: str, value: float | LearningRateSchedule | None) -> None:
        self._check(name)
        value = as_rate(name, value)
        if self._index == 0:
            self._optimizer._set(name, number(name, value))
            return
        if name == "global_clipnorm":
            raise ValueError(f"a group cannot have its own {name}: it applies to all gradients together.")
        check_clips(self._optimizer, name, value, self._index)
        core = self._optimizer._core
        if isinstance(value, LearningRateSchedule):
            core.schedule(name, partial(values_ahead, value), self._index)
            self._optimizer._group_schedules[self._index, name] = value
        elif (self._index, name) in self._optimizer._group_schedules:
            raise TypeError(f"{name} of this group follows a schedule and takes another one only; got {value!r}.")
        else:
            core.set(name, number(name, value), self._index)

    def __iter__(self) -> Iterator[str]:
        return iter(self._optimizer._all_fields())

    def __len__(self) -> int:
        return len(self._optimizer._all_fields())

    def __repr__(self) -> str:
        own = {name: self[name] for name in self if self._optimizer._core.is_own(name, self._index)}
        return f"Group({own})"

    def _check(self, name: str) -> None:
        fields = self._optimizer._all_fields()
        if name not in fields:
            raise KeyError(f"{type(self._optimizer).__name__} has no hyperparameter {name!r}.{closest(name, fields)}")


# What stands for None in the engine.
NEUTRAL = {
    "weight_decay": 0.0,
    "clipnorm": float("inf"),
    "clipvalue": float("inf"),
    "global_clipnorm": float("inf"),
    "loss_scale_factor": 1.0,
}


def shown(name: str, value: float) -> float | None:
    """A hyperparameter's number as users see it."""
    return None if NEUTRAL.get(name) == value else value


def number(name: str, value: Any) -> Any:
    """A hyperparameter's number as the engine has it; a schedule is left as it is."""
    if isinstance(value, LearningRateSchedule):
        return value
    return NEUTRAL[name] if value is None and name in NEUTRAL else check_float(name, value)


def check_clips(optimizer: Configured, name: str, value: Any, group: int) -> None:
    """Refuse a second clip: in this group, or in one that has its `name` from this one."""
    if name not in CLIPS or value is None or value == NEUTRAL[name]:
        return
    for index in range(optimizer._core.groups):
        if index != group and (group != 0 or optimizer._core.is_own(name, index)):
            continue
        for other in CLIPS:
            if other != name and Group(optimizer, index)[other] is not None:
                where = f" in groups[{index}]" if index else ""
                raise ValueError(f"only one of {', '.join(CLIPS)} may be set; set {other} to None{where} first.")


def is_groups(params: Any) -> bool:
    """Whether this is a list of groups, ``[{"params": ..., "learning_rate": ...}, ...]``."""
    return (
        isinstance(params, (list, tuple))
        and len(params) > 0
        and all(isinstance(group, Mapping) and "params" in group and _is_settings(group) for group in params)
    )


def _is_settings(group: Mapping[Any, Any]) -> bool:
    others = [value for key, value in group.items() if key != "params" and not isinstance(value, np.generic)]
    return not any(is_array(value) or is_sequence(value) for value in others)


def settings(optimizer: Configured, group: Mapping[str, Any], label: str) -> dict[str, Any]:
    """The hyperparameters of a group, their names checked."""
    fields = optimizer._all_fields()
    for name in group:
        if name != "params" and name not in fields:
            fixed = " It holds for all groups." if name in DEFAULTS and name not in COMMON else closest(name, fields)
            raise ValueError(
                f"groups{label} has the key {name!r}, not a hyperparameter of {type(optimizer).__name__}.{fixed}"
            )
    if "global_clipnorm" in group:
        raise ValueError(f"groups{label} cannot have its own global_clipnorm: it applies to all gradients together.")
    for name, value in group.items():
        if isinstance(value, Mapping):
            raise TypeError(f"groups{label}[{name!r}] must be a number or a schedule; got {describe(value)}.")
    own = [(name, value) for name, value in group.items() if name != "params"]
    return dict(sorted(own, key=lambda item: item[1] is not None))  # a clip is taken off before another is put on
