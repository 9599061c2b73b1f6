"""Matrix products by themselves: squares, a wide layer, and those of a training step of `mlp`'s network."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from . import flops, mlp

NAME = "gemm"
TITLE = "matrix products into a given array"
RIVALS = ONE_THREAD = (("gradstep", "matmul"), ("numpy", "matmul"), ("torch", "mm"))
BATCHES = (32, 128, 1024)
# Where an array begins, in bytes from a border of 64: as NumPy's own allocator puts large ones, and as `fit` does.
PLACES = {"aligned": 0, "NumPy's": 16}

# a (m, k), b (k, n), and whether each lies in C or F order
Product = tuple[int, int, int, str]


def forward(batch: int, fan_in: int, fan_out: int) -> Product:
    """x (batch, in) by w (in, out)"""
    return batch, fan_in, fan_out, "CC"


def gradient(batch: int, fan_in: int, fan_out: int) -> Product:
    """x^T (in, batch) by dz (batch, out)"""
    return fan_in, batch, fan_out, "FC"


def back(batch: int, fan_in: int, fan_out: int) -> Product:
    """dz (batch, out) by w^T (out, in)"""
    return batch, fan_out, fan_in, "CF"


def step(batch: int) -> list[Product]:
    """The eleven products of a training step: dx is not needed of the first layer."""
    layers = list(pairwise(mlp.SIZES))
    return [
        *(forward(batch, *layer) for layer in layers),
        *(gradient(batch, *layer) for layer in layers),
        *(back(batch, *layer) for layer in layers[1:]),
    ]


def singly(batch: int) -> dict[str, Product]:
    """The six of them that take the most time, by name."""
    first, second, third = list(pairwise(mlp.SIZES))[:3]
    chosen = ((forward, first), (forward, second), (gradient, first), (gradient, second), (back, second), (back, third))
    found = {}
    for kind, layer in chosen:
        m, k, n, order = product = kind(batch, *layer)
        found[f"{kind.__name__} {m} x {k} x {n} ({order})"] = product
    return found


def problems(sizes: list[int] | None = None, quick: bool = False) -> list[dict[str, Any]]:
    """Squares of the sizes given, of both dtypes; without sizes the step's products and a wide layer's too.

    The name ends with where the arrays lie. Single products of a step are measured where `fit` has them, aligned.
    """
    squares = [(f"{n} x {n} x {n}", [(n, n, n, "CC")]) for n in sizes or ([64] if quick else [512, 1024, 2048])]
    wide = [] if sizes or quick else [("128 x 4096 x 4096", [(128, 4096, 4096, "CC")])]
    batches = () if sizes else BATCHES[:1] if quick else BATCHES
    steps = [(f"the step's products, batch {batch}", step(batch)) for batch in batches]
    found = [
        {"name": f"{name}, {dtype}, {place}", "dtype": dtype, "place": place, "products": products}
        for dtype, both in (("float32", [*squares, *wide, *steps]), ("float64", squares))
        for name, products in both
        for place in PLACES
    ]
    found += [
        {"name": f"{name}, float64, aligned", "dtype": "float64", "place": "aligned", "products": products}
        for name, products in [*wide, *steps]
    ]
    for batch in () if quick else batches:
        found += [
            {"name": f"{name}, float32, aligned", "dtype": "float32", "place": "aligned", "products": [product]}
            for name, product in singly(batch).items()
        ]
    return found


def placed(array: np.ndarray, place: str) -> np.ndarray:
    """A copy of the same order that begins where `place` says."""
    page = 4096
    room = np.empty(array.nbytes + 2 * page, np.uint8)
    begin = -room.ctypes.data % page + PLACES[place]
    shape = array.shape if array.flags.c_contiguous else array.shape[::-1]
    copy = room[begin : begin + array.nbytes].view(array.dtype).reshape(shape)
    copy = copy if array.flags.c_contiguous else copy.T
    copy[...] = array
    return copy


def inputs(problem: dict[str, Any]) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(a, b, room for the result) of each product, the same in every process; results have a variance of 1."""
    rng, dtype, place = np.random.default_rng(7), problem["dtype"], problem["place"]
    found = []
    for m, k, n, (order_a, order_b) in problem["products"]:
        a, b = rng.standard_normal((m, k)) / k**0.5, rng.standard_normal((k, n))
        arrays = a.astype(dtype, order_a), b.astype(dtype, order_b), np.zeros((m, n), dtype)
        found.append(tuple(placed(array, place) for array in arrays))
    return found


def joined(results: list[np.ndarray]) -> np.ndarray:
    """All results as one array: what is checked."""
    return np.concatenate([result.ravel() for result in results])


class Products:
    """A rival without its `run`, which multiplies each a by its b into the room for the result."""

    steps_per_run = 1
    run: Callable[[], None]

    def __init__(self, problem: dict[str, Any]) -> None:
        self.products = inputs(problem)

    def checked(self) -> np.ndarray:
        self.run()
        return joined([out for _, _, out in self.products])


def oracle(problem: dict[str, Any]) -> np.ndarray:
    return joined([a.astype(np.float64) @ b.astype(np.float64) for a, b, _ in inputs(problem)])


def check(result: np.ndarray, expected: np.ndarray) -> None:
    """Raise unless the products are right, summed in their own dtype.

    Rounding adds up as the root of the depth, at most 64 here, some five times that in the worst of a million numbers.
    Sums of products rounded to half precision are wrong by 1e-3.
    """
    error = float(np.max(np.abs(result - expected), initial=0.0))
    limit = 256 * float(np.finfo(result.dtype).eps)
    if not error <= limit:
        raise ArithmeticError(f"products differ from the oracle's by {error:.2e}; at most {limit:.2e} is rounding.")


def count(problem: dict[str, Any]) -> int:
    """Floating-point operations."""
    return sum(2 * m * k * n for m, k, n, _ in problem["products"])


def limits(problem: dict[str, Any], threads: int) -> dict[str, list[Any]]:
    return flops.limits(threads, problem["dtype"])


def columns(problem: dict[str, Any], seconds: float, ours: float | None, measured: dict[str, float]) -> dict[str, str]:
    """A row of the report; seconds are those of all of the problem's products."""
    return {"us": f"{seconds * 1e6:,.1f}", **flops.columns(count(problem), seconds, ours, measured)}


def limit_columns(problem: dict[str, Any], ours: float | None, measured: dict[str, float]) -> dict[str, dict[str, str]]:
    return {"limit: FMA peak": columns(problem, count(problem) * measured["fma"], ours, measured)}
