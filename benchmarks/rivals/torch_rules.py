"""PyTorch's own optimizers by the names and arguments of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import optim

Arguments = dict[str, Any]


def adam_like(make: type[optim.Optimizer]) -> Callable[[Arguments], Any]:
    """One that takes betas and eps, and those of the rest that both have."""

    def arguments(a: Arguments) -> Arguments:
        extra = {key: a[key] for key in ("amsgrad", "weight_decay") if a.get(key)}
        return {"betas": (a["beta_1"], a["beta_2"]), "eps": a["epsilon"], **extra}

    return lambda a: (make, arguments(a))


def extras(a: Arguments, *names: str) -> Arguments:
    """Arguments that only PyTorch's dialect has."""
    return {name: a[name] for name in names if a.get(name) is not None}


def sgd(a: Arguments) -> Any:
    return optim.SGD, {"momentum": a["momentum"], "nesterov": a["nesterov"], **extras(a, "dampening")}


def adagrad(a: Arguments) -> Any:
    start = {"initial_accumulator_value": a["initial_accumulator_value"], "eps": a["epsilon"]}
    return optim.Adagrad, {**start, **extras(a, "lr_decay")}


def adadelta(a: Arguments) -> Any:
    return optim.Adadelta, {"rho": a["rho"], "eps": a["epsilon"]}


def rmsprop(a: Arguments) -> Any:
    return optim.RMSprop, {
        "alpha": a["rho"], "eps": a["epsilon"], "momentum": a["momentum"], "centered": a["centered"],
    }  # fmt: skip


def nadam(a: Arguments) -> Any:
    make, arguments = adam_like(optim.NAdam)(a)
    # Keras's and the paper's schedule, where no other was asked for.
    return make, {**arguments, "momentum_decay": 1.0, **extras(a, "momentum_decay")}


def rprop(a: Arguments) -> Any:
    return optim.Rprop, {
        "etas": (a["eta_minus"], a["eta_plus"]), "step_sizes": (a["step_size_min"], a["step_size_max"]),
    }  # fmt: skip


def asgd(a: Arguments) -> Any:
    return optim.ASGD, {key: a[key] for key in ("lambd", "alpha", "t0")}


# By the name of our class: PyTorch's, and its arguments but the rate.
RULES: dict[str, Callable[[Arguments], Any]] = {
    "SGD": sgd,
    "Adagrad": adagrad,
    "Adadelta": adadelta,
    "RMSprop": rmsprop,
    "Adam": adam_like(optim.Adam),
    "AdamW": adam_like(optim.AdamW),
    "Adamax": adam_like(optim.Adamax),
    "Nadam": nadam,
    "RAdam": adam_like(optim.RAdam),
    "Rprop": rprop,
    "ASGD": asgd,
}
FUSED = ("SGD", "Adagrad", "Adam", "AdamW")


def optimizer(problem: dict[str, Any], params: list[torch.Tensor], form: str) -> optim.Optimizer:
    """Of this problem of the case `rules`; NotImplementedError where PyTorch has none."""
    name = problem["optimizer"]
    if name not in (FUSED if form == "fused" else RULES):
        raise NotImplementedError(f"PyTorch has no {form} {name}.")
    make, arguments = RULES[name](problem["config"])
    return make(
        params, lr=problem["config"]["learning_rate"], **arguments, **({"fused": True} if form == "fused" else {})
    )
