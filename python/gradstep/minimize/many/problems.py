"""Many problems as their methods see them: calls for some rows, what they give checked, the lowest points kept."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["Rows"]


class Rows:
    """K functions of n variables, of which each call is for some.

    Attributes
    ----------
    x, f, g : ndarray, shapes (K, n), (K,), (K, n)
        The lowest point of each, its value and gradient.
    reason : ndarray of str, shape (K,)
        Why each ended; empty before.
    nit, nfev : ndarray of int, shape (K,)
    ncall : int
    code, data
        Machine code in the place of `fun`, with the rows of `data` that it gets.
    """

    def __init__(
        self, fun: Any, jac: Any, x0: np.ndarray, residual: bool, code: Any = None, data: np.ndarray | None = None
    ) -> None:
        self.fun, self.jac, self.residual, self.code, self.data = fun, jac, residual, code, data
        self.x = x0.copy()
        count = len(x0)
        self.f, self.g = np.full(count, np.inf), np.zeros(x0.shape)
        self.solved = np.zeros(count, bool)  # at the floor of rounding, whatever the reason
        self.reason = np.full(count, "", dtype="<U11")
        self.nit, self.nfev, self.ncall = np.zeros(count, np.int64), np.zeros(count, np.int64), 0
        self.eps = float(np.finfo(x0.dtype).eps)

    def call(self, X: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values (k,) and gradients (k, n), or residuals (k, m) and Jacobians (k, m, n), at points (k, n)."""
        self.ncall += 1
        self.nfev[rows] += 1
        if self.code is not None:
            values, slopes = self.code.gradients(X, rows, self.data)
            return values, slopes
        given = X.astype(self.x.dtype)
        found = self.fun(given.copy(), rows.copy())
        if self.jac is True:
            if not isinstance(found, (tuple, list)) or len(found) != 2:
                raise TypeError("fun must give a pair (values, gradients) with jac=True.")
            values, slopes = found
        else:
            values, slopes = found, self.jac(given.copy(), rows.copy())
        values = self._checked(values, "fun(X, rows)", 2 if self.residual else 1, len(rows), ())
        shape = (values.shape[1], X.shape[1]) if self.residual else (X.shape[1],)
        return values, self._checked(slopes, "jac(X, rows)", 1 + len(shape), len(rows), shape)

    def _checked(self, found: Any, name: str, axes: int, count: int, rest: tuple[int, ...]) -> np.ndarray:
        array = np.asarray(found)
        good = array.ndim == axes and len(array) == count and (not rest or array.shape[1:] == rest)
        if not good or array.dtype.kind not in "fiub":
            wanted = ", ".join(map(str, (count, *rest))) + (", m" if axes == 2 and not rest else "")
            raise ValueError(f"{name} must have shape ({wanted}); got {array.shape} of dtype {array.dtype}.")
        return array.astype(np.float64, copy=False)

    def keep(self, rows: np.ndarray, X: np.ndarray, f: np.ndarray, g: np.ndarray) -> None:
        """Points that are the lowest of their problems."""
        self.x[rows], self.f[rows], self.g[rows] = X, f, g
