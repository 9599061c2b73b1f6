"""Pairs of runs, one by `torch.optim` and one by `gradstep.torch`, for the tests in tests/pytorch. Needs PyTorch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import pytest

torch = pytest.importorskip("torch")
ours = pytest.importorskip("gradstep.torch")

SHAPES: tuple[tuple[int, ...], ...] = ((3, 4), (7,), ())
# Every class, and every setting that is another formula; but for Muon, whose products PyTorch makes in bfloat16.
CASES: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {}),
    ("SGD", {"weight_decay": 0.1, "maximize": True}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
    ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1, "maximize": True}),
    ("Adagrad", {}),
    ("Adagrad", {"lr_decay": 0.1, "initial_accumulator_value": 0.2, "weight_decay": 0.1, "eps": 0.1}),
    ("Adadelta", {}),
    ("Adadelta", {"lr": 0.5, "rho": 0.8, "weight_decay": 0.1, "maximize": True}),
    ("RMSprop", {}),
    ("RMSprop", {"centered": True, "weight_decay": 0.1}),
    ("RMSprop", {"momentum": 0.9, "alpha": 0.9, "eps": 0.01}),
    ("RMSprop", {"momentum": 0.9, "centered": True, "maximize": True}),
    ("Adam", {}),
    ("Adam", {"betas": (0.8, 0.95), "eps": 0.01, "weight_decay": 0.1}),
    ("Adam", {"amsgrad": True, "maximize": True}),
    ("Adam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("AdamW", {}),
    ("AdamW", {"amsgrad": True, "weight_decay": 0.2, "maximize": True}),
    ("Adamax", {}),
    ("Adamax", {"betas": (0.8, 0.95), "weight_decay": 0.1}),
    ("NAdam", {}),
    ("NAdam", {"weight_decay": 0.1, "momentum_decay": 0.1, "maximize": True}),
    ("NAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RAdam", {}),
    ("RAdam", {"betas": (0.9, 0.9), "weight_decay": 0.1}),
    ("RAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("Rprop", {}),
    ("Rprop", {"etas": (0.4, 1.5), "step_sizes": (1e-3, 0.1), "maximize": True}),
    ("ASGD", {}),
    ("ASGD", {"lr": 0.1, "lambd": 0.1, "alpha": 0.5, "t0": 5, "weight_decay": 0.1}),
    ("Adafactor", {}),
    ("Adafactor", {"lr": 0.7, "beta2_decay": -0.5, "d": 1.5, "weight_decay": 0.1, "foreach": True}),
    ("Adafactor", {"lr": 0.1, "eps": (0.5, 0.1), "maximize": True}),
]
IDS = [" ".join([name, *options]) for name, options in CASES]


@contextmanager
def default_dtype(dtype: Any) -> Iterator[None]:
    """PyTorch keeps counters in its default dtype, and in float32 they round what float64 parameters get."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


class Run:
    """Some parameters with an optimizer, fed with a stream of gradients that depends on the step alone."""

    def __init__(
        self,
        module: Any,
        name: str,
        options: dict[str, Any],
        dtype: Any,
        shapes: Sequence[tuple[int, ...]] = SHAPES,
    ) -> None:
        random = torch.Generator().manual_seed(0)
        self.parameters = [
            torch.nn.Parameter(torch.randn(shape, generator=random, dtype=torch.float64).to(dtype)) for shape in shapes
        ]
        self.optimizer = getattr(module, name)(self.parameters, **options)
        self.t = 0

    def feed(self, steps: int, without: tuple[tuple[int, int], ...] = ()) -> None:
        """Take steps; `without` are the pairs of a step and a parameter where there is no gradient."""
        for _ in range(steps):
            random = torch.Generator().manual_seed(self.t)
            for i, each in enumerate(self.parameters):
                gradient = torch.randn(each.shape, generator=random, dtype=torch.float64).to(each.dtype)
                each.grad = None if (self.t, i) in without else gradient
            self.optimizer.step()
            self.t += 1

    def hand_over(self, module: Any) -> Run:
        """The same run, going on with the class of another module."""
        other = deepcopy(self)
        other.optimizer = getattr(module, type(self.optimizer).__name__)(other.parameters)
        other.optimizer.load_state_dict(deepcopy(self.optimizer.state_dict()))
        return other


def assert_same(one: Any, other: Any, rtol: float, atol: float) -> None:
    """Parameters and `state_dict` of two runs: same keys, shapes and types, close numbers."""
    for a, b in zip(one.parameters, other.parameters, strict=True):
        torch.testing.assert_close(a, b, rtol=rtol, atol=atol)
    states = [run.optimizer.state_dict() for run in (one, other)]
    assert states[0]["param_groups"] == states[1]["param_groups"]
    assert states[0]["state"].keys() == states[1]["state"].keys()
    for i, state in states[0]["state"].items():
        assert set(state) == set(states[1]["state"][i])
        for key, value in state.items():
            torch.testing.assert_close(value, states[1]["state"][i][key], rtol=rtol, atol=atol)
