"""Copies of optimizers: pickle, copy.deepcopy and copy.copy, after which training goes on bit for bit."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any, TypeVar

import numpy as np

from ... import _core
from ..schedules.base import values_ahead
from .device import UNCOPIED, DeviceCore
from .hyperparameters import Configured

__all__ = ["Copied"]

Self = TypeVar("Self", bound="Copied")

# What belongs to an object and not to what it is: found again, or made again.
PASSING = ("_core", "_seen", "_unclaimed", "_registrars", "_last", "_stepped", "_known")


class Copied(Configured):
    """An optimizer that can be copied.

    A pickle, and what `copy.deepcopy` makes, has copies of the arrays too: in a structure that is copied as a whole,
    ``{"params": params, "optimizer": optimizer}``, the copied optimizer steps the copied arrays. Where nobody has
    those, as after a pickle of the optimizer alone, the first arrays of the same names, shapes and dtypes take their
    places. What `copy.copy` makes steps the same arrays, with separate state.
    """

    _names: list[str]
    _excluded: tuple[list[Any], list[str]]

    def __getstate__(self) -> dict[str, Any]:
        plain = {name: value for name, value in vars(self).items() if name not in PASSING}
        if "_core" in vars(self):
            plain["_engine"] = self._snapshot()
            numbers = [self._core.find(array) for array in self._excluded[0]]
            spared = [array if i < 0 else i for array, i in zip(self._excluded[0], numbers, strict=True)]
            plain["_excluded"] = spared, list(self._excluded[1])
        return plain

    def __setstate__(self, state: dict[str, Any]) -> None:
        plain = dict(state)
        engine = plain.pop("_engine", None)
        vars(self).update(plain, _last=None, _stepped=None, _known=None)
        if engine is None:
            return
        vars(self)["_core"] = self._revive(engine)
        arrays = [self._core.parameter(index) for index in range(len(self._core))]
        spared = [arrays[other] if isinstance(other, int) else other for other in self._excluded[0]]
        vars(self).update(
            _seen={id(array): (None, index) for index, array in enumerate(arrays)},
            _registrars={},
            _unclaimed={name: index for index, name in enumerate(self._names)},
            _excluded=(spared, self._excluded[1]),
        )

    def __copy__(self: Self) -> Self:
        return copy.deepcopy(self, {id(array): array for array in self._arrays()})

    def _arrays(self) -> list[np.ndarray]:
        return [self._core.parameter(index) for index in range(len(self._core))]

    def _snapshot(self) -> dict[str, Any]:
        """All that the engine has, as plain data."""
        core, fields = self._core, self._all_fields()
        if isinstance(core, DeviceCore):
            raise TypeError(UNCOPIED)
        if not core.halted:  # which has no rows that are behind
            core.flush()
        groups = range(core.groups)
        indices = range(len(core))
        return {
            "rule": core.rule,
            "values": [{f: core.get(f, group) for f in fields if core.is_own(f, group)} for group in groups],
            "counts": {name: getattr(core, name) for name in ("iterations", "accumulated", "skipped", "halted")},
            "scalars": {name: float(number) for name, number in core.scalars().items()},
            "arrays": self._arrays(),
            "group_of": [core.group_of(index) for index in indices],
            "decays": [core.decays(index) for index in indices],
            "asides": [core.uses_fallback(index) for index in indices],
            "layers": [core.layer_sizes(index) for index in indices],
            "state": [{slot: array.copy() for slot, array in core.state(index).items()} for index in indices],
        }

    def _revive(self, engine: dict[str, Any]) -> _core.Optimizer:
        first, *others = engine["values"]
        core = _core.Optimizer(engine["rule"], first, self._engine_options(engine["rule"]))
        for own in others:
            core.add_group(own)
        following = {(0, field): schedule for field, schedule in self._schedules.items()} | self._group_schedules
        for (group, field), schedule in following.items():
            core.schedule(field, partial(values_ahead, schedule), group)
        counts = dict(engine["counts"])
        halted = counts.pop("halted")
        for name, count in counts.items():
            setattr(core, name, count)
        core.add(
            engine["arrays"],
            [f"[{name!r}]" for name in self._names],
            engine["group_of"],
            engine["decays"],
            engine["asides"],
            engine["layers"],
        )
        for name, number in core.scalars().items():
            number[...] = engine["scalars"][name]
        for index, state in enumerate(engine["state"]):
            for slot, array in core.state(index).items():
                array[...] = state[slot]
        core.halted = halted  # only now: nothing is added to one that is
        return core
