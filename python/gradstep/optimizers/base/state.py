"""The state of an optimizer, and how it is taken up again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ... import _core
from ...checks import check_int, describe
from .arrays import as_gradient
from .groups import number, shown
from .hyperparameters import Configured
from .options import DEFAULTS

__all__ = ["Stateful", "checked_entry"]


def checked_entry(key: str, value: Any, array: np.ndarray) -> np.ndarray:
    """An element of a state that is to take the place of this array."""
    given = as_gradient(value, f"state[{key!r}]")
    if given.dtype != array.dtype:
        raise TypeError(f"state[{key!r}] has dtype {given.dtype}; it must be {array.dtype}.")
    if given.shape != array.shape:
        raise ValueError(f"state[{key!r}] has shape {given.shape}; it must be {array.shape}.")
    return given


class Stateful(Configured):
    """The state of an optimizer: saving and loading."""

    @property
    def iterations(self) -> int:
        """Number of steps taken. Setting it moves schedules and bias corrections of all arrays there."""
        return self._core.iterations

    @iterations.setter
    def iterations(self, count: int) -> None:
        self._core.iterations = check_int("iterations", count, 0)

    @property
    def skipped_steps(self) -> int:
        """Number of steps skipped because a gradient was not finite, with ``on_nonfinite="skip"``."""
        return self._core.skipped

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of everything that a step depends on, except the arrays themselves.

        Returns
        -------
        dict of str to ndarray
            ``"iterations"``; every hyperparameter by name, except those that follow a schedule: `iterations` says where
            it is; those of groups as ``"groups.1.learning_rate"``; ``"0.m"``: slot ``m`` of the first array that was
            stepped or bound, and so on, in the order of their first step; ``"0.step"``: its own count of steps, with
            ``dialect="torch"`` and of RAdam and ASGD, where each array has one; ``"seed"``, of stochastic rounding.
            State of a smaller ``state_dtype`` is stored in raw form: bfloat16 as uint16; int8 as
            uint8, with ``"0.m.scale"``.

        Examples
        --------
        >>> import numpy as np, gradstep as gs
        >>> opt = gs.optimizers.RMSprop()
        >>> opt.step(np.ones(2), np.ones(2))
        >>> sorted(opt.state_dict())
        ['0.v', 'epsilon', 'iterations', 'learning_rate', 'rho']
        """
        self._core.flush()
        return {name: array.copy() for name, array in self._state().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load the state given by `state_dict`. Training continues with the same bits.

        The arrays must be known already, in the same order: call ``bind(params)`` first in a new process.

        Raises
        ------
        TypeError
            `state` is not a dict, or an array of it has another dtype.
        ValueError
            A key is missing or unknown, a shape differs, or a hyperparameter is out of bounds. Nothing is changed then.

        Examples
        --------
        >>> import numpy as np, gradstep as gs
        >>> w, opt = np.ones(3), gs.optimizers.Adam()
        >>> opt.step(w, 2 * w)
        >>> resumed = gs.optimizers.Adam()
        >>> _ = resumed.bind(w)
        >>> resumed.load_state_dict(opt.state_dict())
        >>> resumed.iterations
        1
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"state must be a dict, as state_dict() gives; got {describe(state)}.")
        self._prepared_load(state)()

    def _prepared_load(self, state: Mapping[str, Any]) -> Callable[[], None]:
        """Check a state and return a function that loads it."""
        current = self._state()
        numbers = {f"{prefix}{field}": (field, group) for prefix, field, group in self._fixed_fields()}
        # Groups may have got other hyperparameters since they were bound.
        for group in range(1, self._core.groups):
            for field in self._all_fields():
                if f"groups.{group}.{field}" in state and (group, field) not in self._group_schedules:
                    numbers.setdefault(f"groups.{group}.{field}", (field, group))
        # Of the hyperparameters of every optimizer, a state has those that do something.
        neutral = {key for key, (field, group) in numbers.items() if group == 0 and field not in self._fields()}
        for key in current:
            if key not in state and key not in neutral:
                raise ValueError(f"state has no key {key!r}. {self._holding()}")
        for key in state:
            if key not in current and key not in numbers:
                raise ValueError(f"state has the key {key!r}, unknown to this {type(self).__name__}. {self._holding()}")
        loaded = {key: checked_entry(key, value, current.get(key, np.array(0.0))) for key, value in state.items()}
        iterations, accumulated = int(loaded["iterations"]), int(loaded.get("accumulated", 0))
        if iterations < 0:
            raise ValueError(f"state['iterations'] must be at least 0; got {iterations}.")
        if not 0 <= accumulated < (self.gradient_accumulation_steps or 1):
            raise ValueError(f"state['accumulated'] must be 0 or more, and below a whole step; got {accumulated}.")
        for key, steps in loaded.items():
            if key.endswith(".step") and steps < 0:
                raise ValueError(f"state[{key!r}] must be at least 0; got {steps}.")
        # A separate rule checks the bounds, so that none is set if one is refused.
        values = {
            key: float(loaded[key]) if key in loaded else number(numbers[key][0], DEFAULTS[numbers[key][0]])
            for key in numbers
        }
        for key, (field, _) in numbers.items():
            _core.Optimizer(self._core.rule, {field: values[key]})

        def load() -> None:
            self._core.flush()  # by the state that was
            for key, (field, group) in numbers.items():
                self._core.set(field, values[key], group)
            self._core.iterations, self._core.accumulated = iterations, accumulated
            for key, array in current.items():  # after the counter of all steps, which sets those of the arrays
                if key in loaded:
                    array[...] = loaded[key]
            if "seed" in loaded:
                self._options["seed"] = self._core.seed = int(loaded["seed"])

        return load

    def _fixed_fields(self) -> list[tuple[str, str, int]]:
        """Prefix in a state, field and group of every hyperparameter that follows no schedule."""
        found = [("", field, 0) for field in self._all_fields() if field not in self._schedules]
        for group in range(1, self._core.groups):
            found += [
                (f"groups.{group}.", field, group)
                for field in self._all_fields()
                if self._core.is_own(field, group) and (group, field) not in self._group_schedules
            ]
        return found

    def _holding(self) -> str:
        count = len(self._core)
        following = f" A schedule gives {', '.join(self._schedules)}, not the state." if self._schedules else ""
        return f"It holds {count} array{'' if count == 1 else 's'}; bind(params) adds those to come.{following}"

    def _state(self) -> dict[str, np.ndarray]:
        """The names and arrays of `state_dict`; the slots are the state itself, the numbers are copies."""
        state = {"iterations": np.array(self._core.iterations, np.int64)}
        if self.gradient_accumulation_steps:
            state["accumulated"] = np.array(self._core.accumulated, np.int64)
        if self._draws():
            state["seed"] = np.array(self._options["seed"], np.uint64)
        for prefix, field, group in self._fixed_fields():
            value = self._core.get(field, group)
            if group or field in self._fields() or (value != DEFAULTS[field] and shown(field, value) is not None):
                state[prefix + field] = np.array(value)
        state |= self._core.scalars()
        for index in range(len(self._core)):
            state |= {f"{index}.{slot}": array for slot, array in self._core.state(index).items()}
        return state
