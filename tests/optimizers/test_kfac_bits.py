"""K-FAC: the same bits at any number of threads."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import _core

ROWS, INPUTS = 200, 400


def run_bits(threads, fisher):
    """Weights and state after an epoch with each number of threads."""
    rng = np.random.default_rng(4)
    x, y = (rng.standard_normal((ROWS, n)).astype("float32") for n in (INPUTS, 3))
    gs.utils.set_random_seed(3)
    before = _core.get_num_threads()
    try:
        # Factors of 401, which all threads invert, and of 3 to 131, which one thread each does.
        layers = [gs.layers.Dense(130, "tanh"), gs.layers.Dense(100, "tanh"), gs.layers.Dense(3)]
        model = gs.Sequential([gs.Input((INPUTS,)), *layers])
        model.compile(gs.optimizers.KFAC(seed=9, inverse_period=2, fisher=fisher), "mse")
        for epoch, number in enumerate(threads):
            _core.set_num_threads(number)
            model.fit(x, y, batch_size=64, epochs=epoch + 1, initial_epoch=epoch, verbose=0)
        return b"".join(w.tobytes() for w in model.get_weights()), model.optimizer.state_dict()
    finally:
        _core.set_num_threads(before)


@pytest.mark.parametrize("fisher", ["true", "empirical"])
def test_the_same_bits_at_any_number_of_threads(fisher):
    (one, state), *others = (run_bits(threads, fisher) for threads in ((1, 1, 1), (2, 2, 2), (7, 7, 7), (1, 7, 2)))
    for other, found in others:
        assert one == other
        assert all(found[key].tobytes() == value.tobytes() for key, value in state.items())
