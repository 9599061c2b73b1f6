"""Ctrl-C during fit, with a real signal; fork after training."""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from time import perf_counter

import numpy as np
import pytest
from training import classifier, clusters, snapshot

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and fork")


@pytest.mark.parametrize("delay", [0.01, 0.12, 0.3])
def test_ctrl_c_leaves_the_model_after_a_whole_step(delay):
    x, y = clusters(4000, 100)
    model = classifier(100, (64,))
    model.fit(x, y, batch_size=32, shuffle=False, epochs=1, verbose=0)
    begun = model.optimizer.iterations
    timer = threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    begin = perf_counter()
    try:
        with pytest.raises(KeyboardInterrupt):
            model.fit(x, y, batch_size=32, shuffle=False, epochs=10**6, verbose=0)
    finally:
        timer.cancel()
        timer.join()
    assert perf_counter() - begin < 30  # that it ends at all; how soon is measured elsewhere

    # Weights and state are those of that many whole steps, made without an interruption.
    steps = model.optimizer.iterations - begun
    epochs, rest = divmod(steps, 125)
    again = classifier(100, (64,))
    again.fit(x, y, batch_size=32, shuffle=False, epochs=1 + epochs, verbose=0)
    if rest:
        again.fit(x[: 32 * rest], y[: 32 * rest], batch_size=32, shuffle=False, epochs=1, verbose=0)
    assert snapshot(again) == snapshot(model)

    assert model.history.epoch == list(range(len(model.history.epoch)))
    model.fit(x, y, batch_size=32, epochs=1, verbose=0)
    assert model.optimizer.iterations == begun + steps + 125


def again_and_again(call):
    while True:
        call()


def test_ctrl_c_during_evaluate_and_predict():
    x, y = clusters(4000, 100)
    x = np.tile(x, (50, 1))
    y = np.tile(y, 50)
    model = classifier(100, (512, 512))
    for call in (
        lambda: model.evaluate(x, y, batch_size=8, verbose=0),
        lambda: model.predict(x, batch_size=8, verbose=0),
    ):
        timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        try:
            with pytest.raises(KeyboardInterrupt):
                again_and_again(call)
        finally:
            timer.cancel()
            timer.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_trains_and_gives_the_same_bytes():
    x, y = clusters(600, 784, 10)

    def train():
        model = classifier(784, (256, 128), 10)
        model.fit(x, y, batch_size=128, epochs=2, verbose=0)
        return snapshot(model)

    expected = train()  # the parent's threads exist now
    for _ in range(3):
        reader, writer = os.pipe()
        with warnings.catch_warnings():
            # Python 3.12 warns that a process with threads forks: that is what is tested.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            try:
                os.write(writer, b"same" if train() == expected else b"differ")
            finally:
                os._exit(0)
        os.close(writer)
        timer = threading.Timer(60, os.kill, (child, signal.SIGKILL))  # a child that hangs
        timer.start()
        try:
            with os.fdopen(reader, "rb") as pipe:
                assert pipe.read() == b"same"
            os.waitpid(child, 0)
        finally:
            timer.cancel()
            timer.join()
    assert train() == expected
