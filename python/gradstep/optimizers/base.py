"""What every optimizer can do; the update rules themselves are C++ (csrc/optimizers)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np

from .. import _core
from ..seeds import fresh_key, word
from .arguments import real
from .arrays import as_gradient, as_parameter, describe, flatten, gather, noun
from .bound import Bound
from .groups import Group, is_groups, number, settings, shown
from .options import COMMON, DEFAULTS, describe_options, parse
from .schedules.base import Classes, LearningRateSchedule, values_ahead
from .schedules.base import serialize as serialize_schedule

__all__ = ["Hyperparameter", "Optimizer", "real"]

Self = TypeVar("Self", bound="Optimizer")


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

    def __set__(self, optimizer: Optimizer, value: float | LearningRateSchedule) -> None:
        if not self._is_absent(optimizer):
            optimizer._set(self.name, value)
        elif isinstance(value, LearningRateSchedule) or real(self.name, value) != self.absent:
            kind = type(optimizer).__name__
            raise ValueError(
                f"{self.name} must stay {self.absent:g} in an {kind} made without it; got {value}. Make a new {kind}."
            )

    def _is_absent(self, optimizer: Optimizer) -> bool:
        return self.absent is not None and self.name not in optimizer._all_fields()


class CommonHyperparameter(Hyperparameter):
    """A hyperparameter that every optimizer has; None where it does nothing."""

    def __get__(self, optimizer: Any, owner: type | None = None) -> Any:
        value = super().__get__(optimizer, owner)
        return value if optimizer is None else shown(self.name, value)

    def __set__(self, optimizer: Optimizer, value: float | LearningRateSchedule | None) -> None:
        super().__set__(optimizer, number(self.name, value) if value is None else value)


class Optimizer:
    """Base of the optimizers: moves arrays against their gradients, in place.

    Not used itself. A subclass names its update rule and the rule's hyperparameters; everything else is here.

    Parameters
    ----------
    rule : str
        Name of an update rule of the compiled engine.
    name : str
        Name of the optimizer, as in its config.
    options : dict, optional
        What every optimizer can be asked for, by name: the keywords from ``weight_decay`` on.
    **hyperparameters : float or LearningRateSchedule
        A value for every field of the rule.

    Raises
    ------
    TypeError
        A hyperparameter is not a real number.
    ValueError
        A hyperparameter is outside its bounds, NaN or infinite.

    Notes
    -----
    State is tied to an array by the memory it covers, not by its place in a list: ``step([w, b], ...)`` and
    ``step([b, w], ...)`` mean the same, and so do two views of the same elements. An array that was resized, reshaped
    or reallocated since its first step is an error. The optimizer holds its arrays: their memory is not reused.
    """

    learning_rate = Hyperparameter()
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
        common, self._options = parse(type(self).__name__, options or {})
        hyperparameters |= common
        self._schedules: dict[str, LearningRateSchedule] = {}
        self._group_schedules: dict[tuple[int, str], LearningRateSchedule] = {}
        fixed = {
            f: real(f, value) for f, value in hyperparameters.items() if not isinstance(value, LearningRateSchedule)
        }
        self._core = _core.Optimizer(rule, fixed, self._engine_options())
        for field in hyperparameters.keys() - fixed.keys():
            self._set(field, hyperparameters[field])
        self._excluded: tuple[list[Any], list[str]] = [], []
        self._names: list[str] = []  # of the arrays, for patterns
        # The objects that were registered, and their indices, by id. Holding them keeps the ids their own.
        self._seen: dict[int, tuple[Any, int]] = {}
        self._last: tuple[list[int], list[str], _core.Bound] | None = None

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
        if isinstance(value, LearningRateSchedule):
            self._core.schedule(field, partial(values_ahead, value))
            self._schedules[field] = value
        elif field in self._schedules:
            raise TypeError(
                f"{field} follows a schedule and takes another one only, as in Keras; got {value!r}. "
                "schedules.Constant(value) stays at a value."
            )
        else:
            self._core.set(field, real(field, value))

    def _engine_options(self) -> dict[str, Any]:
        """The options that hold for good, as the engine takes them."""
        chosen = {name: value for name, value in self._options.items() if value is not None}
        if chosen["stochastic_rounding"] and "seed" not in chosen:
            chosen["seed"] = word(fresh_key())
        return chosen

    def __getattr__(self, name: str) -> Any:
        # The options that hold for good read as attributes; only what is not found otherwise comes here.
        if name in DEFAULTS and name not in COMMON:
            return self._options[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name in DEFAULTS and name not in COMMON:
            raise AttributeError(f"{name} holds for good: make a new {type(self).__name__} with another one.")
        super().__setattr__(name, value)

    @property
    def schedules(self) -> dict[str, LearningRateSchedule]:
        """The hyperparameters that follow a schedule, by name, and what they follow."""
        return dict(self._schedules)

    # -- steps ---------------------------------------------------------------------------------------------------------

    def step(self, params: Any, grads: Any) -> None:
        """Take one step: update `params`, in place.

        Parameters
        ----------
        params : array, or sequence or dict of arrays, nested to any depth
            float32 or float64, writable, of any strides; no two may share memory. An array is an ndarray, or anything
            on the CPU with ``__array_interface__``, the buffer protocol or DLPack (a PyTorch tensor; NumPy 2.1).
        grads : the same structure
            The gradient of each array, of its shape and dtype; None leaves an array as it is.

        Raises
        ------
        TypeError
            Something is not an array, or has another dtype, or the structures differ in kind.
        ValueError
            A shape, length or key differs; an array is read-only, misaligned, overlaps another, or was resized,
            reshaped or reallocated since its first step.

        After an error all arrays, state and counters are as they were.

        Examples
        --------
        >>> import numpy as np, gradstep as gs
        >>> params = {"w": np.array([1.0, -2.0]), "b": np.array(0.5)}
        >>> gs.optimizers.SGD(learning_rate=0.5).step(params, {"w": np.array([1.0, 1.0]), "b": np.array(1.0)})
        >>> params["w"], params["b"]
        (array([ 0.5, -2.5]), array(0.))
        """
        leaves, labels, structure = flatten(params)
        gradients = gather(structure, grads)
        registered = len(self._core)
        try:
            bound = self._bound(self._attach(leaves, labels), labels)
            bound.step(gradients if labels[0] else gradients[0])
        except Exception:
            self._forget(registered)
            raise

    def bind(self, params: Any) -> Bound:
        """Fix the arrays that will be stepped, once, for the fastest steps: nothing is looked up any more.

        Parameters
        ----------
        params : array, or sequence or dict of arrays, nested to any depth
            As in `step`. Or groups, ``[{"params": ..., "learning_rate": 1e-4, "weight_decay": 0}, ...]``: arrays with
            values of their own for any hyperparameters; `groups` has them afterwards.

        Returns
        -------
        Bound
            Its ``step(grads)`` takes a step; with groups, `grads` is a list of what each group's ``"params"`` was.
            State is shared with the unbound form.

        Raises
        ------
        TypeError, ValueError
            As `step` does for `params`; ValueError if a group names no hyperparameter, or holds an array that the
            optimizer has already.

        Examples
        --------
        >>> import numpy as np, gradstep as gs
        >>> w = np.array([1.0, -2.0])
        >>> bound = gs.optimizers.SGD(learning_rate=0.5).bind(w)
        >>> bound.step(2 * w); w
        array([0., 0.])
        """
        if is_groups(params):
            return self._bind_groups(params)
        leaves, labels, structure = flatten(params)
        return Bound(self, self._attach(leaves, labels), labels, structure)

    def _bind_groups(self, groups: Sequence[Mapping[str, Any]]) -> Bound:
        chosen = [settings(self, group, f"[{i}]") for i, group in enumerate(groups)]
        leaves, labels, structure = flatten([group["params"] for group in groups])
        owner = [i for i, group in enumerate(groups) for _ in range(len(flatten(group["params"])[0]))]
        registered, before = len(self._core), self._core.groups
        try:
            for own in chosen:
                index = self._core.add_group({})
                for name, value in own.items():
                    Group(self, index)[name] = value
            indices = self._attach(leaves, labels, [before + i for i in owner])
            for i, index in zip(owner, indices, strict=True):
                if self._core.group_of(index) != before + i:
                    raise ValueError("groups must be made of arrays that this optimizer does not know yet.")
            return Bound(self, indices, labels, structure)
        except Exception:
            self._forget(registered)
            self._core.truncate_groups(before)
            self._group_schedules = {key: s for key, s in self._group_schedules.items() if key[0] < before}
            raise

    @property
    def groups(self) -> list[Group]:
        """The groups that `bind` made, in order; the first one is of all arrays that were given without a group."""
        return [Group(self, index) for index in range(self._core.groups)]

    def exclude_from_weight_decay(
        self, var_list: Sequence[Any] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        """Spare some arrays from ``weight_decay``, as in Keras.

        Parameters
        ----------
        var_list : sequence of arrays, optional
            The arrays.
        var_names : sequence of str, optional
            Patterns, searched with `re.search` in the names of arrays: the key or index under which one was given
            (``"bias"`` finds ``params["out"]["bias"]``), or a model's ``dense/bias``.

        Raises
        ------
        TypeError
            An element is no array, or no str.

        Examples
        --------
        >>> import numpy as np, gradstep as gs
        >>> params = {"kernel": np.ones(2), "bias": np.ones(2)}
        >>> opt = gs.optimizers.SGD(learning_rate=0.5, weight_decay=0.5)
        >>> opt.exclude_from_weight_decay(var_names=["bias"])
        >>> opt.step(params, {"kernel": np.zeros(2), "bias": np.zeros(2)})
        >>> params["kernel"], params["bias"]
        (array([0.75, 0.75]), array([1., 1.]))
        """
        arrays = [as_parameter(array, f"var_list[{i}]") for i, array in enumerate(var_list or [])]
        for i, pattern in enumerate(var_names or []):
            if not isinstance(pattern, str):
                raise TypeError(f"var_names[{i}] must be a str; got {describe(pattern)}.")
        self._excluded[0].extend(arrays)
        self._excluded[1].extend(var_names or [])
        for index in range(len(self._core)):
            self._core.set_decays(index, self._decays(self._core.parameter(index), self._names[index]))

    def _decays(self, array: np.ndarray, name: str) -> bool:
        arrays, patterns = self._excluded
        same = any(other.ctypes.data == array.ctypes.data and other.shape == array.shape for other in arrays)
        return not same and not any(re.search(pattern, name) for pattern in patterns)

    def finalize_variable_values(self, var_list: Any) -> None:
        """Set arrays to their running averages, as Keras does at the end of `fit`; without ``use_ema`` nothing happens.

        Parameters
        ----------
        var_list : array, or sequence or dict of arrays
            Some that have been stepped. Others stay as they are.

        Raises
        ------
        TypeError
            Something is not an array.
        """
        if not self.use_ema or self.iterations == 0:
            return
        for leaf in flatten(var_list)[0]:
            array = as_parameter(leaf, "parameter")
            index = self._core.find(array)
            if index >= 0:
                array[...] = self._core.state(index)["average"]

    def apply(self, grads: Any, params: Any) -> None:
        """As ``step(params, grads)``, in Keras's order of arguments.

        Raises
        ------
        TypeError, ValueError
            As `step` does.
        """
        self.step(params, grads)

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]]) -> None:
        """As `step`, for pairs of a gradient and its array: ``apply_gradients(zip(grads, params))``, as in Keras.

        Raises
        ------
        TypeError, ValueError
            As `step` does; ValueError for an element that is not a pair.
        """
        pairs = [tuple(pair) for pair in grads_and_vars]
        for i, pair in enumerate(pairs):
            if len(pair) != 2:
                raise ValueError(f"grads_and_vars[{i}] must be a pair (gradient, array); it has length {len(pair)}.")
        self.step([param for _, param in pairs], [grad for grad, _ in pairs])

    def _attach(
        self,
        leaves: Sequence[Any],
        labels: Sequence[str],
        groups: Sequence[int] | None = None,
        names: Sequence[str] | None = None,
    ) -> list[int]:
        """The engine's indices of these arrays; those that are new are registered, all or none."""
        indices: list[int] = []
        new: list[tuple[int, np.ndarray]] = []
        for i, (leaf, label) in enumerate(zip(leaves, labels, strict=True)):
            seen = self._seen.get(id(leaf))
            if seen is not None and isinstance(leaf, np.ndarray):
                indices.append(seen[1])  # the engine holds it too, and sees whether it was resized
                continue
            array = as_parameter(leaf, noun("parameter", label))
            indices.append(self._core.find(array))
            if indices[i] < 0:
                if seen is not None:
                    raise ValueError(
                        f"{noun('parameter', label)} must stay where it was when the optimizer first saw it; "
                        "it has been resized, reshaped or reallocated since."
                    )
                new.append((i, array))
        if new:
            called = [(names or labels)[i] for i, _ in new]
            added = self._core.add(
                [array for _, array in new],
                [labels[i] for i, _ in new],
                [0 if groups is None else groups[i] for i, _ in new],
                [self._decays(array, name) for (_, array), name in zip(new, called, strict=True)],
            )
            self._names += called
            for (i, _), index in zip(new, added, strict=True):
                indices[i] = index
                self._seen[id(leaves[i])] = leaves[i], index
        return indices

    def _bound(self, indices: list[int], labels: list[str]) -> _core.Bound:
        """The engine's step over these arrays; the last one is kept, since most loops step the same arrays."""
        if self._last is None or self._last[0] != indices or self._last[1] != labels:
            self._last = (indices, labels, _core.Bound(self._core, indices, labels, as_gradient))
        return self._last[2]

    def _forget(self, registered: int) -> None:
        """Leave only the first `registered` arrays, as if the others had never been seen."""
        if len(self._core) > registered:
            self._last = None
            self._core.truncate(registered)
            del self._names[registered:]
            self._seen = {key: seen for key, seen in self._seen.items() if seen[1] < registered}

    # -- state ---------------------------------------------------------------------------------------------------------

    @property
    def iterations(self) -> int:
        """How many steps have been taken."""
        return self._core.iterations

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of all that a step depends on, except the arrays themselves.

        Returns
        -------
        dict of str to ndarray
            ``"iterations"``; every hyperparameter by name, except those that follow a schedule: `iterations` says where
            it is; those of groups as ``"groups.1.learning_rate"``; ``"0.m"``: slot ``m`` of the first array that was
            stepped or bound, and so on, in the order of their first step. State of a smaller ``state_dtype`` is in it
            as the engine has it: the words of bfloat16 as uint16; int8 as uint8, with ``"0.m.scale"``.

        Examples
        --------
        >>> import numpy as np, gradstep as gs
        >>> opt = gs.optimizers.RMSprop()
        >>> opt.step(np.ones(2), np.ones(2))
        >>> sorted(opt.state_dict())
        ['0.v', 'epsilon', 'iterations', 'learning_rate', 'rho']
        """
        return {name: array.copy() for name, array in self._state().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`, bit for bit.

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
        current = self._state()
        numbers = {f"{prefix}{field}": (field, group) for prefix, field, group in self._fixed_fields()}
        # Of the hyperparameters of every optimizer, a state has those that do something.
        neutral = {key for key, (field, group) in numbers.items() if group == 0 and field not in self._fields()}
        for key in current:
            if key not in state and key not in neutral:
                raise ValueError(f"state has no key {key!r}. {self._holding()}")
        for key in state:
            if key not in current and key not in neutral:
                raise ValueError(f"state has the key {key!r}, unknown to this {type(self).__name__}. {self._holding()}")
        loaded = {key: as_gradient(value, f"state[{key!r}]") for key, value in state.items()}
        for key, value in loaded.items():
            array = current.get(key, np.array(0.0))
            if value.dtype != array.dtype:
                raise TypeError(f"state[{key!r}] has dtype {value.dtype}; it must be {array.dtype}.")
            if value.shape != array.shape:
                raise ValueError(f"state[{key!r}] has shape {value.shape}; it must be {array.shape}.")
        iterations, accumulated = int(loaded["iterations"]), int(loaded.get("accumulated", 0))
        if iterations < 0:
            raise ValueError(f"state['iterations'] must be at least 0; got {iterations}.")
        if not 0 <= accumulated < (self.gradient_accumulation_steps or 1):
            raise ValueError(f"state['accumulated'] must be 0 or more, and below a whole step; got {accumulated}.")
        # A rule of its own checks the bounds, so that none is set if one is refused.
        values = {
            key: float(loaded[key]) if key in loaded else number(numbers[key][0], DEFAULTS[numbers[key][0]])
            for key in numbers
        }
        for key, (field, _) in numbers.items():
            _core.Optimizer(self._core.rule, {field: values[key]})
        for key, (field, group) in numbers.items():
            self._core.set(field, values[key], group)
        for key, array in current.items():
            if key in loaded:
                array[...] = loaded[key]
        self._core.iterations, self._core.accumulated = iterations, accumulated

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

    def _fields(self) -> list[str]:
        return [field[0] for field in _core.rules()[self._core.rule]["fields"]]

    def _all_fields(self) -> list[str]:
        rule = _core.rules()[self._core.rule]
        return [field[0] for field in (*rule["fields"], *rule["common"])]

    def _holding(self) -> str:
        count = len(self._core)
        following = f" A schedule gives {', '.join(self._schedules)}, not the state." if self._schedules else ""
        return f"It holds {count} array{'' if count == 1 else 's'}; bind(params) adds those to come.{following}"

    def _state(self) -> dict[str, np.ndarray]:
        """The names and arrays of `state_dict`; the slots are the state itself, the numbers are copies."""
        state = {"iterations": np.array(self._core.iterations, np.int64)}
        if self.gradient_accumulation_steps:
            state["accumulated"] = np.array(self._core.accumulated, np.int64)
        for prefix, field, group in self._fixed_fields():
            value = self._core.get(field, group)
            if group or field in self._fields() or (value != DEFAULTS[field] and shown(field, value) is not None):
                state[prefix + field] = np.array(value)
        for index in range(len(self._core)):
            state |= {f"{index}.{slot}": array for slot, array in self._core.state(index).items()}
        return state

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
            Schedules of your own in it, by the name of their class.

        Raises
        ------
        TypeError, ValueError
            As the class itself does for these arguments.
        """
        if not isinstance(config, Mapping):
            raise TypeError(f"config must be a dict, as get_config() gives; got {describe(config)}.")
        from .schedules.registry import revive

        return cls(**revive(config, custom_objects))
