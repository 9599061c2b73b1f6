"""Every layer gives the same bits with any number of threads, there and back, in batches of any size."""

from __future__ import annotations

import numpy as np
import pytest
from probe import draw_as_in_call
from tangent_cases import CASES, made
from threads import bits, same_at_any_number_of_threads

THREADS = (1, 2, 3, 8, 16)
BATCHES = (1, 7, 33, 128, 700)  # the last one is in many chunks of most layers


def packed(arrays):
    return arrays[0] if len(arrays) == 1 else arrays


@pytest.mark.parametrize("name", CASES)
def test_same_bits(name):
    """Outputs, gradients by inputs and weights, moving statistics, and what is predicted."""
    random = np.random.default_rng(len(name))
    model, data, _ = made(name, random, BATCHES[-1])
    start = model.get_weights()

    def both_ways():
        seen = []
        for batch in BATCHES:
            x = packed([one[:batch] for one in data])
            model.set_weights(start)
            draw_as_in_call(model, 7)  # what is drawn depends on the number of the call
            y = model(x, training=True)
            dx, dws = model.backward(np.cos(np.arange(y.size)).reshape(y.shape))
            predicted = model.predict(x, batch_size=batch, verbose=0)
            seen.append(bits([y, dx, dws, model.get_weights(), predicted]))
        return seen

    same_at_any_number_of_threads(both_ways, THREADS)
