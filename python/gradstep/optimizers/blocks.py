"""Arithmetic on whole arrays a block at a time, so that what is in between stays in the cache."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

__all__ = ["block_slices", "in_order", "norm", "real_type"]

BLOCK = 1 << 13  # elements


def real_type(array: np.ndarray) -> type[np.floating[Any]]:
    """The type that sums over an array are done in, as the engine does."""
    return np.float64 if array.dtype == np.float64 else np.float32


def in_order(array: np.ndarray) -> Any:
    """An array's elements in C order, to be read and written by slices: a view, or something that copies them."""
    plain = np.asarray(array)  # a matrix has two axes always
    return plain.reshape(-1) if plain.flags.c_contiguous else plain.flat


def block_slices(size: int) -> Iterator[slice]:
    """The blocks of an array of this size. They depend on nothing else, so neither does a sum over them."""
    return (slice(begin, begin + BLOCK) for begin in range(0, size, BLOCK))


def norm(products: Sequence[Sequence[np.ndarray]]) -> float:
    """Root of the sum of squares, in double, of products of arrays; the arrays of one product have one shape.

    Where the plain sum overflows or loses digits it is taken again of rescaled numbers, as BLAS's nrm2 does.
    """
    total = sum(_sum_of_squares(factors, 1.0) for factors in products)
    by = 2.0**-600 if total == np.inf else 2.0**600 if total < 2.0**-960 else 1.0
    if by != 1:
        total = sum(_sum_of_squares(factors, by) for factors in products)
    return float(np.sqrt(total)) / by


def _sum_of_squares(factors: Sequence[np.ndarray], by: float) -> float:
    """Of the product of arrays of one shape, times `by`."""
    first, *others = (in_order(factor) for factor in factors)
    total = 0.0
    with np.errstate(all="ignore"):
        for here in block_slices(factors[0].size):
            product = first[here].astype(np.float64)
            product *= by
            for other in others:
                product *= other[here]
            product *= product
            total += float(np.add.reduce(product))
    return total
