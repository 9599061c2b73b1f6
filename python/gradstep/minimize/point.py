"""A point of the path."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["Point"]


class Point:
    """Where a method stands after an iteration.

    Attributes
    ----------
    x : ndarray, shape (n,)
        Of x0's dtype; not written again.
    f : float
        The value there.
    g : ndarray of float64, shape (n,), or None
        The gradient there, for methods that use one.
    alpha : float
        What the last direction was multiplied by; the learning rate or step size of methods without a line search.
    """

    __slots__ = ("alpha", "f", "g", "x")

    def __init__(self, x: np.ndarray, f: float, g: np.ndarray | None = None, alpha: float = math.nan) -> None:
        self.x, self.f, self.g, self.alpha = x, f, g, alpha
