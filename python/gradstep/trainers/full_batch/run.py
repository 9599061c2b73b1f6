"""Training by a method of `minimize`: an epoch is one iteration over all rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...data.columns import has_sparse
from ...data.feeds import ArrayFeed
from ...data.rows import Rows
from ...data.sources import gives_batches
from ...hints import warn
from ...minimize.ending import Best, ending
from ...minimize.methods.base import Method
from ...minimize.point import Point
from ...minimize.stop import Stop
from ..executor import Executor
from ..runs import HasStepLogs
from .checks import check_model, take_penalties, warn_of_draws
from .residual_loss import ResidualLoss
from .whole_loss import WholeLoss, chunk_of, needs_one_chunk

__all__ = ["FullBatchRun", "check_arrays", "whole_feed"]


def check_arrays(method: Method, x: Any, limit: int | None) -> None:
    """Refuse data that a method cannot go over as often as its line search wants.

    Raises
    ------
    ValueError
        They come in batches, or an epoch is to have only some of them.
    """
    if gives_batches(x):
        raise ValueError(
            f'x must be arrays for "{method.name}", which goes over all rows several times in an iteration; it gives '
            "batches."
        )
    if limit is not None:
        raise ValueError(f'steps_per_epoch must be None: an epoch of "{method.name}" is one step over all rows.')


def whole_feed(executor: Executor, rows: Rows, batch_size: Any) -> ArrayFeed:
    """All rows as one batch, computed in chunks of `batch_size`.

    Raises
    ------
    ValueError
        The loss is no sum over such chunks, or x is sparse.
    """
    method = executor.stage
    assert isinstance(method, Method)
    if has_sparse(rows):
        raise ValueError(f'x must be dense for "{method.name}": x.toarray().')
    n, whole = len(rows), needs_one_chunk(executor, rows)
    chunk = n if whole or batch_size == "full" else chunk_of(executor, rows) if batch_size is None else batch_size
    if whole and batch_size not in (None, "full") and batch_size < n:
        raise ValueError(f'batch_size must be "full" for "{method.name}" here: {whole}.')
    return ArrayFeed(rows, n, lambda rows, batch: FullBatchRun(executor, rows, min(chunk, batch)))


class FullBatchRun(HasStepLogs):
    """Passes of one iteration each; used as a run over rows that lie in memory.

    Parameters
    ----------
    executor : Executor
        Its stage is the method.
    rows : Rows
    chunk : int
        Rows that are computed at a time.

    Raises
    ------
    ValueError
        The method cannot train the model.
    """

    def __init__(self, executor: Executor, rows: Rows, chunk: int) -> None:
        method = executor.stage
        assert isinstance(method, Method)
        check_model(executor, method)
        self._executor, self.method = executor, method
        self.objective = (ResidualLoss if method.needs == "residual" else WholeLoss)(executor, rows, chunk)
        take_penalties(executor, method, self.objective)
        warn_of_draws(executor, method)
        self._n, self._calls = len(rows), 0
        self._point: Point | None = None
        self._first = math.nan
        self.over = True
        self.step_logs: dict[str, float] = {}

    def start(self, order: np.ndarray | None, number: int = 0) -> None:
        """Begin an iteration."""
        self.over = False

    @property
    def batches(self) -> int:
        """How many are done of this pass."""
        return int(self.over)

    @property
    def progress(self) -> tuple[int, int, float, list[Any]]:
        """Of this pass so far: batches, rows, loss, and the other values of the logs."""
        values = self.objective.run.progress[3]
        loss = math.nan if self._point is None else self._point.f
        return self.batches, self._n * self.over, loss, values

    def advance(self, seconds: float) -> bool:
        """Make the iteration, whatever time it takes; True. Weights are as after whole iterations if it fails."""
        if self.over:
            return True
        with self._executor.guard:
            try:
                point = self._here()
                self.objective.keep_statistics()
                new = self.method._step(point)
                self._take(new)
                self.method.iterations += 1
                self._check_end(point, new)
            except Stop as stop:
                self._end(stop)
            except BaseException:
                self._put_back()
                raise
            finally:
                self._count()
        self.over = True
        return True

    def _check_end(self, before: Point, point: Point) -> None:
        """Raise Stop where rounding leaves nothing to gain."""
        if point.f == before.f and np.array_equal(before.x, point.x):
            raise Stop("stalled", "the step is below rounding")
        gnorm, floor = self.method._gnorm(point), 16 * self.objective.eps * max(abs(point.f), 1.0)
        if gnorm <= floor and gnorm * float(np.abs(point.x).max()) <= floor:
            raise Stop("gtol")

    def _here(self) -> Point:
        """The point where the weights are, at which the method has its state."""
        objective, method = self.objective, self.method
        if self._point is not None and objective.holds(self._point.x):
            return self._point
        x = objective.gather()
        objective.keep_statistics()
        method._prepare(objective)
        objective.best_x, objective.best_f, objective.best_g = x, math.inf, None
        self._point = None
        point = Point(x, objective.value(x))
        self._point, self._first = point, point.f
        if not math.isfinite(point.f):
            raise Stop("nan", f"the loss at the weights is {point.f}")
        if method.needs != "value":
            point.g = objective.gradient(x)
            if not np.isfinite(point.g).all():
                raise Stop("nan", "the gradient at the weights is not finite")
        method._start_training(objective, point)
        objective.put_back_statistics()  # they are of steps alone
        self._know(point)
        return point

    def _take(self, point: Point) -> None:
        """Leave the model at a point, and what the logs have as it is there."""
        if not self.objective.is_at(point.x):
            self.objective.value(point.x)
        self._know(point)

    def _know(self, point: Point) -> None:
        self._point, self.method._loss, self.method._gradient = point, point.f, point.g

    def _count(self) -> None:
        """Bring the method's counter up to date, and the logs."""
        self.method.nfev += self.objective.nfev - self._calls
        self._calls = self.objective.nfev
        if self._point is not None:
            self.step_logs = self.method._logs(self._point)

    def _put_back(self) -> None:
        """Undo what trials left: the weights are those of the last point."""
        if self._point is not None:
            self.objective.scatter(self._point.x)
        self.objective.put_back_statistics()

    def _end(self, stop: Stop) -> None:
        """There is no next point: another stage goes on, or training ends."""
        objective, method, point = self.objective, self.method, self._point
        if point is not None and objective.best_f < point.f and objective.best_g is not None:
            point = Point(objective.best_x, objective.best_f, objective.best_g, math.nan)
            self._take(point)
        elif point is not None:
            self._put_back()
        owner, model = self._executor.optimizer, self._executor.model
        if owner._next_stage():
            return self._executor.next_stage()
        model.stop_training = True
        g = None if point is None else point.g
        gnorm = math.nan if point is None or g is None else method._gnorm(point)
        success = stop.reason == "gtol"
        if not success and point is not None and g is not None:
            best = Best(point.x, point.f, g, gnorm)
            success = ending(stop, best, objective, method.iterations, 0.0, self._first).success
        why = {"line_search": "its line search finds no lower loss", "gtol": "the gradient is 0 to rounding"}
        owner.message = (
            f'"{method.name}" ended training after {method.iterations} iterations: '
            f"{why.get(stop.reason, stop.detail or stop.reason)}; the largest gradient component is {gnorm:.2g}"
            f"{f', and {objective.layout.dtype} resolves no lower loss' if success and stop.reason != 'gtol' else ''}."
        )
        if not success:
            warn(owner.message)
        return None
