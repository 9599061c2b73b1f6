"""Losses of several rows at a time beside those of each row alone."""

from __future__ import annotations

from typing import Any

import numpy as np


def values_of_rows(loss: Any, t: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The loss of each row, after a check that it and its gradient have the bits that the row has alone."""
    summed = type(loss).from_config({**loss.get_config(), "reduction": "sum"})
    weights = rng.uniform(0.5, 2, len(t))
    values, (_, slopes) = loss(t, y), summed.value_and_grad(t, y, sample_weight=weights)
    for i in range(len(t)):
        row = slice(i, i + 1)
        np.testing.assert_array_equal(values[row], loss(t[row], y[row]))
        _, alone = summed.value_and_grad(t[row], y[row], sample_weight=weights[row])
        np.testing.assert_array_equal(slopes[row], alone)
    return values
