"""Losses of rows of a few numbers, several rows at a time: the bits of each row alone, whatever its neighbours are."""

from __future__ import annotations

from typing import Any

import gradstep as gs
import numpy as np
import pytest
from loss_rows import values_of_rows

LOSSES = {
    "binary": gs.losses.BinaryCrossentropy(reduction=None),
    "binary, logits": gs.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.2, reduction=None),
    "binary focal": gs.losses.BinaryFocalCrossentropy(apply_class_balancing=True, gamma=1.5, reduction=None),
    "binary focal, logits": gs.losses.BinaryFocalCrossentropy(from_logits=True, label_smoothing=0.1, reduction=None),
    "kl": gs.losses.KLDivergence(reduction=None),
    "log cosh": gs.losses.LogCosh(reduction=None),
    "msle": gs.losses.MeanSquaredLogarithmicError(reduction=None),
    "poisson": gs.losses.Poisson(reduction=None),
    "squared": gs.losses.MeanSquaredError(reduction=None),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("columns", [1, 2, 3, 4])
@pytest.mark.parametrize("name", LOSSES)
def test_bits_of_each_row_alone(name: str, columns: int, dtype: Any) -> None:
    loss, rng = LOSSES[name], np.random.default_rng(columns)
    rows = 37
    t, y = rng.random((2, rows, columns)).astype(dtype)
    y[3], y[8, 0], y[20] = np.nan, np.inf, 0
    values = values_of_rows(loss, t, y, rng)
    assert np.isfinite(values[[0, 2, 4, 9, 36]]).all()
