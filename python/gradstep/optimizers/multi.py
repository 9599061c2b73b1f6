"""MultiOptimizer: a rule for each kind of array."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from ..checks import check_float, describe
from ..delayed_interrupt import DelayedInterrupt
from .base.arrays import noun, path
from .base.bound import Bound, Step
from .base.device import DeviceCore
from .base.optimizer import Optimizer
from .base.wrappers import Wrapper
from .sam import SAM
from .schedules.base import Classes, LearningRateSchedule

__all__ = ["MultiOptimizer"]


class MultiOptimizer(Wrapper, Optimizer):
    """Different optimizers for different arrays, chosen by the names of the arrays.

    Parameters
    ----------
    optimizers : dict of str to Optimizer
        Patterns, and the optimizers of the arrays whose names match; the first match counts. ``*`` stands for anything,
        ``?`` for one character, ``[ab]`` for one of some, as in `fnmatch`; small and capital letters differ. The name
        of an array is its path in what is stepped, ``out/bias`` for ``params["out"]["bias"]``, numbers in a list
        (``0``); in a model it is ``dense/bias``. A single array has the name ``""``. Several patterns may share
        an optimizer; none may have stepped yet.
    name : str, default "multi_optimizer"
        Name in the config.

    Attributes
    ----------
    optimizers : dict of str to Optimizer
        As given. Hyperparameters are set there: ``opt.optimizers["*"].beta_1 = 0.8``.
    learning_rate : float
        Learning rate of the last pattern's optimizer, usually ``"*"``. Setting it multiplies all rates by the same
        number, so that a callback that lowers the rate lowers all; none may follow a schedule then.

    State
    -----
    That of the optimizers: ``"optimizers.0.0.m"`` is slot ``m`` of the first array of the first one.

    Raises
    ------
    TypeError, ValueError
        `optimizers` is no dict from str to Optimizer, is empty, or one has stepped or takes two gradients (`SAM`).

    Notes
    -----
    An array keeps its first optimizer, also under another name. Every optimizer counts its own steps; `iterations` is
    the largest count. Options apply within an optimizer: ``global_clipnorm`` is of the gradients
    of its arrays, ``on_nonfinite="skip"`` skips those. If one raises, as with ``on_nonfinite="raise"``, none has
    stepped. Neither Keras nor PyTorch has it.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> params = {"kernel": np.ones(2), "bias": np.ones(2)}
    >>> opt = gs.optimizers.MultiOptimizer({
    ...     "*bias": gs.optimizers.SGD(learning_rate=0.5),
    ...     "*": gs.optimizers.Lion(learning_rate=0.25),
    ... })
    >>> opt.step(params, {"kernel": np.full(2, 3.0), "bias": np.full(2, 3.0)})
    >>> params["kernel"], params["bias"]
    (array([0.75, 0.75]), array([-0.5, -0.5]))
    """

    def __init__(self, optimizers: Mapping[str, Optimizer], *, name: str = "multi_optimizer") -> None:
        if not isinstance(optimizers, Mapping):
            raise TypeError(f"optimizers must be a dict of patterns and optimizers; got {describe(optimizers)}.")
        if not optimizers:
            raise ValueError("optimizers must hold at least one pattern.")
        for pattern, optimizer in optimizers.items():
            if not isinstance(pattern, str):
                raise TypeError(f"optimizers must have patterns (str) for keys; got {describe(pattern)}.")
            if not isinstance(optimizer, Optimizer):
                raise TypeError(f"optimizers[{pattern!r}] must be an Optimizer; got {describe(optimizer)}.")
            if isinstance(optimizer, SAM):
                raise ValueError(f"optimizers[{pattern!r}] must step by one gradient; put the SAM around this one.")
            if len(optimizer._core):
                raise ValueError(f"optimizers[{pattern!r}] must not have stepped or bound any arrays; make a new one.")
        self.optimizers = dict(optimizers)
        self._each = list({id(optimizer): optimizer for optimizer in optimizers.values()}.values())
        self._owners: list[tuple[int, int]] = []  # of the arrays: which of `_each`, and their number there
        # The optimizer's own core takes no steps: it registers and checks the arrays.
        super().__init__("SGD", name, None, learning_rate=0.0)

    def _rated_optimizers(self) -> Sequence[Optimizer]:
        return self._each

    def _leaf_positions(self, indices: Sequence[int]) -> list[tuple[int, int]]:
        first = list(accumulate((len(optimizer._leaves()) for optimizer in self._each), initial=0))
        places = []
        for which, own in (self._owners[index] for index in indices):
            ((leaf, number),) = self._each[which]._leaf_positions([own])
            places.append((first[which] + leaf, number))
        return places

    @property
    def iterations(self) -> int:
        """Number of steps taken; the largest of the optimizers' counts."""
        return max(optimizer.iterations for optimizer in self._each)

    @iterations.setter
    def iterations(self, count: int) -> None:
        for optimizer in self._each:
            optimizer.iterations = count

    @property
    def skipped_steps(self) -> int:
        """Number of steps skipped because a gradient was not finite, summed over the optimizers."""
        return sum(optimizer.skipped_steps for optimizer in self._each)

    @property
    def schedules(self) -> dict[str, LearningRateSchedule]:
        """The hyperparameters that follow a schedule, after their optimizer's pattern: ``"*.learning_rate"``."""
        return {f"{key}.{name}": s for key, o in self.optimizers.items() for name, s in o.schedules.items()}

    def _fields(self) -> list[str]:
        return ["learning_rate"]

    def _all_fields(self) -> list[str]:
        return ["learning_rate"]

    def _get(self, field: str) -> float:
        if field != "learning_rate":
            raise AttributeError(f"{field} belongs to each optimizer: read optimizers[pattern].{field}.")
        last: float = list(self.optimizers.values())[-1].learning_rate
        return last

    def _set(self, field: str, value: float | LearningRateSchedule) -> None:
        if field != "learning_rate":
            raise AttributeError(f"{field} belongs to each optimizer: set optimizers[pattern].{field}.")
        if isinstance(value, LearningRateSchedule) or self.schedules:
            raise TypeError("learning_rate takes a number, while none follows a schedule; set those of the optimizers.")
        rate, current = check_float(field, value), self.learning_rate
        if current == 0 or not 0 <= rate < float("inf"):
            raise ValueError(f"learning_rate must be a number in [0, inf), to scale {current:g} to; got {rate!r}.")
        for optimizer in self._each:
            optimizer.learning_rate = (
                rate if optimizer.learning_rate == current else optimizer.learning_rate * (rate / current)
            )

    def _engine_options(self, rule: str) -> dict[str, Any]:
        return {}

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"a MultiOptimizer has no attribute {name!r}; its optimizers may: optimizers[pattern].{name}."
        )

    def _inner(self) -> dict[str, Optimizer]:
        return {f"optimizers.{i}": optimizer for i, optimizer in enumerate(self._each)}

    def _state(self) -> dict[str, np.ndarray]:
        self.flush()
        return super()._state()

    def __repr__(self) -> str:
        return f"MultiOptimizer({self.optimizers!r})"

    def _serialized(self) -> dict[str, Any]:
        """An optimizer at several patterns is written once; the others have the pattern of the first."""
        from .registry import serialize

        first: dict[int, str] = {}
        config: dict[str, Any] = {}
        for pattern, optimizer in self.optimizers.items():
            config[pattern] = first.get(id(optimizer)) or serialize(optimizer)
            first.setdefault(id(optimizer), pattern)
        return {"optimizers": config}

    @classmethod
    def _deserialized(cls, config: Mapping[str, Any], custom_objects: Classes | None) -> dict[str, Any]:
        from .registry import deserialize

        inner = config.get("optimizers")
        if not isinstance(inner, Mapping):
            return dict(config)
        made: dict[str, Any] = {}
        for pattern, entry in inner.items():
            made[pattern] = deserialize(entry, custom_objects) if isinstance(entry, Mapping) else made.get(entry, entry)
        return {**config, "optimizers": made}

    # -- arrays ----

    def _attach(
        self,
        leaves: Sequence[Any],
        labels: Sequence[str],
        groups: Sequence[int] | None = None,
        names: Sequence[str] | None = None,
    ) -> list[int]:
        if groups is not None:
            raise ValueError("groups belong to each optimizer; a MultiOptimizer assigns arrays by their names.")
        known = [len(optimizer._core) for optimizer in self._each]
        registered = len(self._core)
        try:
            indices = super()._attach(leaves, labels, None, names)
            if isinstance(self._core, DeviceCore):
                raise TypeError(f"{type(self).__name__} steps arrays in CPU memory; these are on a GPU.")
            for index in range(registered, len(self._core)):
                at = indices.index(index)
                self._place(self._core.parameter(index), labels[at], names[at] if names else path(labels[at]))
        except Exception:
            self._forget_arrays(registered, known)
            raise
        return indices

    def _place(self, array: Any, label: str, name: str) -> None:
        from fnmatch import fnmatchcase  # nothing else needs it

        for pattern, optimizer in self.optimizers.items():
            if fnmatchcase(name, pattern):
                which = next(i for i, other in enumerate(self._each) if other is optimizer)
                self._owners.append((which, optimizer._attach([array], [label], names=[name])[0]))
                return
        raise ValueError(
            f"{noun('parameter', label)} has the name {name!r}, which matches none of the patterns "
            f'{", ".join(map(repr, self.optimizers))}. "*" matches all.'
        )

    def _replace(self, index: int, array: Any, label: str) -> None:
        super()._replace(index, array, label)
        which, own = self._owners[index]
        self._each[which]._replace(own, array, label)

    def _references(self, index: int) -> int:
        which, own = self._owners[index]
        return super()._references(index) + self._each[which]._references(own)

    def _snapshot(self) -> dict[str, Any]:
        return {**super()._snapshot(), "arrays": [], "state": []}  # the optimizers have them

    def _revive(self, engine: dict[str, Any]) -> Any:
        arrays = [self._each[which]._core.parameter(index) for which, index in self._owners]
        return super()._revive({**engine, "arrays": arrays})

    def _forget(self, registered: int) -> None:
        known = [sum(which == i for which, _ in self._owners[:registered]) for i in range(len(self._each))]
        self._forget_arrays(registered, known)

    def _forget_arrays(self, registered: int, known: Sequence[int]) -> None:
        super()._forget(registered)
        del self._owners[registered:]
        for optimizer, length in zip(self._each, known, strict=True):
            optimizer._forget(length)

    def _bind_groups(self, groups: Sequence[Mapping[str, Any]]) -> Bound:
        raise ValueError("groups belong to each optimizer; a MultiOptimizer assigns arrays by their names.")

    def _make_bound(self, indices: list[int], labels: list[str]) -> Step:
        parts = []
        for which, optimizer in enumerate(self._each):
            mine = [i for i, index in enumerate(indices) if self._owners[index][0] == which]
            if mine:
                own, named = [self._owners[indices[i]][1] for i in mine], [labels[i] for i in mine]
                parts.append(InnerStep(mine, bool(named[0]), optimizer._make_bound(own, named)))
        return MultiStep(super()._make_bound(indices, labels), parts, bool(labels[0]))

    # -- beside steps ----

    def exclude_from_weight_decay(
        self, var_list: Sequence[Any] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        """Call the method of every optimizer."""
        for optimizer in self._each:
            optimizer.exclude_from_weight_decay(var_list, var_names)

    def flush(self, array: Any = None, rows: Any = None) -> None:
        """Call the method of every optimizer, for its arrays."""
        for optimizer in self._each:
            optimizer.flush(array, rows)

    def finalize_variable_values(self, var_list: Any) -> None:
        """Call the method of every optimizer, for its arrays."""
        for optimizer in self._each:
            optimizer.finalize_variable_values(var_list)


class InnerStep:
    """The arrays of one of the optimizers."""

    def __init__(self, positions: list[int], labelled: bool, inner: Step) -> None:
        self._positions, self._labelled, self._inner = positions, labelled, inner

    def _own(self, gradients: Sequence[Any]) -> Any:
        return [gradients[i] for i in self._positions] if self._labelled else gradients[0]

    def check(self, gradients: Sequence[Any]) -> None:
        """Raise what `step` would before it writes anything."""
        self._inner.check(self._own(gradients))

    def step(self, gradients: Sequence[Any]) -> None:
        """Take one step by those of all gradients that are its own."""
        self._inner.step(self._own(gradients))


class MultiStep:
    """Steps of all optimizers, once each is known to succeed."""

    def __init__(self, registry: Step, parts: list[InnerStep], labelled: bool) -> None:
        self._registry, self._steps, self._labelled = registry, parts, labelled

    def check(self, gradients: Any, /) -> None:
        """Raise what `step` would before it writes anything."""
        self._registry.check(gradients)
        for part in self._steps:
            part.check(gradients if self._labelled else [gradients])

    def step(self, gradients: Any, /) -> None:
        """Take one step."""
        self.check(gradients)
        with DelayedInterrupt(at_calls=False):  # Ctrl-C leaves all arrays stepped, or none
            for part in self._steps:
                part.step(gradients if self._labelled else [gradients])
