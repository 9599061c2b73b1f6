"""Threads that set a seed come to the same bits as alone, whatever runs beside them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Thread

import gradstep as gs
import numpy as np
from training import clusters, snapshot

X, Y = clusters(60)
THREADS = 4


def trained(seed: int, again: bool = True) -> bytes:
    """Weights and state after a seed, a build and a fit, with everything that draws."""
    if again:
        gs.utils.set_random_seed(seed)
    layers = [gs.layers.Dense(16, "relu"), gs.layers.Dropout(0.3), gs.layers.Dense(4, "softmax")]
    model = gs.Sequential([gs.Input((20,)), *layers])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, Y, batch_size=16, epochs=2, verbose=0)
    return snapshot(model)


def test_threads_that_set_a_seed_come_to_the_bits_of_one_alone():
    alone = [trained(seed) for seed in range(20)]
    assert len(set(alone)) == 20
    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(trained, [*range(20), *reversed(range(20))])) == [*alone, *reversed(alone)]


def test_a_thread_that_sets_a_seed_changes_no_other():
    gs.utils.set_random_seed(3)
    expected = gs.initializers.GlorotUniform()((4, 4)), np.random.random()
    gs.utils.set_random_seed(3)
    thread = Thread(target=trained, args=(9,))
    thread.start()
    thread.join()
    assert np.array_equal(gs.initializers.GlorotUniform()((4, 4)), expected[0])
    assert np.random.random() == expected[1]


def test_threads_without_a_seed_share_the_main_threads():
    """No two draw the same, and together they draw what the main thread would."""

    def drawn(n: int) -> list[bytes]:
        begun.wait()
        return [gs.initializers.GlorotUniform()((4, 4)).tobytes() for _ in range(n)]

    begun = Barrier(1)
    gs.utils.set_random_seed(5)
    expected = set(drawn(THREADS * 25))
    begun = Barrier(THREADS)
    gs.utils.set_random_seed(5)
    with ThreadPoolExecutor(THREADS) as pool:
        found = [each for some in pool.map(drawn, [25] * THREADS) for each in some]
    assert len(set(found)) == len(found)
    assert set(found) == expected
