"""The inverse Hessian of limited-memory methods, by its products."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["InverseHessian"]


class InverseHessian:
    """What L-BFGS has learned of the inverse Hessian, in memory of its pairs: ``H @ p``, as of SciPy's L-BFGS-B.

    Parameters
    ----------
    memory : object
        The pairs of steps and changes of the gradient, of the compiled core.
    n : int
        Variables.

    Attributes
    ----------
    shape : tuple of int
        (n, n).
    dtype : dtype
        float64.
    """

    dtype = np.dtype(np.float64)

    def __init__(self, memory: Any, n: int) -> None:
        self._memory, self.shape = memory, (n, n)

    def matvec(self, p: Any) -> np.ndarray:
        """The product with a vector, shape (n,), or with columns, shape (n, k)."""
        n, given = self.shape[0], np.array(p, np.float64)
        if given.ndim not in (1, 2) or len(given) != n:
            raise ValueError(f"p must have shape ({n},) or ({n}, k); got {given.shape}.")
        columns = given.reshape(n, -1)
        for k in range(columns.shape[1] if len(self._memory) else 0):
            columns[:, k] = self._memory.product(np.ascontiguousarray(columns[:, k]))
        return given

    dot = __matmul__ = matvec

    def todense(self) -> np.ndarray:
        """The matrix, shape (n, n), symmetric."""
        H = self.matvec(np.eye(self.shape[0]))
        symmetric: np.ndarray = (H + H.T) / 2
        return symmetric

    def __repr__(self) -> str:
        return f"<InverseHessian of shape {self.shape}, from {len(self._memory)} steps>"
