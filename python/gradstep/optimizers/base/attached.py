"""The arrays of an optimizer: which state is whose, by the identity of arrays."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ... import _core
from ..schedules.base import LearningRateSchedule
from .arrays import as_parameter, noun, path
from .bound import Step
from .device import DeviceArray, DeviceCore, core_for
from .hyperparameters import Configured
from .sparse import as_engine_gradient
from .stepped import Stepped

__all__ = ["Attached"]

# Held by a thread that registers arrays of an optimizer, or forgets them. A child of fork() gets a new one: the thread
# that holds it may not exist there.
_registering = threading.RLock()


def _renew_lock() -> None:
    global _registering
    _registering = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


class Attached(Configured):
    """The arrays of an optimizer, by identity."""

    def __init__(
        self,
        rule: str,
        name: str,
        options: Mapping[str, Any] | None = None,
        **hyperparameters: float | LearningRateSchedule,
    ) -> None:
        super().__init__(rule, name, options, **hyperparameters)
        self._excluded: tuple[list[Any], list[str]] = [], []
        self._names: list[str] = []  # of the arrays, for patterns
        # Numbers of the objects that were registered, by id. The engine holds arrays, and so their ids stay their own;
        # other objects are held here.
        self._seen: dict[int, tuple[Any, int]] = {}
        self._unclaimed: dict[str, int] = {}  # of a copy: numbers of the arrays that were copied with it, by name
        self._registrars: dict[int, int] = {}  # of registered arrays: the threads that did it, by number
        self._last: tuple[list[int], list[str], Step] | None = None
        self._stepped: Any = None  # the list or dict that was stepped last
        self._known: Stepped | None = None  # what was

    def _attach(
        self,
        leaves: Sequence[Any],
        labels: Sequence[str],
        groups: Sequence[int] | None = None,
        names: Sequence[str] | None = None,
    ) -> list[int]:
        """The engine's numbers of these arrays; those that are new are registered, all or none."""
        known = [self._seen.get(id(leaf)) if isinstance(leaf, np.ndarray) else None for leaf in leaves]
        if not self._unclaimed and None not in known:
            return [seen[1] for seen in known if seen]
        with _registering:
            return self._register(leaves, labels, groups, names)

    def _register(
        self,
        leaves: Sequence[Any],
        labels: Sequence[str],
        groups: Sequence[int] | None,
        names: Sequence[str] | None,
    ) -> list[int]:
        indices: list[int] = []
        new: list[tuple[int, np.ndarray]] = []
        for i, (leaf, label) in enumerate(zip(leaves, labels, strict=True)):
            seen = self._seen.get(id(leaf))
            if seen is not None and isinstance(leaf, np.ndarray):
                indices.append(seen[1])  # the engine holds it too, and sees whether it was resized
                continue
            array = as_parameter(leaf, noun("parameter", label))
            has_others = bool(new) or len(self._core) > 0
            self._core = core_for(self._core, array, noun("parameter", label), has_others)
            index = self._core.find(array)
            if index < 0 and seen is not None:
                raise ValueError(
                    f"{noun('parameter', label)} must stay where it was when the optimizer first saw it; "
                    "it has been resized, reshaped or reallocated since."
                )
            if index < 0 and self._unclaimed:
                index = self._adopt(array, label, names[i] if names else path(label))
            indices.append(index)
            if index < 0:
                new.append((i, array))
        if new:
            called = [names[i] if names else path(labels[i]) for i, _ in new]
            added = self._core.add(
                [array for _, array in new],
                [labels[i] for i, _ in new],
                [0 if groups is None else groups[i] for i, _ in new],
                [self._decays(array, name) for (_, array), name in zip(new, called, strict=True)],
                [self._uses_fallback(name) for name in called],
                [self._layer_sizes(name) for name in called],
            )
            self._names += called
            for (i, array), index in zip(new, added, strict=True):
                indices[i] = index
                self._registrars[index] = threading.get_ident()
                self._seen[id(leaves[i])] = None if leaves[i] is array else leaves[i], index
                average = self._core.state(index).get("average")
                if average is not None:  # an array that misses steps stays where it is, and so does its average
                    average[...] = array
        if self._unclaimed:
            for index in indices:
                self._unclaimed.pop(self._names[index], None)
        return indices

    def _attach_once(self, tree: Any, leaves: Sequence[Any], labels: Sequence[str]) -> list[int]:
        """The numbers of the leaves of a tree. ValueError if one replaced another array."""
        registered, same, self._stepped = len(self._core), tree is self._stepped, None
        indices = self._attach(leaves, labels)
        try:
            self._check_replaced(registered, labels, indices, same)
        except ValueError:
            self._withdraw(registered)
            raise
        return indices

    def _check_replaced(self, registered: int, labels: Sequence[str], indices: Sequence[int], same: bool) -> None:
        """Raise if an array after the first `registered` took the place of another: fresh state would be silent.

        It did if they have the same name, and nobody but the optimizer holds the other any more, or both were in the
        `same` list or dict.
        """
        if not 0 < registered < len(self._core):
            return
        fresh = [(index, label) for index, label in zip(indices, labels, strict=True) if index >= registered]
        places = {name: index for index, name in enumerate(self._names[:registered])}
        kept = self._last
        last = kept[0] if same and kept else []
        for index, label in fresh:
            old = places.get(self._names[index])
            if old is not None and (old in last or self._core.is_abandoned(old, self._references(old))):
                raise ValueError(
                    f"{noun('parameter', label)} is not the array that was stepped in its place before, to which the "
                    "optimizer's state belongs. Write into that one, array[...] = values, and keep it. For other "
                    "arrays make a new optimizer: opt.from_config(opt.get_config()); to continue from the present "
                    "state, bind(params) and load_state_dict(opt.state_dict())."
                )

    def _check_serves(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Raise unless an optimizer of a model knows no arrays yet, or all of the model's, by their names."""
        if not len(self._core):
            return
        for name, array in arrays.items():
            if self._core.find(array) < 0 and name not in self._unclaimed:
                raise ValueError(
                    f"the optimizer does not know {name!r}: it steps other arrays, and {self.iterations} steps were "
                    "taken with them. An optimizer serves one model; for another, or for weights that are trained from "
                    "now on, make a new one: opt.from_config(opt.get_config())."
                )

    def _adopt(self, array: np.ndarray, label: str, name: str) -> int:
        """The number of the array of a copied optimizer whose place this one takes, as nobody else has it; or -1."""
        index = self._unclaimed.get(name, -1)
        if index < 0 or not self._core.is_abandoned(index, self._references(index)):
            return -1
        old = self._core.parameter(index)
        if old.shape != array.shape or old.dtype != array.dtype:
            return -1
        self._replace(index, array, label)
        return index

    def _replace(self, index: int, array: np.ndarray, label: str) -> None:
        old = self._core.parameter(index)
        self._core.replace(index, array, label)
        self._seen = {key: seen for key, seen in self._seen.items() if seen[1] != index}
        self._excluded[0][:] = [array if other is old else other for other in self._excluded[0]]
        self._last = None

    def _references(self, index: int) -> int:
        """How often this optimizer holds an array."""
        array = self._core.parameter(index)
        return 1 + sum(other is array for other in self._excluded[0])

    def _bound(self, indices: list[int], labels: list[str]) -> tuple[list[int], list[str], Step]:
        """These arguments and the engine's step over them; kept, since most loops step the same arrays.

        Other threads may keep theirs in its place at any time: what is given back is of these arrays.
        """
        last = self._last
        if last is None or last[0] != indices or last[1] != labels:
            self._last = last = (indices, labels, self._make_bound(indices, labels))
        return last

    def _make_bound(self, indices: list[int], labels: list[str]) -> Step:
        if isinstance(self._core, DeviceCore):
            return self._core.bound(indices, labels)
        return _core.Bound(self._core, indices, labels, as_engine_gradient)

    def _forget(self, registered: int) -> None:
        """Leave only the first `registered` arrays, as if the others had never been seen."""
        with _registering:
            if len(self._core) <= registered:
                return
            self._last = None
            self._core.truncate(registered)
            del self._names[registered:]
            self._registrars = {index: by for index, by in self._registrars.items() if index < registered}
            self._seen = {key: seen for key, seen in self._seen.items() if seen[1] < registered}
            self._unclaimed = {name: index for name, index in self._unclaimed.items() if index < registered}

    def _withdraw(self, registered: int) -> None:
        """After an error: forget what this thread has registered after the first `registered` arrays.

        All stay if another thread has registered some meanwhile, as it may be about to step them.
        """
        with _registering:
            here, registrars = threading.get_ident(), self._registrars
            if all(by == here for index, by in registrars.items() if index >= registered):
                self._forget(registered)

    def _uses_fallback(self, name: str) -> bool:
        """Whether an array of this name is no matrix to a rule that sees matrices."""
        return False

    _follows_curvature = False  # whether the engine finds its directions in the pass of a model's step

    def _take_layers(self, weights: Mapping[str, tuple[int, int, int, bool, bool]]) -> None:
        """Told before a model's arrays are attached which are of Dense layers or convolutions.

        Of each: inputs, of a kernel, with the bias; outputs; calls; whether there is a regularizer; whether the layer
        is a convolution, whose inputs are the numbers under its window.
        """

    def _layer_sizes(self, name: str) -> tuple[int, int]:
        """Inputs and outputs of the layer of an array of this name, to a rule that finds its curvature."""
        return 0, 0

    def _decays(self, array: Any, name: str) -> bool:
        arrays, patterns = self._excluded
        same = any(_place(other) == _place(array) for other in arrays)
        last = name.rpartition("/")[2]
        return not same and not any(re.search(pattern, n) for pattern in patterns for n in (name, last))


def _place(array: Any) -> tuple[bool, int, tuple[int, ...]]:
    """Where an array lies: on a GPU or not, its address, and its shape."""
    is_device = isinstance(array, DeviceArray)
    return is_device, array.address if is_device else array.ctypes.data, array.shape
