"""Beside others: libraries with threads and OpenMP runtimes of their own, in any order of import; busy processes."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import gradstep as gs
import pytest
from children import command, said
from peers import needs
from training import DENSE_784, classifier, clusters, snapshot


def orders(others: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Of imports, with ours first, last and between."""
    return ((*others[:at], "gradstep", *others[at:]) for at in range(len(others) + 1))


# With each other library, and with all of them.
ORDERS = [
    order for others in (("sklearn",), ("scipy.linalg",), ("sklearn", "scipy.linalg")) for order in orders(others)
]
PEERS = [order for others in (("torch",), ("sklearn", "scipy.linalg", "torch")) for order in orders(others)]

# Each library uses its own threads, then NumPy's and ours take turns.
PROGRAM = """
import importlib, sys
for name in {order!r}:
    importlib.import_module(name)
import hashlib
import numpy as np
import gradstep as gs
from training import DENSE_784, classifier, clusters, snapshot

gs.set_num_threads(2)
square = np.full((512, 512), 1 / 512, np.float32)

def others():
    product = square @ square
    if "sklearn" in sys.modules:
        from sklearn.cluster import KMeans
        KMeans(3, n_init=1, random_state=0).fit(square[:64, :8] + np.arange(8, dtype=np.float32))
    if "scipy.linalg" in sys.modules:
        import scipy.linalg
        scipy.linalg.lu_factor(square + np.eye(512, dtype=np.float32))
    if "torch" in sys.modules:
        import torch
        torch.nn.functional.linear(torch.from_numpy(square), torch.from_numpy(square)).relu_().sum()
    return product

w, g = np.ones(3_000_000, np.float32), np.full(3_000_000, 0.5, np.float32)
bound = gs.optimizers.Adam().bind(w)
x, y = clusters(600, 784, 10)
model = classifier(784, DENSE_784, 10)
for _ in range(5):
    assert abs(others() - 1 / 512).max() < 1e-6
    bound.step(g)
    model.train_on_batch(x[:128], y[:128])
model.fit(x, y, batch_size=128, epochs=2, verbose=0)
print(hashlib.sha256(w.tobytes() + snapshot(model)).hexdigest())
"""


@pytest.fixture(scope="module")
def alone() -> str:
    return said(PROGRAM.format(order=("gradstep",)))


@pytest.mark.parametrize(
    "order",
    [
        pytest.param(order, id=", ".join(order), marks=[pytest.mark.peers] * (order in PEERS))
        for order in ORDERS + PEERS
    ],
)
def test_import_beside_others_in_any_order(order: tuple[str, ...], alone: str) -> None:
    """No crash and no hang while all of them work in turns, and the bits that we give without them."""
    needs(*(name.partition(".")[0] for name in order))
    assert said(PROGRAM.format(order=order)) == alone


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Other processes that never rest, on any core."""
    children = [
        subprocess.Popen(**command("print(flush=True)\nwhile True: pass"), stdout=subprocess.PIPE)
        for _ in range(processes)
    ]
    try:
        for child in children:
            assert child.stdout
            child.stdout.readline()  # it runs
        yield
    finally:
        for child in children:
            child.kill()
            child.communicate()


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_same_bits_beside_busy_processes(threads: int) -> None:
    """Whichever thread of ours the system puts to sleep, the others finish the phase."""
    x, y = clusters(1000, 784, 10)

    def train() -> str:
        model = classifier(784, DENSE_784, 10)
        history = model.fit(x, y, batch_size=32, epochs=10, verbose=0).history
        return hashlib.sha256(snapshot(model) + repr(history).encode()).hexdigest()

    before = gs.get_num_threads()
    gs.set_num_threads(threads)
    try:
        expected = train()
        with busy(min(os.cpu_count() or 1, 4)):
            for _ in range(3):
                assert train() == expected
    finally:
        gs.set_num_threads(before)
