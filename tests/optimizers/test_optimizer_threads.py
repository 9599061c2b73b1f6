"""Steps from several Python threads, and in a forked child."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from gradstep import optimizers

N = 300_000  # long enough that the engine lets other Python threads run


def test_one_optimizer_from_two_threads_is_refused_or_waits_but_never_corrupts():
    w, g = np.zeros(N), np.ones(N)
    optimizer = optimizers.SGD(1.0)
    bound, taken, refused = optimizer.bind(w), [0, 0], []

    def work(who: int) -> None:
        for _ in range(100):
            try:
                bound.step(g)
                taken[who] += 1
            except RuntimeError as error:
                refused.append(str(error))

    workers = [threading.Thread(target=work, args=(who,)) for who in (0, 1)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(taken) + len(refused) == 200
    assert optimizer.iterations == sum(taken)
    assert (w == -sum(taken)).all()
    assert all("in the middle of a step on another thread" in message for message in refused)


def test_separate_optimizers_on_separate_threads():
    arrays = [np.zeros(N) for _ in range(4)]

    def work(w: np.ndarray) -> None:
        optimizer = optimizers.SGD(1.0)
        for _ in range(25):
            optimizer.step(w, np.ones(N))

    workers = [threading.Thread(target=work, args=(w,)) for w in arrays]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all((w == -25).all() for w in arrays)


FORK = """
import hashlib, os
import numpy as np
import gradstep as gs

gs.set_num_threads(2)
w, g = np.ones(3_000_000, "f4"), np.full(3_000_000, 0.5, "f4")
bound = gs.optimizers.Adam().bind(w)
bound.step(g)  # in parallel
read, write = os.pipe()
child = os.fork()
bound.step(g)
if not child:
    os.write(write, hashlib.sha256(w).digest())
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert os.read(read, 1000) == hashlib.sha256(w).digest()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_takes_the_same_step():
    # A child that hangs is what this would find; the limit is only there to end it.
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORK], check=True, timeout=60)
