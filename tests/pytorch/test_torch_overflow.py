"""Where the squares of finite gradients overflow or vanish, the adapter's steps end where PyTorch's do."""

from __future__ import annotations

import math

import pytest

pytestmark = pytest.mark.peers

torch = pytest.importorskip("torch")
adapter = pytest.importorskip("gradstep.torch")

CASES = [
    ("Adam", {}),
    ("Adam", {"amsgrad": True}),
    ("AdamW", {}),
    ("AdamW", {"amsgrad": True}),
    ("NAdam", {}),
    ("RAdam", {}),
    ("Adamax", {}),
    ("Adagrad", {}),
    ("Adadelta", {}),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.9}),
    ("Rprop", {}),
    ("SGD", {}),
]
SIZES = {torch.float32: (1e25, 3e38, 1e-30), torch.float64: (1e200, 1.7e308, 1e-200)}


def end(module, name, options, dtype, size):
    p = torch.nn.Parameter(torch.ones(4, dtype=dtype))
    optimizer = getattr(module, name)([p], lr=0.01, **options)
    for g in (1.0, size, size, *[1.0] * 20):
        p.grad = torch.full((4,), g, dtype=dtype)
        optimizer.step()
    return float(p.detach()[0])


@pytest.mark.parametrize("dtype", SIZES, ids=str)
@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_ends_where_pytorch_ends(name, options, dtype):
    # The product of two tiny gradients, whose sign PyTorch's Rprop asks for, is 0 in PyTorch, and not taken here.
    for size in SIZES[dtype][: 2 if name == "Rprop" else 3]:
        theirs = end(torch.optim, name, options, dtype, size)
        assert math.isfinite(theirs), size
        assert end(adapter, name, options, dtype, size) == pytest.approx(theirs, rel=1e-5, abs=1e-5), size


def test_muon_stays_finite_where_pytorch_does():
    for size in (1e25, 3e38, 1e-30):
        p = torch.nn.Parameter(torch.ones((4, 3)))
        optimizer = adapter.Muon([p], lr=0.01)
        for g in (1.0, size, size, *[1.0] * 20):
            p.grad = g * torch.eye(4, 3)
            optimizer.step()
        assert bool(torch.isfinite(p).all()), size
