"""The training loss as half a sum of squares, whose normal equations are summed over the rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import _core
from ...data.columns import arrays_of
from ...data.rows import Rows
from ..executor import Executor
from .whole_loss import MEANS, WholeLoss

__all__ = ["ResidualLoss"]

MOST = 3000  # weights; beyond, their matrix is too large to be made and factored in each step
BLOCK = 1 << 20  # numbers of the rows of a Jacobian that are kept at a time


class ResidualLoss(WholeLoss):
    """Value and gradient of a squared error over all rows, and its Gauss-Newton matrix.

    The loss is half the sum of the squares of ``sqrt(2 c) (y - target)``, c what the square counts for in it; and of
    ``sqrt(2 l2) w`` where weights have an L2 penalty.

    Raises
    ------
    ValueError
        A loss is none of squares, rows depend on each other, or there are too many weights.
    """

    def __init__(self, executor: Executor, rows: Rows, chunk: int) -> None:
        super().__init__(executor, rows, chunk)
        n = self.layout.size
        if n > MOST:
            raise ValueError(
                f'methods of residuals train at most {MOST} weights; the model has {n}: use "newton-cg" or "lbfgs".'
            )
        sized = executor.sized(rows.x)
        self._network, self._rows_alone = sized.network, arrays_of(rows.x)
        self._l2 = np.zeros(n)
        self._check_weights(executor)
        scales = [self._scales(executor, k) for k in range(len(sized.rows))]
        self._scale = np.sqrt(np.concatenate(scales, axis=1).ravel())  # (rows * numbers of all outputs)
        self._numbers = len(self._scale) // len(rows)

    def _check_weights(self, executor: Executor) -> None:
        begins = {_core.address(weight): (begin, end) for weight, begin, end in self._parts}
        for step in executor.steps:
            for weight, setting in zip(step.layer._weights, step.layer._settings(), strict=False):
                penalty, place = setting.get("penalty") or {}, begins.get(_core.address(weight))
                if place is None:
                    if setting.get("updated") and not setting.get("trainable"):
                        raise ValueError(
                            f"rows must not depend on each other for methods of residuals; those of layer "
                            f"{step.layer.name!r} do in training."
                        )
                    continue
                if penalty.get("l1") or penalty.get("orthogonal"):
                    raise ValueError(
                        f"penalties must be L2 for methods of residuals; that of layer {step.layer.name!r} is not."
                    )
                self._l2[place[0] : place[1]] = penalty.get("l2", 0.0)

    def _scales(self, executor: Executor, output: int) -> np.ndarray:
        """Twice what the square of each number of an output counts for in the loss, (rows, numbers)."""
        n, row = len(self.rows), executor.sized(self.rows.x).rows[output]
        specification = executor.specifications(self.rows)[output]
        if specification is None:
            return np.zeros((n, math.prod(row)))
        loss = executor.losses_and_metrics.losses[output]
        assert loss is not None
        if callable(specification) or specification["kind"] != "mean_squared_error":
            raise ValueError(f"loss must be 'mse' for methods of residuals; got {loss.name!r}.")
        if self._network.masked[output]:
            raise ValueError("outputs must have no mask for methods of residuals.")
        targets = executor.targets(self.rows)
        weights = targets.weights[output]
        parts = math.prod(row[:-1])
        counts = np.ones(n * parts) if weights is None else np.asarray(weights, np.float64)
        reduction = specification["reduction"]
        divisor = n * parts if reduction in MEANS else 1.0 if reduction == "sum" else float(counts.sum())
        factor = float(specification["factor"])
        if factor < 0 or (counts < 0).any():
            raise ValueError("weights of losses and rows must be at least 0 for methods of residuals.")
        each = 2 * factor * counts / (max(divisor, 1e-300) * row[-1])
        return np.repeat(each, row[-1]).reshape(n, -1)

    def normal_equations(self, x: np.ndarray) -> np.ndarray:
        """The Gauss-Newton matrix J'J at a point, shape (n, n)."""
        if not self.is_at(x):
            self.scatter(x)
        n, rows, numbers = len(x), len(self.rows), self._numbers
        block = max(1, BLOCK // (n * numbers))
        whole, part = np.zeros((n, n)), np.empty((n, n))
        J = np.empty((min(block, rows) * numbers, n))
        for begin in range(0, rows, block):
            ids = np.arange(begin, min(begin + block, rows))
            J = J[: len(ids) * numbers]
            xs: list[Any] = [array[begin : begin + len(ids)] for array in self._rows_alone]
            self._network.row_jacobian(xs, ids, 0, self._places, J)
            J *= self._scale[begin * numbers : (begin + len(ids)) * numbers, None]
            _core.matmul(J.T, J, part)
            whole += part
        whole[np.diag_indices(n)] += 2 * self._l2
        return whole
