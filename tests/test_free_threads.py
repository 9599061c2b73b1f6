"""Threads that share nothing, or an optimizer: with the interpreter's lock, and in free-threaded Python without it."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import gradstep as gs
import numpy as np
import pytest

THREADS = 4
STEPS = 400


@pytest.fixture(autouse=True)
def quick_switches():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def at_once(work):
    """work(i) of each thread i, begun together."""
    barrier = Barrier(THREADS)

    def begin(i):
        barrier.wait()
        return work(i)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(begin, range(THREADS)))


if sysconfig.get_config_var("Py_GIL_DISABLED"):

    def test_the_import_leaves_the_lock_off():
        code = "import sys, gradstep, gradstep.cython.optimizers; assert not sys._is_gil_enabled()"
        subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


@pytest.mark.parametrize("size", [3, 5000])
def test_steps_of_different_optimizers(size):
    """With small arrays too, which are stepped within a turn; each thread gets what it gets alone."""
    g = np.random.default_rng(0).normal(size=size)

    def step(i):
        w, optimizer = np.ones(size), gs.optimizers.Adam(0.01 * (i + 1))
        for _ in range(STEPS):
            optimizer.step(w, g)
        return w.tobytes()

    alone = [step(i) for i in range(THREADS)]
    assert at_once(step) == alone


def test_fits_of_different_models():
    x = np.random.default_rng(0).normal(size=(200, 8)).astype(np.float32)
    y = x[:, :1] * 2 - 1

    def fit(i):
        gs.utils.set_random_seed(i)
        model = gs.Sequential([gs.layers.Dense(16, "relu"), gs.layers.Dropout(0.2), gs.layers.Dense(1)])
        model.compile(gs.optimizers.Adam(), "mse")
        losses = model.fit(x, y, epochs=3, batch_size=32, verbose=0).history["loss"]
        return losses, [w.tobytes() for w in model.get_weights()], model.predict(x, verbose=0).tobytes()

    def alone(i):
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(fit, i).result()

    assert at_once(fit) == [alone(i) for i in range(THREADS)]


def taken(step):
    """Whether a step was taken, and not refused as another thread is in the midst of one."""
    try:
        step()
    except RuntimeError as error:
        if "on another thread" not in str(error):
            raise
        return False
    return True


@pytest.mark.parametrize("size", [3, 5000, 100_000])
def test_bound_steps_of_one_optimizer(size):
    """Each step is taken, or refused."""
    w, g = np.zeros(size), np.ones(size)
    optimizer = gs.optimizers.SGD(1.0)
    bound = optimizer.bind(w)
    steps = sum(at_once(lambda _: sum(taken(lambda: bound.step(g)) for _ in range(STEPS))))
    assert optimizer.iterations == steps
    assert (w == -steps).all()


def test_steps_of_different_arrays_by_one_optimizer():
    """Each thread's arrays are registered while others are stepped: none gets another's gradient."""
    optimizer = gs.optimizers.SGD(1.0)
    arrays = [[np.zeros(3 + i) for _ in range(40)] for i in range(THREADS)]

    def step(i):
        g = np.full(3 + i, i + 1.0)
        return [sum(taken(lambda w=w: optimizer.step(w, g)) for _ in range(10)) for w in arrays[i]]

    steps = at_once(step)
    assert optimizer.iterations == sum(map(sum, steps))
    for i in range(THREADS):
        assert [w.tolist() for w in arrays[i]] == [[-(i + 1) * n] * (3 + i) for n in steps[i]]


def test_hyperparameters_beside_steps():
    """They may be set at any time: a step has one value or the other."""
    w = np.zeros(50)
    optimizer = gs.optimizers.SGD(1.0)
    bound = optimizer.bind(w)

    def work(i):
        for k in range(STEPS):
            if i == 0:
                bound.step(np.ones(50))
            else:
                optimizer.learning_rate = 1.0 + k % 2

    at_once(work)
    assert (w == w[0]).all()
    assert -2 * STEPS <= w[0] <= -STEPS


def test_names_are_different():
    gs.utils.clear_session()
    names = at_once(lambda i: [gs.layers.Dense(1).name for _ in range(STEPS)])
    assert len({name for of_thread in names for name in of_thread}) == THREADS * STEPS
