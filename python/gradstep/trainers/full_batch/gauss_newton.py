"""Products of the Gauss-Newton matrix of the loss over all rows with vectors, for Hessian-free training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import _core
from ...data.columns import arrays_of
from ...data.rows import Rows
from ..executor import Executor
from ..losses_and_metrics import Targets
from ..tangents import check_second_derivatives

__all__ = ["WholeCurvature"]

SLICE = 0.05  # seconds that the engine works before it comes back for Ctrl-C


class WholeCurvature:
    """The Gauss-Newton matrix of the loss of rows at the weights as they are, summed over chunks of the rows.

    Parameters
    ----------
    executor : Executor
    rows : Rows
    terms : tuple
        Losses and targets of which the means over chunks, weighed by their rows, are the loss of all rows.
    chunk : int
        Rows that are computed at a time, whose activations, and their directions, are all the memory that is needed.
    places : sequence of int
        Where each trained weight begins in the vectors.
    ids : ndarray, optional
        Numbers of the rows, which what is drawn follows from; by default 0, 1, 2, ...
    """

    def __init__(
        self,
        executor: Executor,
        rows: Rows,
        terms: tuple[list[Any], Targets],
        chunk: int,
        places: Sequence[int],
        ids: np.ndarray | None = None,
    ) -> None:
        losses, targets = terms
        check_second_derivatives(executor, losses)
        self._ids = ids
        self._loop = _core.CurvatureLoop(
            executor.sized(rows.x).network,
            losses,
            arrays_of(rows.x),
            targets.values,
            chunk,
            places,
            targets.weights,
            targets.masks,
        )

    def product(self, v: np.ndarray) -> np.ndarray:
        """G v."""
        return self._pass(v, v.shape, 0)

    def diagonal(self, n: int, number: int) -> np.ndarray:
        """An estimate of the diagonal of G, of n numbers, from one backward pass; number: what it is drawn by.

        Of a root S of G, S S^T = G, and random signs u, the squares of S u have the diagonal as their mean (Chapelle &
        Erhan 2011, "Improved preconditioner for Hessian free optimization"); chunks are averaged.
        """
        return self._pass(None, (n,), number)

    def _pass(self, v: np.ndarray | None, shape: tuple[int, ...], number: int) -> np.ndarray:
        found = np.empty(shape)
        self._loop.start(v, found, self._ids, number)
        while not self._loop.advance(SLICE):
            pass
        return found
