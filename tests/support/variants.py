"""Every optimizer, and every flag of one that is another rule underneath: what the contracts run over."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import isfinite

import pytest
from gradstep import _core, optimizers
from gradstep.optimizers.registry import classes

__all__ = ["FLAGS", "OPTIMIZERS", "family", "keeps_less", "moves_elements", "other"]

# Arguments that choose the rule; in some of the rules they are no field.
FLAGS: dict[str, set[str]] = {
    "SGD": {"momentum", "nesterov", "dampening", "dialect"},
    "RMSprop": {"momentum", "centered", "dialect"},
    "Adam": {"amsgrad", "dialect"},
    "Adagrad": {"lr_decay", "dialect"},
    "Adadelta": {"dialect"},
    "Adamax": {"dialect"},
    "Nadam": {"momentum_decay", "dialect"},
    "AdamW": {"amsgrad", "dialect"},
    "Muon": {"exclude_layers", "exclude_embeddings", "nesterov", "dialect"},
    "Adafactor": {"relative_step", "dialect"},
    "Ftrl": {"learning_rate_power"},
    "KFAC": {"fisher"},
    "DiagonalNaturalGradient": {"fisher"},
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
    "SGD-torch": partial(optimizers.SGD, dialect="torch"),
    "SGD-momentum-torch": partial(optimizers.SGD, momentum=0.9, dampening=0.1, dialect="torch"),
    "SGD-nesterov-torch": partial(optimizers.SGD, momentum=0.9, nesterov=True, dialect="torch"),
    "Adagrad-torch": partial(optimizers.Adagrad, dialect="torch"),
    "Adadelta-torch": partial(optimizers.Adadelta, dialect="torch"),
    "RMSprop-torch": partial(optimizers.RMSprop, dialect="torch"),
    "RMSprop-centered-torch": partial(optimizers.RMSprop, centered=True, dialect="torch"),
    "RMSprop-momentum-torch": partial(optimizers.RMSprop, momentum=0.9, dialect="torch"),
    "RMSprop-centered-momentum-torch": partial(optimizers.RMSprop, momentum=0.9, centered=True, dialect="torch"),
    "Adam-torch": partial(optimizers.Adam, dialect="torch"),
    "Adam-amsgrad-torch": partial(optimizers.Adam, amsgrad=True, dialect="torch"),
    "AdamW-torch": partial(optimizers.AdamW, dialect="torch"),
    "AdamW-amsgrad-torch": partial(optimizers.AdamW, amsgrad=True, dialect="torch"),
    "Adamax-torch": partial(optimizers.Adamax, dialect="torch"),
    "Nadam-torch": partial(optimizers.Nadam, dialect="torch"),
    "Adafactor-free": partial(optimizers.Adafactor, relative_step=False),
    "Adafactor-torch": partial(optimizers.Adafactor, dialect="torch"),
    "Muon-plain": partial(optimizers.Muon, nesterov=False),
    "Muon-torch": partial(optimizers.Muon, dialect="torch"),
    "Muon-plain-torch": partial(optimizers.Muon, nesterov=False, dialect="torch"),
    "KFAC-empirical": partial(optimizers.KFAC, fisher="empirical"),
    "DiagonalNaturalGradient-empirical": partial(optimizers.DiagonalNaturalGradient, fisher="empirical"),
    "Ftrl-power": partial(optimizers.Ftrl, learning_rate_power=-0.25),
}


def moves_elements(make: Callable[..., optimizers.Optimizer]) -> bool:
    """Whether a step of one element depends on that element alone."""
    rule = _core.rules()[make()._core.rule]
    return not rule["measures"] and not rule["matrices"]


def family(name: str) -> tuple[object, ...]:
    """What the code around a rule sees of it: what it keeps, and whether it looks at whole arrays first."""
    rule = _core.rules()[OPTIMIZERS[name]()._core.rule]
    return len(rule["slots"]), len(rule["scalars"]), bool(rule["measures"]), bool(rule["matrices"])


def other(optimizer: optimizers.Optimizer, field: str) -> float:
    """A value that is in the bounds of the field, and makes it count: 0.7 x + 0.01, from the lower bound up."""
    low = next(low for name, _, _, low, *_ in _core.rules()[optimizer._core.rule]["fields"] if name == field)
    start = low if isfinite(low) else 0.0
    now = getattr(optimizer, field)
    return start + 0.7 * ((now if isfinite(now) else start + 1) - start) + 0.01


def keeps_less(make: Callable[..., optimizers.Optimizer]) -> None:
    """Skip what state in fewer bits is for: a rule that keeps it in shapes of its own refuses that."""
    if _core.rules()[make()._core.rule]["matrices"]:
        with pytest.raises(ValueError, match="state_dtype must be None"):
            make(state_dtype="int8")
        pytest.skip("its state has shapes of its own")
