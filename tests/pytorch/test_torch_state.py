"""State moves between `gradstep.torch` and `torch.optim` in mid-training, through files, and by copies."""

from __future__ import annotations

import copy
import io

import pytest
from torch_runs import CASES, IDS, Run, assert_same, default_dtype, ours, torch

pytestmark = pytest.mark.peers

ABSENT = ((0, 1), (1, 1), (5, 0), (6, 0), (13, 2))


@pytest.mark.parametrize(("before", "after"), [(ours, torch.optim), (torch.optim, ours), (ours, ours)])
@pytest.mark.parametrize(("name", "options"), CASES, ids=IDS)
def test_a_run_goes_on_elsewhere(name, options, before, after):
    with default_dtype(torch.float64):
        whole, part = Run(torch.optim, name, options, torch.float64), Run(before, name, options, torch.float64)
        whole.feed(20, ABSENT)
        part.feed(10, ABSENT)
        rest = part.hand_over(after)
        rest.feed(10, ABSENT)
        assert_same(whole, rest, 1e-9, 1e-12)


def test_a_loaded_state_is_left_alone():
    theirs = Run(torch.optim, "Adam", {}, torch.float32)
    theirs.feed(3)
    state = theirs.optimizer.state_dict()
    before = copy.deepcopy(state)
    own = Run(ours, "Adam", {}, torch.float32)
    own.optimizer.load_state_dict(state)
    own.feed(3)
    for i, each in before["state"].items():
        assert all(torch.equal(value, state["state"][i][key]) for key, value in each.items())


def test_state_is_the_engines_memory():
    run = Run(ours, "Adam", {}, torch.float32)
    run.feed(1)
    state = run.optimizer.state[run.parameters[0]]
    seen = state["exp_avg"]
    before = seen.clone()
    run.feed(1)
    assert run.optimizer.state[run.parameters[0]]["exp_avg"] is seen
    assert not torch.equal(seen, before)
    # A change in place counts.
    other = copy.deepcopy(run)
    seen.zero_()
    run.feed(1)
    other.feed(1)
    assert torch.equal(other.optimizer.state[other.parameters[0]]["step"], state["step"])
    assert not torch.equal(other.parameters[0], run.parameters[0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_a_file_without_pickle_goes_on_bit_for_bit(dtype):
    run = Run(ours, "AdamW", {}, dtype)
    run.feed(10)
    file = io.BytesIO()
    torch.save(run.optimizer.state_dict(), file)
    file.seek(0)
    resumed = copy.deepcopy(run)
    resumed.optimizer = ours.AdamW(resumed.parameters)
    resumed.optimizer.load_state_dict(torch.load(file, weights_only=True))
    for each in (run, resumed):
        each.feed(10)
    assert_same(run, resumed, 0, 0)


def test_a_copy_goes_its_own_way():
    run = Run(ours, "Adam", {"amsgrad": True}, torch.float64)
    run.feed(5)
    other = copy.deepcopy(run)
    values = [each.clone() for each in run.parameters]
    other.feed(5)
    assert all(torch.equal(a, b) for a, b in zip(values, run.parameters, strict=True))
    run.feed(5)
    assert all(torch.equal(a, b) for a, b in zip(other.parameters, run.parameters, strict=True))


@pytest.mark.parametrize("forget", [lambda state: state.clear(), lambda state: state.pop(next(iter(state)))])
def test_forgotten_state_begins_again(forget):
    theirs, own = (Run(module, "Adam", {}, torch.float64) for module in (torch.optim, ours))
    for run in (theirs, own):
        run.feed(5)
        forget(run.optimizer.state)
        run.feed(5)
    assert_same(theirs, own, 1e-6, 1e-9)  # steps are counted in float32


@pytest.mark.parametrize("name", ["SGD", "RMSprop"])
def test_momentum_may_come_and_go(name):
    theirs, own = (Run(module, name, {}, torch.float64) for module in (torch.optim, ours))
    for run in (theirs, own):
        if name == "RMSprop":  # PyTorch makes the buffer with the other state
            run.optimizer.param_groups[0]["momentum"] = 0.5
        run.feed(3)
        for momentum in (0.9, 0, 0.5):
            run.optimizer.param_groups[0]["momentum"] = momentum
            run.feed(3)
    assert_same(theirs, own, 1e-9, 1e-12)


def test_foreign_state_is_refused():
    theirs, own = Run(torch.optim, "Adagrad", {}, torch.float64), Run(ours, "Adam", {}, torch.float64)
    theirs.feed(2)
    state = theirs.optimizer.state_dict()
    state["param_groups"] = own.optimizer.state_dict()["param_groups"]
    own.optimizer.load_state_dict(state)
    before = copy.deepcopy(own.parameters)
    with pytest.raises(ValueError, match=r"the state of parameters\[0\]\[0\] has no 'exp_avg'"):
        own.feed(1)
    assert all(torch.equal(a, b) for a, b in zip(before, own.parameters, strict=True))
