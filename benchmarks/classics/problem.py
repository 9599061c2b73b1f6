"""A sum of squares to be minimized."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np


class Problem:
    """A sum of squares, its gradient and Hessian.

    Parameters
    ----------
    number : int
        In the paper.
    name : str
    x0 : sequence of float
        The standard start.
    res : callable
        Residuals of x (..., n).
    minima : list of float
        Final values that count, the global one first.
    """

    def __init__(
        self,
        number: int,
        name: str,
        x0: Sequence[float] | np.ndarray,
        res: Callable[[np.ndarray], np.ndarray],
        minima: list[float],
    ) -> None:
        self.number, self.name, self.res, self.minima = number, name, res, minima
        self.x0 = np.asarray(x0, float)
        self.n = self.x0.size
        self.f0 = self.fun(self.x0)

    def residuals(self, x: np.ndarray) -> np.ndarray:
        """Shape (m,)."""
        return self.res(np.asarray(x))

    def fun(self, x: np.ndarray) -> float:
        """The sum of their squares."""
        r = self.res(np.asarray(x, float))
        return float(r @ r)

    def jac_residuals(self, x: np.ndarray) -> np.ndarray:
        """Shape (m, n)."""
        tiny = 1e-30
        found: np.ndarray = (self.res(np.asarray(x, float) + 1j * tiny * np.eye(self.n)).imag / tiny).T
        return found

    def jac(self, x: np.ndarray) -> np.ndarray:
        """The gradient, shape (n,)."""
        found: np.ndarray = 2 * self.jac_residuals(x).T @ self.res(np.asarray(x, float))
        return found

    def hess(self, x: np.ndarray) -> np.ndarray:
        """Shape (n, n), by central differences of the gradient."""
        x = np.asarray(x, float)
        rows = []
        for j in range(self.n):
            step = np.zeros(self.n)
            step[j] = 6e-6 * max(1.0, abs(x[j]))
            rows.append((self.jac(x + step) - self.jac(x - step)) / (2 * step[j]))
        found: np.ndarray = (np.array(rows) + np.array(rows).T) / 2
        return found
