"""Base of the optimizers that contain others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from ...checks import check_float, describe
from ..schedules.base import Classes, LearningRateSchedule
from .bound import Bound
from .device import DeviceCore
from .hyperparameters import Configured
from .optimizer import Optimizer
from .state import checked_entry

__all__ = ["BoundedNumber", "SingleWrapper", "Wrapper", "WrapperSettings"]

# What the engine does around steps of rules: at the end of walks, those inside others first; and before each step.
# Walks: the engines whose steps count, the one that knows the arrays, the slow ones, the period, the part of the way.
# Uphill: the one that knows the arrays, rho, whether it is adaptive.
LookaheadSettings: TypeAlias = tuple[list[Any], Any, list[np.ndarray], int, float]
WrapperSettings: TypeAlias = tuple[list[LookaheadSettings], tuple[Any, float, bool] | None]


class BoundedNumber:
    """A number of a wrapper's own as an attribute, within bounds."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, optimizer: Any, owner: type | None = None) -> Any:
        return self if optimizer is None else vars(optimizer)[self.name]

    def __set__(self, optimizer: Any, value: float) -> None:
        vars(optimizer)[self.name] = self.checked(value)

    def checked(self, value: Any) -> float:
        """The value as a float; raises if it cannot be."""
        number = check_float(self.name, value)
        if not self.low <= number <= self.high or number == np.inf:
            bracket = ")" if self.high == np.inf else "]"
            raise ValueError(f"{self.name} must be a number in [{self.low:g}, {self.high:g}{bracket}; got {number!r}.")
        return number


class Wrapper(Configured):
    """Mixin, before `Optimizer` among the bases, of optimizers that contain others."""

    name: str

    def _inner(self) -> dict[str, Optimizer]:
        """The optimizers that this one is made of, by what their state is called."""
        raise NotImplementedError

    def _leaves(self) -> list[Optimizer]:
        return [leaf for optimizer in self._inner().values() for leaf in optimizer._leaves()]

    def _take_layers(self, weights: Mapping[str, tuple[int, int, int, bool, bool]]) -> None:
        for leaf in self._leaves():
            if leaf._follows_curvature:
                raise ValueError(
                    f"{type(leaf).__name__} finds its directions in the pass of a step and cannot be inside "
                    f"{type(self).__name__}: give it to compile itself."
                )

    def _wrapper_settings(self) -> WrapperSettings:
        """Settings of the wrappers around the leaves, for the compiled core."""
        inside = [optimizer for optimizer in self._inner().values() if isinstance(optimizer, Wrapper)]
        return [walk for optimizer in inside for walk in optimizer._wrapper_settings()[0]], None

    def _numbers(self) -> list[str]:
        """Names of the wrapper's hyperparameters, which belong to the state."""
        return [name for name, member in vars(type(self)).items() if isinstance(member, BoundedNumber)]

    def _slots(self) -> dict[str, np.ndarray]:
        """The wrapper's arrays, by their names in the state."""
        return {}

    def _own_arguments(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._numbers()}

    def _serialized(self) -> dict[str, Any]:
        """The arguments that are optimizers, as a config has them."""
        raise NotImplementedError

    def _state(self) -> dict[str, np.ndarray]:
        inner = {f"{prefix}.{key}": array for prefix, o in self._inner().items() for key, array in o._state().items()}
        return {**inner, **{name: np.array(getattr(self, name)) for name in self._numbers()}, **self._slots()}

    def _prepared_load(self, state: Mapping[str, Any]) -> Callable[[], None]:
        parts: dict[str, dict[str, Any]] = {prefix: {} for prefix in self._inner()}
        own = {}
        for key, value in state.items():
            prefix = next((prefix for prefix in parts if str(key).startswith(f"{prefix}.")), None)
            if prefix is None:
                own[key] = value
            else:
                parts[prefix][key[len(prefix) + 1 :]] = value
        slots = self._slots()
        current = {**{name: np.array(getattr(self, name)) for name in self._numbers()}, **slots}
        for key in current:
            if key not in own:
                raise ValueError(f"state has no key {key!r}.")
        for key in own:
            if key not in current:
                raise ValueError(f"state has the key {key!r}, unknown to this {type(self).__name__}.")
        loaded = {key: checked_entry(key, value, current[key]) for key, value in own.items()}
        numbers = {name: vars(type(self))[name].checked(float(loaded[name])) for name in self._numbers()}
        loads = [optimizer._prepared_load(parts[prefix]) for prefix, optimizer in self._inner().items()]

        def load() -> None:
            for inner in loads:
                inner()
            for name, number in numbers.items():
                setattr(self, name, number)
            for key, array in slots.items():
                array[...] = loaded[key]

        return load

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal optimizer, without its state; the optimizers in it as `serialize` gives."""
        return {"name": self.name, **self._serialized(), **self._own_arguments()}

    def __repr__(self) -> str:
        own = ", ".join(f"{name}={value!r}" for name, value in self._own_arguments().items())
        inner = ", ".join(repr(optimizer) for optimizer in self._inner().values())
        return f"{type(self).__name__}({inner}{', ' if own else ''}{own})"


class SingleWrapper(Wrapper):
    """Mixin of an optimizer around another, which has the hyperparameters, groups and arrays."""

    optimizer: Optimizer

    def __init__(self, optimizer: str | Optimizer, name: str) -> None:
        from ..registry import get

        if not isinstance(name, str):
            raise TypeError(f"name must be a str; got {describe(name)}.")
        vars(self).update(name=name, optimizer=get(optimizer), _last=None, _stepped=None)
        if len(self.optimizer._core):
            raise ValueError("optimizer must not have stepped or bound any arrays; make a new one.")

    def _rated_optimizers(self) -> Sequence[Optimizer]:
        return self.optimizer._rated_optimizers()

    def _leaf_positions(self, indices: Sequence[int]) -> list[tuple[int, int]]:
        return self.optimizer._leaf_positions(indices)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "optimizer":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.optimizer, name)

    def __setattr__(self, name: str, value: Any) -> None:
        # What this class has too is its own, as SAM's rho around an Adadelta.
        if not hasattr(type(self), name) and name in self.optimizer._all_fields():
            setattr(self.optimizer, name, value)
        else:
            super().__setattr__(name, value)

    def _get(self, field: str) -> float:
        value: float = getattr(self.optimizer, field)
        return value

    def _set(self, field: str, value: float | LearningRateSchedule) -> None:
        setattr(self.optimizer, field, value)

    @property
    def iterations(self) -> int:
        """Number of steps that the wrapped optimizer has taken."""
        return self.optimizer.iterations

    @iterations.setter
    def iterations(self, count: int) -> None:
        self.optimizer.iterations = count

    def _fields(self) -> list[str]:
        return self.optimizer._fields()

    def _all_fields(self) -> list[str]:
        return self.optimizer._all_fields()

    def _inner(self) -> dict[str, Optimizer]:
        return {"optimizer": self.optimizer}

    def _serialized(self) -> dict[str, Any]:
        from ..registry import serialize

        return {"optimizer": serialize(self.optimizer)}

    @classmethod
    def _deserialized(cls, config: Mapping[str, Any], custom_objects: Classes | None) -> dict[str, Any]:
        from ..registry import deserialize

        inner = config.get("optimizer")
        made = {"optimizer": deserialize(inner, custom_objects)} if isinstance(inner, Mapping) else {}
        return {**config, **made}

    # -- arrays ----

    def _add_slots(self, first: int) -> None:
        """Make what belongs to the arrays from number `first` on."""
        raise NotImplementedError

    def _drop_slots(self, known: int) -> None:
        """Forget what belongs to the arrays after the first `known`."""
        raise NotImplementedError

    def _attach(
        self,
        leaves: Sequence[Any],
        labels: Sequence[str],
        groups: Sequence[int] | None = None,
        names: Sequence[str] | None = None,
    ) -> list[int]:
        known = len(self._core)
        indices = self.optimizer._attach(leaves, labels, groups, names)
        self._prepare(known)
        return indices

    def _references(self, index: int) -> int:
        return self.optimizer._references(index)

    def _prepare(self, known: int) -> None:
        try:
            if isinstance(self._core, DeviceCore):
                raise TypeError(f"{type(self).__name__} steps arrays in CPU memory; these are on a GPU.")
            self._add_slots(known)
        except Exception:
            self._forget(known)
            raise

    def _bind_groups(self, groups: Sequence[Mapping[str, Any]]) -> Bound:
        known = len(self._core)
        bound = self.optimizer._bind_groups(groups)
        self._prepare(known)
        return Bound(self, bound._indices, bound._labels, bound._structure)  # type: ignore[arg-type]

    def _forget(self, registered: int) -> None:
        vars(self)["_last"] = None
        self.optimizer._forget(registered)
        self._drop_slots(registered)

    def flush(self, array: Any = None, rows: Any = None) -> None:
        """Call the method of the wrapped optimizer."""
        self.optimizer.flush(array, rows)

    def finalize_variable_values(self, var_list: Any) -> None:
        """Call the method of the wrapped optimizer."""
        self.optimizer.finalize_variable_values(var_list)
