"""The schedules of this package: frozen dataclasses, and checks of their arguments.

Apart from `base`, which every optimizer needs: making dataclasses takes as long as all else in ``import gradstep``.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from ...checks import check_float, describe, shown
from .base import LearningRateSchedule, serialize

__all__ = ["Formula", "as_schedule", "number", "rising", "sequence"]

Self = TypeVar("Self", bound="Formula")

# Steps that are made at a time outside `fit`: enough to hide NumPy's call overhead, microseconds of work.
BLOCK = 256


class Formula(LearningRateSchedule):
    """A schedule of this package: a frozen dataclass with its formula in `rates`."""

    def __post_init__(self) -> None:
        name = getattr(self, "name", "")
        if not isinstance(name, str):
            raise TypeError(f"name must be a str; got {describe(name)}.")
        self._check()

    def _check(self) -> None:
        """Check the arguments, and keep them with `_set`."""
        raise NotImplementedError

    def _arguments(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}  # type: ignore[arg-type]

    def _set(self, **values: Any) -> None:
        """Keep arguments as they are after their checks."""
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        shown = {name: value for name, value in self._arguments().items() if name != "name"}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal schedule: numbers, strings, lists and dicts only."""
        return {name: _config(value) for name, value in self._arguments().items()}

    @classmethod
    def from_config(cls: type[Self], config: Mapping[str, Any]) -> Self:
        from .registry import revive

        return super().from_config(revive(config))

    def _ahead(self) -> int:
        # Nobody can change it, so steps can be made ahead; what a subclass of the user's does is not known.
        if not type(self).__module__.startswith(f"{__package__}."):
            return 1
        inner = [part for value in self._arguments().values() for part in _parts(value)]
        return min([BLOCK, *(part._ahead() for part in inner)])


def _parts(value: Any) -> tuple[LearningRateSchedule, ...]:
    members = value if isinstance(value, tuple) else (value,)
    return tuple(member for member in members if isinstance(member, LearningRateSchedule))


def _config(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_config(member) for member in value]
    return serialize(value) if isinstance(value, LearningRateSchedule) else value


def number(name: str, value: Any, low: float = 0.0, *, high: float = math.inf, above: bool = False) -> float:
    """A finite number of at least `low` (past it, with `above`) and at most `high`; an int stays one."""
    found = check_float(name, value)
    fits = (found > low if above else found >= low) and found <= high and math.isfinite(found)
    if not fits:
        bounds = [f"{'above' if above else 'at least'} {low:g}"] if math.isfinite(low) else []
        bounds.append(f"at most {high:g}" if math.isfinite(high) else "finite")
        raise ValueError(f"{name} must be {' and '.join(bounds)}; got {value!r}.")
    return int(value) if isinstance(value, (int, np.integer)) else found


def as_schedule(name: str, value: Any) -> LearningRateSchedule:
    """A schedule as an argument of another."""
    if not isinstance(value, LearningRateSchedule):
        raise TypeError(f"{name} must be a LearningRateSchedule; got {shown(value)}.")
    return value


def sequence(name: str, value: Any) -> Sequence[Any]:
    """A list, tuple or array as an argument."""
    if isinstance(value, np.ndarray) and value.ndim == 1:
        return list(value.tolist())
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"{name} must be a list; got {describe(value)}.")
    return value


def rising(name: str, value: Any, low: float = 0.0) -> tuple[float, ...]:
    """Steps in rising order, at which something changes."""
    steps = tuple(number(f"{name}[{i}]", step, low) for i, step in enumerate(sequence(name, value)))
    for i in range(1, len(steps)):
        if steps[i] <= steps[i - 1]:
            raise ValueError(f"{name} must rise; {name}[{i - 1}] is {steps[i - 1]} and {name}[{i}] is {steps[i]}.")
    return steps
