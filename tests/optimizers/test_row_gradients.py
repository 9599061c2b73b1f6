"""What is a row-sparse gradient, and what is none: `RowSparse`, CSR matrices, refusals that change nothing."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import optimizers
from rows import equal
from snapshot import everything


@pytest.mark.parametrize("kind", ["csr_array", "csr_matrix"])
def test_a_csr_matrix_is_a_gradient(dtype, kind):
    sparse = pytest.importorskip("scipy.sparse")
    rng = np.random.default_rng(0)
    w = rng.standard_normal((40, 7)).astype(dtype)
    v, by_rows, dense = w.copy(), optimizers.Adam(), optimizers.Adam()
    bound = by_rows.bind([w])
    for step in range(15):
        whole = rng.standard_normal(w.shape).astype(dtype) * (rng.random(w.shape) < 0.04)
        matrix = getattr(sparse, kind)(whole)
        assert matrix.dtype == dtype
        if step % 2:
            bound.step([matrix])
        else:
            by_rows.step([w], [matrix])
        dense.step(v, whole)
    by_rows.flush()
    equal(by_rows, w, dense, v)


def test_rows_of_a_csr_matrix():
    sparse = pytest.importorskip("scipy.sparse")
    # Row 1 holds a stored 0, row 3 has an element twice.
    matrix = sparse.csr_array((np.array([0.0, 2.0, 3.0, 4.0]), [0, 1, 1, 0], [0, 0, 1, 1, 4]), shape=(4, 2))
    rows = gs.RowSparse.from_csr(matrix)
    assert rows.rows.tolist() == [1, 3]
    assert rows.values.tolist() == [[0, 0], [4, 5]]
    assert rows.shape == (4, 2)
    with pytest.raises(TypeError, match=r"^matrix must be in SciPy's CSR format; got"):
        gs.RowSparse.from_csr(matrix.tocsc())


def test_other_sparse_matrices_are_refused():
    sparse = pytest.importorskip("scipy.sparse")
    w, optimizer = np.ones((2, 2)), optimizers.Adam()
    bound, before = optimizer.bind([w]), everything(optimizer, w)
    for matrix in (sparse.csc_array(np.eye(2)), sparse.coo_array(np.eye(2))):
        for step in (lambda m: bound.step([m]), lambda m: optimizer.step([w], [m])):
            with pytest.raises(TypeError, match=r"^gradients\[0\] must be an array or None.* CSR: \.tocsr\(\)\.$"):
                step(matrix)
    with pytest.raises(TypeError, match=r"^gradients\[0\] must be float32 or float64; got int"):
        bound.step([sparse.csr_array(np.eye(2, dtype=int))])
    with pytest.raises(ValueError, match=r"^gradients\[0\] has shape \(3, 3\); its parameter has shape \(2, 2\)"):
        bound.step([sparse.csr_array(np.eye(3))])
    assert everything(optimizer, w) == before


def test_a_row_sparse_gradient_checks_itself():
    ones = np.ones((2, 3))
    for error, message, arguments in [
        (ValueError, r"rows must be from 0 to 3; rows\[1\] is 4", ([0, 4], ones, (4, 3))),
        (ValueError, r"rows must be from 0 to 3; rows\[0\] is -1", ([-1, 0], ones, (4, 3))),
        (ValueError, r"rows must have one axis; got shape \(1, 2\)", ([[0, 1]], ones, (4, 3))),
        (TypeError, "rows must be integers; got an array of float64", ([0.0, 1.0], ones, (4, 3))),
        (TypeError, "rows must be integers; got an array of bool", (np.array([True, False]), ones, (4, 3))),
        (TypeError, "rows must be an array; got", (3, ones, (4, 3))),
        (ValueError, r"values must have shape \(2, 5\).*got \(2, 3\)", ([0, 1], ones, (4, 5))),
        (ValueError, r"values must have shape \(1, 3\).*got \(2, 3\)", ([0], ones, (4, 3))),
        (TypeError, "values must be float32 or float64; got int64", ([0, 1], ones.astype(int), (4, 3))),
        (TypeError, "values must be float32 or float64; got >f8", ([0, 1], ones.astype(">f8"), (4, 3))),
        (TypeError, "values must be an array; got", ([0, 1], [[1.0]], (4, 3))),
        (TypeError, "shape must be a tuple of ints; got 4", ([0, 1], ones, 4)),
        (TypeError, "shape must be a tuple of ints", ([0, 1], ones, (4.0, 3))),
        (ValueError, r"shape must have at least one axis.*got \(\)", ([0, 1], ones, ())),
    ]:
        with pytest.raises(error, match=f"^{message}"):
            gs.RowSparse(*arguments)


def test_rows_are_copied_and_values_are_not():
    rows, values = np.array([1, 1, 0], np.uint8), np.ones((3, 2), "f4")
    g = gs.RowSparse(rows, values, (2, 2))
    rows[:] = 7
    assert g.rows.dtype == np.int64
    assert np.shares_memory(g.values, values)
    assert g.to_dense().tolist() == [[1, 1], [2, 2]]
    assert repr(g) == "RowSparse(3 rows of (2, 2), float32)"
    assert gs.RowSparse([], np.ones((0, 2)), (0, 2)).to_dense().shape == (0, 2)


def forged(**changes):
    g = gs.RowSparse([0, 1], np.ones((2, 3)), (4, 3))
    for name, value in changes.items():
        setattr(g, name, value)
    return g


REFUSED = {
    "shape": (
        ValueError,
        r"has shape \(5, 3\); its parameter has shape \(4, 3\)",
        gs.RowSparse([0], np.ones((1, 3)), (5, 3)),
    ),
    "dtype": (TypeError, "is float32; its parameter is float64", gs.RowSparse([0], np.ones((1, 3), "f4"), (4, 3))),
    "a row beyond": (ValueError, r"has a row 4; rows must be in \[0, 4\)", forged(rows=np.array([0, 4]))),
    "a row before": (ValueError, r"has a row -1; rows must be in \[0, 4\)", forged(rows=np.array([0, -1]))),
    "rows of other integers": (TypeError, "must have rows and values as", forged(rows=np.array([0, 1], "i4"))),
    "rows with gaps": (TypeError, "must have rows and values as", forged(rows=np.arange(4)[::2])),
    "too few values": (TypeError, "must have rows and values as", forged(values=np.ones((1, 3)))),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("known", [False, True], ids=["first step", "later step"])
def test_a_bad_one_changes_nothing(case, known):
    error, message, bad = REFUSED[case]
    w, h, table, optimizer = np.ones(3), np.ones(3), np.ones((4, 3)), optimizers.Adam()
    good = gs.RowSparse([1, 0], np.ones((2, 3)), (4, 3))
    if known:
        optimizer.step([w, table], [h, good])
    before = everything(optimizer, w, table)
    with pytest.raises(error, match=rf"^gradients\[1\] {message}"):
        optimizer.step([w, table], [h, bad])
    assert everything(optimizer, w, table) == before
    optimizer.step([w, table], [h, good])


def test_values_must_not_be_the_parameter():
    w, optimizer = np.ones((4, 3)), optimizers.Adam()
    with pytest.raises(ValueError, match=r"^gradient must not overlap a parameter"):
        optimizer.step(w, gs.RowSparse([0, 1], w[:2], w.shape))
    assert (w == 1).all()


@pytest.mark.parametrize(
    "options", [{"use_ema": True}, {"gradient_accumulation_steps": 2}, {"state_dtype": "bfloat16"}], ids=str
)
@pytest.mark.parametrize("lazy", [False, True])
def test_options_that_concern_every_element_refuse(options, lazy):
    w, optimizer = np.ones((4, 3), "f4"), optimizers.Adam(lazy=lazy, **options)
    with pytest.raises(ValueError, match=f"^gradient must be dense with {next(iter(options))}, .*to_dense"):
        optimizer.step(w, gs.RowSparse([0], np.ones((1, 3), "f4"), w.shape))
    assert (w == 1).all()
    optimizer.step(w, np.ones_like(w))


def test_a_parameter_without_axes_or_of_a_half_type_refuses():
    with pytest.raises(ValueError, match=r"a parameter of shape .. has no rows"):
        optimizers.Adam().step(np.array(1.0), forged(shape=()))
    with pytest.raises(TypeError, match=r"^gradient must be dense for a parameter of float16"):
        optimizers.Adam().step(np.ones((4, 3), "f2"), gs.RowSparse([0], np.ones((1, 3), "f4"), (4, 3)))


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_on_nonfinite(value):
    w, values = np.ones((4, 3)), np.ones((2, 3))
    values[1, 2] = value
    good, bad = gs.RowSparse([1], np.ones((1, 3)), w.shape), gs.RowSparse([2, 0], values, w.shape)
    for word in ("skip", "raise"):
        optimizer = optimizers.Adam(on_nonfinite=word)
        optimizer.step(w, good)
        before = everything(optimizer, w)
        if word == "raise":
            with pytest.raises(FloatingPointError, match=r"^gradient must be finite"):
                optimizer.step(w, bad)
        else:
            optimizer.step(w, bad)
            assert optimizer.skipped_steps == 1
        assert everything(optimizer, w) == before
