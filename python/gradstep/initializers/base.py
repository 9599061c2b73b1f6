"""Base class of the initializers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import seeds
from ..checks import check_choice, check_int
from ..config import FLOATS, floatx
from ..described import Described

__all__ = ["Initializer", "Random", "truncated_normal"]


class Initializer(Described):
    """Base class of the initializers. A subclass defines `draw`.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> class Halves(gs.initializers.Initializer):
    ...     def draw(self, shape):
    ...         return np.full(shape, 0.5)
    >>> gs.layers.Dense(1, kernel_initializer=Halves())(np.ones((1, 4), np.float32))
    array([[2.]], dtype=float32)
    """

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> np.ndarray:
        """Draw the initial weights of one array.

        Parameters
        ----------
        shape : sequence of int
            Shape of the array; a kernel's is (inputs, outputs).
        dtype : {"float32", "float64"}, default `config.floatx()`

        Returns
        -------
        ndarray

        Raises
        ------
        TypeError, ValueError
            A size is no integer or negative; an unknown dtype.
        """
        sizes = tuple(check_int(f"shape[{i}]", size, 0) for i, size in enumerate(shape))
        name = floatx() if dtype is None else check_choice("dtype", dtype, FLOATS)
        return np.asarray(self.draw(sizes), dtype=name)

    def draw(self, shape: tuple[int, ...]) -> Any:
        """The numbers, of this shape; in float64, so that they are the same for every dtype but for rounding."""
        raise NotImplementedError(f"{type(self).__name__} must define draw(shape).")


class Random:
    """Mixin, before `Initializer` among the bases, of initializers that draw random numbers.

    A subclass gives the numbers of one generator, in `sample`.
    """

    def __init__(self, seed: int | None) -> None:
        self.seed = seed
        self._key = seeds.key_of(seed)

    def draw(self, shape: tuple[int, ...]) -> Any:
        """The numbers of the seed's key, or of a fresh one."""
        return self.sample(seeds.generator(self._key or seeds.fresh_key()), shape)

    def sample(self, random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """The numbers, of this shape, from this generator."""
        raise NotImplementedError(f"{type(self).__name__} must define sample(random, shape).")


def truncated_normal(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Normal numbers of which those beyond 2 are drawn again: their standard deviation is 0.8796."""
    values = random.standard_normal(shape)
    while (outside := np.abs(values) > 2).any():
        values[outside] = random.standard_normal(np.count_nonzero(outside))
    return values
