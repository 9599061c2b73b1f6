"""Graphs of any kind give the same bits whatever the number of threads."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from probe import draw_as_in_epoch
from random_graphs import SEEDS, drawn

THREADS = (1, 2, 3, 8, 16)


@pytest.fixture
def threads():
    before = gs.get_num_threads()
    yield gs.set_num_threads
    gs.set_num_threads(before)


@pytest.mark.parametrize("seed", SEEDS[::4])
def test_same_bits(seed, threads):
    """Wide enough for several threads; three steps, with dropout, and what the model then predicts."""
    gs.utils.set_random_seed(seed)
    model, arguments, x, y = drawn(gs, seed, drops=True, scale=16)
    start, found = model.get_weights(), []
    for number in THREADS:
        threads(number)
        model.set_weights(start)
        model.compile(gs.optimizers.Adam(0.01), **arguments)
        gs.utils.set_random_seed(3)
        draw_as_in_epoch(model, 0)
        history = model.fit(x, y, batch_size=32, epochs=1, shuffle=False, verbose=0).history
        outputs = model.predict(x, verbose=0)
        named = outputs.values() if isinstance(outputs, dict) else outputs if isinstance(outputs, list) else [outputs]
        found.append([history, *[array.tobytes() for array in (*model.weights, *named)]])
    assert all(each == found[0] for each in found)
    assert all(np.isfinite(weight).all() for weight in model.weights)
