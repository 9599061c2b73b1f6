"""The tensors of one parameter group, and the engine's optimizer that moves them."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from operator import itemgetter
from typing import Any

import numpy as np
import torch
from torch.autograd.graph import increment_version

from .. import _core
from ..optimizers.arrays import as_gradient
from .spec import Form, Spec
from .tensors import check_parameter, gradient, memory

__all__ = ["Team"]

State = MutableMapping[Any, dict[str, Any]]  # by tensor, as PyTorch has it


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
        self._members: list[int] = []
        self._tensors: list[Any] = []
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
            (tensor.data_ptr(), tensor.stride()) for tensor in self._tensors
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

    def gradients(self, group: Mapping[str, Any], state: State) -> tuple[list[Any], bool]:
        """The gradients of the tensors so far, None where there is none, and whether none is None."""
        fresh = [i for i in self._idle if group["params"][i].grad is not None]
        if fresh:
            self._admit(fresh, group, state)
        given = [tensor.grad for tensor in self._tensors]
        try:
            if self._plain:
                return [each.numpy() for each in given], True
        except (AttributeError, RuntimeError, TypeError):
            pass  # a None, or what the other way knows or names
        found = [
            None if each is None else gradient(each, f"gradients{self._name(i)}")
            for i, each in zip(self._members, given, strict=True)
        ]
        return found, not any(each is None for each in found)

    def _name(self, i: int) -> str:
        return f"{self._label}[{i}]"

    def _admit(self, fresh: list[int], group: Mapping[str, Any], state: State) -> None:
        """Take tensors in, with the state they have or a new one."""
        counter, slots = self._spec.counter, self._slots()
        tensors = [group["params"][i] for i in fresh]
        rows, sources = [], []
        for i, tensor in zip(fresh, tensors, strict=True):
            name = f"parameters{self._name(i)}"
            check_parameter(tensor, name)
            own = state.get(tensor, {})
            rows.append(counter.adopt(own, name) if own else counter.first(group))
            sources.append(source_of(own, slots, name) if rows[-1][0] else {})
        for field, value in counter.fields(group, rows[0]).items():
            self._core.set(field, value)
        indices = self._core.add([memory(tensor) for tensor in tensors], [self._name(i) for i in fresh])
        for index, source in zip(indices, sources, strict=True):
            arrays = self._core.state(index)
            for slot, tensor in source.items():
                torch.from_numpy(arrays[slot]).copy_(tensor.detach())
        self._members += fresh
        self._tensors += tensors
        self._places += [(tensor.data_ptr(), tensor.stride()) for tensor in tensors]
        self._plain = all(tensor.dtype != torch.bfloat16 for tensor in self._tensors)
        self._idle = [i for i in self._idle if i not in fresh]
        self._columns = [
            np.append(column, np.array(values, column.dtype))
            for column, values in zip(self._columns, zip(*rows, strict=True), strict=True)
        ]
        self._see()
        labels = [self._name(i) for i in self._members]
        self._bound = _core.Bound(self._core, list(range(len(labels))), labels, as_gradient)
        self._show(state)

    def _slots(self) -> dict[str, str]:
        return {slot: self._spec.slots[slot] for slot in _core.rules()[self._form.rule]["slots"]}

    def _show(self, state: State) -> None:
        """Put the engine's memory into PyTorch's state."""
        slots = self._slots()
        counters = dict(zip(self._spec.counter.keys, map(torch.from_numpy, self._columns), strict=True))
        if not self._spec.counter.shown:
            counters = {}
        if not slots and not counters:
            return
        for i, tensor in enumerate(self._tensors):
            arrays = self._core.state(i)
            own = {key: column[i] for key, column in counters.items()}
            own |= {key: torch.from_numpy(arrays[slot]) for slot, key in slots.items()}
            state[tensor].update(own)

    def _see(self) -> None:
        self._level = all((column == column[0]).all() for column in self._columns)

    # -- the step ----

    def move(self, group: Mapping[str, Any], gradients: list[Any], complete: bool) -> None:
        """Move the tensors against their gradients, those that have done as many steps together."""
        if not gradients:
            return
        if complete and self._level:
            after = self._go(group, tuple(column.item(0) for column in self._columns), gradients)
            for column, value in zip(self._columns, after, strict=True):
                column.fill(value)
            increment_version(self._tensors)  # as any change in place: a graph that needs the old values then says so
            return
        rows: dict[tuple[float, ...], list[int]] = {}
        for i, each in enumerate(gradients):
            if each is not None:
                rows.setdefault(tuple(column.item(i) for column in self._columns), []).append(i)
        for now, where in rows.items():
            chosen = [None] * len(gradients)
            for i in where:
                chosen[i] = gradients[i]
            after = self._go(group, now, chosen)
            for column, value in zip(self._columns, after, strict=True):
                column[where] = value
            increment_version([self._tensors[i] for i in where])
        self._see()

    def _go(self, group: Mapping[str, Any], now: tuple[float, ...], gradients: list[Any]) -> tuple[float, ...]:
        counter = self._spec.counter
        self._core.iterations = int(now[0])
        for field, value in counter.fields(group, now).items():
            self._core.set(field, value)
        self._bound.step(gradients)
        return counter.after(group, now)


def is_constant(value: Any) -> bool:
    """Whether a setting that is the same object is the same value."""
    return type(value) in (float, int, bool) or (type(value) is tuple and all(map(is_constant, value)))


def source_of(state: Mapping[str, Any], slots: Mapping[str, str], name: str) -> dict[str, Any]:
    """The tensors of a state that go on in the engine, by slot."""
    for key in slots.values():
        if not isinstance(state.get(key), torch.Tensor):
            raise ValueError(f"the state of {name} has no {key!r}; it holds {', '.join(state)}.")
    return {slot: state[key] for slot, key in slots.items()}
