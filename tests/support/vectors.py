"""Vectors that optimizers step, for tests."""

from __future__ import annotations

import numpy as np


def draws(dtype: np.dtype, n: int, count: int = 6, seed: int = 0) -> tuple[np.ndarray, list[np.ndarray]]:
    """A start of n numbers, and the gradients of some steps."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal(n).astype(dtype), [rng.standard_normal(n).astype(dtype) for _ in range(count)]


def strided(w: np.ndarray) -> np.ndarray:
    """A copy of w that lies with gaps."""
    gaps = np.zeros((len(w), 3), w.dtype)
    gaps[:, 1] = w
    return gaps[:, 1]
