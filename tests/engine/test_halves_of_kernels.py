"""Of a kernel with many more rows than a batch has, each thread multiplies by the half that it moves later. That
changes no bit, on any number of threads."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from training import classifier, clusters

THREADS = (2, 3, 4, 7, 8)


@pytest.fixture
def threads():
    before = gs.get_num_threads()
    yield gs.set_num_threads
    gs.set_num_threads(before)


@pytest.mark.parametrize("batch", [1, 5, 32, 64])
def test_threads(batch, threads):
    """Two such kernels, one after another, and a batch that is not whole."""
    x, y = clusters(3 * batch + batch // 2, 640)

    def train(count):
        threads(count)
        model = classifier(640, (640, 256))
        model.fit(x, y, batch_size=batch, epochs=2, shuffle=False, verbose=0)
        return [w.tobytes() for w in model.get_weights()]

    one = train(1)
    for count in THREADS:
        assert train(count) == one


@pytest.mark.parametrize("kind", ["float64", "uint8", "rescaled", "frozen", "clipped"])
def test_kinds_of_inputs_and_weights(kind, threads):
    """Rows that are converted where they are read, kernels that nobody moves, and steps after whole gradients."""
    dtype = "float64" if kind == "float64" else "float32"
    x, y = clusters(80, 700, dtype=dtype)
    if kind in ("uint8", "rescaled"):
        x = np.clip(10 * x + 128, 0, 255).astype(np.uint8)

    def train(count):
        threads(count)
        gs.utils.set_random_seed(3)
        dense = [gs.layers.Dense(units, "relu", dtype=dtype) for units in (515, 130)]
        dense[1].trainable = kind != "frozen"
        model = gs.Sequential(
            [
                *([gs.layers.Rescaling(1 / 4, 0.5)] if kind == "rescaled" else []),
                *dense,
                gs.layers.Dense(4, "softmax", dtype=dtype),
            ]
        )
        adam = gs.optimizers.Adam(clipnorm=0.1 if kind == "clipped" else None)
        model.compile(adam, "sparse_categorical_crossentropy")
        model.fit(x, y, batch_size=32, epochs=2, verbose=0)
        return [w.tobytes() for w in model.get_weights()]

    one = train(1)
    for count in THREADS:
        assert train(count) == one


def test_as_numpy(threads):
    """The sums are those of the whole kernel."""
    threads(2)
    x, y = clusters(96, 640)
    model = classifier(640, (256,))
    before = [w.copy() for w in model.get_weights()]
    model.compile(gs.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    model.fit(x, y, batch_size=32, epochs=1, verbose=0)
    hidden = np.maximum(x.astype("f8") @ before[0] + before[1], 0)
    logits = hidden @ before[2] + before[3]
    logits -= logits.max(axis=1, keepdims=True)
    loss = np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(96), y])
    assert model.history.history["loss"][-1] == pytest.approx(loss, rel=1e-5)
