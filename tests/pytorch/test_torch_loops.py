"""In the loops of PyTorch's users: schedulers, groups, closures, hooks, a scaler, and a network trained to the end."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from torch_runs import Run, assert_same, default_dtype, ours, torch

pytestmark = pytest.mark.peers

SCHEDULERS: dict[str, Callable[[Any], Any]] = {
    "StepLR": lambda optimizer: torch.optim.lr_scheduler.StepLR(optimizer, 3, 0.5),
    "LambdaLR": lambda optimizer: torch.optim.lr_scheduler.LambdaLR(optimizer, lambda t: 1 / (1 + t)),
    "CosineAnnealingLR": lambda optimizer: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10),
    "OneCycleLR": lambda optimizer: torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=21),
    "CyclicLR": lambda optimizer: torch.optim.lr_scheduler.CyclicLR(optimizer, 0.01, 0.1, 4, cycle_momentum=True),
}


MOVED = [
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("AdamW", {"lr": 0.1}),
    ("NAdam", {"lr": 0.1}),
    ("RMSprop", {"momentum": 0.9}),
    ("ASGD", {"lambd": 0.1, "t0": 3}),
    ("Rprop", {}),
    ("Adagrad", {"lr_decay": 0.1}),
]
# PyTorch's cycles need a momentum.
CYCLES, WITHOUT_MOMENTUM = {"OneCycleLR", "CyclicLR"}, {"ASGD", "Rprop", "Adagrad"}


@pytest.mark.parametrize(
    ("name", "options", "scheduler"),
    [
        (*case, scheduler)
        for case in MOVED
        for scheduler in SCHEDULERS
        if not (scheduler in CYCLES and case[0] in WITHOUT_MOMENTUM)
    ],
)
def test_schedulers(name, options, scheduler):
    """The momentum that two of them cycle is `betas[0]` where there are betas."""
    with default_dtype(torch.float64):
        runs = [Run(module, name, options, torch.float64) for module in (torch.optim, ours)]
        for run in runs:
            changing = SCHEDULERS[scheduler](run.optimizer)
            for _ in range(20):
                run.feed(1)
                changing.step()
        assert_same(*runs, 1e-9, 1e-12)


def test_a_rate_that_is_a_tensor_may_change_in_place():
    with default_dtype(torch.float64):
        runs = [Run(module, "Adam", {"lr": torch.tensor(0.1)}, torch.float64) for module in (torch.optim, ours)]
        for run in runs:
            for _ in range(5):
                run.feed(1)
                run.optimizer.param_groups[0]["lr"] /= 2
        assert_same(*runs, 1e-9, 1e-12)


def test_groups():
    with default_dtype(torch.float64):
        runs = [Run(module, "Adam", {}, torch.float64) for module in (torch.optim, ours)]
        for run, module in zip(runs, (torch.optim, ours), strict=True):
            first, *rest = run.parameters
            run.optimizer = module.Adam([{"params": [first], "lr": 0.1, "amsgrad": True}], weight_decay=0.1)
            run.feed(3)
            run.optimizer.add_param_group({"params": rest, "weight_decay": 0, "maximize": True, "betas": (0.5, 0.9)})
            run.feed(3)
            run.optimizer.param_groups[1]["maximize"] = False  # another optimizer of the engine, with the same state
            run.feed(3)
        assert_same(*runs, 1e-9, 1e-12)


def test_closure_and_hooks():
    weight = torch.nn.Parameter(torch.tensor([3.0]))
    optimizer = ours.SGD([weight], lr=0.25)
    calls: list[str] = []
    optimizer.register_step_pre_hook(lambda *_: calls.append("before"))
    optimizer.register_step_post_hook(lambda *_: calls.append("after"))

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (weight**2).sum()
        loss.backward()
        calls.append("closure")
        return loss

    with torch.no_grad():  # the closure has gradients all the same
        assert optimizer.step(closure).item() == 9
    assert weight.item() == 1.5
    assert calls == ["before", "closure", "after"]
    optimizer.zero_grad()
    optimizer.step()  # without a gradient nothing happens
    assert weight.item() == 1.5


@pytest.mark.parametrize("fused", [False, True])
def test_a_scaler_divides_the_gradients_and_skips_what_is_not_finite(fused):
    weight = torch.nn.Parameter(torch.tensor([1.0]))
    optimizer = ours.SGD([weight], lr=0.5, fused=fused)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    scaler.scale((weight**2).sum()).backward()
    scaler.step(optimizer)
    scaler.update()
    assert weight.item() == 0
    weight.grad = torch.tensor([float("inf")])
    scaler.step(optimizer)
    assert weight.item() == 0


@pytest.mark.parametrize("options", [{"foreach": True}, {"fused": True}])
def test_faster_forms_are_the_same(options):
    runs = [Run(ours, "AdamW", each, torch.float32) for each in ({}, options)]
    for run in runs:
        run.feed(5)
    for a, b in zip(runs[0].parameters, runs[1].parameters, strict=True):
        assert torch.equal(a, b)


class Training:
    """784-256-128-64-10 on clusters in the shape of MNIST, batches of 64: the same data for everybody."""

    def __init__(self, module: Any, **options: Any) -> None:
        torch.manual_seed(0)
        sizes = (784, 256, 128, 64, 10)
        layers: list[Any] = []
        for a, b in pairwise(sizes):
            layers += [torch.nn.Linear(a, b), torch.nn.ReLU()]
        self.model = torch.nn.Sequential(*layers[:-1])
        centres = torch.rand(10, 784)
        self.labels = torch.randint(10, (2048,))
        self.images = centres[self.labels] + 8 * torch.randn(2048, 784)
        self.optimizer = module.AdamW(self.model.parameters(), **options)
        self.losses: list[float] = []

    def train(self, steps: int) -> Training:
        for _ in range(steps):
            rows = slice(64 * (len(self.losses) % 32), 64 * (len(self.losses) % 32) + 64)
            self.optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(self.model(self.images[rows]), self.labels[rows])
            loss.backward()
            self.optimizer.step()
            self.losses.append(loss.item())
        return self

    def switch(self, module: Any) -> Training:
        state = copy.deepcopy(self.optimizer.state_dict())
        self.optimizer = module.AdamW(self.model.parameters())
        self.optimizer.load_state_dict(state)
        return self


def apart(one: Training, other: Training) -> float:
    return max(abs(a - b) for a, b in zip(one.losses, other.losses, strict=True))


def test_a_network_trains_as_with_pytorch():
    """Rounding grows over 200 steps; what it grows to is seen between two of PyTorch's own implementations.

    Where those agree to the bit, some units of rounding of the largest loss are allowed.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        theirs = Training(torch.optim, foreach=False).train(200)
        rounding = apart(theirs, Training(torch.optim, fused=True).train(200))
        own = Training(ours).train(200)
        there = Training(ours).train(100).switch(torch.optim).train(100)
        back = Training(torch.optim).train(100).switch(ours).train(100)
    finally:
        torch.set_num_threads(threads)
    assert theirs.losses[-1] < theirs.losses[0] / 2
    for run in (own, there, back):
        assert apart(theirs, run) < max(4 * rounding, 2e-6 * max(theirs.losses))


def test_warnings_of_the_scheduler_see_our_step():
    """PyTorch wraps `step` to warn when a scheduler goes first."""
    optimizer = ours.Adam([torch.nn.Parameter(torch.zeros(2))])
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer.step()
        scheduler.step()
