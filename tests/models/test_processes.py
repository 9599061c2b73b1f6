"""Models travel to other processes, however those are started, and train there to the same bits."""

from __future__ import annotations

import hashlib
import multiprocessing

import gradstep as gs
import numpy as np
import pytest

X = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")


def made() -> gs.Sequential:
    gs.utils.set_random_seed(0)
    layers = [gs.layers.Dense(8, "relu"), gs.layers.Dropout(0.2), gs.layers.Dense(1)]
    model = gs.Sequential([gs.Input((3,)), *layers])
    model.compile("adam", "mse")
    model.fit(X, X.sum(1), epochs=1, verbose=0)
    return model


def trained(model: gs.Sequential) -> str:
    model.fit(X, X.sum(1), epochs=2, verbose=0)
    return hashlib.sha256(b"".join(weight.tobytes() for weight in model.weights)).hexdigest()


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_model_goes_on_in_another_process(method: str) -> None:
    with multiprocessing.get_context(method).Pool(1) as pool:
        assert pool.apply(trained, [made()]) == trained(made())
