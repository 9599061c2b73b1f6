"""ZeRO, stage 1: each process steps its part of the weights, and keeps the optimizer's state of that part alone."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np

from ... import _core, optimizers
from ...distribution.buckets import BucketSums
from ...distribution.data_parallel import DataParallel
from ...optimizers.base.wrappers import Wrapper
from ..executor import Executor
from ..network import learned

__all__ = ["PartialStep"]


class Piece(NamedTuple):
    """What a process has of a weight."""

    name: str
    weight: np.ndarray  # the whole
    numbers: slice  # of the weight in C order
    place: slice  # in the process's part

    @property
    def array(self) -> np.ndarray:
        """Its numbers, where they lie."""
        flat: np.ndarray = self.weight.reshape(-1)[self.numbers]
        return flat


def check(executor: Executor) -> None:
    """Refuse what does not move each number of a weight by itself.

    Raises
    ------
    ValueError
        An optimizer, option, constraint or proximal penalty of that kind.
    """
    optimizer: Any = executor.stage
    why = ""
    if isinstance(optimizer, Wrapper):
        why = f"{type(optimizer).__name__} steps whole weights"
    else:
        rule = _core.rules()[optimizer._core.rule]
        for name in ("clipnorm", "global_clipnorm", "state_dtype"):
            why = f"{name} looks at whole gradients or states" if getattr(optimizer, name) is not None else why
        if optimizer.on_nonfinite != "propagate":
            why = f'on_nonfinite="{optimizer.on_nonfinite}" looks at whole gradients'
        if rule["measures"] or rule["matrices"]:
            why = f"{type(optimizer).__name__} looks at whole weights"
    for step in executor.steps:
        for setting in step.layer._settings():
            if setting.get("constraint") is not None or (setting.get("penalty") or {}).get("proximal"):
                why = f"layer {step.layer.name!r} has a constraint or proximal penalty"
    if why:
        raise ValueError(f"shard_optimizer must be False where a step is not made number by number: {why}.")


class PartialStep:
    """Steps of a model's optimizer, spread over the processes of a team.

    Parameters
    ----------
    executor : Executor
    team : DataParallel
    loop : TrainLoop
        Which leaves gradients, and whose weights are stepped.
    tree : BucketSums
        Of its gradients.

    Notes
    -----
    While the state is spread the model's optimizer knows no arrays: another one with the same settings steps the
    pieces. `gather` brings the state together again.
    """

    def __init__(self, executor: Executor, team: DataParallel, loop: _core.TrainLoop, tree: BucketSums) -> None:
        check(executor)
        assert executor.network is not None
        self.optimizer: optimizers.Optimizer = executor.stage  # type: ignore[assignment]
        self._executor, self._team, self._tree = executor, team, tree
        self._flat = loop.gradient_memory
        self._weights = list(zip(learned(executor.network), loop.gradients, strict=True))
        names = {_core.address(weight): name for name, weight in executor.trained_weights().items()}
        self._pieces, begin = [], 0
        for span in tree.spans:
            for weight, gradient in self._weights:
                at = (_core.address(gradient) - _core.address(self._flat)) // self._flat.itemsize
                low, high = max(span.start, at), min(span.stop, at + weight.size)
                if low < high:
                    place = slice(begin + low - span.start, begin + high - span.start)
                    self._pieces.append(Piece(names[_core.address(weight)], weight, slice(low - at, high - at), place))
            begin += span.stop - span.start
        self._part = np.zeros(begin, self._flat.dtype)
        self._inner: optimizers.Optimizer | None = None
        self._step: Any = None

    @property
    def is_spread(self) -> bool:
        """Whether the state is with the processes."""
        return self._inner is not None

    def spread(self) -> None:
        """Keep the state of the own pieces alone."""
        if self._inner is not None:
            return
        optimizer = self.optimizer
        known, inner = len(optimizer._core) > 0, optimizer.from_config(optimizer.get_config())
        trained = self._executor.trained_weights().items()
        spared = [name for name, weight in trained if not optimizer._decays(weight, name)]
        inner._excluded = [], [f"^{re.escape(name)}$" for name in spared]
        labels = [f"[{i}]" for i in range(len(self._pieces))]
        indices = inner._attach([piece.array for piece in self._pieces], labels, names=[p.name for p in self._pieces])
        inner._core.iterations, inner._core.accumulated = optimizer._core.iterations, optimizer._core.accumulated
        if known:
            self._load(inner, indices, optimizer.state_dict())
        self._inner, self._step = inner, inner._bound(indices, labels)[2]
        self._forget()

    def _load(self, inner: optimizers.Optimizer, indices: list[int], state: dict[str, np.ndarray]) -> None:
        """Take the own pieces of a whole state."""
        optimizer = self.optimizer
        own = {name: value for name, value in state.items() if not name.partition(".")[0].isdigit()}
        for index, piece in zip(indices, self._pieces, strict=True):
            prefix = f"{optimizer._core.find(piece.weight)}."
            for name, value in state.items():
                if name.startswith(prefix):
                    part = value.reshape(-1)[piece.numbers] if value.ndim else value
                    own[f"{index}.{name.removeprefix(prefix)}"] = part
        inner.load_state_dict(own)

    def step(self, divisor: float) -> None:
        """A step by the gradients that were added up, each process its part; then all weights are everywhere."""
        inner, optimizer, part = self._inner, self.optimizer, self._tree.part(divisor)
        assert inner is not None
        for field in optimizer._all_fields():
            value = optimizer._core.get(field)
            if field not in optimizer._schedules and value != inner._core.get(field):
                inner._core.set(field, value)
        with self._executor.guard:
            if self._pieces:
                self._step.step([part[piece.place] for piece in self._pieces])
            else:
                self._count(inner)
            for piece in self._pieces:
                self._part[piece.place] = piece.array
            self._tree.share(self._part, self._flat)
            for weight, place in self._weights:
                weight[...] = place
        optimizer._core.iterations = inner._core.iterations

    def _count(self, inner: optimizers.Optimizer) -> None:
        """Count a step of a process that has no piece."""
        each = inner.gradient_accumulation_steps or 1
        waiting = (inner._core.accumulated + 1) % each
        if not waiting:
            inner._core.iterations += 1
        inner._core.accumulated = waiting

    def gather(self, is_kept: bool) -> None:
        """Bring the state together in the model's optimizer, if it is to be kept in this process. In all processes."""
        inner, optimizer = self._inner, self.optimizer
        if inner is None:
            return
        states = [inner._core.state(i) for i in range(len(self._pieces))]
        mine = {name: array.item() if array.ndim == 0 else None for name, array in states[0].items()} if states else {}
        first = self._team.of_first(mine)  # the first process has a piece
        if is_kept:
            with self._executor.attached():
                optimizer._core.iterations = inner._core.iterations
                optimizer._core.accumulated = inner._core.accumulated
        whole = [optimizer._core.state(optimizer._core.find(w)) if is_kept else {} for w, _ in self._weights]
        for name, number in first.items():
            if number is None:
                for piece, state in zip(self._pieces, states, strict=True):
                    self._part[piece.place] = state[name]
                self._tree.share(self._part, self._flat)
            for (_, place), to in zip(self._weights, whole if is_kept else [], strict=is_kept):
                to[name][...] = place if number is None else number

    def _forget(self) -> None:
        iterations, accumulated = self.optimizer._core.iterations, self.optimizer._core.accumulated
        self.optimizer._forget(0)
        self._executor.lose_weights()
        self.optimizer._core.iterations, self.optimizer._core.accumulated = iterations, accumulated

    def release(self) -> None:
        """Bring the state together in all processes, for good; that of an optimizer that was replaced is dropped."""
        if self.optimizer is self._executor.stage:
            self.gather(True)
        self._inner = self._step = None

    def drop(self) -> None:
        """Let go of the state that was brought together for a file."""
        if self._inner is not None and len(self.optimizer._core):
            self._forget()
