"""Every optimizer, and every flag of one that is another rule underneath: what the contracts run over."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import isfinite

from gradstep import _core, optimizers
from gradstep.optimizers.registry import classes

__all__ = ["FLAGS", "OPTIMIZERS", "other"]

# Arguments that choose the rule; in some of the rules they are no field.
FLAGS: dict[str, set[str]] = {
    "SGD": {"momentum", "nesterov"},
    "RMSprop": {"momentum", "centered"},
    "Adam": {"amsgrad"},
    "AdamW": {"amsgrad"},
    "Ftrl": {"learning_rate_power"},
}

OPTIMIZERS: dict[str, Callable[..., optimizers.Optimizer]] = {
    **{cls.__name__: cls for cls in classes().values()},
    "SGD-momentum": partial(optimizers.SGD, momentum=0.9),
    "SGD-nesterov": partial(optimizers.SGD, momentum=0.9, nesterov=True),
    "RMSprop-centered": partial(optimizers.RMSprop, centered=True),
    "RMSprop-momentum": partial(optimizers.RMSprop, momentum=0.9),
    "RMSprop-centered-momentum": partial(optimizers.RMSprop, momentum=0.9, centered=True),
    "Adam-amsgrad": partial(optimizers.Adam, amsgrad=True),
    "AdamW-amsgrad": partial(optimizers.AdamW, amsgrad=True),
    "Ftrl-power": partial(optimizers.Ftrl, learning_rate_power=-0.25),
}


def other(optimizer: optimizers.Optimizer, field: str) -> float:
    """A value that is in the bounds of the field, and makes it count: 0.7 x + 0.01, from the lower bound up."""
    low = next(low for name, _, _, low, *_ in _core.rules()[optimizer._core.rule]["fields"] if name == field)
    start = low if isfinite(low) else 0.0
    now = getattr(optimizer, field)
    return start + 0.7 * ((now if isfinite(now) else start + 1) - start) + 0.01
