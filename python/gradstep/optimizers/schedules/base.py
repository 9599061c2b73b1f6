"""What a schedule is: a value for every step. Most give a learning rate; any hyperparameter may have one."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, overload

import numpy as np

from ..arguments import real
from ..arrays import describe

__all__ = [
    "Formula",
    "LearningRateSchedule",
    "as_schedule",
    "number",
    "rising",
    "sequence",
    "values_ahead",
    "values_of",
]

Self = TypeVar("Self", bound="LearningRateSchedule")

# Steps that are made at a time outside `fit`: enough to hide NumPy's call overhead, microseconds of work.
BLOCK = 256


class LearningRateSchedule:
    """Base of the schedules, to be subclassed: a learning rate, or another hyperparameter, as a function of the step.

    A subclass defines ``__call__(step)``, which gives the value of one step, or `rates`, which gives those of many at
    once; with both, the first counts. Steps count from 0, as in Keras: the optimizer's `iterations` before the step.

    Notes
    -----
    The value must follow from the step number alone: `fit` asks for those of an epoch before the epoch begins, and a
    resumed run asks again for those it had. A value that is negative, NaN, infinite or otherwise out of the
    hyperparameter's bounds is an error of the step it is for, before that step, in `fit` before that epoch, changes
    anything.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> class Harmonic(gs.optimizers.schedules.LearningRateSchedule):
    ...     def __init__(self, start):
    ...         self.start = start
    ...     def __call__(self, step):
    ...         return self.start / (step + 1)
    >>> optimizer, w = gs.optimizers.SGD(Harmonic(0.5)), np.ones(1)
    >>> for _ in range(2):
    ...     optimizer.step(w, np.ones(1))
    ...     print(w[0])
    0.5
    0.25
    """

    @overload
    def __call__(self, step: int) -> float: ...
    @overload
    def __call__(self, step: np.ndarray) -> np.ndarray: ...
    def __call__(self, step: Any) -> Any:
        """The value of a step, or of an array of them.

        Parameters
        ----------
        step : int, or array_like of int
            Steps taken before; at least 0.

        Returns
        -------
        float, or ndarray of float64
            Of the shape of `step`; the same bits whichever way a step is asked for.
        """
        steps = _step_numbers(step)
        with np.errstate(all="ignore"):  # what cannot be used is refused at its step
            values = _from_rates(self, steps.reshape(-1)).reshape(steps.shape)
        return float(values) if steps.ndim == 0 else values

    def rates(self, steps: np.ndarray) -> np.ndarray:
        """The values of many steps.

        Parameters
        ----------
        steps : ndarray of int64, shape (n,)
            At least 0.

        Returns
        -------
        ndarray of float64, shape (n,)
        """
        raise NotImplementedError(f"{type(self).__name__} must define __call__(step) or rates(steps).")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal schedule: numbers, strings, lists and dicts only.

        Raises
        ------
        NotImplementedError
            A subclass does not say.
        """
        raise NotImplementedError(f"{type(self).__name__} must define get_config() to be saved.")

    @classmethod
    def from_config(cls: type[Self], config: Mapping[str, Any]) -> Self:
        """A schedule from the dict that `get_config` gives.

        Raises
        ------
        TypeError, ValueError
            As the class itself does for these arguments.
        """
        if not isinstance(config, Mapping):
            raise TypeError(f"config must be a dict, as get_config() gives; got {describe(config)}.")
        return cls(**config)

    def _ahead(self) -> int:
        """How many steps may be asked for at a time when only one is to be taken."""
        return 1


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
    if isinstance(value, LearningRateSchedule):
        return {"class_name": type(value).__name__, "config": value.get_config()}
    return value


def _plain(value: Any) -> Any:
    """A number that came as an array of one, as a number."""
    return value.item() if isinstance(value, np.ndarray) and value.size == 1 else value


def _step_numbers(step: Any) -> np.ndarray:
    """Step numbers as int64, of any shape."""
    steps = np.asarray(step)
    if steps.size == 0 and not isinstance(step, np.ndarray):
        steps = steps.astype(np.int64)
    if steps.dtype.kind not in "iu":
        raise TypeError(f"step must be a whole number (int) or an array of them; got {step!r}, {describe(step)}.")
    steps = steps.astype(np.int64, copy=False)
    if steps.size and steps.min() < 0:
        raise ValueError(f"step must be at least 0; got {steps.min()}.")
    return steps


def values_of(schedule: LearningRateSchedule, steps: np.ndarray) -> np.ndarray:
    """The values of any schedule, whichever of the two ways it is defined."""
    kind = type(schedule)
    if kind.__call__ is not LearningRateSchedule.__call__:
        name = f"{kind.__name__}(step)"
        return np.array([real(name, _plain(schedule(int(step)))) for step in steps], np.float64)
    return _from_rates(schedule, steps)


def _from_rates(schedule: LearningRateSchedule, steps: np.ndarray) -> np.ndarray:
    values = np.asarray(schedule.rates(steps), np.float64)
    if values.shape != steps.shape:
        raise ValueError(
            f"{type(schedule).__name__}.rates must give shape {steps.shape}, as the steps; got {values.shape}."
        )
    return values


def values_ahead(schedule: LearningRateSchedule, first: int, count: int) -> np.ndarray:
    """Values for at least `count` steps from step `first` on, as the engine takes them."""
    with np.errstate(all="ignore"):
        return values_of(schedule, np.arange(first, first + max(count, schedule._ahead())))


def number(name: str, value: Any, low: float = 0.0, *, high: float = math.inf, above: bool = False) -> float:
    """A finite number of at least `low` (past it, with `above`) and at most `high`; an int stays one."""
    found = real(name, value)
    fits = (found > low if above else found >= low) and found <= high and math.isfinite(found)
    if not fits:
        bounds = f"{'above' if above else 'at least'} {low:g}"
        bounds += f" and at most {high:g}" if math.isfinite(high) else " and finite"
        raise ValueError(f"{name} must be {bounds}; got {value!r}.")
    return int(value) if isinstance(value, (int, np.integer)) else found


def as_schedule(name: str, value: Any) -> LearningRateSchedule:
    """A schedule as an argument of another."""
    if not isinstance(value, LearningRateSchedule):
        raise TypeError(f"{name} must be a LearningRateSchedule; got {value!r}, {describe(value)}.")
    return value


def sequence(name: str, value: Any) -> Sequence[Any]:
    """A list, tuple or array as an argument."""
    if isinstance(value, np.ndarray) and value.ndim == 1:
        return list(value.tolist())
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"{name} must be a list; got {describe(value)}.")
    return value


def rising(name: str, value: Any) -> tuple[float, ...]:
    """Steps in rising order, at which something changes."""
    steps = tuple(number(f"{name}[{i}]", step) for i, step in enumerate(sequence(name, value)))
    for i in range(1, len(steps)):
        if steps[i] <= steps[i - 1]:
            raise ValueError(f"{name} must rise; {name}[{i - 1}] is {steps[i - 1]} and {name}[{i}] is {steps[i]}.")
    return steps
