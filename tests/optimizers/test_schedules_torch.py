"""Schedules give the numbers of PyTorch's schedulers, where both have one."""

from __future__ import annotations

import numpy as np
import pytest
from gradstep.optimizers import schedules as s

pytestmark = pytest.mark.peers

torch = pytest.importorskip("torch")


def torchs(make, steps, field="lr"):
    """What a PyTorch scheduler sets before each step."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3, momentum=0.9)
    scheduler, found = make(torch.optim.lr_scheduler, optimizer), []
    for _ in range(steps):
        found.append(optimizer.param_groups[0][field])
        optimizer.step()
        scheduler.step()
    return found


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (s.StepDecay(0.3, 7, 0.8), lambda t, o: t.StepLR(o, 7, 0.8)),
        (s.MultiStep(0.3, [5, 6, 30], 0.8), lambda t, o: t.MultiStepLR(o, [5, 6, 30], 0.8)),
        (s.ExponentialDecay(0.3, 1, 0.97), lambda t, o: t.ExponentialLR(o, 0.97)),
        (s.Linear(0.15, 0.06, 31), lambda t, o: t.LinearLR(o, 0.5, 0.2, 31)),
        (s.PolynomialDecay(0.3, 31, 0.0, 1.7), lambda t, o: t.PolynomialLR(o, 31, 1.7)),
        (s.CosineDecay(0.3, 60, 0.1), lambda t, o: t.CosineAnnealingLR(o, 60, 0.03)),
        (s.CosineDecayRestarts(0.3, 5, 2, 1, 0.1), lambda t, o: t.CosineAnnealingWarmRestarts(o, 5, 2, 0.03)),
        (s.CosineDecayRestarts(0.3, 5, 1, 1, 0.1), lambda t, o: t.CosineAnnealingWarmRestarts(o, 5, 1, 0.03)),
        (s.CyclicalLR(0.1, 0.3, 4, 7), lambda t, o: t.CyclicLR(o, 0.1, 0.3, 4, 7)),
        (s.CyclicalLR(0.1, 0.3, 5, mode="triangular2"), lambda t, o: t.CyclicLR(o, 0.1, 0.3, 5, mode="triangular2")),
        (
            s.CyclicalLR(0.1, 0.3, 4, 7, "exp_range", 0.97),
            lambda t, o: t.CyclicLR(o, 0.1, 0.3, 4, 7, "exp_range", 0.97),
        ),
        (s.OneCycle(0.3, 60), lambda t, o: t.OneCycleLR(o, 0.3, 60)),
        (s.OneCycle(0.3, 60, 0.21, "linear"), lambda t, o: t.OneCycleLR(o, 0.3, 60, None, None, 0.21, "linear")),
        (s.OneCycle(0.3, 60, three_phase=True), lambda t, o: t.OneCycleLR(o, 0.3, 60, three_phase=True)),
        (s.Lambda(lambda step: 0.3 / (step + 1)), lambda t, o: t.LambdaLR(o, lambda step: 1 / (step + 1))),
        (
            s.Sequential([s.Linear(0.15, 0.3, 9), s.StepDecay(0.3, 7, 0.8)], [20]),
            lambda t, o: t.SequentialLR(o, [t.LinearLR(o, 0.5, 1, 9), t.StepLR(o, 7, 0.8)], [20]),
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:The epoch parameter:UserWarning")  # SequentialLR's own call of itself
def test_equals_pytorch(ours, theirs):
    expected = torchs(theirs, 59)
    # Some of PyTorch's schedulers multiply their way from step to step: 59 roundings each way.
    np.testing.assert_allclose(ours(np.arange(59)), expected, rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("name", ["CyclicLR", "OneCycleLR", "OneCycleLR-three"])
def test_momentum_equals_pytorchs(name):
    if name == "CyclicLR":
        ours = s.CyclicalLR(0.1, 0.3, 4, 7).momentum()
        expected = torchs(lambda t, o: t.CyclicLR(o, 0.1, 0.3, 4, 7), 59, "momentum")
    else:
        three = name.endswith("three")
        ours = s.OneCycle(0.3, 60, three_phase=three).momentum()
        expected = torchs(lambda t, o: t.OneCycleLR(o, 0.3, 60, three_phase=three), 59, "momentum")
    np.testing.assert_allclose(ours(np.arange(59)), expected, rtol=1e-14)
