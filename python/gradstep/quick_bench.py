"""Quick figures of this machine, without rivals: ``gradstep bench``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter

import numpy as np

from . import optimizers
from .layers import Dense, Input
from .models import Sequential

__all__ = ["measure"]

TURN = 0.1  # seconds
ROWS = 6_400
BATCH = 32


def measure(rounds: int = 5) -> dict[str, float]:
    """Microseconds a step of each case: the median of so many turns of a tenth of a second.

    Examples
    --------
    >>> sorted(measure(rounds=1))[0]
    'one step of Adam, 1,000 float32 weights'
    """
    cases: dict[str, tuple[Callable[[], object], int]] = {}
    for size in (1_000, 1_000_000):
        w, g = np.zeros(size, np.float32), np.full(size, 0.1, np.float32)
        bound = optimizers.Adam().bind([w])
        cases[f"one step of Adam, {size:,} float32 weights"] = partial(bound.step, [g]), 1
    draw = np.random.default_rng(0)
    x, y = draw.random((ROWS, 784), np.float32), draw.integers(0, 10, ROWS)
    model = Sequential([Input((784,)), Dense(256, "relu"), Dense(128, "relu"), Dense(10, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    cases[f"one step of training 784-256-128-10, batch {BATCH}"] = (
        lambda: model.fit(x, y, batch_size=BATCH, verbose=0),
        ROWS // BATCH,
    )
    return {name: _microseconds(call, steps, rounds) for name, (call, steps) in cases.items()}


def _microseconds(call: Callable[[], object], steps: int, rounds: int) -> float:
    """The median over rounds of the mean time of a step."""
    call()
    found = []
    for _ in range(rounds):
        calls, begin = 0, perf_counter()
        while (spent := perf_counter() - begin) < TURN or not calls:
            call()
            calls += 1
        found.append(1e6 * spent / (calls * steps))
    return median(found)
