"""Sums over shards by a tree, and their rounding."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from gradstep.distribution.tree import RoundedTreeSum, TreeSum

SIZE = 40_000  # of more than one chunk
rng = np.random.default_rng(8)


def rounded(numbers: np.ndarray) -> np.ndarray:
    return numbers.astype(ml_dtypes.bfloat16).astype(numbers.dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_number_of_the_tree_is_rounded(dtype: str) -> None:
    vectors = (rng.normal(size=(4, SIZE)) * 10.0 ** rng.integers(-20, 20, SIZE)).astype(dtype)
    vectors[0, :3] = np.inf, np.nan, -0.0
    leaves = [rounded((vector * np.dtype(dtype).type(0.3)).astype("float32")) for vector in vectors]
    sums = rounded(leaves[0] + leaves[1]), rounded(leaves[2] + leaves[3])
    expected = rounded(rounded(sums[0] + sums[1]) / np.float32(3))
    tree, out = RoundedTreeSum(None, SIZE, dtype), np.empty(SIZE, dtype)
    for vector in vectors:
        tree.add(vector, 0.3)
    tree.total(3.0, out)
    np.testing.assert_array_equal(out, expected.astype(dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shards", [1, 2, 8])
def test_a_rounded_sum_is_near_that_of_the_vectors(shards: int, dtype: str) -> None:
    vectors = rng.normal(size=(shards, SIZE)).astype(dtype)
    exact, near = np.empty(SIZE, dtype), np.empty(SIZE, dtype)
    for kind, out in ((TreeSum, exact), (RoundedTreeSum, near)):
        tree = kind(None, SIZE, dtype)
        for vector in vectors:
            tree.add(vector, 2.0)
        tree.total(3.0, out)
    # Each number on the way is rounded by 2^-8 of itself at most; none is larger than the sum of the magnitudes.
    most = 2 / 3 * np.abs(vectors).sum(0) * (np.log2(shards) + 2) * 2**-8
    assert (np.abs(near - exact) <= most).all()
    assert (near != exact).any()
    np.testing.assert_array_equal(near, rounded(near))
