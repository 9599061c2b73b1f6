"""Schedules: the learning rate, or another hyperparameter, as a function of the step, under Keras's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...hints import hint_arguments, no_such
from .base import LearningRateSchedule, serialize

if TYPE_CHECKING:
    from .combined import Lambda, PerEpoch, Sequential, Warmup
    from .cosine import CosineDecay, CosineDecayRestarts
    from .cyclical import CyclicalLR, OneCycle
    from .decay import ExponentialDecay, InverseSquareRoot, InverseTimeDecay, Linear, PolynomialDecay
    from .registry import deserialize
    from .steps import Constant, MultiStep, PiecewiseConstantDecay, StepDecay

__all__ = [
    "Constant",
    "CosineDecay",
    "CosineDecayRestarts",
    "CyclicalLR",
    "ExponentialDecay",
    "InverseSquareRoot",
    "InverseTimeDecay",
    "Lambda",
    "LearningRateSchedule",
    "Linear",
    "MultiStep",
    "OneCycle",
    "PerEpoch",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "Sequential",
    "StepDecay",
    "Warmup",
    "deserialize",
    "serialize",
]


def __getattr__(name: str) -> Any:
    """Load the schedules when the first one is asked for: most users of an optimizer want none."""
    if name not in __all__:
        raise no_such(__name__, __all__, "schedule", name)
    from . import registry

    for cls in registry.classes().values():
        hint_arguments(cls)
    globals().update(registry.classes(), deserialize=registry.deserialize)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
