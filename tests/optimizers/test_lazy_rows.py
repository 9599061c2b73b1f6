"""``lazy=True``: a row-sparse gradient concerns its rows alone."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import optimizers
from rows import draws


def test_lazily_other_rows_and_their_state_stay(elementwise, dtype):
    w, gradients = draws((50, 3), dtype)
    optimizer = elementwise(lazy=True)
    optimizer.bind(w)
    for g in gradients:
        before, state = w.copy(), optimizer.state_dict()
        optimizer.step(w, g)
        spared = np.setdiff1d(np.arange(50), g.rows)
        after = optimizer.state_dict()
        assert w[spared].tobytes() == before[spared].tobytes()
        for key, array in state.items():
            if key.startswith("0.") and key != "0.step":
                assert after[key][spared].tobytes() == array[spared].tobytes()
        assert len(g.rows) == 0 or (w != before).any()


def test_lazily_rows_that_are_always_there_move_as_densely(elementwise, dtype):
    w, gradients = draws((50, 3), dtype)
    v, kept = w[[4, 40]].copy(), w.copy()
    lazy, dense = elementwise(lazy=True, clipvalue=0.5), elementwise(clipvalue=0.5)
    for g in gradients:
        values = g.to_dense()[[0, 1]]
        lazy.step(w, gs.RowSparse([40, 4], values[::-1], w.shape))
        dense.step(v, values)
    np.testing.assert_array_equal(w[[4, 40]], v)
    np.testing.assert_array_equal(np.delete(w, [4, 40], 0), np.delete(kept, [4, 40], 0))


def lazy_adam(w, gradients, learning_rate, beta_1, beta_2, epsilon):
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(gradients, 1):
        rows, dense = np.unique(g.rows), g.to_dense()
        m[rows] = beta_1 * m[rows] + (1 - beta_1) * dense[rows]
        v[rows] = beta_2 * v[rows] + (1 - beta_2) * dense[rows] ** 2
        rate = learning_rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        w[rows] -= rate * m[rows] / (np.sqrt(v[rows]) + epsilon)
    return w


def test_lazy_adam_is_its_formula_over_the_rows():
    w, gradients = draws((50, 3), np.dtype("f8"))
    end = lazy_adam(w.copy(), gradients, 0.01, 0.9, 0.999, 1e-8)
    optimizer = optimizers.Adam(0.01, epsilon=1e-8, lazy=True)
    for g in gradients:
        optimizer.step(w, g)
    np.testing.assert_allclose(w, end, rtol=1e-13, atol=1e-15)  # 25 steps, each rounded otherwise


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore:Sparse invariant checks:UserWarning")
def test_lazy_adam_is_torchs_sparse_adam():
    torch = pytest.importorskip("torch")
    w, gradients = draws((50, 3), np.dtype("f8"))
    gradients = [g for g in gradients if len(g.rows)]
    theirs = torch.nn.Parameter(torch.tensor(w))
    peer, ours = torch.optim.SparseAdam([theirs], lr=0.01, eps=1e-8), optimizers.Adam(0.01, epsilon=1e-8, lazy=True)
    for g in gradients:
        theirs.grad = torch.sparse_coo_tensor(torch.tensor(g.rows[None]), torch.tensor(g.values), g.shape)
        peer.step()
        ours.step(w, g)
    np.testing.assert_allclose(w, theirs.detach().numpy(), rtol=1e-12, atol=1e-14)


def test_lazy_is_said_once():
    optimizer = optimizers.Adam(lazy=True)
    assert optimizer.get_config()["lazy"] is True
    assert optimizers.Adam.from_config(optimizer.get_config()).lazy is True
    with pytest.raises(AttributeError, match="lazy holds for good"):
        optimizer.lazy = False
    with pytest.raises(TypeError, match="lazy must be True or False; got 1"):
        optimizers.Adam(lazy=1)
