"""Losses of rows of sixteen numbers and more, of which four are added at a time: the bits of each row alone."""

from __future__ import annotations

from typing import Any

import gradstep as gs
import numpy as np
import pytest
from loss_rows import values_of_rows

LOSSES = {
    "squared": gs.losses.MeanSquaredError(reduction=None),
    "absolute": gs.losses.MeanAbsoluteError(reduction=None),
    "percentage": gs.losses.MeanAbsolutePercentageError(reduction=None),
    "huber": gs.losses.Huber(0.3, reduction=None),
}
LANES = 16


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("columns", [16, 17, 32, 47])
@pytest.mark.parametrize("name", LOSSES)
def test_bits_of_each_row_alone(name: str, columns: int, dtype: Any) -> None:
    loss, rng = LOSSES[name], np.random.default_rng(columns)
    rows = 11
    t, y = rng.random((2, rows, columns)).astype(dtype)
    y[3], y[8, 0] = np.nan, np.inf
    values = values_of_rows(loss, t, y, rng)
    assert np.isfinite(np.delete(values, [3, 8])).all()


@pytest.mark.parametrize("columns", [15, 16, 17, 32, 47])
def test_order_of_the_sum(columns: int) -> None:
    """Every sixteenth number is added up, and then the sixteen sums; up to sixteen numbers one after another."""
    rng = np.random.default_rng(columns)
    t, y = rng.random((2, 7, columns), np.float32)
    squares = (y - t) * (y - t)
    lanes = np.zeros((7, min(columns, LANES)), np.float32)
    for k in range(columns):
        lanes[:, k % LANES] += squares[:, k]
    total = np.zeros(7, np.float32)
    for lane in lanes.T:
        total += lane
    np.testing.assert_array_equal(LOSSES["squared"](t, y), total / np.float32(columns))
