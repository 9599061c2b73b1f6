"""One huge gradient beside usual ones, where 256 numbers of the state share a scale: the others go on as if alone.

The invariant: a number of a second moment that is not 0 is not kept as 0, however large the largest of its block, so
that the others' steps are no longer than without the spike, but for roundings.
"""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from variants import OPTIMIZERS, keeps_less

ADAMS = ["Adam", "AdamW", "Adam-amsgrad", "Nadam", "RMSprop", "Adagrad", "AdEMAMix", "Lamb", "Adam-torch", "AdaBelief"]
RNG = np.random.default_rng(0)
STEPS = [RNG.standard_normal(600).astype("f4") for _ in range(60)]


def path(name, storage, spike):
    w = np.zeros(600, "f4")
    optimizer = OPTIMIZERS[name](learning_rate=1e-2, state_dtype=storage)
    paths = []
    for k, g in enumerate(STEPS):
        g = g.copy()
        if k == 10:
            g[300] = spike
        optimizer.step(w, g)
        paths.append(w.copy())
    return np.array(paths)


@pytest.mark.parametrize("spike", [1e3, 1e6, 1e12, 1e18])
@pytest.mark.parametrize("name", ADAMS)
def test_a_large_number_makes_the_steps_of_its_block_no_longer(name, spike):
    keeps_less(OPTIMIZERS[name])
    found, alone = path(name, "int8", spike), path(name, "int8", STEPS[10][300])
    others = np.arange(600) != 300
    steps, usual = np.diff(found, axis=0)[:, others], np.diff(alone, axis=0)[:, others]
    assert np.isfinite(found).all()
    assert np.abs(steps).max() <= 2 * np.abs(usual).max()


def test_numbers_next_to_the_largest_are_kept():
    w = np.zeros(300, "f4")
    optimizer = gs.optimizers.Adamax(state_dtype="int8")
    g = np.full(300, np.finfo("f4").max)
    for _ in range(3):
        optimizer.step(w, g)
    assert np.isfinite(optimizer.state_dict()["0.u.scale"]).all()
    assert np.isfinite(w).all()
    assert (w != 0).all()
