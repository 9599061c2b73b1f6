"""The training loss over all rows as a function of the trained weights, for the methods of `minimize`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import _core
from ...data.rows import Rows
from ...minimize.objectives.layout import Layout
from ...minimize.objectives.objective import Objective
from ..executor import Executor
from ..losses_and_metrics import Targets
from ..network import learned
from .gauss_newton import WholeCurvature

__all__ = ["WholeLoss", "chunk_of", "needs_one_chunk"]

SLICE = 0.05  # seconds that the engine works before it comes back for Ctrl-C
MEMORY = 1 << 22  # bytes of the numbers that layers give for the rows of a chunk; half of it with its gradients
LEAST = 32  # rows of a chunk
MEANS = ("sum_over_batch_size", "mean")


def chunk_of(executor: Executor, rows: Rows) -> int:
    """Rows that are computed at a time, where nobody says: what fits a core's cache, at least 32."""
    size = np.dtype(executor.model.dtype).itemsize * max(executor.sized(rows.x).network.numbers, 1)
    return min(len(rows), max(LEAST, MEMORY // size // LEAST * LEAST))


def needs_one_chunk(executor: Executor, rows: Rows) -> str:
    """Why the loss of the rows is no sum over chunks of them; empty if it is one."""
    specifications, masks = executor.specifications(rows), executor.targets(rows).masks
    if any(executor.sized(rows.x).network.masked):
        return "an output has a mask, whose rows are counted over all of the data"
    for loss, spec, mask in zip(executor.losses_and_metrics.losses, specifications, masks, strict=True):
        if spec is None:
            continue
        assert loss is not None
        if isinstance(spec, dict) and spec["kind"] in _core.whole_batch_losses():
            return f"rows of loss {loss.name!r} depend on each other"
        if callable(spec) and (loss.reduction not in MEANS or mask is not None):
            return f"loss {loss.name!r} is in Python, and no plain mean over the rows"
    return ""


def terms_of(executor: Executor, rows: Rows, chunk: int) -> tuple[list[Any], Targets]:
    """Losses and targets of which the means over chunks, weighed by their rows, are the loss of all rows.

    A mean over the rows is that by itself. A sum, a mean over weights, or one over the rows of a mask becomes a sum in
    which rows count for what they do over all of the data.
    """
    specifications, targets = executor.specifications(rows), executor.targets(rows)
    n = len(rows)
    if chunk >= n:
        return specifications, targets
    last = n % chunk or chunk
    weights = list(targets.weights)
    for k, spec in enumerate(specifications):
        mask = targets.masks[k]
        if not isinstance(spec, dict) or (spec["reduction"] in MEANS and mask is None):
            continue
        y = targets.values[k]
        assert y is not None
        given = weights[k]
        parts = (
            len(given) // n if given is not None else len(mask) // n if mask is not None else _parts(executor, rows, k)
        )
        counts = np.ones(n * parts) if given is None else np.array(given, np.float64)
        counted = counts if mask is None else np.where(mask, counts, 0.0)
        if spec["reduction"] in MEANS:
            divisor = float(n * parts if mask is None else np.count_nonzero(mask))
        else:
            divisor = 1.0 if spec["reduction"] == "sum" else float(counted.sum())
        counts *= 0.0 if divisor == 0 else n / divisor
        whole = (n - last) * parts
        counts[:whole] /= chunk
        counts[whole:] /= last
        specifications[k], weights[k] = spec | {"reduction": "sum"}, counts
    return specifications, targets._replace(weights=weights)


def _parts(executor: Executor, rows: Rows, output: int) -> int:
    """Rows of an output that are scored one by one, for each of the data."""
    return int(np.prod(executor.sized(rows.x).rows[output][:-1], dtype=np.int64))


class WholeLoss(Objective):
    """Value and gradient of the training loss over all rows, summed over chunks of them.

    Parameters
    ----------
    executor : Executor
        Of a network whose weights are those of the first point; each call leaves it at the point of the call.
    rows : Rows
    chunk : int
        Rows that are computed at a time, whose activations are all the memory that is needed.

    Notes
    -----
    All calls have the same number as passes over the data, so that layers that draw have the same draws in each: the
    loss is a function. Statistics, as of `BatchNormalization`, are those of the last call alone.
    """

    def __init__(self, executor: Executor, rows: Rows, chunk: int) -> None:
        network, trained = executor.network, executor.trained_weights()
        assert network is not None
        super().__init__(self.value, True, Layout(list(trained.values())))
        self.rows, self.chunk, self._executor = rows, chunk, executor
        self._of_all: WholeCurvature | None = None
        self.weights = list(trained.values())
        begins = np.cumsum([0, *(weight.size for weight in self.weights)]).tolist()
        self._parts = list(zip(self.weights, begins[:-1], begins[1:], strict=True))
        self._plain = [(np.asarray(weight), begin, end) for weight, begin, end in self._parts]
        at = {_core.address(weight): begin for weight, begin, _ in self._parts}
        self._places = [at[_core.address(weight)] for weight in learned(network)]
        self.run, self._loop = executor.whole_run(rows, chunk, terms_of(executor, rows, chunk))
        self.own_l1: Any = 0.0  # weight of the magnitude of each number in the layers' penalties, for OWL-QN
        self._subtracted: tuple[np.ndarray, np.ndarray] | None = None
        moved = {_core.address(weight) for weight in self.weights}
        untrained = [weight for weight in executor.model.weights if _core.address(weight) not in moved]
        in_numpy = {
            _core.address(weight)
            for step in executor.steps
            if step.layer._computing._in_numpy
            for weight in step.layer.weights
        }
        self._statistics = [weight for weight in untrained if weight.ndim < 2 or _core.address(weight) in in_numpy]
        self._before = [weight.copy() for weight in self._statistics]

    def curvature(self, x: np.ndarray, some: int | None, number: int) -> WholeCurvature:
        """The Gauss-Newton matrix at a point, of all rows, or of so many that are drawn by a number."""
        self.scatter(x)
        executor, n = self._executor, len(self.rows)
        if some is not None and some < n:
            ids = np.sort(np.random.Generator(np.random.Philox(key=number)).permutation(n)[:some])
            rows, chunk = self.rows.part(ids), min(self.chunk, some)
            return WholeCurvature(executor, rows, terms_of(executor, rows, chunk), chunk, self._places, ids)
        if self._of_all is None:
            terms = terms_of(executor, self.rows, self.chunk)
            self._of_all = WholeCurvature(executor, self.rows, terms, self.chunk, self._places)
        return self._of_all

    def take_l1(self, kinked: np.ndarray, cut: np.ndarray) -> None:
        """Leave penalties of magnitudes to OWL-QN: their weights by the gradient, and by a cut after each step."""
        if (kinked + cut).any():
            self.own_l1, self._subtracted = kinked + cut, (kinked + cut, kinked)

    def gather(self) -> np.ndarray:
        """The weights as a point."""
        x = np.empty(self.layout.size, self.layout.dtype)
        for weight, begin, end in self._plain:
            x[begin:end] = weight.ravel()
        return x

    def scatter(self, x: np.ndarray) -> None:
        """Set the weights to a point."""
        for weight, begin, end in self._parts:
            weight[...] = x[begin:end].reshape(weight.shape)

    def keep_statistics(self) -> None:
        """Let the next calls begin with the statistics as they are now."""
        self._before = [weight.copy() for weight in self._statistics]

    def put_back_statistics(self) -> None:
        """Set the statistics to what the next call begins with."""
        for weight, before in zip(self._statistics, self._before, strict=True):
            weight[...] = before

    def is_at(self, x: np.ndarray) -> bool:
        """Whether the last call was at this point."""
        return x is self._x

    def holds(self, x: np.ndarray) -> bool:
        """Whether the weights are those of a point."""
        return self._loop.is_at(x, self._places)

    def value(self, x: np.ndarray) -> float:
        """The loss at a point, with its gradient kept for `gradient`."""
        if x is self._x:
            return self._f
        self._spend()
        self.put_back_statistics()
        g = np.empty(len(x))
        self.run.start(None, 0)
        self._loop.sum_gradients(x, g, self._places)
        while not self.run.advance(SLICE):
            pass
        self.njev += 1
        f = self.run.progress[2]
        if self._subtracted is not None:
            whole, kinked = self._subtracted
            f -= float(whole @ np.abs(x))
            g -= kinked * np.sign(x)
        return self._saw(x, f, g)
