"""Arguments of every optimizer: Keras's base arguments, and ours."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from ...checks import brief, check_bool, check_int
from ...hints import unknown_argument
from ..schedules.base import LearningRateSchedule

__all__ = ["COMMON", "DEFAULTS", "Options", "OptionsBesideDecay", "describe_options", "parse"]


class OptionsBesideDecay(TypedDict, total=False):
    """The keywords of a class that has its own ``weight_decay``, for type checkers; `DOC` says what they mean."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    maximize: bool
    on_nonfinite: Literal["propagate", "skip", "raise"]
    state_dtype: Literal["bfloat16", "int8"] | None
    stochastic_rounding: bool
    seed: int | None
    lazy: bool


class Options(OptionsBesideDecay, total=False):
    """The keywords of the others."""

    weight_decay: float | LearningRateSchedule | None


DEFAULTS: dict[str, Any] = {
    "weight_decay": None,
    "clipnorm": None,
    "clipvalue": None,
    "global_clipnorm": None,
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
    "maximize": False,
    "on_nonfinite": "propagate",
    "state_dtype": None,
    "stochastic_rounding": False,
    "seed": None,
    "lazy": False,
}
# Those that are hyperparameters of the engine (csrc/optimizers/every.hpp): they may change, and follow schedules.
COMMON = ("weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "ema_momentum", "loss_scale_factor")
CLIPS = ("clipnorm", "clipvalue", "global_clipnorm")
CHOICES = {"on_nonfinite": ("propagate", "skip", "raise"), "state_dtype": ("bfloat16", "int8")}

DOC = """
weight_decay : float or LearningRateSchedule, optional
    Share of every weight that is removed before each step, times the learning rate; at least 0. Not part of the
    gradient (decoupled). `exclude_from_weight_decay` spares arrays.
clipnorm : float, optional
    Each gradient is scaled down to at most this norm; above 0. Only one of the three clips may be given.
clipvalue : float, optional
    Each number of a gradient is cut to at most this size; above 0.
global_clipnorm : float, optional
    All gradients are scaled down together to at most this norm; above 0.
use_ema : bool, default False
    Whether to keep a running average of every array; state `average`. `finalize_variable_values` puts it in place.
ema_momentum : float, default 0.99
    Share of the average kept from step to step; from 0 to 1. The first step begins it.
ema_overwrite_frequency : int, optional
    Set the arrays to their averages after every so many steps; at least 1, with `use_ema`.
loss_scale_factor : float, optional
    What the gradients are divided by first, for a loss that was multiplied by it; above 0.
gradient_accumulation_steps : int, optional
    Gradients that make one step, by their mean; at least 2. State `accumulated`. The averages of `use_ema` move once a
    step; Keras moves them at each gradient.
maximize : bool, default False
    Whether to go up the gradient, as in PyTorch.
on_nonfinite : {"propagate", "skip", "raise"}, default "propagate"
    What a gradient with inf or nan does, or one so large that a step by it would make inf or nan of weights or state:
    goes through the formula; makes no step at all; or is a FloatingPointError. The last two change nothing.
state_dtype : {"bfloat16", "int8"}, optional
    What the state is kept in, in place of float32: 2 bytes a number, or 1 and a scale for every 256. Arrays of float64
    do not take it.
stochastic_rounding : bool, default False
    Whether arrays of bfloat16 are rounded up or down by chance, right in the mean, so that small steps count.
seed : int, optional
    Of that chance; from 0 to 2^64 - 1. By default one that `gradstep.utils.set_random_seed` determines.
lazy : bool, default False
    Whether rows that are not in a row-sparse gradient miss the step for good, as in `torch.optim.SparseAdam`: neither
    they nor their state change. By default they take it later, as with a dense gradient: see `RowSparse`.
""".strip("\n")


def parse(owner: type, options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The hyperparameters among the options, without those that are None; and the others, checked."""
    for name in options:
        if name not in DEFAULTS:
            raise unknown_argument(owner, name, DEFAULTS)
    given = {name: value for name, value in options.items() if value is not None}
    clips = [name for name in CLIPS if name in given]
    if len(clips) > 1:
        raise ValueError(f"only one of {', '.join(CLIPS)} may be given; got {' and '.join(clips)}.")
    for name in ("use_ema", "maximize", "stochastic_rounding", "lazy"):
        given[name] = check_bool(name, given.get(name, False))
    if "gradient_accumulation_steps" in given:
        given["gradient_accumulation_steps"] = check_int(
            "gradient_accumulation_steps", given["gradient_accumulation_steps"], 2
        )
    if "ema_overwrite_frequency" in given:
        given["ema_overwrite_frequency"] = check_int("ema_overwrite_frequency", given["ema_overwrite_frequency"], 1)
        if not given["use_ema"]:
            raise ValueError("ema_overwrite_frequency needs use_ema=True.")
    for name, choices in CHOICES.items():
        if name in given and (not isinstance(given[name], str) or given[name] not in choices):
            raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}; got {brief(given[name])}.")
    if "seed" in given:
        check_int("seed", given["seed"], 0, 2**64 - 1)
    common = {name: value for name, value in given.items() if name in COMMON}
    return common, {name: given.get(name, default) for name, default in DEFAULTS.items() if name not in COMMON}


def describe_options(cls: type) -> None:
    """Give a class whose ``__init__`` takes ``**options`` their entries in its docstring and visible signature."""
    signature = inspect.signature(vars(cls).get("__init__", object.__init__))
    own = [p for p in signature.parameters.values() if p.name != "self"]
    if not own or own[-1].kind is not inspect.Parameter.VAR_KEYWORD or own[-1].name != "options":
        return
    *own, _ = own
    taken = {p.name for p in own}
    cls.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[
            *own,
            *(
                inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
                for name, default in DEFAULTS.items()
                if name not in taken
            ),
        ]
    )
    begin = (cls.__doc__ or "").find("    Parameters\n    ---")
    end = (cls.__doc__ or "").find("\n\n", begin)
    if begin >= 0 and end >= 0:
        entries = [f"    {line}".rstrip() for line in _entries(taken)]
        cls.__doc__ = "\n".join([cls.__doc__[:end], *entries]) + cls.__doc__[end:]  # type: ignore[index]


def _entries(taken: set[str]) -> list[str]:
    lines: list[str] = []
    keep = True
    for line in DOC.split("\n"):
        if not line.startswith(" "):
            keep = line.split(" :")[0] not in taken
        if keep:
            lines.append(line)
    return lines
