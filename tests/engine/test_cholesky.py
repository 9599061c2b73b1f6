"""The Cholesky factor of the engine, what is solved by it, and the inverse."""

from __future__ import annotations

import numpy as np
import pytest
from gradstep import _core
from threads import same_at_any_number_of_threads

SIZES = (1, 2, 17, 64, 65, 130, 300)


def positive(n: int, dtype: str, seed: int = 0) -> np.ndarray:
    x = np.random.default_rng(seed).standard_normal((2 * n + 3, n))
    return (x.T @ x / len(x) + 0.1 * np.eye(n)).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", SIZES)
def test_factor_solution_and_inverse(n: int, dtype: str) -> None:
    a = positive(n, dtype)
    near = 1e-4 if dtype == "float32" else 1e-12
    factor = a.copy()
    assert _core.cholesky(factor) == n
    np.testing.assert_allclose(np.tril(factor), np.linalg.cholesky(a.astype("float64")), rtol=near, atol=near)
    b = np.random.default_rng(1).standard_normal((n, 3)).astype(dtype)
    x = b.copy()
    _core.cholesky_solve(factor, x)
    np.testing.assert_allclose(a.astype("float64") @ x, b, rtol=near, atol=10 * near)
    _core.cholesky_inverse(factor)
    np.testing.assert_array_equal(factor, factor.T)
    np.testing.assert_allclose(factor, np.linalg.inv(a.astype("float64")), rtol=near, atol=10 * near)


@pytest.mark.parametrize("at", [0, 3, 63, 64, 100, 149])
def test_where_a_matrix_is_not_positive_is_told(at: int) -> None:
    a = positive(150, "float64")
    a[at, at] = -1
    assert _core.cholesky(a) == at
    a = positive(150, "float64")
    a[at, at] = np.nan
    assert _core.cholesky(a) == at


def test_the_same_bits_at_any_number_of_threads() -> None:
    def factor_and_inverse() -> tuple[np.ndarray, np.ndarray]:
        a = positive(517, "float32")
        assert _core.cholesky(a) == len(a)
        factor = a.copy()
        _core.cholesky_inverse(a)
        return factor, a

    same_at_any_number_of_threads(factor_and_inverse, (1, 2, 7))


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: _core.cholesky(np.eye(3)[:, :2].copy()), ValueError, "as many rows as columns"),
        (lambda: _core.cholesky(np.eye(3, dtype="int64")), TypeError, "float32 or float64"),
        (lambda: _core.cholesky(np.eye(4)[::2, ::2]), ValueError, "C order"),
        (lambda: _core.cholesky_solve(np.eye(3), np.ones((2, 1))), ValueError, "as many rows as factor"),
        (lambda: _core.cholesky_solve(np.eye(3), np.ones((3, 1), "float32")), TypeError, "must be float64"),
        (lambda: _core.cholesky_inverse(np.ones(3)), ValueError, "matrix"),
    ],
)
def test_bad_input(call: object, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        call()  # type: ignore[operator]
