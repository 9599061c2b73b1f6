"""PyTorch's optimizers with gradstep's kernels: names, arguments and state of `torch.optim` (extra ``torch``).

Each class is a subclass of the one of the same name in `torch.optim` and differs from it in `step` alone: one fused
pass of the rule's ``dialect="torch"`` over tensors in the CPU's memory, in place. Parameter groups, closures, hooks,
`torch.optim.lr_scheduler` and `state_dict` are PyTorch's own, so a run can be moved either way in mid-training:
``ours.load_state_dict(theirs.state_dict())`` and back.

``optimizer.state`` is what steps read and write: its tensors may be changed in place, replaced, cleared, shared with
other processes, or made before the first step. Storages stay resizable.

Tensors are float32, float64, float16 or bfloat16, of any strides. State of the last two is made as float32, as sums
are; PyTorch rounds it to the tensor's type when it loads it. State of another type or order is stepped in a copy, which
costs time. ``foreach`` and ``fused`` change nothing but the type of `step` in the state. ``differentiable=True``,
``capturable=True``, complex and sparse tensors and those of other devices are refused when a group is made. Sparse
gradients are for `SGD` and `Adagrad`, as in PyTorch, and made dense in a copy.

Examples
--------
>>> import torch, gradstep.torch
>>> _ = torch.manual_seed(0)
>>> x = torch.randn(200, 8)
>>> y = x.sum(dim=1, keepdim=True).relu()
>>> model = torch.nn.Sequential(torch.nn.Linear(8, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1))
>>> optimizer = gradstep.torch.AdamW(model.parameters(), lr=1e-2)
>>> for _ in range(200):
...     optimizer.zero_grad()
...     loss = torch.nn.functional.mse_loss(model(x), y)
...     loss.backward()
...     optimizer.step()
>>> loss.item() < 0.01
True
"""

from __future__ import annotations

try:
    import torch as _torch  # noqa: F401  (the real one: imports are absolute)
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    raise ImportError("gradstep.torch needs PyTorch: pip install 'gradstep[torch]'.") from error

from typing import TYPE_CHECKING

from ..hints import missing
from .classes import ASGD, SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, NAdam, RAdam, RMSprop, Rprop
from .matrices import Adafactor, Muon

__all__ = [
    "ASGD",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Muon",
    "NAdam",
    "RAdam",
    "RMSprop",
    "Rprop",
]


if not TYPE_CHECKING:  # which is to know what there is
    __getattr__ = missing(__name__, __all__, "optimizer for PyTorch")
