"""Central differences, and data for checks with them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

# Sizes around the widths of SIMD registers.
WIDTHS = [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33]


def numeric_gradient(function: Callable[[], float], array: np.ndarray) -> np.ndarray:
    """Gradient of function() with respect to an array it reads, every entry, by central differences.

    The step, 1e-6 of the entry's size, leaves an error of about 1e-12 from the curvature and 1e-10 from rounding.
    """
    gradient = np.empty_like(array)
    for index in np.ndindex(array.shape):
        kept = array[index]
        step = 1e-6 * max(1.0, abs(kept))
        array[index] = kept + step
        above = function()
        array[index] = kept - step
        below = function()
        array[index] = kept
        gradient[index] = (above - below) / (2 * step)
    return gradient


def difference(actual: np.ndarray, expected: np.ndarray) -> float:
    """Norm of the difference over the norm of what is expected; of the difference alone where that is tiny."""
    return float(np.linalg.norm(actual - expected) / max(np.linalg.norm(expected), 1e-3))
