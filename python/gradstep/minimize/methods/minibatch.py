"""Descents over batches of rows: an iteration is an epoch, after which all rows say how good it was."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ... import seeds
from ..objectives.batches import BatchObjective
from ..objectives.objective import Objective
from ..point import Point
from ..stop import Stop
from .base import Method
from .first_order import FirstOrder
from .sequence import Sequence

__all__ = ["MiniBatch", "OverBatches", "with_data", "without_data"]


class OverBatches(Method):
    """Base of methods that step after each batch."""

    needs_data = True
    takes_bounds = True
    is_stochastic = True
    is_first_order = True

    _descent: FirstOrder  # an optimizer, which takes the steps

    def _made(self) -> FirstOrder:
        """The optimizer of a run."""
        raise NotImplementedError(f"{type(self).__name__} must define _made().")

    def _start(self, objective: Objective, point: Point, seed: int | None) -> None:
        super()._start(objective, point, seed)
        assert isinstance(objective, BatchObjective)
        self._data, self._descent = objective, self._made()
        self._descent._start(objective, point, seed)
        self._w = self._descent._w
        self._key = seeds.key_of(seed) or seeds.fresh_key()
        self._passes, self._first = 0, point.f
        self._losses = [math.nan]  # the mean over the batches of each epoch, as it went by

    def _default_maxiter(self, n: int) -> int:
        return 100

    def _batches(self) -> Iterator[np.ndarray]:
        """Numbers of the rows of each batch, of a new pass."""
        order = seeds.shuffled(self._key, self._passes, self._data.rows)
        self._passes += 1
        size = self._data.batch
        return (order[begin : begin + size] for begin in range(0, len(order), size))

    def _at(self, rows: np.ndarray) -> np.ndarray:
        """The gradient of a batch where the descent stands; its value is one of the epoch's loss."""
        f, g = self._data.batch_value(self._w, rows)
        if not math.isfinite(f):
            lowest = min(self._first, *self._losses[1:], self._first)
            before = self._total / self._seen if self._seen else lowest
            reason = "diverged" if before > lowest else "nan"
            raise Stop(reason, f"f of a batch is {f} in epoch {len(self._losses)}")
        self._total += f * len(rows)
        self._seen += len(rows)
        return g

    def _move(self, v: np.ndarray) -> None:
        """A step against v."""
        self._descent._moved(Point(self._w, math.nan, v))

    def _epoch(self, point: Point) -> None:
        """The steps of an epoch that begins at `point`."""
        raise NotImplementedError(f"{type(self).__name__} must define _epoch(point).")

    def _step(self, point: Point) -> Point:
        rate = float(self._descent._own.learning_rate)
        self._total, self._seen = 0.0, 0
        self._epoch(point)
        x = self._w.copy()
        f = self._data.value(x)
        if not math.isfinite(f):
            raise Stop("diverged", f"f of all rows is {f} after epoch {len(self._losses)}")
        self._losses.append(self._total / self._seen if self._seen else math.nan)
        return Point(x, f, self._data.gradient(x), rate)

    def _history(self) -> dict[str, np.ndarray]:
        return {"loss": np.array(self._losses)}

    def _extras(self, point: Point) -> dict[str, Any]:
        return self._descent._extras(point)


class MiniBatch(OverBatches):
    """An optimizer over batches: what ``method="adam"`` is with ``data=``."""

    def __init__(self, descent: FirstOrder) -> None:
        self._descent = descent

    def _made(self) -> FirstOrder:
        return self._descent

    @property
    def name(self) -> str:  # type: ignore[override]
        """The optimizer's class, in small letters."""
        return self._descent.name

    def _epoch(self, point: Point) -> None:
        for rows in self._batches():
            self._move(self._at(rows))


def without_data(method: Method, **given: Any) -> None:
    """Refuse what only means something with ``data=``: a method over batches, `batch_size` and `epochs`."""
    if method.needs_data:
        raise ValueError(f'method "{method.name}" needs data=, the arrays whose rows it takes in batches.')
    for name, value in given.items():
        if value is not None:
            raise TypeError(f"{name} is for data=, the arrays whose rows are taken in batches; there are none.")


def with_data(method: Method, batch_size: Any, refused: dict[str, Any]) -> Method:
    """The method for a `BatchObjective`: optimizers step after each batch, others after all rows.

    Parameters
    ----------
    method : Method
    batch_size : int, "full" or None
    refused : dict of str to object
        Arguments that were given and mean nothing with data.

    Raises
    ------
    TypeError, ValueError
        One of `refused`; a line search, which batches would mislead; a number for batch_size where the method takes all
        rows.
    """
    for name in refused:
        raise TypeError(f"{name} is not for data=, with which fun is a mean loss over rows.")
    if method.needs == "residual":
        raise ValueError(f'method "{method.name}" is of residuals; with data= fun is a mean loss over rows.')
    if isinstance(method, Sequence):
        each = [_over_batches(one, batch_size) for one in method.methods]
        takes_batches = any(one.needs_data for one in each)
        new: Method = Sequence(*each, switch=method.switch)
    else:
        new = _over_batches(method, batch_size)
        takes_batches = new.needs_data
    if not takes_batches and batch_size not in (None, "full"):
        raise ValueError(
            f'batch_size must be None or "full" for method "{method.name}", which takes all rows at each iteration; '
            f'optimizers, "svrg" and "sarah" take batches. Got {batch_size!r}.'
        )
    return new


def _over_batches(method: Method, batch_size: Any) -> Method:
    if not isinstance(method, FirstOrder) or batch_size == "full":
        return method
    if method.line_search is not None:
        raise ValueError(
            f'line_search="{method.line_search}" needs batch_size="full": values of different batches cannot be '
            f'compared. Give method "{method.name}" a learning_rate instead.'
        )
    return MiniBatch(method)
