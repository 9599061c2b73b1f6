"""Every class of `gradstep.torch` moves tensors as the one of `torch.optim` does."""

from __future__ import annotations

import doctest
import inspect
from collections.abc import Iterator

import pytest
from torch_runs import CASES, IDS, Run, assert_same, default_dtype, ours, torch

pytestmark = pytest.mark.peers


@pytest.fixture(params=["float64", "float32"])
def exactness(request: pytest.FixtureRequest) -> Iterator[tuple[object, float, float]]:
    """A dtype, and how near two formulas come in it over 20 steps.

    In float64 what the issue asks; in float32 some units of rounding (6e-8) a step, of a weight and of an update.
    """
    dtype = getattr(torch, request.param)
    with default_dtype(dtype):
        yield (dtype, 1e-9, 1e-12) if dtype == torch.float64 else (dtype, 2e-5, 2e-6)


@pytest.mark.parametrize(("name", "options"), CASES, ids=IDS)
def test_twenty_steps(name, options, exactness):
    dtype, rtol, atol = exactness
    theirs, own = (Run(module, name, options, dtype) for module in (torch.optim, ours))
    for run in (theirs, own):
        run.feed(20)
    assert_same(theirs, own, rtol, atol)


# Where there is no gradient, as pairs of a step and a parameter.
ABSENT = {
    "late": ((0, 1), (1, 1), (5, 0), (6, 0), (9, 2), (12, 0), (12, 1), (12, 2)),
    "paused": ((5, 0), (6, 0), (12, 0), (12, 1), (12, 2)),
}


@pytest.mark.parametrize("absent", ABSENT)
@pytest.mark.parametrize(("name", "options"), CASES, ids=IDS)
def test_tensors_without_a_gradient_stay_and_count_by_themselves(name, options, absent):
    with default_dtype(torch.float64):
        theirs, own = (Run(module, name, options, torch.float64) for module in (torch.optim, ours))
        for run in (theirs, own):
            run.feed(20, ABSENT[absent])
        assert_same(theirs, own, 1e-9, 1e-12)


@pytest.mark.parametrize("name", ours.__all__)
def test_it_is_pytorchs_class_and_takes_its_arguments(name):
    own, theirs = getattr(ours, name), getattr(torch.optim, name)
    assert issubclass(own, theirs)
    assert inspect.signature(own) == inspect.signature(theirs)
    assert own.__doc__ is not theirs.__doc__


@pytest.mark.parametrize("module", [ours, ours.classes, ours.matrices], ids=lambda module: module.__name__)
def test_examples(module):
    assert doctest.testmod(module).failed == 0
