"""TimeDistributed by hand: what it holds called on each step of sequences, forward and backward."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

__all__ = ["compare_with_calls_on_steps"]


def compare_with_calls_on_steps(layer: Any, make: Callable[[], Any], x: Any, penalties: Mapping[int, float]) -> None:
    """Compare outputs and gradients of a TimeDistributed in training with those of a copy called on each step.

    penalties: twice the factor of the L2 penalty of a weight, which is there once and not for each step, by its number.
    """
    y = layer(x, training=True)
    inner, again = layer.layer, make()
    again.build((None, *x.shape[2:]))
    again.set_weights(inner.get_weights())
    dy = np.random.default_rng(1).normal(size=y.shape)
    dx, dws = layer.backward(dy)
    wanted, slopes = [], []
    for step in range(x.shape[1]):
        wanted.append(again(x[:, step], training=True))
        slopes.append(again.backward(dy[:, step]))
    np.testing.assert_allclose(y, np.stack(wanted, 1), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(dx, np.stack([slope[0] for slope in slopes], 1), rtol=1e-10, atol=1e-13)
    assert len(dws) == len(inner.trainable_weights)
    for i, gradient in enumerate(dws):
        each = sum(slope[1][i] for slope in slopes) - (x.shape[1] - 1) * penalties.get(i, 0) * inner.weights[i]
        np.testing.assert_allclose(gradient, each, rtol=1e-10, atol=1e-12)
