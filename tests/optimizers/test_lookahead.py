"""Lookahead: equal to the oracle, and over every rule to what one would do by hand."""

from __future__ import annotations

import numpy as np
import pytest
from gradstep.optimizers import SGD, Lookahead
from reference.wrappers import lookahead
from snapshot import everything
from vectors import draws, strided

N = 20_011  # more than two blocks


def test_lookahead_equals_the_oracle(dtype):
    w, gradients = draws(dtype, n=1000, count=20)
    end, state = lookahead(w.astype("f8"), [g.astype("f8") for g in gradients], 0.1, 0.9, 6, 0.3)
    optimizer = Lookahead(SGD(0.1, momentum=0.9), slow_step_size=0.3)
    for g in gradients:
        optimizer.step(w, g)
    # As in the contracts: a few roundings a step, in units of the largest number.
    scale = 14 * np.finfo(dtype).eps * np.abs(end).max()
    np.testing.assert_allclose(w, end, rtol=0, atol=scale)
    np.testing.assert_allclose(optimizer.state_dict()["0.slow"], state["slow"], rtol=0, atol=scale)


@pytest.mark.parametrize("lay", [lambda w: w, strided], ids=["side by side", "strided"])
def test_lookahead_goes_part_of_the_way_over_every_rule(new, dtype, lay):
    w, gradients = draws(dtype, N)
    v, w, slow = w.copy(), lay(w), w.copy()
    one, other = Lookahead(new(), sync_period=3, slow_step_size=0.25), new()
    bound = one.bind(w)
    for t, g in enumerate(gradients, 1):
        bound.step(lay(g))
        other.step(v, g)
        if t % 3 == 0:
            slow += dtype.type(0.25) * (v - slow)
            v[...] = slow
    assert np.ascontiguousarray(w).tobytes() == v.tobytes()
    assert everything(one.optimizer, slow) == everything(other, one.state_dict()["0.slow"])


def test_lookahead_takes_all_arrays_along_and_counts_whole_steps():
    a, b, c = np.ones(2), np.ones(2), np.ones(2)
    optimizer = Lookahead(SGD(0.5, gradient_accumulation_steps=2), sync_period=1, slow_step_size=0.5)
    optimizer.bind([a, b])
    b += 1  # as if another step had moved it
    optimizer.step([c, a], [None, np.ones(2)])
    assert (a == 1).all()  # half a step: nothing is there to meet
    assert (b == 2).all()
    optimizer.step([c, a], [None, np.ones(2)])
    assert optimizer.iterations == 1
    np.testing.assert_array_equal([a, b, c], [[0.75] * 2, [1.5] * 2, [1.0] * 2])
