"""How much memory `fit` takes: for the network little more than what it must hold, for the data nothing."""

from __future__ import annotations

import sys
from itertools import pairwise
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


CONVOLUTIONAL = """
side, widths, batch = {side}, {widths}, {batch}
x, y = np.random.default_rng(0).random((2 * batch, side, side, 3), np.float32), np.arange(2 * batch) % 10

def convolutional(side, widths):
    row = [gs.Input((side, side, 3))]
    for width in widths:
        row += [gs.layers.Conv2D(width, 3, padding="same", activation="relu") for _ in range(2)]
        row.append(gs.layers.MaxPooling2D())
    row += [gs.layers.Flatten(), gs.layers.Dense(64, "relu"), gs.layers.Dense(10, "softmax")]
    model = gs.Sequential(row)
    model.compile("adam", "sparse_categorical_crossentropy")
    return model

small = convolutional(8, (4,))  # what is loaded at the first use
small.fit(x[:, :8, :8], y, batch_size=batch, verbose=0)
small.predict(x[:, :8, :8], batch_size=batch, verbose=0)
resident = kilobytes("VmRSS")
model = convolutional(side, widths)
{does}
print(kilobytes("VmHWM") - resident, model.count_params())
"""


def sizes_of(side: int, widths: tuple[int, ...], fused: int) -> tuple[list[int], int]:
    """Numbers of a sample that each convolution gives, or its pool if the kernel has up to `fused` numbers, else both;
    and bytes of the indices of the pools."""
    sizes, bytes_of_indices = [], 0
    for width in widths:
        sizes += [side * side * width] * (2 if 9 * width * width > fused else 1)
        side //= 2
        sizes.append(side * side * width)
        bytes_of_indices += side * side * width
    return sizes, bytes_of_indices


@pytest.mark.slow
@pytest.mark.parametrize(
    ("side", "widths", "batch", "most"),
    [
        (32, (32, 64), 256, 1.15),
        (64, (32, 64, 128), 64, 1.35),  # kernels so large that their layers go back one by one: with whole gradients
    ],
)
def test_peak_of_a_convolutional_network(side: int, widths: tuple[int, ...], batch: int, most: float) -> None:
    """Of `fit`, what it must hold: parameters, their state and gradients, which a step that takes long holds, the
    values that backward needs, and a block of scratch a thread. Of `predict` the largest two layers in a row."""
    threads = 2

    def said_of(does: str) -> tuple[int, int]:
        program = START + CONVOLUTIONAL.format(side=side, widths=widths, batch=batch, does=does)
        peak, parameters = map(int, said(program).split())
        return 1024 * peak, parameters

    peak, parameters = said_of("model.fit(x, y, batch_size=batch, epochs=2, verbose=0)")
    sizes, bytes_of_indices = sizes_of(side, widths, 40000)
    scratch = 3 * 4 * sum(sizes)  # of a sample: with a border, and gradients by sums and by values
    floor = 4 * 4 * parameters + batch * (4 * sum(sizes) + bytes_of_indices) + threads * scratch
    print(f"fit: {peak / 2**20:.1f} MiB, {peak / floor:.3f} of the floor")
    assert 0.9 * floor <= peak <= most * floor
    peak, parameters = said_of("model.predict(x, batch_size=batch, verbose=0)")
    sizes, _ = sizes_of(side, widths, 10**9)
    floor = 4 * parameters + 4 * batch * max(map(sum, pairwise(sizes)))
    print(f"predict: {peak / 2**20:.1f} MiB, {peak / floor:.3f} of the floor")
    assert 0.9 * floor <= peak <= 1.15 * floor


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


MAPPED = """
rows, n = {rows}, 2048
with open({path!r}, "wb") as file:
    file.truncate(4 * rows * n)
x, y = np.memmap({path!r}, np.float32, "r", shape=(rows, n)), np.zeros((rows, 1), np.float32)
model = gs.Sequential([gs.Input((n,)), gs.layers.Dense(1)])
model.compile(gs.optimizers.SGD(0.01), "mse")
model.fit(x[:64], y[:64], verbose=0)
resident = kilobytes("VmRSS")
{does}
print(kilobytes("VmHWM") - resident)
"""


@pytest.mark.parametrize(
    "does",
    [
        'model.fit(x, y, epochs=2, verbose=0, shuffle="blocks")',
        "model.fit(x, y, epochs=2, verbose=0, validation_split=0.5)",
        "model.evaluate(x, y, batch_size=64, verbose=0); model.predict(x, batch_size=64, verbose=0)",
        "for i in range(8): model.predict(x[4000 * i : 4000 * i + 6000], batch_size=64, verbose=0)",
    ],
)
def test_peak_over_a_mapped_file(does: str, tmp_path: Path) -> None:
    """Pages of a file that were read are let go of: 256 MiB of them, of which half is in memory at most."""
    rows = 1 << 15
    program = START + MAPPED.format(rows=rows, path=str(tmp_path / "x"), does=does)
    peak = int(said(program))
    print(f"{peak / 2**10:.1f} MiB of {rows * 2048 * 4 / 2**20:.0f}")
    assert peak < (128 << 10)


SPARSE = """
import scipy.sparse
n, rows = 50_000, 2000
columns = np.random.default_rng(0).integers(0, n, (rows, 20))
entries = np.ones(rows * 20, np.float32), columns.ravel(), np.arange(0, rows * 20 + 1, 20)
x = scipy.sparse.csr_matrix(entries, (rows, n))
y = np.zeros(rows)
model = gs.Sequential([gs.Input((n,)), gs.layers.Dense(1)])
model.compile(gs.optimizers.SGD(0.01), "mse")
model.fit(x[:64], y[:64], verbose=0)
resident = kilobytes("VmRSS")
model.fit(x, y, batch_size=1000, epochs=2, verbose=0)
model.predict(x, batch_size=1000, verbose=0)
print(kilobytes("VmHWM") - resident)
"""


def test_sparse_rows_are_not_made_dense() -> None:
    """A batch of 1,000 dense rows would be 200 MB."""
    pytest.importorskip("scipy.sparse")
    assert int(said(START + SPARSE)) < (16 << 10)
