"""What every optimizer can do; the update rules themselves are C++ (csrc/optimizers)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np

from .. import _core
from .arguments import real
from .arrays import as_gradient, as_parameter, describe, flatten, gather, noun
from .bound import Bound
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
        return self.absent is not None and self.name not in optimizer._fields()


class Optimizer:
    """Base of the optimizers: moves arrays against their gradients, in place.

    Not used itself. A subclass names its update rule and the rule's hyperparameters; everything else is here.

    Parameters
    ----------
    rule : str
        Name of an update rule of the compiled engine.
    name : str
        Name of the optimizer, as in its config.
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

    def __init__(self, rule: str, name: str, **hyperparameters: float | LearningRateSchedule) -> None:
        if not isinstance(name, str):
            raise TypeError(f"name must be a str; got {describe(name)}.")
        self.name = name
        self._schedules: dict[str, LearningRateSchedule] = {}
        fixed = {
            f: real(f, value) for f, value in hyperparameters.items() if not isinstance(value, LearningRateSchedule)
        }
        self._core = _core.Optimizer(rule, fixed)
        for field in hyperparameters.keys() - fixed.keys():
            self._set(field, hyperparameters[field])
        # The objects that were registered, and their indices, by id. Holding them keeps the ids their own.
        self._seen: dict[int, tuple[Any, int]] = {}
        self._last: tuple[list[int], list[str], _core.Bound] | None = None

    def __repr__(self) -> str:
        config = self._arguments()
        del config["name"]
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
            As in `step`.

        Returns
        -------
        Bound
            Its ``step(grads)`` takes a step. State is shared with the unbound form.

        Raises
        ------
        TypeError, ValueError
            As `step` does for `params`.

        Examples
        --------
        >>> import numpy as np, gradstep as gs
        >>> w = np.array([1.0, -2.0])
        >>> bound = gs.optimizers.SGD(learning_rate=0.5).bind(w)
        >>> bound.step(2 * w); w
        array([0., 0.])
        """
        leaves, labels, structure = flatten(params)
        return Bound(self, self._attach(leaves, labels), labels, structure)

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

    def _attach(self, leaves: Sequence[Any], labels: Sequence[str]) -> list[int]:
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
            added = self._core.add([array for _, array in new], [labels[i] for i, _ in new])
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
            it is; ``"0.m"``: slot ``m`` of the first array that was stepped or
            bound, and so on, in the order of their first step.

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
        for key in current:
            if key not in state:
                raise ValueError(f"state has no key {key!r}. {self._holding()}")
        for key in state:
            if key not in current:
                raise ValueError(f"state has the key {key!r}, unknown to this {type(self).__name__}. {self._holding()}")
        loaded = {key: as_gradient(value, f"state[{key!r}]") for key, value in state.items()}
        for key, array in current.items():
            value = loaded[key]
            if value.dtype != array.dtype:
                raise TypeError(f"state[{key!r}] has dtype {value.dtype}; it must be {array.dtype}.")
            if value.shape != array.shape:
                raise ValueError(f"state[{key!r}] has shape {value.shape}; it must be {array.shape}.")
        iterations = int(loaded["iterations"])
        if iterations < 0:
            raise ValueError(f"state['iterations'] must be at least 0; got {iterations}.")
        # A rule of its own checks the bounds, so that none is set if one is refused.
        values = {field: float(loaded[field]) for field in self._fields() if field not in self._schedules}
        _core.Optimizer(self._core.rule, values)
        for field, number in values.items():
            self._core.set(field, number)
        for key, array in current.items():
            array[...] = loaded[key]
        self._core.iterations = iterations

    def _fields(self) -> list[str]:
        return [field[0] for field in _core.rules()[self._core.rule]["fields"]]

    def _holding(self) -> str:
        count = len(self._core)
        following = f" A schedule gives {', '.join(self._schedules)}, not the state." if self._schedules else ""
        return f"It holds {count} array{'' if count == 1 else 's'}; bind(params) adds those to come.{following}"

    def _state(self) -> dict[str, np.ndarray]:
        """The names and arrays of `state_dict`; the slots are the state itself, the numbers are copies."""
        state = {"iterations": np.array(self._core.iterations, np.int64)}
        fixed = [field for field in self._fields() if field not in self._schedules]
        state |= {field: np.array(self._core.get(field)) for field in fixed}
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
        return {"name": self.name, **fields}

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
