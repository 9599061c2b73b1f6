"""The classes: which of `torch.optim` each one is, and what it is in the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import wraps
from typing import Any

import torch

from .base import Stepping
from .counters import Averaging, Growing, Started
from .spec import Spec
from .tensors import real

__all__ = ["ASGD", "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "Rprop"]

# PyTorch's settings by the names of the compiled core.
Fields = Mapping[str, str | tuple[str, ...]]
COMMON: Fields = {"lr": "learning_rate", "weight_decay": "weight_decay"}
MOMENTS: Fields = {**COMMON, "betas": ("beta_1", "beta_2"), "eps": "epsilon"}
ADAM = Spec(
    rule=lambda group: "TorchAMSGrad" if group["amsgrad"] else "TorchAdam",
    fields=MOMENTS,
    keys={"m": "exp_avg", "v": "exp_avg_sq", "v_hat": "max_exp_avg_sq"},
)


def sgd(group: Mapping[str, Any]) -> str:
    """The rule of SGD for a group."""
    if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
        raise ValueError("nesterov needs momentum above 0 and dampening 0.")
    return "TorchSGD" if group["momentum"] == 0 else "TorchNesterov" if group["nesterov"] else "TorchMomentum"


def rmsprop(group: Mapping[str, Any]) -> str:
    """The rule of RMSprop for a group."""
    return "TorchRMSprop" + "Centered" * bool(group["centered"]) + "Momentum" * bool(group["momentum"] > 0)


class SGD(Stepping, torch.optim.SGD):
    """`torch.optim.SGD` through gradstep's kernels: `gradstep.optimizers.SGD` with ``dialect="torch"``.

    Examples
    --------
    >>> import torch, gradstep.torch
    >>> p = torch.ones(2, requires_grad=True)
    >>> optimizer = gradstep.torch.SGD([p], lr=0.5)
    >>> p.sum().backward()
    >>> optimizer.step()
    >>> bool((p < 1).all())
    True
    """

    _spec = Spec(
        rule=sgd,
        fields={**COMMON, "momentum": "momentum", "dampening": "dampening"},
        keys={"velocity": "momentum_buffer"},
        counter=Started(),
        sparse=True,
    )


class Adagrad(Stepping, torch.optim.Adagrad):
    """`torch.optim.Adagrad` through gradstep's kernels: `gradstep.optimizers.Adagrad` with ``dialect="torch"``.

    Notes
    -----
    The state of a group that is added later comes into being with its first step; PyTorch's has none then and fails.

    Examples
    --------
    >>> import torch, gradstep.torch
    >>> p = torch.ones(2, requires_grad=True)
    >>> optimizer = gradstep.torch.Adagrad([p], lr=0.5)
    >>> p.sum().backward()
    >>> optimizer.step()
    >>> bool((p < 1).all())
    True
    """

    _spec = Spec(
        rule=lambda group: "TorchAdagrad",
        fields={
            **COMMON,
            "lr_decay": "lr_decay",
            "eps": "epsilon",
            "initial_accumulator_value": "initial_accumulator_value",
        },
        keys={"accumulator": "sum"},
        sparse=True,
    )

    @wraps(torch.optim.Adagrad.__init__)  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # PyTorch makes all state here, of half types too; ours is float32 then.
        for tensor, own in self.state.items():
            own["sum"] = own["sum"].to(real(tensor.dtype), memory_format=torch.contiguous_format)


class Adadelta(Stepping, torch.optim.Adadelta):
    """`torch.optim.Adadelta` through gradstep's kernels: `gradstep.optimizers.Adadelta` with ``dialect="torch"``.

    Examples
    --------
    >>> import torch, gradstep.torch
    >>> p = torch.ones(2, requires_grad=True)
    >>> optimizer = gradstep.torch.Adadelta([p], lr=0.5)
    >>> p.sum().backward()
    >>> optimizer.step()
    >>> bool((p < 1).all())
    True
    """

    _spec = Spec(
        rule=lambda group: "TorchAdadelta",
        fields={**COMMON, "rho": "rho", "eps": "epsilon"},
        keys={"v": "square_avg", "u": "acc_delta"},
    )


class RMSprop(Stepping, torch.optim.RMSprop):
    """`torch.optim.RMSprop` through gradstep's kernels: `gradstep.optimizers.RMSprop` with ``dialect="torch"``.

    Examples
    --------
    >>> import torch, gradstep.torch
    >>> p = torch.ones(2, requires_grad=True)
    >>> optimizer = gradstep.torch.RMSprop([p], lr=0.5)
    >>> p.sum().backward()
    >>> optimizer.step()
    >>> bool((p < 1).all())
    True
    """

    _spec = Spec(
        rule=rmsprop,
        fields={**COMMON, "alpha": "rho", "eps": "epsilon", "momentum": "momentum"},
        keys={"v": "square_avg", "m": "grad_avg", "velocity": "momentum_buffer"},
    )


class Adam(Stepping, torch.optim.Adam):
    """`torch.optim.Adam` through gradstep's kernels: `gradstep.optimizers.Adam` with ``dialect="torch"``.

    Examples
    --------
    >>> import torch, gradstep.torch
    >>> p = torch.ones(2, requires_grad=True)
    >>> optimizer = gradstep.torch.Adam([p], lr=0.5)
    >>> p.sum().backward()
    >>> optimizer.step()
    >>> bool((p < 1).all())
    True
    """

    _spec = ADAM


class AdamW(Stepping, torch.optim.AdamW):
    """`torch.optim.AdamW` through gradstep's kernels: as `Adam`, with decoupled weight decay.

    Examples
    --------
    >>> import torch, gradstep.torch
    >>> p = torch.ones(2, requires_grad=True)
    >>> optimizer = gradstep.torch.AdamW([p], lr=0.5)
    >>> p.sum().backward()
    >>> optimizer.step()
    >>> bool((p < 1).all())
    True
    """

    _spec = replace(ADAM, decoupled=True)


class Adamax(Stepping, torch.optim.Adamax):
    """`torch.optim.Adamax` through gradstep's kernels: `gradstep.optimizers.Adamax` with ``dialect="torch"``.

    Examples
    --------
    >>> import torch, gradstep.torch
    >>> p = torch.ones(2, requires_grad=True)
    >>> optimizer = gradstep.torch.Adamax([p], lr=0.5)
    >>> p.sum().backward()
    >>> optimizer.step()
    >>> bool((p < 1).all())
    True
    """

    _spec = Spec(rule=lambda group: "TorchAdamax", fields=MOMENTS, keys={"m": "exp_avg", "u": "exp_inf"})


class NAdam(Stepping, torch.optim.NAdam):
    """`torch.optim.NAdam` through gradstep's kernels: `gradstep.optimizers.Nadam` with ``dialect="torch"``.

    Examples
    --------
    >>> import torch, gradstep.torch
    >>> p = torch.ones(2, requires_grad=True)
    >>> optimizer = gradstep.torch.NAdam([p], lr=0.5)
    >>> p.sum().backward()
    >>> optimizer.step()
    >>> bool((p < 1).all())
    True
    """

    _spec = Spec(
        rule=lambda group: "TorchNadamWithProduct",
        fields={**MOMENTS, "momentum_decay": "momentum_decay"},
        keys={"m": "exp_avg", "v": "exp_avg_sq"},
        counter=Growing(),
    )


class RAdam(Stepping, torch.optim.RAdam):
    """`torch.optim.RAdam` through gradstep's kernels: `gradstep.optimizers.RAdam`.

    Examples
    --------
    >>> import torch, gradstep.torch
    >>> p = torch.ones(2, requires_grad=True)
    >>> optimizer = gradstep.torch.RAdam([p], lr=0.5)
    >>> p.sum().backward()
    >>> optimizer.step()
    >>> bool((p < 1).all())
    True
    """

    _spec = Spec(rule=lambda group: "RAdam", fields=MOMENTS, keys={"m": "exp_avg", "v": "exp_avg_sq"})


class Rprop(Stepping, torch.optim.Rprop):
    """`torch.optim.Rprop` through gradstep's kernels: `gradstep.optimizers.Rprop`.

    Examples
    --------
    >>> import torch, gradstep.torch
    >>> p = torch.ones(2, requires_grad=True)
    >>> optimizer = gradstep.torch.Rprop([p], lr=0.5)
    >>> p.sum().backward()
    >>> optimizer.step()
    >>> bool((p < 1).all())
    True
    """

    _spec = Spec(
        rule=lambda group: "Rprop",
        fields={
            "lr": "learning_rate",
            "etas": ("eta_minus", "eta_plus"),
            "step_sizes": ("step_size_min", "step_size_max"),
        },
        keys={"previous": "prev", "step_size": "step_size"},
    )


class ASGD(Stepping, torch.optim.ASGD):
    """`torch.optim.ASGD` through gradstep's kernels: `gradstep.optimizers.ASGD`.

    Examples
    --------
    >>> import torch, gradstep.torch
    >>> p = torch.ones(2, requires_grad=True)
    >>> optimizer = gradstep.torch.ASGD([p], lr=0.5)
    >>> p.sum().backward()
    >>> optimizer.step()
    >>> bool((p < 1).all())
    True
    """

    _spec = Spec(
        rule=lambda group: "ASGD",
        fields={"lambd": "lambd", "weight_decay": "weight_decay"},
        keys={"ax": "ax"},
        counter=Averaging(),
    )
