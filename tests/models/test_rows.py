"""Rows are read where they lie, whatever their type, and converted as they are read."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from probe import engine_of, pass_gradients


def trained(x, y, dtype, rows):
    """Weights, history and predictions after two epochs; a first layer of odd width, so that tiles hang over."""
    gs.utils.set_random_seed(3)
    model = gs.Sequential(
        [gs.layers.Dense(37, activation="relu", dtype=dtype), gs.layers.Dense(3, activation="softmax", dtype=dtype)]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, epochs=2, batch_size=rows, verbose=0).history
    return model.get_weights(), history, model.predict(x, verbose=0)


@pytest.mark.parametrize("batch", [1, 7, 70, 300])  # a vector; a tile and more; a copy for deep gradients; two blocks
@pytest.mark.parametrize("columns", [5, 70, 1024])  # the last collides in the cache: its rows are copied
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_of_every_type_train_to_the_same_bits(batch, columns, dtype):
    rng = np.random.default_rng(columns)
    pixels, y = rng.integers(0, 256, (300, columns), dtype=np.uint8), rng.integers(0, 3, 300)
    weights, history, outputs = trained(pixels.astype(dtype), y, dtype, batch)
    for other in ("uint8", "float32", "float64", "int32", "float16"):
        got = trained(pixels.astype(other), y, dtype, batch)
        assert all((a == b).all() for a, b in zip(got[0], weights, strict=True)), other
        assert got[1] == history, other
        assert got[2].dtype == dtype
        assert (got[2] == outputs).all(), other


def test_rows_of_another_float_are_rounded_once():
    x = np.random.default_rng(0).random((40, 6))  # not representable in float32
    y = np.arange(40) % 3
    rounded, wide = trained(x.astype("float32"), y, "float32", 8), trained(x, y, "float32", 8)
    assert all((a == b).all() for a, b in zip(rounded[0], wide[0], strict=True))


def test_gradients_of_every_type_of_rows(tmp_path):
    x = np.random.default_rng(1).integers(0, 256, (9, 12), dtype=np.uint8)
    np.save(tmp_path / "x.npy", x)
    model = gs.Sequential([gs.layers.Dense(4, dtype="float64")])
    model.build((None, 12))
    network, loss = engine_of(model), gs.losses.MeanSquaredError()
    y = np.ones((9, 4))
    value, ((dw, db),), dx = pass_gradients(network, loss, x.astype(float), y)
    for rows in (x, x.astype("float32"), np.load(tmp_path / "x.npy", mmap_mode="r")):
        other, ((dw_other, db_other),), dx_other = pass_gradients(network, loss, rows, y)
        assert value == other
        for got, expected in ((dw_other, dw), (db_other, db), (dx_other, dx)):
            np.testing.assert_array_equal(got, expected)
