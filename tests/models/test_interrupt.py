"""Ctrl-C during fit, evaluate and predict, with real signals."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from subprocess import PIPE
from time import sleep

import numpy as np
import pytest
from children import PATIENCE, command
from interrupts import ctrl_c
from training import classifier, clusters

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


# For each line on stdin, its number of milliseconds later, a signal comes in the middle of fit. The order of rows is
# theirs, so that a fit begins alike however the one before it ended.
PROGRAM = """
import signal, sys
import gradstep as gs
import numpy as np
from training import classifier, clusters, snapshot

# A process that a shell started in the background may ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
gs.set_num_threads(2)
x, y = clusters(20_000, 100)

{new}

class StopAfter(gs.callbacks.Callback):
    def __init__(self, steps):
        self.steps = steps

    def on_train_batch_end(self, batch, logs=None):
        self.steps -= 1
        self.model.stop_training = self.steps == 0

model, steps = new(), []
while sys.stdin.readline().strip() == "fit":
    before = model.optimizer.iterations
    try:
        print("ready", flush=True)
        model.fit(x, y, batch_size=32, shuffle=False, epochs=10**6, verbose=0)
    except KeyboardInterrupt:
        steps.append(model.optimizer.iterations - before)
        assert model.history is None or model.history.epoch == list(range(len(model.history.epoch)))
        print("interrupted", flush=True)

# The same steps again, by a model that stopped of itself.
again = new()
for count in steps:
    if count:
        again.fit(x, y, batch_size=32, shuffle=False, epochs=10**6, verbose=0, callbacks=[StopAfter(count)])
assert again.optimizer.iterations == sum(steps)
assert snapshot(again) == snapshot(model), steps
print(*steps)
"""


IN_THE_ENGINE = """
def new():
    return classifier(100, (256, 128))
"""
# Statistics move in the forward pass, weights in the step, twice with SAM, and again by the constraint.
IN_PYTHON = """
class Scale(gs.layers.Layer):
    def build(self, shape):
        self.factors = self.add_weight((shape[-1],), "ones")

    def forward(self, x):
        self.x = x
        return x * self.factors

    def backward(self, dy):
        return dy * self.factors, [(dy * self.x).sum(0)]

def own(y_true, y_pred):
    labels = np.eye(4)[y_true.astype(int).ravel()]
    return ((y_pred - labels) ** 2).mean(-1), 2 * (y_pred - labels) / 4

def new():
    gs.utils.set_random_seed(3)
    row = [gs.Input((100,)), gs.layers.Dense(64, "relu", kernel_constraint="max_norm"), gs.layers.BatchNormalization()]
    model = gs.Sequential([*row, {layer} gs.layers.Dense(4)])
    model.compile({optimizer}, own)
    return model
"""
PROGRAMS = {
    "in the engine": IN_THE_ENGINE,
    "a layer in NumPy": IN_PYTHON.format(layer="Scale(),", optimizer="'adam'"),
    "two passes": IN_PYTHON.format(layer="Scale(),", optimizer="gs.optimizers.SAM('adam')"),
    "a loss in NumPy": IN_PYTHON.format(layer="", optimizer="'adam'"),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", PROGRAMS)
def test_ctrl_c_leaves_the_model_after_a_whole_step(kind):
    """Signals from another process, soon and late in a fit, as a terminal sends them; each fit goes on with the last's
    model, and its weights, state and counters are those of as many steps without an interruption."""
    program = PROGRAM.replace("{new}", PROGRAMS[kind])
    with subprocess.Popen(**command(program), stdin=PIPE, stdout=PIPE, stderr=PIPE, bufsize=1) as child:
        timer = threading.Timer(PATIENCE, child.kill)  # a child that hangs
        timer.start()
        try:
            delays = (0.0, 0.001, 0.01, 0.03, 0.05, 0.07, 0.12, 0.2, 0.3)
            for delay in delays:
                print("fit", file=child.stdin)
                assert child.stdout.readline() == "ready\n", child.communicate()[1]
                sleep(delay)
                child.send_signal(signal.SIGINT)
                assert child.stdout.readline() == "interrupted\n", child.communicate()[1]
            said, errors = child.communicate("")
        finally:
            timer.cancel()
            child.kill()
    assert child.returncode == 0, errors
    steps = [int(count) for count in said.split()]
    assert len(steps) == len(delays)
    assert steps[-1] > 0  # else the signals came too early to show anything


def test_ctrl_c_during_evaluate_and_predict():
    x, y = clusters(4000, 100)
    x = np.tile(x, (50, 1))
    y = np.tile(y, 50)
    model = classifier(100, (512, 512))
    for call in (
        lambda: model.evaluate(x, y, batch_size=8, verbose=0),
        lambda: model.predict(x, batch_size=8, verbose=0),
    ):
        with ctrl_c():
            while True:
                call()
