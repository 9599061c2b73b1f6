"""Batches from chunks: the same rows, whatever the chunks; what is read ahead, and what becomes of failures."""

from __future__ import annotations

import threading
import time

import gradstep as gs
import numpy as np
import pytest
from gradstep.utils import rebatch
from training import classifier, clusters, snapshot

X, Y = clusters(100)
WEIGHTS = np.random.default_rng(0).random(100)


def chunks(*sizes, weights=False):
    """Rows in chunks of these sizes."""
    ends = np.cumsum(sizes)
    for begin, end in zip(ends - sizes, ends, strict=True):
        yield (X[begin:end], Y[begin:end], WEIGHTS[begin:end])[: 3 if weights else 2]


@pytest.mark.parametrize("prefetch", [0, 1, 3])
@pytest.mark.parametrize("sizes", [(100,), (32, 32, 36), (1,) * 100, (7, 0, 50, 43), (3, 3, 3, 91)])
def test_batches_are_those_of_the_rows(sizes, prefetch):
    batches = rebatch(lambda: chunks(*sizes, weights=True), 16, prefetch=prefetch)
    for _ in range(2):
        found = list(batches)
        assert [len(x) for x, _, _ in found] == [16] * 6 + [4]
        for part, whole in zip(zip(*found, strict=True), (X, Y, WEIGHTS), strict=True):
            np.testing.assert_array_equal(np.concatenate(part), whole)


def test_it_trains_as_arrays_do():
    one, other = classifier(), classifier()
    one.fit(X, Y, batch_size=16, epochs=3, shuffle=False, verbose=0)
    other.fit(rebatch(lambda: chunks(30, 70), 16), epochs=3, verbose=0)
    assert snapshot(one) == snapshot(other)
    np.testing.assert_array_equal(other.predict(rebatch([X[:60], X[60:]], 32), verbose=0), one.predict(X, verbose=0))


def test_shuffles_within_chunks():
    rows = [np.arange(60), np.arange(60, 100)]
    made = rebatch(rows, 16, shuffle=True, seed=1)
    passes = [np.concatenate([x for (x,) in made]) for _ in range(2)]
    first, second = passes
    assert (first != second).any()
    for found in passes:
        np.testing.assert_array_equal(np.sort(found[:60]), rows[0])
        assert (np.diff(found) == 1).mean() < 0.2
    again = np.concatenate([x for (x,) in rebatch(rows, 16, shuffle=True, seed=1)])
    np.testing.assert_array_equal(again, first)


def test_sparse_chunks():
    sparse = pytest.importorskip("scipy.sparse")
    whole = sparse.random(100, 30, 0.1, "csr", random_state=0)
    batches = list(rebatch([(whole[:45], Y[:45]), (whole[45:].tocoo(), Y[45:])], 16))
    assert [x.shape[0] for x, _ in batches] == [16] * 6 + [4]
    assert (sparse.vstack([x for x, _ in batches]) != whole).nnz == 0


def test_so_many_chunks_are_read_ahead():
    read = []

    def source():
        for i in range(10):
            read.append(i)
            yield X[10 * i : 10 * i + 10], Y[10 * i : 10 * i + 10]

    batches = iter(rebatch(source, 10, prefetch=2))
    next(batches)
    time.sleep(0.3)
    assert read == [0, 1, 2, 3]  # that of the batch, two that are ready, and one that waits to be
    batches.close()
    assert "gradstep-chunks" not in [thread.name for thread in threading.enumerate()]


def test_failures_come_out_where_their_batches_would():
    def source():
        yield X[:16], Y[:16]
        raise OSError("the disk is gone")

    batches = iter(rebatch(source, 16))
    assert len(next(batches)[0]) == 16
    with pytest.raises(OSError, match="the disk is gone"):
        next(batches)
    with pytest.raises(ValueError, match=r"the arrays of a chunk must have the same number of rows; those of chunk 0"):
        list(rebatch([(X, Y[1:])], 16))
    with pytest.raises(TypeError, match="chunks must be an iterable, or a function that gives one; got int"):
        gs.utils.rebatch(3)
    with pytest.raises(ValueError, match="batch_size must be at least 1"):
        rebatch([], 0)
