"""Every layer gives the same bits with any number of threads, there and back, in batches of any size."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from probe import draw_as_in_call
from tangent_cases import CASES, made

THREADS = (1, 2, 3, 8, 16)
BATCHES = (1, 7, 33, 128, 700)  # the last one is in many chunks of most layers


def packed(arrays):
    return arrays[0] if len(arrays) == 1 else arrays


@pytest.mark.parametrize("name", CASES)
def test_same_bits(name):
    """Outputs, gradients by inputs and weights, moving statistics, and what is predicted."""
    random = np.random.default_rng(len(name))
    model, data, _ = made(name, random, BATCHES[-1])
    start, found, before = model.get_weights(), [], gs.get_num_threads()
    try:
        for threads in THREADS:
            gs.set_num_threads(threads)
            found.append([])
            for batch in BATCHES:
                x = packed([one[:batch] for one in data])
                model.set_weights(start)
                draw_as_in_call(model, 7)  # what is drawn depends on the number of the call
                y = model(x, training=True)
                dx, dws = model.backward(np.cos(np.arange(y.size)).reshape(y.shape))
                inputs = dx if isinstance(dx, list) else [dx]
                seen = [y, *inputs, *dws, *model.weights, model.predict(x, batch_size=batch, verbose=0)]
                found[-1] += [array.tobytes() for array in seen]
    finally:
        gs.set_num_threads(before)
    assert all(each == found[0] for each in found)
