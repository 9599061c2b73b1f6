"""Copies lent to the compiled core for a step, where it cannot use a tensor's gradient or state directly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from .counters import Numbers
from .settings import Settings
from .spec import Spec
from .tensors import check_parameter, check_written, fits, gradient, real

__all__ = ["Loan", "lend"]


@dataclass
class Loan:
    """For one tensor: state that is yet to be made, copies of state and gradient, and numbers.

    Parameters
    ----------
    lent : dict
        By key of the state, ``"grad"`` or ``"numbers"``: what goes before the tensor's own.
    fresh : dict
        The state that the tensor has from this step on.
    copies : list of pair
        A tensor of the state, and its copy that the engine moves.
    counters : dict
        By key, the tensors of the state that hold numbers which are lent.
    """

    lent: dict[str, Any] = field(default_factory=dict)
    fresh: dict[str, Any] = field(default_factory=dict)
    copies: list[tuple[Any, Any]] = field(default_factory=list)
    counters: dict[str, Any] = field(default_factory=dict)

    def give_back(self, after: Mapping[str, float]) -> None:
        """Write to the state what a step has made of the copies."""
        for original, copy in self.copies:
            original.copy_(copy)
        for key, tensor in self.counters.items():
            tensor.fill_(after[key])


def lend(spec: Spec, settings: Settings, group: Mapping[str, Any], label: str, tensor: Any, own: Any) -> Loan:
    """Prepare a tensor with a gradient for a step, or say why it cannot be moved.

    Parameters
    ----------
    label : str
        Where the tensor is: ``[group][position]``.
    own : dict or None
        Its state.
    """
    name = f"parameters{label}"
    check_parameter(tensor, name, spec.axes)
    check_written(tensor, name)
    if tensor.data_ptr() % tensor.itemsize:
        raise ValueError(f"{name} must be aligned; its data does not begin on a multiple of its item size.")
    loan = Loan()
    readable = gradient(tensor, f"gradients{label}", spec.sparse)
    if readable is not tensor.grad:
        loan.lent["grad"] = readable
    dtype, shape = real(tensor.dtype), tuple(tensor.shape)
    slots = [(key, form) for key, form in settings.slots(shape) if key is not None]
    if not slots:
        return loan
    own = {} if own is None else own
    if not isinstance(own, dict):
        raise TypeError(f"the state of {name} must be a dict; it is {own!r}.")
    if spec.counter.is_new(own):
        loan.fresh = settings.fresh(group, shape, dtype)
        loan.lent |= loan.fresh
        if not spec.counter.keys:
            loan.lent["numbers"] = spec.counter.first(group)
        return loan
    numbers = spec.counter.adopt(own, name)
    for key, form in slots:
        value = own.get(key)
        if not isinstance(value, torch.Tensor):
            raise ValueError(f"the state of {name} has no {key!r}; it holds {', '.join(map(str, own))}.")
        if not fits(value, form, dtype, f"{key!r} in the state of {name}"):
            copy = torch.empty(form, dtype=dtype).copy_(value.detach())
            loan.lent[key] = copy
            loan.copies.append((value, copy))
    counters = {key: own[key] for key in spec.counter.keys}
    if not all(map(is_counter, counters.values())):
        loan.lent["numbers"] = numbers
        loan.counters = counters
    return loan


def is_counter(value: Any) -> bool:
    """Whether the engine can count in it."""
    return value.dtype in (torch.float32, torch.float64) and not value.is_neg()


def by_key(spec: Spec, numbers: Numbers) -> dict[str, float]:
    """Numbers by PyTorch's keys."""
    return dict(zip(spec.counter.keys, numbers, strict=False))
