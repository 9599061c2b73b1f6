"""Schedules: the learning rate, or another hyperparameter, as a function of the step, under Keras's names."""

from .base import LearningRateSchedule
from .combined import Lambda, PerEpoch, Sequential, Warmup
from .cosine import CosineDecay, CosineDecayRestarts
from .cyclical import CyclicalLR, OneCycle
from .decay import ExponentialDecay, InverseSquareRoot, InverseTimeDecay, Linear, PolynomialDecay
from .registry import deserialize, serialize
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
