"""How much memory `fit` takes: for the network little more than what it must hold, for the data nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from children import said

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc, and limits memory")

# In a process of its own, where nothing else has had or freed memory. VmHWM is the peak of this program's memory, where
# getrusage's begins with that of the process that started it.
START = """
import resource, sys
import numpy as np
import gradstep as gs
from training import classifier, clusters

gs.set_num_threads(2)

def kilobytes(field):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field + ":"))

# What is loaded or started at the first use, threads too, is no part of a model.
x, y = clusters(256, 784, 10)
classifier(784, (256, 128), 10).fit(x, y, batch_size=128, verbose=0)
"""

NETWORK = """
n, batch = 4096, {batch}
x, y = np.random.default_rng(0).random((2 * batch + 3, n), np.float32), np.zeros((2 * batch + 3, n), np.float32)
resident = kilobytes("VmRSS")
model = gs.Sequential([gs.Input((n,)), gs.layers.Dense(n, "relu"), gs.layers.Dense(n)])
model.compile(gs.optimizers.Adam(), "mean_squared_error")
model.fit(x, y, batch_size=batch, epochs=2, verbose=0)
print(kilobytes("VmHWM") - resident)
"""


@pytest.mark.slow
@pytest.mark.parametrize("batch", [32, 1024])
def test_peak_of_a_wide_network(batch: int) -> None:
    """At most 1.15 times what it must hold, from before it was made until after it was trained.

    A step that takes long holds gradients too, so that Ctrl-C can end it in its midst with the weights as they were.
    """
    n, layers, threads, rest = 4096, 2, 2, 3
    parameters = layers * (n * n + n)
    states = 2 * parameters  # Adam's m and v
    # Of each layer its outputs and their gradients; for whole batches, and for the short last one of an epoch.
    rows = 2 * layers * n * (batch + rest)
    tile = 96 * 64  # of a gradient, while its part of the weights is moved
    floor = 4 * (parameters + states + rows + threads * tile)
    peak = 1024 * int(said(START + NETWORK.format(batch=batch)))
    print(f"{peak / 2**20:.1f} MiB, {peak / floor:.3f} of the floor")
    assert peak >= floor - 4 * rows  # else it did not train, or this does not measure
    assert peak <= 1.15 * (floor + 4 * parameters)


# Training on 250 MiB under a limit of private writable memory, in which pages of a file that is only read do not count.
# 1024 features, so that the 8 bytes a row of labels and the 16 of the shuffled order are little beside the data.
DATA = """
rows, columns = 64_000, 1024  # 250 MiB
allowance = 64 * 2**20  # 27 MiB for the batch of all rows; a thread that starts now, 8 for its stack and an arena

def model():
    layers = [gs.Input((columns,)), gs.layers.Dense(32, "relu"), gs.layers.Dense(10, "softmax")]
    model = gs.Sequential(layers)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model

def uses(x):
    y = np.arange(rows) % 10
    used = model()
    used.train_on_batch(x[:128], y[:128])
    limits = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (1024 * kilobytes("VmData") + allowance, limits[1]))
    try:
        used.fit(x, y, batch_size=128, validation_split=0.25, verbose=0)
        used.evaluate(x, y, batch_size=512, verbose=0)
        used.predict(x, batch_size=512, verbose=0)
        used.train_on_batch(x, y)
        return "fits"
    except MemoryError:
        return "does not fit"
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, limits)
"""


@pytest.mark.slow
def test_data_in_c_order_are_not_copied() -> None:
    program = f"""{START}{DATA}
x = np.zeros((rows, columns), np.float32)
x[::7] = 1
print(uses(x), uses(np.asfortranarray(x)), sep=", ")
"""
    # What has to be copied shows that a copy would be noticed.
    assert said(program) == "fits, does not fit"


@pytest.mark.slow
def test_a_memmap_is_not_copied(tmp_path: Path) -> None:
    """Only its pages in the system's cache are read, which any process that needs memory may take."""
    program = f"""{START}{DATA}
x = np.memmap({str(tmp_path / "x.dat")!r}, np.float32, "w+", shape=(rows, columns))
x[::1000] = 1
x.flush()
print(*(uses(np.memmap(x.filename, dtype, "r", shape=x.shape)) for dtype in ("float32", "int16")), sep=", ")
"""
    assert said(program) == "fits, does not fit"
