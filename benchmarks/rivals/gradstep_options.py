"""gradstep's Adam with options, compressed state and row-sparse gradients."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import gradstep as gs
import numpy as np
from cases import options, sparse, state
from cases.adam import ADAM


class Plain:
    steps_per_run = 1
    form = "plain"

    def __init__(self, problem: dict[str, Any]) -> None:
        self.w, self.grad = options.inputs(problem)
        self.optimizer = gs.optimizers.Adam(**ADAM, **options.OPTIONS[self.form])
        step, grad = self.optimizer.bind(self.w).step, self.grad
        self.run = lambda: step(grad)

    def checked(self) -> np.ndarray:
        for _ in options.checked_steps(self.grad):
            self.run()
        return self.w


class Clipped(Plain):
    form = "global_clipnorm"


class Averaged(Plain):
    form = "use_ema"

    def checked(self) -> np.ndarray:
        w = super().checked()
        return np.concatenate([w, self.optimizer.state_dict()["0.average"]])


class Skipping(Plain):
    form = "on_nonfinite"


class Decayed(Plain):
    form = "weight_decay"


class ClippedByValue(Plain):
    form = "clipvalue"


class State:
    steps_per_run = 1
    form = "float32"

    def __init__(self, problem: dict[str, Any]) -> None:
        self.w, self.grad = state.inputs(problem)
        chosen = state.STATE_DTYPES[self.form]
        self.optimizer = gs.optimizers.Adam(**ADAM, **({"state_dtype": chosen} if chosen else {}))
        step, grad = self.optimizer.bind(self.w).step, self.grad
        self.run = lambda: step(grad)
        self.facts: dict[str, float] = {}

    def checked(self) -> np.ndarray:
        for _ in state.checked_steps(self.grad):
            self.run()
        kept = [array.nbytes for name, array in self.optimizer.state_dict().items() if name.startswith("0.")]
        self.facts = {state.BYTES: sum(kept) / self.w.size}
        return self.w[: state.CHECKED]


class StateBfloat16(State):
    form = "bfloat16"


class StateInt8(State):
    form = "int8"


class Dense(sparse.Table):
    """A gradient for the whole table, zeros in nearly all rows. Filling it is no part of the step, and is not timed."""

    steps_per_run = 1

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(problem)
        self.grad = np.zeros_like(self.table)
        rows, values = self.batches[0]
        np.add.at(self.grad, rows, values)
        self.bound = gs.optimizers.Adam(**ADAM).bind(self.table)

    def run(self) -> None:
        self.bound.step(self.grad)

    def checked(self) -> np.ndarray:
        """On the checked rows alone, which move as they would among the others."""
        return dense(self.problem, sparse.sampled(self.problem, self.table), self.batches)


class RowSparse(sparse.Table):
    steps_per_run = 1
    lazy = False

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(problem)
        self.optimizer = gs.optimizers.Adam(**ADAM, lazy=self.lazy)
        self.bound = self.optimizer.bind(self.table)
        self.gradients = [gs.RowSparse(rows, values, self.table.shape) for rows, values in self.batches]
        self.facts: dict[str, float] = {}

    def run(self) -> None:
        self.bound.step(self.gradients[self.next()])

    def checked(self) -> np.ndarray:
        start = sparse.sampled(self.problem, self.table)
        begin = perf_counter()
        for _ in range(sparse.CHECKED_STEPS):
            self.run()
        stepped = perf_counter()
        self.optimizer.flush()
        self.facts[sparse.FIRST] = (stepped - begin) * 1e6 / sparse.CHECKED_STEPS
        self.facts[sparse.FLUSH] = (perf_counter() - stepped) * 1e6
        result = sparse.sampled(self.problem, self.table)
        if self.lazy:
            return result
        expected = dense(self.problem, start, self.batches)
        # Of a row to its length: a single number may lie near 0.
        difference = float(np.max(np.linalg.norm(result - expected, axis=1) / np.linalg.norm(expected, axis=1)))
        self.facts[sparse.DIFFERENCE] = difference
        if difference > sparse.MOST_DIFFERENCE:
            raise ArithmeticError(
                f"the table differs from that of dense steps by {difference:.1e}; "
                f"at most {sparse.MOST_DIFFERENCE:.0e} may be."
            )
        return result


class RowSparseLazy(RowSparse):
    lazy = True


def dense(problem: dict[str, Any], w: np.ndarray, batches: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """The checked rows `w` after a dense step a batch."""
    bound = gs.optimizers.Adam(**ADAM).bind(w)
    for rows, values in batches:
        bound.step(sparse.within_sample(problem, rows, values))
    return w


CASES = {
    "options": {
        "plain": Plain,
        "global_clipnorm": Clipped,
        "use_ema": Averaged,
        "on_nonfinite": Skipping,
        "weight_decay": Decayed,
        "clipvalue": ClippedByValue,
    },
    "state": {"float32": State, "bfloat16": StateBfloat16, "int8": StateInt8},
    "sparse": {"row-sparse": RowSparse, "row-sparse, lazy": RowSparseLazy, "dense": Dense},
}
