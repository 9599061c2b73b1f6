"""The tensors of one parameter group, and the engine's optimizer that moves them."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
import torch
from torch.autograd.graph import increment_version

from .. import _core
from ..optimizers.arrays import as_gradient
from .spec import Form, Kept, Spec
from .tensors import check_parameter, gradient, memory

__all__ = ["Move", "Team"]

State = MutableMapping[Any, dict[str, Any]]  # by tensor, as PyTorch has it
Part = tuple[tuple[float, ...], "list[int] | None"]  # the counters of some tensors, and which they are; None: all


@dataclass
class Move:
    """What a step does to a team: its gradients, and the parts that it is made in."""

    team: Team
    group: Mapping[str, Any]
    gradients: list[Any]  # of its tensors, None where there is none
    parts: list[Part]


class Team:
    """Those tensors of a group that have had a gradient, and their state.

    The arrays of state are the engine's; PyTorch's state shows them as tensors. The counters are an array a key, with a
    number a tensor, which PyTorch's state shows as tensors without dimensions.

    Parameters
    ----------
    spec : Spec
        What the optimizer's class is in the engine.
    group : dict
        One of `param_groups`.
    label : str
        The group's place among them, for errors.
    """

    def __init__(self, spec: Spec, group: Mapping[str, Any], label: str) -> None:
        self._spec, self._label = spec, label
        self._ids = list(map(id, group["params"]))
        self._known = itemgetter(*spec.settings(group))
        self._form: Form = spec.form(group)
        self._core = self._form.start()
        self._now: Any = None  # the settings that the engine has
        self._idle = list(range(len(self._ids)))  # tensors without a gradient so far
        self.tensors: list[Any] = []
        self.labels: list[str] = []  # of the tensors, for errors
        self.unshown = False  # whether PyTorch's state is yet to see memory of the engine
        self._places: list[tuple[int, tuple[int, ...]]] = []
        self._plain = True  # no tensor is bfloat16
        self._bound = _core.Bound(self._core, [], [], as_gradient)
        # PyTorch counts in its default dtype, fused in float32.
        wide = torch.get_default_dtype() == torch.float64 and not group.get("fused")
        self._columns = [np.zeros(0, np.float64 if wide else np.float32) for _ in spec.counter.keys]
        self._level = True  # all tensors have the same numbers

    # -- before a step: everything that may be refused ----

    def fits(self, group: Mapping[str, Any]) -> bool:
        """Whether the tensors are still those, where they were."""
        return list(map(id, group["params"])) == self._ids and self._places == [
            (tensor.data_ptr(), tensor.stride()) for tensor in self.tensors
        ]

    def follow(self, group: Mapping[str, Any]) -> bool:
        """Hand changed settings to the engine; False if they need another rule."""
        now = self._known(group)
        if now == self._now:
            return True
        if self._spec.form(group) != self._form:
            return False
        for field, value in self._spec.values(group, self._form.rule):
            self._core.set(field, value)
        # A tensor or list may change and still be the same object.
        self._now = now if all(map(is_constant, now)) else None
        return True

    def plan(self, group: Mapping[str, Any], state: State) -> Move:
        """A step against the gradients that there are; tensors that have done as many steps go together."""
        fresh = [i for i in self._idle if group["params"][i].grad is not None]
        if fresh:
            self._admit(fresh, group, state)
        gradients, complete = self._gradients()
        if complete and self._level:
            return Move(self, group, gradients, [(self._counters(0), None)] if gradients else [])
        rows: dict[tuple[float, ...], list[int]] = {}
        for i, each in enumerate(gradients):
            if each is not None:
                rows.setdefault(self._counters(i), []).append(i)
        return Move(self, group, gradients, list(rows.items()))

    def rehearse(self, move: Move) -> None:
        """Refuse counters that a part of a step cannot be made with."""
        for now, _ in move.parts:
            self._count(move.group, now)

    def _gradients(self) -> tuple[list[Any], bool]:
        """The gradients of the tensors, None where there is none, and whether none is None."""
        given = [tensor.grad for tensor in self.tensors]
        try:
            if self._plain:
                return [each.numpy() for each in given], True
        except (AttributeError, RuntimeError, TypeError):
            pass  # a None, or what the other way knows or names
        found = [
            None if each is None else gradient(each, f"gradients{label}")
            for label, each in zip(self.labels, given, strict=True)
        ]
        return found, not any(each is None for each in found)

    def _counters(self, i: int) -> tuple[float, ...]:
        return tuple(column.item(i) for column in self._columns)

    def _admit(self, fresh: list[int], group: Mapping[str, Any], state: State) -> None:
        """Take tensors in, with the state they have or a new one."""
        counter = self._spec.counter
        tensors, labels = [group["params"][i] for i in fresh], [f"{self._label}[{i}]" for i in fresh]
        rows = []
        for tensor, label in zip(tensors, labels, strict=True):
            name = f"parameters{label}"
            check_parameter(tensor, name, self._spec.axes)
            own = state.get(tensor, {})
            rows.append(counter.adopt(own, name) if own else counter.first(group))
        self._count(group, rows[0])
        indices = self._core.add([memory(tensor) for tensor in tensors], labels)
        for index, tensor, label, row in zip(indices, tensors, labels, rows, strict=True):
            if row[0]:
                fill(self._shown(index, tensor), state[tensor], f"the state of parameters{label}")
        self.tensors += tensors
        self.labels += labels
        self._places += [(tensor.data_ptr(), tensor.stride()) for tensor in tensors]
        self._plain = all(tensor.dtype != torch.bfloat16 for tensor in self.tensors)
        self._idle = [i for i in self._idle if i not in fresh]
        self._columns = [
            np.append(column, np.array(values, column.dtype))
            for column, values in zip(self._columns, zip(*rows, strict=True), strict=True)
        ]
        self._see()
        self._bound = _core.Bound(self._core, list(range(len(self.labels))), self.labels, as_gradient)
        self.unshown = True

    def _shown(self, index: int, tensor: Any) -> dict[str, Any]:
        """The engine's memory of a tensor's state, as PyTorch has it."""
        arrays, kept = self._core.state(index), self._spec.kept(self._form.rule, tensor.dim())
        return {each.key: seen(arrays[slot], each) for slot, each in kept.items()}

    def _see(self) -> None:
        self._level = all((column == column[0]).all() for column in self._columns)

    # -- the step ----

    def show(self, state: State) -> None:
        """Put the engine's memory into PyTorch's state, where it is not there yet."""
        if not self.unshown:
            return
        self.unshown = False
        counters = dict(zip(self._spec.counter.keys, map(torch.from_numpy, self._columns), strict=True))
        if not self._spec.counter.shown:
            counters = {}
        for i, tensor in enumerate(self.tensors):
            own = {key: column[i] for key, column in counters.items()} | self._shown(i, tensor)
            if own:
                state[tensor].update(own)

    def go(self, move: Move) -> None:
        """Make the parts of a step, one after the other."""
        for now, where in move.parts:
            if where is None:
                for column, value in zip(self._columns, self._take(move.group, now, move.gradients), strict=True):
                    column.fill(value)
                increment_version(self.tensors)  # as any change in place: a graph that needs the old values says so
                continue
            chosen = [None] * len(move.gradients)
            for i in where:
                chosen[i] = move.gradients[i]
            for column, value in zip(self._columns, self._take(move.group, now, chosen), strict=True):
                column[where] = value
            increment_version([self.tensors[i] for i in where])
            self._see()

    def _take(self, group: Mapping[str, Any], now: tuple[float, ...], gradients: list[Any]) -> tuple[float, ...]:
        """A step of the engine; the counters after it."""
        self._core.iterations = int(now[0])
        self._count(group, now)
        self._bound.step(gradients)
        return self._spec.counter.after(group, now)

    def _count(self, group: Mapping[str, Any], now: tuple[float, ...]) -> None:
        """Hand what follows from the counters to the engine."""
        for field, value in self._spec.counter.fields(group, now).items():
            self._core.set(field, value)


def is_constant(value: Any) -> bool:
    """Whether a setting that is the same object is the same value."""
    return (
        value is None
        or type(value) in (float, int, bool, str)
        or (type(value) is tuple and all(map(is_constant, value)))
    )


def seen(array: np.ndarray, kept: Kept) -> Any:
    """An array of the engine as PyTorch has it in its state."""
    tensor = torch.from_numpy(array)
    return tensor if kept.axis is None else tensor.unsqueeze(kept.axis)


def fill(own: Mapping[str, Any], state: Mapping[str, Any], name: str) -> None:
    """Copy what there is in a state, by key."""
    for key, tensor in own.items():
        given = state.get(key)
        if not isinstance(given, torch.Tensor):
            raise ValueError(f"{name} has no {key!r}; it holds {', '.join(state)}.")
        if given.shape != tensor.shape:
            raise ValueError(f"{key!r} in {name} has shape {tuple(given.shape)}; it must have {tuple(tensor.shape)}.")
        tensor.copy_(given.detach())
