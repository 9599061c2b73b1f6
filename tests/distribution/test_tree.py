"""Sums over shards by a tree, and their rounding."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from gradstep.distribution.tree import RoundedTreeSum, TreeSum, to_bfloat16, to_float32

SIZE = 40_000  # of more than one chunk
rng = np.random.default_rng(8)


def rounded(numbers: np.ndarray) -> np.ndarray:
    bits = np.empty(len(numbers), np.uint16)
    to_bfloat16(numbers.copy(), bits)
    return to_float32(bits, np.empty(len(numbers), np.float32))


def test_rounding_is_to_the_nearest_and_at_the_middle_away_from_zero() -> None:
    numbers = (rng.normal(size=SIZE) * 10.0 ** rng.integers(-30, 30, SIZE)).astype("float32")
    expected = numbers.astype(ml_dtypes.bfloat16).astype("float32")  # to even, at the middle: none of these is there
    np.testing.assert_array_equal(rounded(numbers), expected)
    middle = np.array([1 + 2**-8, -1 - 2**-8, 1 + 3 * 2**-8], "float32")
    np.testing.assert_array_equal(rounded(middle), np.array([1 + 2**-7, -1 - 2**-7, 1 + 2**-6], "float32"))


def test_what_is_no_number_stays_so() -> None:
    largest = np.finfo("float32").max
    found = rounded(np.array([np.inf, -np.inf, np.nan, largest, 0.0, -0.0], "float32"))
    np.testing.assert_array_equal(found, np.array([np.inf, -np.inf, np.nan, np.inf, 0.0, -0.0], "float32"))
    assert np.signbit(found[-1])


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
    np.testing.assert_array_equal(near.astype("float32"), rounded(near.astype("float32")))  # of 8 bits
