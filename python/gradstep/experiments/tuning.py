"""Each contestant at its best setting, all with the same budget."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .setup import Setup

__all__ = ["TUNING_SEEDS", "tuned"]

FIRST = 1000  # tuning never sees the seeds that are measured
TUNING_SEEDS = 3


def tuned(
    setup: Setup,
    candidates: Mapping[str, Sequence[Any]],
    validation_loss: Callable[[str, Any, int], float],
) -> dict[str, Any]:
    """The candidate of each name with the least mean validation loss over seeds kept for this.

    A run whose loss is not finite counts as infinitely bad. Of equal ones the first is taken.
    """
    seeds = range(FIRST, FIRST + setup.size(TUNING_SEEDS, 1))
    tasks = [(name, value, seed) for name, values in candidates.items() for value in values for seed in seeds]
    losses = setup.each(lambda task: validation_loss(*task), tasks)
    scores = dict(zip(((name, str(value), seed) for name, value, seed in tasks), losses, strict=True))

    def mean(name: str, value: Any) -> float:
        found = [scores[name, str(value), seed] for seed in seeds]
        return float(np.mean(found)) if all(math.isfinite(loss) for loss in found) else math.inf

    return {name: min(values, key=lambda value: mean(name, value)) for name, values in candidates.items()}
