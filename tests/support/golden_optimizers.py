"""The optimizers and options that `golden_models` train with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradstep import optimizers

__all__ = ["OPTIMIZERS"]

OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "SGD": lambda: optimizers.SGD(0.05),
    "SGD, nesterov": lambda: optimizers.SGD(0.05, momentum=0.9, nesterov=True),
    "RMSprop": lambda: optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    "Adagrad": lambda: optimizers.Adagrad(0.05),
    "Adadelta": lambda: optimizers.Adadelta(1.0),
    "Adam, amsgrad": lambda: optimizers.Adam(0.01, amsgrad=True),
    "AdamW": lambda: optimizers.AdamW(0.01),
    "Adamax": lambda: optimizers.Adamax(0.01),
    "Nadam": lambda: optimizers.Nadam(0.01),
    "AdaBelief": lambda: optimizers.AdaBelief(0.01),
    "RAdam": lambda: optimizers.RAdam(0.01),
    "Yogi": lambda: optimizers.Yogi(0.01),
    "Ftrl": lambda: optimizers.Ftrl(0.05, l1_regularization_strength=0.01),
    "Lion": lambda: optimizers.Lion(0.01),
    "Rprop": lambda: optimizers.Rprop(0.01),
    "Lamb": lambda: optimizers.Lamb(0.01),
    "Lars": lambda: optimizers.Lars(1.0),
    "NovoGrad": lambda: optimizers.NovoGrad(0.01),
    "Prodigy": lambda: optimizers.Prodigy(d0=1e-3),
    "Muon": lambda: optimizers.Muon(0.01, exclude_layers=["first"]),
    "Adafactor": lambda: optimizers.Adafactor(0.01),
    "ScheduleFreeSGD": lambda: optimizers.ScheduleFreeSGD(0.1),
    "ScheduleFreeAdamW": lambda: optimizers.ScheduleFreeAdamW(0.01),
    "SAM": lambda: optimizers.SAM(optimizers.SGD(0.05, momentum=0.9)),
    "SAM, adaptive": lambda: optimizers.SAM(optimizers.Adam(0.01), rho=0.5, adaptive=True),
    "Lookahead": lambda: optimizers.Lookahead(optimizers.Adam(0.01), sync_period=2),
    "MultiOptimizer": lambda: optimizers.MultiOptimizer(
        {"*bias": optimizers.SGD(0.05), "first/*": optimizers.Lion(0.01), "*": optimizers.Adam(0.01)}
    ),
    "clipnorm": lambda: optimizers.SGD(0.05, clipnorm=0.25),
    "global_clipnorm": lambda: optimizers.Adam(0.01, global_clipnorm=0.25),
    "clipvalue": lambda: optimizers.SGD(0.05, momentum=0.9, clipvalue=0.01),
    "EMA": lambda: optimizers.SGD(0.05, use_ema=True, ema_momentum=0.75, ema_overwrite_frequency=2),
    "accumulation": lambda: optimizers.Adam(0.01, gradient_accumulation_steps=2),
    "weight decay": lambda: optimizers.SGD(0.05, weight_decay=0.01),
    "bfloat16 state": lambda: optimizers.Adam(0.01, state_dtype="bfloat16"),
    "int8 state": lambda: optimizers.Adam(0.01, state_dtype="int8"),
    "schedule": lambda: optimizers.SGD(optimizers.schedules.PiecewiseConstantDecay([2, 4], [0.1, 0.05, 0.01])),
}
