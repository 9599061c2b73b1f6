"""The models of `fit_many`: copies of one, each with a seed, a learning rate and initial weights."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from .. import seeds
from ..optimizers.schedules.base import LearningRateSchedule
from ..optimizers.schedules.steps import Constant
from ..saving.loading import clone_model
from ..saving.training_state import fresh_optimizer

__all__ = ["clones_of", "copies_of", "set_rate"]


def copies_of(model: Any, count: int, draws: Sequence[seeds.Sequence | None], keys: Sequence[int | None]) -> list[Any]:
    """Models like a built and compiled one, of which nobody else has a part.

    Those with draws have newly drawn weights and an optimizer without state, as a clone that is compiled in the same
    way; keys: their seeds. The others are copies, of which all shuffle alike.
    """
    return clones_of(deepcopy(model), count, draws, keys)


def clones_of(
    prototype: Any, count: int, draws: Sequence[seeds.Sequence | None], keys: Sequence[int | None]
) -> list[Any]:
    """The same of a model that nobody else uses, whose seed may change."""
    made = []
    if prototype._trainer.key is None and None in draws:
        prototype._trainer.key = seeds.fresh_key()
    for own, key in zip(draws, keys, strict=True):
        if own is None:
            made.append(deepcopy(prototype))
            continue
        if prototype.seed is not None:
            prototype.seed = key
        with seeds.within(own):
            one = clone_model(prototype)
            optimizer, attach = fresh_optimizer(prototype)
            one.compile(optimizer, **deepcopy(prototype._compiled))
            attach(one)
        made.append(one)
    return made


def set_rate(optimizer: Any, rate: float | LearningRateSchedule) -> None:
    """Give an optimizer a learning rate, a number also where it followed a schedule."""
    if not isinstance(rate, LearningRateSchedule) and "learning_rate" in optimizer.schedules:
        rate = Constant(rate)
    optimizer.learning_rate = rate
