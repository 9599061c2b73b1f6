"""Adam as every case uses it: its constants, and the float64 oracle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

ADAM = {"learning_rate": 1e-3, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8}


class Oracle:
    """Kingma & Ba 2015, algorithm 1, on float64 arrays in place."""

    def __init__(self, params: list[np.ndarray]) -> None:
        self.params, self.t = params, 0
        self.m, self.v = ([np.zeros_like(p) for p in params] for _ in range(2))

    def step(self, grads: Sequence[np.ndarray]) -> None:
        rate, b1, b2, epsilon = ADAM.values()
        self.t += 1
        for p, g, m, v in zip(self.params, grads, self.m, self.v, strict=True):
            m += (1 - b1) * (g - m)
            v += (1 - b2) * (g**2 - v)
            p -= rate * (m / (1 - b1**self.t)) / (np.sqrt(v / (1 - b2**self.t)) + epsilon)
