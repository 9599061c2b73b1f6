"""Sparse cross-entropies of two classes, several rows at a time: the bits of rows gone through alone."""

from __future__ import annotations

from typing import Any

import gradstep as gs
import numpy as np
import pytest

SPECIAL = [(0.0, -0.0), (90.0, -90.0), (-1e30, 1e30), (np.inf, 0.0), (-np.inf, 1.0), (np.nan, 0.0), (0.5, np.nan)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rows", [1, 2, 15, 16, 17, 53])
@pytest.mark.parametrize("ignored", [None, 1])
def test_the_bits_are_those_of_one_hot_rows(rows: int, dtype: Any, ignored: int | None) -> None:
    rng = np.random.default_rng(rows)
    z = rng.normal(0, 4, (rows, 2)).astype(dtype)
    z[: len(SPECIAL)] = SPECIAL[:rows]
    labels, weights = rng.integers(0, 2, rows), rng.uniform(0, 2, rows)
    sparse = gs.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=ignored, reduction="sum")
    hot = gs.losses.CategoricalCrossentropy(from_logits=True, reduction="sum")
    counted = weights if ignored is None else np.where(labels == ignored, 0, weights)
    for i in range(rows):
        keep = slice(i, i + 1)
        _, dz = sparse.value_and_grad(labels, z, sample_weight=np.eye(rows)[i] * counted)
        _, one = hot.value_and_grad(np.eye(2, dtype=dtype)[labels[keep]], z[keep], sample_weight=counted[keep])
        if ignored is None or labels[i] != ignored:
            np.testing.assert_array_equal(dz[keep], one)
    values = gs.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=ignored, reduction=None)
    alone = gs.losses.CategoricalCrossentropy(from_logits=True, reduction=None)(np.eye(2, dtype=dtype)[labels], z)
    if ignored is not None:
        alone = np.where(labels == ignored, 0, alone).astype(alone.dtype)
    np.testing.assert_array_equal(values(labels, z), alone)
