"""Stochastic gradients whose variance vanishes at the minimum: SVRG and SARAH."""

from __future__ import annotations

from typing import Any

from ...checks import check_float, check_int
from ...optimizers import SGD
from ..point import Point
from .first_order import FirstOrder
from .linesearch import given_gradient
from .minibatch import OverBatches

__all__ = ["SARAH", "SVRG"]


class WithRate:
    """Mixin of the two: steps of a learning rate along directions that they correct."""

    def __init__(self, learning_rate: Any, inner: int) -> None:
        SGD(learning_rate)  # which checks it
        self.learning_rate, self.inner = learning_rate, check_int("inner", inner, 1)

    def _made(self) -> FirstOrder:
        return FirstOrder(SGD(self.learning_rate))


class SVRG(WithRate, OverBatches):
    """Stochastic variance-reduced gradient: batch gradients corrected by those at a point whose full gradient is known.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
        Constant rates converge; they need not decay. About 0.1 / L in the paper, L the largest curvature of a row's
        loss.
    inner : int
        Passes over the data between two full gradients.

    Notes
    -----
    Needs ``data=``. An epoch begins at w~ with mu, the gradient of all rows there, and takes for each batch B ``v =
    g_B(w) - g_B(w~) + mu; w = w - learning_rate v``: two calls of `fun` a batch, and a pass over all rows. The next
    epoch begins where this one ends (the paper's option I). Batches are those of shuffled passes, as in `Model.fit`;
    the paper draws rows with replacement. On strongly convex functions the error falls by a constant factor an epoch,
    where SGD at a constant rate stalls at its noise.

    References
    ----------
    Johnson and Zhang 2013, "Accelerating stochastic gradient descent using predictive variance reduction", NeurIPS.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> X = np.random.default_rng(0).normal(size=(500, 3))
    >>> y = X @ [1.0, 2.0, 3.0] + np.random.default_rng(1).normal(size=500)
    >>> def loss(w, X, y):
    ...     r = X @ w - y
    ...     return r @ r / (2 * len(y)), X.T @ r / len(y)
    >>> res = gs.minimize(loss, np.zeros(3), data=(X, y), method="svrg", learning_rate=0.05, seed=0)
    >>> res.reason, abs(res.jac).max() <= 1e-6
    ('gtol', np.True_)
    """

    name = "svrg"

    def __init__(self, learning_rate: Any = 0.01, inner: int = 1) -> None:
        super().__init__(learning_rate, inner)

    def _epoch(self, point: Point) -> None:
        fixed, mu = point.x, given_gradient(point)
        for _ in range(self.inner):
            for rows in self._batches():
                g = self._at(rows)
                self._move(g - self._data.batch_value(fixed, rows)[1] + mu)


class SARAH(WithRate, OverBatches):
    """Stochastic recursive gradient: each batch corrects the direction of the step before it.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
        Constant rates converge. About 0.5 / L in the paper, L the largest curvature of a row's loss.
    inner : int
        Passes over the data between two full gradients.
    gamma : float
        An epoch ends early where the squared length of the direction is at most this times that of the full gradient:
        the paper's SARAH+, which takes 1/8. By default 0, never.

    Notes
    -----
    Needs ``data=``. An epoch begins with ``v = g(w)``, of all rows, and ``w' = w - learning_rate v``; then for each
    batch B ``v = g_B(w') - g_B(w) + v; w, w' = w', w' - learning_rate v``. Within an epoch v goes to 0, which SVRG's
    directions do not. The next epoch begins where this one ends; the paper draws one of the points. Batches are those
    of shuffled passes, as in `Model.fit`.

    References
    ----------
    Nguyen, Liu, Scheinberg and Takac 2017, "SARAH: a novel method for machine learning problems using stochastic
    recursive gradient", ICML.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> y = X @ [1.0, -1.0]
    >>> def loss(w, X, y):
    ...     error = X @ w - y
    ...     return (error**2).mean() / 2, error @ X / len(X)
    >>> method = gs.minimizers.SARAH(0.2)
    >>> res = gs.minimize(loss, np.zeros(2), data=(X, y), batch_size=10, epochs=30, method=method, seed=0)
    >>> res.x.round(3)
    array([ 1., -1.])
    """

    name = "sarah"

    def __init__(self, learning_rate: Any = 0.01, inner: int = 1, gamma: float = 0.0) -> None:
        super().__init__(learning_rate, inner)
        self.gamma = check_float("gamma", gamma)
        if not 0 <= self.gamma < 1:
            raise ValueError(f"gamma must be at least 0 and less than 1; got {self.gamma:g}.")

    def _epoch(self, point: Point) -> None:
        before, v = point.x, given_gradient(point)
        enough = self.gamma * float(v @ v)
        self._move(v)
        for _ in range(self.inner):
            for rows in self._batches():
                g = self._at(rows)
                v = g - self._data.batch_value(before, rows)[1] + v
                before = self._w.copy()
                self._move(v)
                if float(v @ v) <= enough:
                    return
