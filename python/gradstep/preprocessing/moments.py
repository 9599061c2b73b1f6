"""Mean and variance of data that come in parts."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["RunningMoments"]


class RunningMoments:
    """Count, mean and sum of squared deviations, in float64, of arrays that are added one by one and not kept.

    Attributes
    ----------
    count : int
        Numbers that each mean is of.
    mean, squares : ndarray
        Of the axes that are kept.

    References
    ----------
    Chan, Golub & LeVeque 1983, "Algorithms for computing the sample variance": moments of two parts are joined
    without large sums of squares.
    """

    def __init__(self) -> None:
        self.count, self.mean, self.squares = 0, np.zeros(()), np.zeros(())

    def add(self, array: np.ndarray, axes: tuple[int, ...]) -> None:
        """Add an array of at least one number; axes: those to sum over."""
        count = math.prod(array.shape[axis] for axis in axes)
        mean = array.mean(axis=axes)
        squares = array.var(axis=axes) * count
        gap, total = mean - self.mean, self.count + count
        self.squares = self.squares + squares + gap**2 * (self.count * count / total)
        self.mean, self.count = self.mean + gap * (count / total), total

    @property
    def variance(self) -> np.ndarray:
        """The variances (divided by the count)."""
        return np.asarray(self.squares / self.count)
