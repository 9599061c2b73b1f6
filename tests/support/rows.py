"""Row-sparse gradients and their dense counterparts, for tests."""

from __future__ import annotations

import gradstep as gs
import numpy as np


def draws(shape, dtype, steps=25, seed=0, most=6):
    """A start, and gradients of few rows, some twice in one; the last third of the rows has none."""
    rng = np.random.default_rng(seed)
    w, below = rng.standard_normal(shape).astype(dtype), max(1, shape[0] * 2 // 3)
    gradients = []
    for _ in range(steps):
        rows = rng.integers(0, below, rng.integers(0, most))
        gradients.append(gs.RowSparse(rows, rng.standard_normal((len(rows), *shape[1:])).astype(dtype), shape))
    return w, gradients


def equal(sparse, w, dense, v):
    """By value: a weight of -0 that was never touched may have become 0 in one of them."""
    state, expected = sparse.state_dict(), dense.state_dict()
    np.testing.assert_array_equal(w, v)
    assert state.keys() == expected.keys()
    for key in state:
        np.testing.assert_array_equal(state[key], expected[key], err_msg=key)
