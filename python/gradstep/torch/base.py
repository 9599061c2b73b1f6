"""Base of the adapters: PyTorch's optimizers with steps in the compiled core."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch.autograd.graph import increment_version

from .. import _core
from .loans import Loan, by_key, lend
from .settings import Settings
from .spec import Spec
from .tensors import SOURCE, check_parameter

__all__ = ["Stepping"]

Where = tuple[int, int]  # a tensor: its group and its position there


class Stepping(torch.optim.Optimizer):
    """Mixin, before the class of `torch.optim` among the bases: replaces its `step`.

    Notes
    -----
    Each step reads and writes the tensors of ``optimizer.state`` themselves; nothing of them is kept in between. So
    state may be changed in place, replaced, cleared, put into shared memory, or made before the first step, and tensors
    may move, be cut, grow or have their storage freed for a while, as with PyTorch.
    """

    _spec: ClassVar[Spec]
    _settings: list[Settings]  # of the groups
    _engine: _core.TensorGroups | None  # made of them
    # Of AMP's GradScaler: it is to divide the gradients itself, also with ``fused=True``.
    _step_supports_amp_scaling = property(lambda self: False, lambda self, value: None)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._settings, self._engine = [], None

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a parameter group, as `torch.optim.Optimizer.add_param_group` does.

        Raises
        ------
        TypeError
            A tensor is not dense, real, floating point and in the CPU's memory; a setting is no number.
        ValueError
            A setting is outside its bounds or cannot be had: ``differentiable=True``, ``capturable=True``; a tensor has
            not the axes that the class needs, or is there twice.
        """
        self._settings, self._engine = [], None  # PyTorch's __init__ comes here first
        super().add_param_group(param_group)
        number = len(self.param_groups) - 1
        try:
            Settings(self._spec, param_group, number)
            seen: dict[int, int] = {}
            for i, tensor in enumerate(param_group["params"]):
                name = f"parameters[{number}][{i}]"
                check_parameter(tensor, name, self._spec.axes)
                if seen.setdefault(id(tensor), i) != i:
                    raise ValueError(
                        f"{name} is parameters[{number}][{seen[id(tensor)]}] again; each must appear once."
                    )
        except Exception:
            self.param_groups.pop()
            raise

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load a `state_dict` of this class or of the class of `torch.optim`.

        Raises
        ------
        ValueError
            The groups differ in number or length.
        """
        super().load_state_dict(state_dict)
        # PyTorch shares tensors with the dict where it can, and rounds state to the parameter's type. State of half
        # types is float32 here: take it as it was.
        saved = [key for group in state_dict["param_groups"] for key in group["params"]]
        tensors = [tensor for group in self.param_groups for tensor in group["params"]]
        for key, tensor in zip(saved, tensors, strict=True):
            given = state_dict["state"].get(key, {})
            for name, value in self.state.get(tensor, {}).items():
                if isinstance(value, torch.Tensor):
                    exact = given.get(name)
                    half = tensor.dtype.itemsize == 2 and isinstance(exact, torch.Tensor)
                    source = exact if half and exact.dtype == torch.float32 else value
                    self.state[tensor][name] = source.detach().clone(memory_format=torch.contiguous_format)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step: update every tensor that has a gradient, in place.

        Parameters
        ----------
        closure : callable, optional
            Computes the loss and the gradients once more.

        Returns
        -------
        float or Tensor or None
            What the closure returned.

        Raises
        ------
        TypeError
            A gradient is sparse, or a tensor is no longer dense, real, floating point and in the CPU's memory.
        ValueError
            A setting is outside its bounds; a state has not the tensors that the class needs, in their shapes; tensors
            overlap that must not. After any error everything is as it was.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        engine = self._follow()
        engine.begin()
        try:
            with torch.no_grad():
                self._move(engine)
        finally:
            engine.end()
        return loss

    def _move(self, engine: _core.TensorGroups) -> None:
        groups, counter = self.param_groups, self._spec.counter
        state = self.state if isinstance(self.state, dict) else dict(self.state)
        loans = self._read(engine, state)
        parts = engine.parts()
        for number, numbers in parts:
            self._settings[number].count(groups[number], numbers)
        # As any change in place: a graph that needs the old values says so.
        increment_version(engine.moved())
        for where, loan in loans.items():
            if loan.fresh:
                tensor = self._tensor(where)
                if self.state.get(tensor) is None:
                    self.state[tensor] = {}
                self.state[tensor].update(loan.fresh)
        for part, (number, numbers) in enumerate(parts):
            if len(parts) > 1:
                self._settings[number].count(groups[number], numbers)
            engine.go(part, counter.done(numbers), counter.after(groups[number], numbers))
        for (number, _), loan in loans.items():
            if loan.copies or loan.counters:
                now = loan.lent.get("numbers", ())
                loan.give_back(by_key(self._spec, counter.after(groups[number], now)) if loan.counters else {})

    def _read(self, engine: _core.TensorGroups, state: dict[Any, Any]) -> dict[Where, Loan]:
        """Have the engine find all gradients and state; what it must be lent for that."""
        tensors = [group["params"] for group in self.param_groups]
        loans: dict[Where, Loan] = {}
        for number, i in engine.read(tensors, state, {}):
            tensor, group, settings = self._tensor((number, i)), self.param_groups[number], self._settings[number]
            loans[number, i] = lend(self._spec, settings, group, f"[{number}][{i}]", tensor, state.get(tensor))
        if loans:
            for number, i in engine.read(tensors, state, {where: loan.lent for where, loan in loans.items()}):
                raise TypeError(f"parameters[{number}][{i}], its gradient or its state cannot be read.")
        return loans

    def _tensor(self, where: Where) -> Any:
        return self.param_groups[where[0]]["params"][where[1]]

    def _follow(self) -> _core.TensorGroups:
        """The engine, with the present settings of the groups."""
        groups, engine = self.param_groups, self._engine
        if engine is None or len(self._settings) != len(groups):
            self._settings = [Settings(self._spec, group, number) for number, group in enumerate(groups)]
            engine = _core.TensorGroups(torch.Tensor, SOURCE)
            for settings in self._settings:
                engine.add(settings.core, self._spec.counter.keys, settings.slots)
            self._engine = engine
        for number, group in enumerate(groups):
            if not self._settings[number].follow(group):
                self._settings[number] = fresh = Settings(self._spec, group, number)
                engine.replace(number, fresh.core, fresh.slots)
        return engine
