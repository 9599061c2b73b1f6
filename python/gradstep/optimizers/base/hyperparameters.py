"""A rule with its numbers: hyperparameters, options, config."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from typing import Any, TypeVar

import numpy as np

from ... import _core
from ...checks import check_config, check_float, describe
from ...hints import no_attribute, renamed
from ...seeds import fresh_key, word
from ..schedules.base import Classes, LearningRateSchedule, as_rate, values_ahead
from ..schedules.base import serialize as serialize_schedule
from .defaults import Default
from .groups import check_clips, number, shown
from .options import COMMON, DEFAULTS, describe_options, parse

__all__ = ["CommonHyperparameter", "Configured", "Hyperparameter", "fields_of"]

# Names of optimizers in PyTorch and Keras, and what is here in their place.
ELSEWHERE = {
    "add_param_group": 'bind([{"params": ..., "learning_rate": ...}]) makes groups.',
    "defaults": "get_config() gives the hyperparameters.",
    "get_weights": "state_dict() is in its place.",
    "minimize": "gradstep.minimize descends a function, step(params, grads) takes a step.",
    "param_groups": "groups has them, each with its hyperparameters.",
    "set_weights": "load_state_dict() is in its place.",
    "state": "state_dict() and variables have it.",
    "zero_grad": "gradients are arguments of step(params, grads), and none is kept.",
}

Self = TypeVar("Self", bound="Configured")


class Hyperparameter:
    """A field of the update rule as an attribute: ``opt.beta_1 = 0.8`` is checked, and holds from the next step.

    With a schedule it reads as the value of the next step. `absent` is the value that a rule without this field stands
    for. Another one would be another rule, with other state: an optimizer made at `absent` stays there.
    """

    def __init__(self, absent: float | None = None) -> None:
        self.absent = absent

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, optimizer: Any, owner: type | None = None) -> Any:
        if optimizer is None:
            return self
        return self.absent if self._is_absent(optimizer) else optimizer._get(self.name)

    def __set__(self, optimizer: Configured, value: float | LearningRateSchedule) -> None:
        if not self._is_absent(optimizer):
            optimizer._set(self.name, value)
        elif isinstance(value, LearningRateSchedule) or check_float(self.name, value) != self.absent:
            kind = type(optimizer).__name__
            raise ValueError(
                f"{self.name} must stay {self.absent:g} in an {kind} made without it; got {value}. Make a new {kind}."
            )

    def _is_absent(self, optimizer: Configured) -> bool:
        return self.absent is not None and self.name not in optimizer._all_fields()


class CommonHyperparameter(Hyperparameter):
    """A hyperparameter that every optimizer has; None where it does nothing."""

    def __get__(self, optimizer: Any, owner: type | None = None) -> Any:
        value = super().__get__(optimizer, owner)
        return value if optimizer is None else shown(self.name, value)

    def __set__(self, optimizer: Configured, value: float | LearningRateSchedule | None) -> None:
        super().__set__(optimizer, number(self.name, value) if value is None else value)


class RateValue(float):
    """A learning rate as it was when it was read; `assign` sets that of its optimizer, as on Keras's variable."""

    __slots__ = ("_optimizer",)
    _optimizer: Configured

    def assign(self, value: float) -> None:
        """Set the optimizer's learning rate."""
        self._optimizer.learning_rate = value

    def numpy(self) -> np.float64:
        """The number as NumPy's."""
        number: np.float64 = np.float64(float(self))
        return number

    def __reduce__(self) -> tuple[Any, ...]:
        return float, (float(self),)


class Rate(Hyperparameter):
    """The learning rate: a float that has `assign` too."""

    def __get__(self, optimizer: Any, owner: type | None = None) -> Any:
        value = super().__get__(optimizer, owner)
        if optimizer is None:
            return value
        rate = RateValue(value)
        rate._optimizer = optimizer
        return rate


class Configured:
    """Hyperparameters, options and config of an optimizer."""

    learning_rate = Rate()
    weight_decay = CommonHyperparameter()
    clipnorm = CommonHyperparameter()
    clipvalue = CommonHyperparameter()
    global_clipnorm = CommonHyperparameter()
    ema_momentum = CommonHyperparameter()
    loss_scale_factor = CommonHyperparameter()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        describe_options(cls)

    def __init__(
        self,
        rule: str,
        name: str,
        options: Mapping[str, Any] | None = None,
        **hyperparameters: float | LearningRateSchedule,
    ) -> None:
        if not isinstance(name, str):
            raise TypeError(f"name must be a str; got {describe(name)}.")
        self.name = name
        common, self._options = parse(type(self), options or {})
        hyperparameters |= common
        self._schedules: dict[str, LearningRateSchedule] = {}
        self._group_schedules: dict[tuple[int, str], LearningRateSchedule] = {}
        given = {f: as_rate(f, value) for f, value in hyperparameters.items() if not isinstance(value, Default)}
        fixed = {f: check_float(f, value) for f, value in given.items() if not isinstance(value, LearningRateSchedule)}
        self._core = _core.Optimizer(rule, fixed, self._engine_options(rule))
        for field in given.keys() - fixed.keys():
            self._set(field, given[field])

    def __repr__(self) -> str:
        config = self._arguments()
        del config["name"]
        own = self._fields()
        config = {key: value for key, value in config.items() if key in own or value != DEFAULTS.get(key, config)}
        return f"{type(self).__name__}({', '.join(f'{key}={value!r}' for key, value in config.items())})"

    def _get(self, field: str) -> float:
        schedule = self._schedules.get(field)
        return self._core.get(field) if schedule is None else float(schedule(self.iterations))

    def _set(self, field: str, value: float | LearningRateSchedule) -> None:
        value = as_rate(field, value)
        check_clips(self, field, value, 0)
        if isinstance(value, LearningRateSchedule):
            self._core.schedule(field, partial(values_ahead, value))
            self._schedules[field] = value
        elif field in self._schedules:
            raise TypeError(
                f"{field} follows a schedule and takes another one only, as in Keras; got {value!r}. "
                "schedules.Constant(value) stays at a value."
            )
        else:
            self._core.set(field, check_float(field, value))

    def _engine_options(self, rule: str) -> dict[str, Any]:
        """The options that hold for good, as the engine takes them for a rule."""
        if self.stochastic_rounding and self.seed is None:
            self._options["seed"] = word(fresh_key())  # in the config too: an optimizer made from it draws the same
        return {name: value for name, value in self._options.items() if value is not None}

    def _draws(self) -> bool:
        """Whether steps draw random numbers, so that its seed is part of its state."""
        return bool(self.stochastic_rounding)

    def __getattr__(self, name: str) -> Any:
        # The options that hold for good read as attributes; only what is not found otherwise comes here.
        if name in DEFAULTS and name not in COMMON:
            return self._options[name]
        raise no_attribute(self, name, ELSEWHERE)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in DEFAULTS and name not in COMMON:
            raise AttributeError(f"{name} holds for good: make a new {type(self).__name__} with another one.")
        if not name.startswith("_") and name not in vars(self) and not hasattr(type(self), name):
            meant = renamed(name, [*(self._all_fields() if "_core" in vars(self) else ()), *DEFAULTS])
            if meant is not None:  # it would change nothing
                raise AttributeError(f"{type(self).__name__} has no hyperparameter {name!r}. Did you mean {meant!r}?")
        super().__setattr__(name, value)

    @property
    def schedules(self) -> dict[str, LearningRateSchedule]:
        """The hyperparameters that follow a schedule, by name, and what they follow."""
        return dict(self._schedules)

    def _fields(self) -> list[str]:
        return list(fields_of(self._core.rule)[0])

    def _all_fields(self) -> list[str]:
        own, common = fields_of(self._core.rule)
        return [*own, *common]

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal optimizer, without its state: ``from_config(get_config())``.

        A schedule is in it as ``{"class_name": ..., "config": ...}``.

        Raises
        ------
        NotImplementedError
            A hyperparameter follows a schedule that has no `get_config`.
        """
        return {
            name: serialize_schedule(value) if isinstance(value, LearningRateSchedule) else value
            for name, value in self._arguments().items()
        }

    def _arguments(self) -> dict[str, Any]:
        """The arguments that make an equal optimizer; a subclass with others than its fields adds them."""
        fields = {field: self._schedules.get(field, self._core.get(field)) for field in self._fields()}
        common = {
            field: self._schedules.get(field, shown(field, self._core.get(field)))
            for field in COMMON
            if field not in fields
        }
        return {"name": self.name, **fields, **self._options, **common}

    @classmethod
    def from_config(cls: type[Self], config: Mapping[str, Any], custom_objects: Classes | None = None) -> Self:
        """An optimizer from the dict that `get_config` gives.

        Parameters
        ----------
        config : dict
            The arguments.
        custom_objects : dict of str to class, optional
            Custom schedules in it, by the name of their class.

        Raises
        ------
        TypeError, ValueError
            As the class itself does for these arguments.
        """
        return cls(**cls._deserialized(check_config(config), custom_objects))

    @classmethod
    def _deserialized(cls, config: Mapping[str, Any], custom_objects: Classes | None) -> dict[str, Any]:
        """The arguments of a config: what `get_config` described in it is made."""
        from ..schedules.registry import revive

        made: dict[str, Any] = revive(config, custom_objects)
        return made


@cache
def fields_of(rule: str) -> tuple[list[str], list[str]]:
    """Names of the fields of a rule, and of those that all rules have."""
    described = _core.rules()[rule]
    return [field[0] for field in described["fields"]], [field[0] for field in described["common"]]
