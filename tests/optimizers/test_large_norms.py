"""Norms of numbers whose squares overflow or vanish, and of the same numbers wherever they lie."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import _core
from gradstep.optimizers import SAM, SGD, Muon

SIZES = {"f4": [1e-42, 1e-25, 1.0, 1e25, 1e38], "f8": [1e-310, 1e-300, 1e-170, 1.0, 1e170, 1e300, 1e307]}
kinds = pytest.mark.parametrize(("kind", "size"), [(kind, size) for kind in SIZES for size in SIZES[kind]])


@kinds
@pytest.mark.parametrize("clip", ["clipnorm", "global_clipnorm"])
@pytest.mark.parametrize("guard", ["propagate", "skip", "raise"])
def test_gradients_of_any_size_are_clipped(kind, size, clip, guard):
    most = size * 1e-3 if size < 1 else 1.0
    if most < np.finfo(kind).tiny:
        pytest.skip("what is below the normal range counts as 0 in a step")
    w = [np.zeros(2, kind), np.zeros((2, 2), kind)]
    g = [np.full(2, size, kind), np.full((2, 2), -size, kind)]
    SGD(1.0, on_nonfinite=guard, **{clip: most}).step(w, g)
    squares = [2, 4] if clip == "clipnorm" else [6, 6]
    for moved, gradient, terms in zip(w, g, squares, strict=True):
        np.testing.assert_allclose(moved, -np.sign(gradient) * kind_of(kind, most / np.sqrt(terms)), rtol=1e-6)


def kind_of(kind, x):
    return np.asarray(x, kind)


@pytest.mark.parametrize("clip", ["clipnorm", "global_clipnorm"])
def test_a_large_gradient_beside_small_ones(clip):
    w = [np.zeros(2), np.zeros(1)]
    SGD(1.0, **{clip: 1.0}).step(w, [np.array([1e200, 3.0]), np.array([1e-3])])
    assert w[0].tolist() == [-1.0, -3e-200]
    assert w[1][0] == (-1e-3 if clip == "clipnorm" else -1e-203)


@pytest.mark.parametrize("kind", ["f4", "f8"])
@pytest.mark.parametrize("clip", ["clipnorm", "global_clipnorm"])
def test_a_row_sparse_gradient_has_the_norm_of_the_dense_one(clip, kind):
    rng = np.random.default_rng(0)
    shapes = [(int(rng.integers(2, 40)), int(rng.integers(1, 70))) for _ in range(60)]
    # Rows that cross the borders of the chunks in which the dense gradient is summed, and rows longer than those.
    for n, columns in [*shapes, (3000, 37), (5, 40000), (9000, 8), (4, 1 << 15)]:
        w = rng.standard_normal((n, columns)).astype(kind)
        v = w.copy()
        rows = rng.integers(0, n, size=max(1, n // 3))
        g = gs.RowSparse(rows, 5 * rng.standard_normal((len(rows), columns)).astype(kind), (n, columns))
        SGD(0.1, **{clip: 1.0}).step(w, g)
        SGD(0.1, **{clip: 1.0}).step(v, g.to_dense())
        assert w.tobytes() == v.tobytes(), (n, columns)


def test_a_norm_does_not_depend_on_where_numbers_lie(dtype):
    g = np.random.default_rng(0).standard_normal((300, 401)).astype(dtype)
    gaps = np.zeros((300, 802), dtype)
    gaps[:, ::2] = g
    w, v = np.zeros_like(g), np.zeros_like(g)
    SGD(0.1, clipnorm=1.0).step(w, g)
    SGD(0.1, clipnorm=1.0).step(v, gaps[:, ::2])
    assert w.tobytes() == v.tobytes()


@pytest.mark.parametrize("size", [1e-160, 1e-300, 1e170, 1e300])
def test_muons_step_does_not_depend_on_the_size_of_gradients(size):
    g = np.random.default_rng(0).standard_normal((6, 9))
    w, v = np.zeros_like(g), np.zeros_like(g)
    # No epsilon in float64: 1e-7 is added to the norm of a momentum.
    optimizers = [Muon(0.1, dialect="torch", epsilon=0.0) for _ in range(2)]
    optimizers[0].step(w, g)
    optimizers[1].step(v, g * size)
    np.testing.assert_allclose(v, w, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("size", [1e25, 1e38])
def test_muon_takes_large_floats(size):
    g = np.sign(np.random.default_rng(0).standard_normal((30, 40))).astype("f4")
    w, v = np.zeros_like(g), np.zeros_like(g)
    Muon(0.1, nesterov=False).step(w, g)
    Muon(0.1, nesterov=False).step(v, g * np.float32(size))
    np.testing.assert_allclose(v, w, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_sam_climbs_by_gradients_of_any_size(size):
    w, seen = np.zeros(2), []

    def gradients(w):
        seen.append(w.copy())
        return np.array([3.0, 4.0]) * size

    SAM(SGD(0.0), rho=1.0).step(w, gradients)
    np.testing.assert_allclose(seen[-1], [0.6, 0.8])


@pytest.mark.parametrize("size", [1e-320, 1e-200, 1.0, 1e200, 1e307])
def test_norm_of_several_arrays(size):
    np.testing.assert_allclose(_core.norm([np.array([3.0, 0.0]), np.array([4.0 * size / size])]), 5.0)
    np.testing.assert_allclose(_core.norm([np.full(3, size), np.full((2, 1), size)[:1]]), 2 * size)
    assert _core.norm([np.zeros(3)]) == _core.norm([]) == 0


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_constraints_and_regularizers_take_numbers_of_any_size(size):
    w = np.array([[3.0, 1.0], [4.0, 0.0]])
    np.testing.assert_allclose(gs.constraints.MaxNorm(1.0)(w * 1e200)[:, 0], [0.6, 0.8])
    if size > 1:
        np.testing.assert_allclose(gs.constraints.UnitNorm()(w * size)[:, 0], [0.6, 0.8])
        np.testing.assert_allclose(
            gs.regularizers.OrthogonalRegularizer(1.0)(w * size), gs.regularizers.OrthogonalRegularizer(1.0)(w)
        )
