"""What the adapters have in common: PyTorch's optimizer, stepping through the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch

from .guard import Guard
from .spec import Spec
from .team import Move, Team
from .tensors import check_parameter

__all__ = ["Stepping"]


class Stepping(torch.optim.Optimizer):
    """Base of the classes, before the one of `torch.optim`, of which `step` alone is replaced.

    Notes
    -----
    A tensor's state comes into being with its first gradient, as in PyTorch. Its memory is the engine's, and is seen in
    ``optimizer.state`` and `state_dict`: values may be changed in place there. The whole of it may be loaded, replaced
    or cleared.
    """

    _spec: ClassVar[Spec]
    _teams: dict[int, Team]  # by the number of the group
    _seen: tuple[Any, int]  # the state that they show, and its length
    _guard: Guard | None = None  # over them; made when a step has several parts
    # Of AMP's GradScaler: it is to divide the gradients itself, also with ``fused=True``.
    _step_supports_amp_scaling = property(lambda self: False, lambda self, value: None)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._forget()

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group, as `torch.optim.Optimizer.add_param_group` does.

        Raises
        ------
        TypeError
            A tensor is not dense, real, floating point and in the CPU's memory.
        ValueError
            A setting cannot be had: ``differentiable=True``, ``capturable=True``; a tensor has not the axes that the
            class needs.
        ImportError
            A tensor is bfloat16, and ml_dtypes is not installed.
        """
        self.__dict__.setdefault("_teams", {})  # PyTorch's __init__ comes here first
        super().add_param_group(param_group)
        number = len(self.param_groups) - 1
        try:
            self._spec.form(param_group)
            for i, tensor in enumerate(param_group["params"]):
                check_parameter(tensor, f"parameters[{number}][{i}]", self._spec.axes)
        except Exception:
            self.param_groups.pop()
            raise

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from the `state_dict` of this class, or of the one of `torch.optim`.

        Raises
        ------
        ValueError
            The groups differ in number or length.
        """
        super().load_state_dict(state_dict)
        # PyTorch rounds to the parameter's type. State of half types is float32 here: take it as it was.
        saved = [key for group in state_dict["param_groups"] for key in group["params"]]
        tensors = [tensor for group in self.param_groups for tensor in group["params"]]
        for key, tensor in zip(saved, tensors, strict=True):
            if tensor.dtype.itemsize == 2 and key in state_dict["state"]:
                self.state[tensor].update(exact(state_dict["state"][key]))

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step: move every tensor that has a gradient, in place.

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
            A setting is outside its bounds; a state has not the tensors that the class needs, in their shapes; a
            gradient overlaps a tensor that is moved, or two of these overlap. After any error everything is as it was.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        if self._teams and (self._seen[0] is not self.state or self._seen[1] != len(self.state)):
            self._forget()  # the state is another one
        moves: list[Move] = []
        parts, unshown = 0, False
        try:
            for number, group in enumerate(self.param_groups):
                team = self._team(number, group)
                move = team.plan(group, self.state)
                moves.append(move)
                parts += len(move.parts)
                unshown |= team.unshown
            # The engine checks a part before it makes it: enough for the only one, unless state is to be shown before.
            if unshown or parts > 1:
                self._check(moves)
        except Exception:
            self._forget()
            raise
        if unshown:
            for move in moves:
                move.team.show(self.state)
        self._seen = self.state, len(self.state)
        for move in moves:
            move.team.go(move)
        return loss

    def _check(self, moves: list[Move]) -> None:
        """Refuse what any part of a step would."""
        for move in moves:
            move.team.rehearse(move)
        teams = [move.team for move in moves]
        if self._guard is None or not self._guard.fits(teams):
            self._guard = Guard(teams)
        self._guard.check(move.gradients for move in moves)

    def _forget(self) -> None:
        self._teams, self._guard = {}, None

    def _team(self, number: int, group: Mapping[str, Any]) -> Team:
        team = self._teams.get(number)
        if team is None or not team.fits(group) or not team.follow(group):
            team = Team(self._spec, group, f"[{number}]")
            team.follow(group)
            self._teams[number], self._guard = team, None
        return team


def exact(state: Mapping[str, Any]) -> dict[str, Any]:
    """Those tensors of a state that have the precision of sums."""
    return {
        key: value for key, value in state.items() if isinstance(value, torch.Tensor) and value.dtype == torch.float32
    }
