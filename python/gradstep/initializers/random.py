"""Initializers whose spread does not depend on the shape."""

from __future__ import annotations

import numpy as np

from ..checks import check_float
from .base import Initializer, Random, truncated_normal

__all__ = ["RandomNormal", "RandomUniform", "TruncatedNormal"]


class RandomUniform(Random, Initializer):
    """Uniform numbers between two bounds.

    Parameters
    ----------
    minval, maxval : float, default -0.05 and 0.05
        The bounds; `minval` <= `maxval`.
    seed : int, optional
        For the same numbers at each call; 0 to 2**32 - 1.

    Raises
    ------
    TypeError, ValueError
        A bound is not a real number, or they are in the wrong order.

    Examples
    --------
    >>> import gradstep as gs
    >>> w = gs.initializers.RandomUniform(0.0, 1.0, seed=1)((100, 100))
    >>> bool((w >= 0).all() and (w <= 1).all() and 0.49 < w.mean() < 0.51)
    True
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.minval, self.maxval = check_float("minval", minval), check_float("maxval", maxval)
        if not self.minval <= self.maxval:
            raise ValueError(f"minval must be at most maxval; got {minval!r} and {maxval!r}.")

    def sample(self, random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Uniform numbers."""
        return random.uniform(self.minval, self.maxval, shape)


class RandomNormal(Random, Initializer):
    """Normal numbers.

    Parameters
    ----------
    mean : float, default 0.0
    stddev : float, default 0.05
        Standard deviation; at least 0.
    seed : int, optional
        For the same numbers at each call; 0 to 2**32 - 1.

    Raises
    ------
    TypeError, ValueError
        Not a real number; a negative or NaN standard deviation.

    Examples
    --------
    >>> import gradstep as gs
    >>> w = gs.initializers.RandomNormal(stddev=0.1, seed=0)((1000,))
    >>> round(float(w.std()), 2)
    0.1
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean, self.stddev = check_float("mean", mean), check_float("stddev", stddev)
        if not self.stddev >= 0:
            raise ValueError(f"stddev must be at least 0; got {stddev!r}.")

    def sample(self, random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Normal numbers."""
        return self.mean + self.stddev * random.standard_normal(shape)


class TruncatedNormal(RandomNormal):
    """Truncated normal numbers, within two standard deviations of the mean.

    Parameters
    ----------
    mean : float, default 0.0
    stddev : float, default 0.05
        Standard deviation before any are drawn again; at least 0.
    seed : int, optional
        For the same numbers at each call; 0 to 2**32 - 1.

    Examples
    --------
    >>> import gradstep as gs
    >>> w = gs.initializers.TruncatedNormal(stddev=0.1, seed=0)((1000,))
    >>> float(abs(w).max()) <= 0.2
    True
    """

    def sample(self, random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Truncated normal numbers."""
        return self.mean + self.stddev * truncated_normal(random, shape)
