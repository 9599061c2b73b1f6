"""Work on separate objects from several threads at once gives what it gives by itself. `make tsan` runs this too."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import gradstep as gs
import numpy as np
import pytest
from training import classifier, clusters, snapshot

THREADS = 4


def at_once(work):
    """work(i) of each thread i, begun together."""
    barrier = Barrier(THREADS)

    def begin(i):
        barrier.wait()
        return work(i)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(begin, range(THREADS)))


@pytest.fixture(autouse=True)
def two_threads():
    before = gs.get_num_threads()
    gs.set_num_threads(2)
    yield
    gs.set_num_threads(before)


def test_separate_models_train_at_once():
    x, y = clusters(2000, 100)

    def train(model):
        model.fit(x, y, batch_size=64, epochs=2, shuffle=False, verbose=0)
        return snapshot(model), model.predict(x, verbose=0).tobytes()

    models = [classifier(100, (128,), seed=i) for i in range(THREADS)]
    alone = [train(classifier(100, (128,), seed=i)) for i in range(THREADS)]
    assert at_once(lambda i: train(models[i])) == alone


@pytest.mark.parametrize("rule", [gs.optimizers.Adam, gs.optimizers.Lamb, gs.optimizers.Adafactor, gs.optimizers.Muon])
def test_separate_optimizers_step_at_once(rule):
    g = np.random.default_rng(1).normal(size=(300, 400)).astype("f4")

    def step(_):
        w, optimizer = np.ones((300, 400), "f4"), rule()
        for _ in range(5):
            optimizer.step(w, g)
        return w.tobytes()

    assert set(at_once(step)) == {step(0)}
