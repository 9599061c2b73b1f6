"""The matrix product on its own: every size, layout, instruction set and number of threads."""

from __future__ import annotations

import functools
import itertools
import re
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gradstep import _core
from threads import same_at_any_number_of_threads

SIZES = (0, 1, 2, 3, 7, 16, 33, 100, 257)
# Deep, wide, tall; more than one block of the depth; matrix times vector.
ODD = ((5, 3000, 70), (1, 4099, 513), (3, 520, 129), (700, 13, 5), (2, 600, 1), (300, 1100, 1), (97, 513, 65))


def gaps(x: np.ndarray, down: int = 1, across: int = 1) -> np.ndarray:
    """x with other numbers between its own; nan, so that none can be read unnoticed."""
    around = np.full((len(x) * down, x.shape[1] * across), np.nan, x.dtype)
    around[::down, ::across] = x
    return around[::down, ::across]


def page(x: np.ndarray) -> np.ndarray:
    """x with its rows a multiple of 4096 bytes apart, which all lie in the same few sets of a cache."""
    step = 4096 // x.itemsize
    around = np.full((len(x), -(-x.shape[1] // step) * step), np.nan, x.dtype)
    around[:, : x.shape[1]] = x
    return around[:, : x.shape[1]]


LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "rows backwards": lambda x: x[::-1].copy()[::-1],
    "columns backwards": lambda x: x[:, ::-1].copy()[:, ::-1],
    "both backwards": lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
    "F backwards": lambda x: x[:, ::-1].T.copy().T[:, ::-1],
    "every third row": functools.partial(gaps, down=3),
    "every other column": functools.partial(gaps, across=2),
    "gaps": functools.partial(gaps, down=2, across=5),
    "F gaps": lambda x: gaps(x.T, down=2, across=2).T,
    "rows a page apart": page,
    "columns a page apart": lambda x: page(x.T).T,
}


def draw(m: int, n: int, dtype: np.dtype, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, m, n]).standard_normal((m, n)).astype(dtype)


@functools.cache
def drawn(m: int, k: int, n: int, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """a, b, and what `exact` makes of them."""
    a, b = draw(m, k, dtype), draw(k, n, dtype, 1)
    return a, b, *exact(a, b)


def exact(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """a b in float64, and the same of their numbers' sizes."""
    return a.astype(np.float64) @ b.astype(np.float64), np.abs(a).astype(np.float64) @ np.abs(b)


def check(out: np.ndarray, depth: int, result: np.ndarray, size: np.ndarray) -> None:
    """A sum of k products in any order is wrong by at most k eps / 2 of the sum of their sizes, and so is NumPy's in
    float64; a start is one more term, and the last rounding is of the result."""
    eps = np.finfo(out.dtype).eps
    wrong = ~(np.abs(out - result) <= 2 * depth * eps * size + eps * np.abs(result))
    assert not wrong.any(), f"{wrong.sum()} of {out.size} are wrong, the first at {np.argwhere(wrong)[0]}"


def product(a: np.ndarray, b: np.ndarray, start: np.ndarray | None = None) -> np.ndarray:
    out = np.full((len(a), b.shape[1]), np.nan, a.dtype)
    _core.matmul(a, b, out, start)
    return out


@pytest.mark.parametrize("order", ["CC", "CF", "FC", "FF"])
def test_every_size_and_transposition(dtype: np.dtype, isa: str, order: str) -> None:
    for m, k, n in [*itertools.product(SIZES, repeat=3), *ODD]:
        a, b, result, size = drawn(m, k, n, dtype)
        check(product(LAYOUTS[order[0]](a), LAYOUTS[order[1]](b)), k, result, size)


@pytest.mark.parametrize("order", ["CC", "CF", "FC", "FF"])
def test_start_is_added_to_each_row(dtype: np.dtype, isa: str, order: str) -> None:
    for m, k, n in [*itertools.product((1, 3, 13, 40), (0, 1, 5, 70), (1, 5, 16, 67)), *ODD]:
        a, b, result, size = drawn(m, k, n, dtype)
        start = 10 * draw(1, n, dtype, 2)[0]
        out = product(LAYOUTS[order[0]](a), LAYOUTS[order[1]](b), start)
        check(out, k, result + start, size + np.abs(start))


def test_nothing_to_sum_gives_the_start(dtype: np.dtype) -> None:
    a, b, start = np.empty((3, 0), dtype), np.empty((0, 4), dtype), np.arange(4, dtype=dtype)
    assert np.array_equal(product(a, b), np.zeros((3, 4)))
    assert np.array_equal(product(a, b, start), np.stack([start] * 3))


@pytest.mark.parametrize("shape", [(33, 50, 37), (1, 70, 40), (20, 1, 3), (260, 130, 1)], ids=str)
def test_inputs_of_any_strides(dtype: np.dtype, shape: tuple[int, int, int]) -> None:
    m, k, n = shape
    a, b, result, size = drawn(m, k, n, dtype)
    for left, right in itertools.product(LAYOUTS.values(), repeat=2):
        check(product(left(a), right(b)), k, result, size)


def test_broadcast_inputs(dtype: np.dtype) -> None:
    a, b = np.broadcast_to(draw(1, 50, dtype), (33, 50)), np.broadcast_to(draw(50, 1, dtype), (50, 37))
    check(product(a, b), 50, *exact(a, b))
    check(product(b.T, a.T), 50, *exact(b.T, a.T))


def test_one_array_is_both_inputs(dtype: np.dtype) -> None:
    a = draw(64, 64, dtype)
    check(product(a, a.T), 64, *exact(a, a.T))


@pytest.mark.parametrize("order", ["CC", "CF", "FC", "FF"])
@pytest.mark.parametrize("shape", [(50, 30, 37), (1, 30, 37), (50, 30, 1), (130, 600, 100)], ids=str)
@pytest.mark.parametrize("backwards", [False, True])
def test_only_the_rows_of_out_are_written(
    dtype: np.dtype, order: str, shape: tuple[int, int, int], backwards: bool
) -> None:
    m, k, n = shape
    a, b, result, size = drawn(m, k, n, dtype)
    start = draw(1, n, dtype, 2)[0]
    for columns in (n + 5, 4096 // dtype.itemsize):
        around = np.full((2 * m + 2, columns + 3), 7, dtype)
        inside = around[1 : 2 * m + 1 : 2, 3 : 3 + n]
        out = inside[::-1] if backwards else inside
        _core.matmul(LAYOUTS[order[0]](a), LAYOUTS[order[1]](b), out, start)
        check(out, k, result + start, size + np.abs(start))
        inside[...] = 7
        assert np.all(around == 7)


@pytest.mark.parametrize("shape", [(257, 300, 257), (1, 1030, 3000), (5, 3000, 700), (1500, 40, 300)], ids=str)
def test_threads_change_no_bits(dtype: np.dtype, shape: tuple[int, int, int]) -> None:
    m, k, n = shape

    def products() -> list[np.ndarray]:
        a, b, layouts = draw(m, k, dtype), draw(k, n, dtype, 1), [LAYOUTS[name] for name in ("C", "F", "gaps")]
        return [product(left(a), right(b)) for left, right in itertools.product(layouts, repeat=2)]

    same_at_any_number_of_threads(products)


def shifted(x: np.ndarray, by: int) -> np.ndarray:
    """x in memory that begins `by` bytes behind a border of 64."""
    around = np.empty(x.nbytes + 128, np.uint8)
    begin = -around.ctypes.data % 64 + by
    flat = around[begin : begin + x.nbytes].view(x.dtype)
    copy = flat.reshape(x.shape) if x.flags.c_contiguous else flat.reshape(x.shape[::-1]).T
    copy[...] = x
    return copy


@pytest.mark.parametrize("order", ["CC", "CF", "FC"])
@pytest.mark.parametrize("shape", [(300, 1100, 421), (100, 250, 4200), (100, 300, 1024)], ids=str)
def test_large_products_have_the_bits_of_small_ones(dtype: np.dtype, order: str, shape: tuple[int, int, int]) -> None:
    """Their b is packed once for all rows; less than 96 rows read it otherwise, wherever it begins."""
    m, k, n = shape
    a, b, start = draw(m, k, dtype), draw(k, n, dtype, 1), draw(1, n, dtype, 2)[0]
    left, right = LAYOUTS[order[0]](a), LAYOUTS[order[1]](b)
    out = product(left, right, start)
    result, size = exact(a[:64], b)
    check(out[:64], k, result + start, size + np.abs(start))
    rows = np.vstack([product(left[i : i + 60], right, start) for i in range(0, m, 60)])
    assert np.array_equal(out, rows)
    before = _core.get_num_threads()
    try:
        for by, threads in ((0, 1), (16, 2), (40, 3)):
            _core.set_num_threads(threads)
            assert np.array_equal(product(shifted(left, by), shifted(right, by), start), out)
    finally:
        _core.set_num_threads(before)


def test_products_on_several_python_threads() -> None:
    """Each has scratch of its own: what one computes beside others is what it computes alone."""
    f32 = np.dtype(np.float32)
    given = [(draw(200 + i, 300, f32, i), draw(150, 300, f32, i).T) for i in range(4)]
    alone = [product(a, b) for a, b in given]
    same, together = [False] * len(given), threading.Barrier(len(given))

    def work(i: int) -> None:
        together.wait()
        same[i] = all(np.array_equal(product(*given[i]), alone[i]) for _ in range(200))

    workers = [threading.Thread(target=work, args=(i,)) for i in range(len(given))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all(same)


ROOM = np.arange(60, dtype=np.float32)
FLOATS, DOUBLES = np.ones((3, 4), np.float32), np.ones((4, 5))
UNALIGNED = np.zeros(4 * 20 + 1, np.uint8)[1:].view(np.float32).reshape(4, 5)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"a": [[1.0]]}, TypeError, "a must be a numpy array; got list."),
        (
            {"a": FLOATS.astype(int)},
            TypeError,
            "a must be float32 or float64 in native byte order; its dtype is int64.",
        ),
        ({"a": FLOATS[0]}, ValueError, "a must have two axes; its shape is (4,)."),
        ({"b": DOUBLES}, TypeError, "b must be float32, as a is; it is float64."),
        ({"b": UNALIGNED}, ValueError, "b must be aligned; its data does not begin on a multiple of its item size."),
        ({"b": FLOATS}, ValueError, "b must have as many rows as a has columns; their shapes are (3, 4) and (3, 4)."),
        ({"out": np.ones((3, 5))}, TypeError, "out must be float32, as a is; it is float64."),
        ({"out": ROOM[:12].reshape(3, 4)}, ValueError, "out must have shape (3, 5); its shape is (3, 4)."),
        ({"out": ROOM[:15].reshape(5, 3).T}, ValueError, "out must have its rows in C order; its strides are (4, 12)."),
        ({"out": np.broadcast_to(ROOM[:5], (3, 5))}, ValueError, "out must be writable"),
        (
            {"out": np.lib.stride_tricks.as_strided(ROOM, (3, 5), (12, 4))},
            ValueError,
            "out must hold each element in a place of its own; its strides (12, 4) for shape (3, 5)",
        ),
        ({"a": ROOM[14:26].reshape(3, 4)}, ValueError, "out must not overlap a: they share memory."),
        ({"b": ROOM[10:30].reshape(4, 5)}, ValueError, "out must not overlap b: they share memory."),
        ({"start": ROOM[14:19]}, ValueError, "out must not overlap start: they share memory."),
        ({"start": ROOM[20:24]}, ValueError, "start must have shape (5,), its numbers side by side; its shape is (4,)"),
        (
            {"start": ROOM[20:30:2]},
            ValueError,
            "start must have shape (5,), its numbers side by side; its shape is (5,)",
        ),
        ({"start": np.ones(5)}, TypeError, "start must be float32, as a is; it is float64."),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_refusals_change_nothing(given: dict[str, Any], error: type[Exception], said: str) -> None:
    arguments = {"a": FLOATS, "b": np.ones((4, 5), np.float32), "out": ROOM[:15].reshape(3, 5), **given}
    before = ROOM.copy()
    with pytest.raises(error, match=re.escape(said)):
        _core.matmul(**arguments)
    assert np.array_equal(ROOM, before)
