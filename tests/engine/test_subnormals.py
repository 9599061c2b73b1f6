"""Inside the kernels numbers below the normal range count as 0; outside nothing changes."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest

TINY = np.finfo(np.float32).tiny


@pytest.mark.parametrize("size", [7, 3_000_000], ids=["one thread", "many threads"])
def test_a_decaying_moment_reaches_zero(size: int) -> None:
    w, g = np.ones(size, np.float32), np.full(size, 1e-30, np.float32)
    optimizer = gs.optimizers.SGD(momentum=0.5)
    optimizer.step(w, g)
    velocity = optimizer.state_dict()["0.velocity"]
    assert np.all(velocity != 0)
    g[:] = 0
    for _ in range(40):
        optimizer.step(w, g)
    assert np.all(optimizer.state_dict()["0.velocity"] == 0)


def test_others_keep_their_subnormals() -> None:
    half = np.full(100, TINY) / np.float32(2)
    assert np.all(half > 0)
    model = gs.Sequential([gs.Input((784,)), gs.layers.Dense(256, activation="relu"), gs.layers.Dense(1)])
    model.compile(loss="mse")
    x = np.random.default_rng(0).random((256, 784), np.float32)
    model.fit(x, x[:, 0], verbose=0)
    model.predict(x, verbose=0)
    gs.optimizers.Adam().step(np.ones(3_000_000, np.float32), np.ones(3_000_000, np.float32))
    with pytest.raises(ValueError, match="x and y"):
        model.fit(x, x[:3, 0], verbose=0)
    assert np.all(np.full(100, TINY) / np.float32(2) == half)
