"""Adafactor and Muon: matrices and what is none, PyTorch's shapes of state, and Muon's products."""

from __future__ import annotations

import copy

import pytest
from torch_runs import Run, assert_same, default_dtype, ours, torch

pytestmark = pytest.mark.peers

ADAFACTOR = [{}, {"lr": 0.3, "beta2_decay": -0.5, "d": 1.5, "weight_decay": 0.1, "eps": (None, 0.1)}, {"eps": [0.5, 0]}]
MANY_AXES = ((2, 3, 4), (2, 1, 3, 5), (1, 6), (6, 1), (1,))
MUON = [
    {},
    {"lr": 0.1, "nesterov": False, "momentum": 0.8, "weight_decay": 0.2},
    {"lr": 0.1, "adjust_lr_fn": "match_rms_adamw"},
    {"lr": 0.1, "adjust_lr_fn": "original", "ns_steps": 3, "ns_coefficients": (3.0, -3.2, 1.2), "eps": 5.0},
]
MATRICES = ((3, 4), (7, 2), (5, 5))
ABSENT = ((0, 1), (1, 1), (5, 0), (13, 2))


@pytest.fixture
def exact_products(monkeypatch):
    """PyTorch's Muon, but without its rounding to bfloat16."""
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)


@pytest.mark.parametrize("options", ADAFACTOR, ids=str)
def test_adafactor_of_many_axes(options):
    with default_dtype(torch.float64):
        runs = [Run(module, "Adafactor", options, torch.float64, MANY_AXES) for module in (torch.optim, ours)]
        for run in runs:
            run.feed(20, ABSENT)
        assert_same(*runs, 1e-9, 1e-12)


def test_adafactor_keeps_rows_and_columns():
    run = Run(ours, "Adafactor", {}, torch.float32, ((2, 3, 4), (5,)))
    run.feed(1)
    matrices, vector = (run.optimizer.state[each] for each in run.parameters)
    assert {key: tuple(value.shape) for key, value in matrices.items()} == {
        "step": (),
        "row_var": (2, 3, 1),
        "col_var": (2, 1, 4),
    }
    assert {key: tuple(value.shape) for key, value in vector.items()} == {"step": (), "variance": (5,)}
    # It is the engine's: a change in place counts.
    other = copy.deepcopy(run)
    matrices["row_var"].mul_(2)
    for each in (run, other):
        each.feed(1)
    assert not torch.equal(run.parameters[0], other.parameters[0])
    assert torch.equal(run.parameters[1], other.parameters[1])


@pytest.mark.parametrize("options", MUON, ids=str)
def test_muon_is_pytorchs_but_for_its_rounding(options, exact_products):
    with default_dtype(torch.float64):
        runs = [Run(module, "Muon", options, torch.float64, MATRICES) for module in (torch.optim, ours)]
        for run in runs:
            run.feed(20, ABSENT)
        assert_same(*runs, 1e-9, 1e-12)


@pytest.mark.parametrize(("before", "after"), [(ours, torch.optim), (torch.optim, ours), (ours, ours)])
@pytest.mark.parametrize("options", MUON, ids=str)
def test_muon_goes_on_elsewhere(options, before, after, exact_products):
    with default_dtype(torch.float64):
        whole, part = (Run(module, "Muon", options, torch.float64, MATRICES) for module in (torch.optim, before))
        whole.feed(20, ABSENT)
        part.feed(10, ABSENT)
        rest = part.hand_over(after)
        rest.feed(10, ABSENT)
        assert_same(whole, rest, 1e-9, 1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("options", MUON[:3], ids=str)
def test_muon_is_near_pytorch_as_it_is(options, dtype):
    """bfloat16 has 8 bits: singular values of about 1 are some 2 % off after five rounds, small ones more."""
    theirs, own = (Run(module, "Muon", options, dtype, MATRICES) for module in (torch.optim, ours))
    start = copy.deepcopy(own.parameters)
    for run in (theirs, own):
        run.feed(20)
    for a, b, w in zip(theirs.parameters, own.parameters, start, strict=True):
        assert (a - b).norm() < 0.05 * (b - w).norm()
    for a, b in zip(theirs.optimizer.state.values(), own.optimizer.state.values(), strict=True):
        torch.testing.assert_close(a["momentum_buffer"], b["momentum_buffer"], rtol=2e-5, atol=2e-6)


def test_muons_momentum_is_cycled_by_schedulers(exact_products):
    with default_dtype(torch.float64):
        runs = [Run(module, "Muon", {}, torch.float64, MATRICES) for module in (torch.optim, ours)]
        for run in runs:
            cycle = torch.optim.lr_scheduler.OneCycleLR(run.optimizer, 0.1, total_steps=21)
            for _ in range(20):
                run.feed(1)
                cycle.step()
        assert_same(*runs, 1e-9, 1e-12)


@pytest.mark.parametrize("shape", [(3,), (2, 3, 4), ()])
def test_muon_has_matrices_alone(shape):
    matrix = torch.nn.Parameter(torch.zeros(2, 2))
    other = torch.nn.Parameter(torch.zeros(shape))
    with pytest.raises(ValueError, match=r"parameters\[0\]\[1\] must have 2 axes; its shape is \("):
        ours.Muon([matrix, other])
    optimizer = ours.Muon([matrix])
    with pytest.raises(ValueError, match=r"parameters\[1\]\[0\] must have 2 axes"):
        optimizer.add_param_group({"params": [other]})
    assert len(optimizer.param_groups) == 1


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        (
            "Muon",
            {"adjust_lr_fn": "other"},
            r"adjust_lr_fn of param_groups\[0\] must be None, 'original' or 'match_rms_adamw'; got 'other'",
        ),
        (
            "Muon",
            {"ns_coefficients": (1.0, 2.0)},
            r"ns_coefficients of param_groups\[0\] must hold 3 numbers; it holds 2",
        ),
        ("Muon", {"ns_steps": 2.5}, r"ns_steps of param_groups\[0\] must be an int; got 2\.5"),
        ("Adafactor", {"eps": (float("inf"), 0.1)}, r"eps\[0\] of param_groups\[0\] must be finite, or None"),
        ("Adafactor", {"eps": (None,)}, r"eps of param_groups\[0\] must hold 2 numbers; it holds 1"),
    ],
)
def test_settings_that_are_refused(name, change, words):
    run = Run(ours, name, {}, torch.float64, MATRICES)
    run.feed(2)
    run.optimizer.param_groups[0].update(change)
    before = copy.deepcopy(run.parameters)
    with pytest.raises((TypeError, ValueError), match=words):
        run.feed(1)
    assert all(torch.equal(a, b) for a, b in zip(before, run.parameters, strict=True))
