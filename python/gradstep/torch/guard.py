"""What every part of a step would refuse in its turn, seen before the first part is made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .. import _core
from ..optimizers.arrays import as_gradient
from .team import Team
from .tensors import memory

__all__ = ["Guard"]


class Guard:
    """All tensors of all groups as those of one optimizer of the engine, which only ever checks.

    So a gradient that overlaps a tensor of any group is refused, and tensors of two groups that overlap are.

    Parameters
    ----------
    teams : sequence of Team
        One a group.
    """

    def __init__(self, teams: Sequence[Team]) -> None:
        self._teams = [(team, len(team.tensors)) for team in teams]
        core = _core.Optimizer("SGD", {}, {})  # which has no state
        labels = [label for team in teams for label in team.labels]
        indices = core.add([memory(tensor) for team in teams for tensor in team.tensors], labels)
        self._bound = _core.Bound(core, indices, labels, as_gradient)

    def fits(self, teams: Sequence[Team]) -> bool:
        """Whether these are still all tensors."""
        return self._teams == [(team, len(team.tensors)) for team in teams]

    def check(self, gradients: Iterable[list[Any]]) -> None:
        """Refuse what a step would: gradients of each team's tensors, None where there is none."""
        self._bound.check([each for some in gradients for each in some])
