"""Base class of the schedules: a value for every step, of the learning rate or another hyperparameter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, overload

import numpy as np

from ...checks import check_config, check_float, describe, shown
from ...references import is_ours, reference_to

__all__ = ["Called", "Classes", "LearningRateSchedule", "as_rate", "serialize", "values_ahead", "values_of"]

Self = TypeVar("Self", bound="LearningRateSchedule")


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
        return cls(**check_config(config))

    def _by_reference(self) -> bool:
        """Whether a pickle of an optimizer holds the schedule itself, and not its class and arguments."""
        return not is_ours(type(self))

    def _ahead(self) -> int:
        """How many steps may be asked for at a time when only one is to be taken."""
        return 1


class Called(LearningRateSchedule):
    """A learning rate that is a function without arguments, as in Keras: asked for each step, in `fit` ahead of it."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self.function = function

    def __call__(self, step: Any) -> Any:
        return check_float("learning_rate()", _plain(self.function()))

    def __repr__(self) -> str:
        return repr(self.function)

    def _by_reference(self) -> bool:
        return True

    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError(
            "learning_rate is a function, which cannot be saved: make a LearningRateSchedule with get_config() of it."
        )


def as_rate(field: str, value: Any) -> Any:
    """A function in the place of a learning rate as a schedule; whatever else is left as it is."""
    is_function = callable(value) and not isinstance(value, (LearningRateSchedule, type))
    return Called(value) if field == "learning_rate" and is_function else value


def _plain(value: Any) -> Any:
    """A number that came as an array of one, as a number."""
    return value.item() if isinstance(value, np.ndarray) and value.size == 1 else value


def _step_numbers(step: Any) -> np.ndarray:
    """Step numbers as int64, of any shape; as float64, if one is a fraction: Keras takes those too."""
    steps = np.asarray(step)
    if steps.size == 0 and not isinstance(step, np.ndarray):
        steps = steps.astype(np.int64)
    if steps.dtype.kind not in "iuf":
        raise TypeError(f"step must be a real number or an array of them; got {shown(step)}.")
    if steps.dtype.kind == "f":
        if not np.isfinite(steps).all():
            raise ValueError(f"step must be finite; got {step!r}.")
        steps = steps.astype(np.float64, copy=False)
    if steps.dtype.kind != "f" or (steps == np.floor(steps)).all():
        steps = steps.astype(np.int64, copy=False)
    if steps.size and steps.min() < 0:
        raise ValueError(f"step must be at least 0; got {steps.min()}.")
    return steps


def values_of(schedule: LearningRateSchedule, steps: np.ndarray) -> np.ndarray:
    """The values of any schedule, whichever of the two ways it is defined."""
    kind = type(schedule)
    if kind.__call__ is not LearningRateSchedule.__call__:
        name = f"{kind.__name__}(step)"
        return np.array([check_float(name, _plain(schedule(step.item()))) for step in steps], np.float64)
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


def serialize(schedule: LearningRateSchedule) -> dict[str, Any]:
    """``{"class_name": ..., "config": ...}``, which `deserialize` turns back into an equal schedule.

    Raises
    ------
    TypeError
        Not a schedule.
    NotImplementedError
        The schedule is, or holds, one without `get_config`.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.optimizers.schedules.serialize(gs.optimizers.schedules.Constant(0.1))
    {'class_name': 'Constant', 'config': {'learning_rate': 0.1}}
    """
    if not isinstance(schedule, LearningRateSchedule):
        raise TypeError(f"schedule must be a LearningRateSchedule; got {describe(schedule)}.")
    reference = reference_to(schedule) if schedule._by_reference() else None
    if reference is not None:
        return {"class_name": reference, "config": {}}
    return {"class_name": type(schedule).__name__, "config": schedule.get_config()}


Classes = Mapping[str, type[LearningRateSchedule]]
