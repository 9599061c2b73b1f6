"""Matrices that keep lengths."""

from __future__ import annotations

import math

import numpy as np

from ..checks import check_float
from .base import Initializer, Random

__all__ = ["Orthogonal"]


class Orthogonal(Random, Initializer):
    r"""Orthogonal matrix times a gain, by a QR decomposition.

    Parameters
    ----------
    gain : float, default 1.0
        Length of each.
    seed : int, optional
        For the same numbers at each call; 0 to 2**32 - 1.

    Raises
    ------
    TypeError, ValueError
        `gain` is not a real number; `seed` is out of range.
    ValueError
        At the call: the shape has less than two dimensions.

    Notes
    -----
    Of a matrix of normal numbers, A = Q R, it is Q with the signs of R's diagonal, which makes every such matrix as
    likely as another. Dimensions before the last are taken together, as in Keras.

    References
    ----------
    Saxe, McClelland, Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks",
    ICLR 2014, arXiv:1312.6120.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> w = gs.initializers.Orthogonal(seed=0)((3, 2), "float64")
    >>> bool(np.allclose(w.T @ w, np.eye(2)))
    True
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        super().__init__(seed)
        self.gain = check_float("gain", gain)

    def sample(self, random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """An orthogonal matrix, in this shape."""
        if len(shape) < 2:
            raise ValueError(f"shape must have at least two dimensions for Orthogonal; got {shape}.")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        q, r = np.linalg.qr(random.standard_normal((max(rows, columns), min(rows, columns))))
        q *= np.where(np.diag(r) < 0, -1.0, 1.0)
        return self.gain * (q if rows >= columns else q.T).reshape(shape)
