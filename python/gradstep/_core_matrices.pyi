"""Types of the compiled engine's operations on single matrices: a part of ``_core``, not a module of its own."""

from numpy import ndarray

# -- the matrix product, for tests and benchmarks (csrc/bindings/linear/product.cpp) -----------------------------------

def matmul(a: ndarray, b: ndarray, out: ndarray, start: ndarray | None = None) -> None:
    """out = start + a @ b: a (m, k), b (k, n) of any strides; out (m, n), its rows in C order, any row stride;
    start (n,), contiguous, or None for zeros. All float32 or all float64. Subnormals count as 0. Without the GIL."""

# -- the Cholesky factor (csrc/bindings/linear/cholesky.cpp) -----------------------------------------------------------

def cholesky(a: ndarray) -> int:
    """a (n, n), in C order, of which the lower triangle is read, becomes its lower factor in place; the upper triangle
    is left with other numbers. How many columns were factored: n, or the first whose pivot is not positive.
    Without the GIL."""

def cholesky_solve(factor: ndarray, b: ndarray) -> None:
    """b (n, m) becomes the solution x of a x = b, in place. Without the GIL."""

def cholesky_inverse(factor: ndarray) -> None:
    """The factor becomes the inverse of a, both triangles, in place. Without the GIL."""

def scale_to_bfloat16(x: ndarray, weight: float, out: ndarray) -> None:
    """x (n,), float32 or float64, times weight, into out (n,), uint16: the bits of bfloat16, to the nearest."""

def add_bfloat16(sum: ndarray, more: ndarray) -> None:
    """sum += more, both bits of bfloat16 (n,): added in float32, and rounded to the nearest."""

def divide_bfloat16(x: ndarray, divisor: float) -> None:
    """x /= divisor, in the same way."""

def read_bfloat16(x: ndarray, out: ndarray) -> None:
    """Bits of bfloat16 (n,) into out (n,), float32 or float64."""
