"""Types of what the compiled engine has for PyTorch's optimizers: a part of ``_core``, not a module of its own."""

from collections.abc import Callable, Sequence
from typing import Any

from ._core import Optimizer

# -- torch.optim's parameter groups (csrc/bindings/optimizers/tensor_groups.cpp) ---------------------------------------

class TensorGroups:
    """Steps tensors and their state where they lie. Nothing of a tensor is kept from one step to the next."""

    def __init__(self, type: type, source: Any) -> None:
        """type: the tensors' class. source: its capsule of DLPack's C functions, or a function that makes a DLPack
        capsule of a tensor."""

    def add(
        self,
        optimizer: Optimizer,
        counters: Sequence[str],
        slots: Callable[[tuple[int, ...]], list[tuple[str | None, tuple[int, ...]]]],
    ) -> None:
        """The next group. counters: keys of the numbers in a tensor's state, at most 3; the first are the steps.
        slots(shape): key and shape of each slot of the rule; a None is for memory that is not state."""

    def replace(
        self,
        number: int,
        optimizer: Optimizer,
        slots: Callable[[tuple[int, ...]], list[tuple[str | None, tuple[int, ...]]]],
    ) -> None: ...
    def begin(self) -> None:
        """Begin a step; RuntimeError if another one has not ended."""

    def read(
        self, groups: list[Any], state: dict[Any, Any], lent: dict[tuple[int, int], dict[str, Any]]
    ) -> list[tuple[int, int]]:
        """Find all gradients and state. lent: by (group, position), what goes before a tensor's state, its gradient
        ("grad") and its numbers ("numbers"). Returns those that cannot be used as they are; if there are none, a
        ValueError where memory overlaps that must not."""

    def parts(self) -> list[tuple[int, tuple[float, ...]]]:
        """Group and numbers of the tensors that are moved together."""

    def moved(self) -> list[Any]:
        """The tensors that a step moves."""

    def go(self, part: int, done: int, after: Sequence[float]) -> None:
        """Move a part that has done so many steps; its numbers are `after` from then on."""

    def end(self) -> None:
        """End a step, and let go of all tensors."""
