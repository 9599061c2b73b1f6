"""A setting that cannot be had is refused by PyTorch's name and the number of its group, as early as it is known."""

from __future__ import annotations

import re
from typing import Any

import pytest
from torch_runs import ours, torch

pytestmark = pytest.mark.peers

# Names of the compiled core that are not PyTorch's.
FOREIGN = re.compile(r"learning_rate|beta_[12]|epsilon_|eta_(minus|plus)|rms_rate|incompatible function|pybind|std::")
BAD: list[Any] = [-1, 2.5, float("nan"), None, "0.1", 1j, (0.9,), (0.9, 1.5), (-1.0, 0.5), [0.1, 0.2, 0.3], 10**400]
SWITCHES = ("foreach", "fused", "capturable", "differentiable", "maximize", "amsgrad", "nesterov", "centered")


def matrix() -> Any:
    return torch.nn.Parameter(torch.ones(2, 2))


@pytest.mark.parametrize("name", ours.__all__)
def test_what_is_refused_at_a_step_is_refused_when_its_group_is_made(name):
    """And says the same; what a group is refused for leaves the optimizer as it was."""
    new, refused = getattr(ours, name), 0
    for key in new([matrix()]).defaults:
        if key in (*SWITCHES, "decoupled_weight_decay"):
            continue
        for value in BAD:
            optimizer = new([matrix()])
            try:
                optimizer.add_param_group({"params": [matrix()], key: value})
                continue
            except (TypeError, ValueError) as error:
                words = str(error)
            refused += 1
            assert "param_groups[1]" in words
            assert key in words
            assert not FOREIGN.search(words)
            assert len(optimizer.param_groups) == 1
            optimizer.add_param_group({"params": [matrix()]})
            optimizer.param_groups[1][key] = value
            tensor = optimizer.param_groups[0]["params"][0]
            tensor.grad = torch.ones(2, 2)
            for _ in range(2):
                with pytest.raises((TypeError, ValueError), match=re.escape(words)):
                    optimizer.step()
            assert tensor.tolist() == [[1, 1], [1, 1]]
            with pytest.raises(
                (TypeError, ValueError), match=re.escape(words.replace("param_groups[1]", "param_groups[0]"))
            ):
                new([{"params": [matrix()], key: value}])
    assert refused > 10


@pytest.mark.parametrize("name", ours.__all__)
def test_a_bad_value_that_is_taken_back_leaves_nothing(name):
    twins = [getattr(ours, name)([matrix()]) for _ in range(2)]
    for optimizer, bad in zip(twins, (False, True), strict=True):
        group = optimizer.param_groups[0]
        group["params"][0].grad = torch.ones(2, 2)
        optimizer.step()
        good = group["weight_decay"] if "weight_decay" in group else group["lr"], group["lr"]
        key = "weight_decay" if "weight_decay" in group else "lr"
        if bad:
            group["lr"], group[key] = 0.7, -1.0
            with pytest.raises(ValueError, match=f"{key} of param_groups"):
                optimizer.step()
        group[key], group["lr"] = good
        optimizer.step()
    assert torch.equal(*(optimizer.param_groups[0]["params"][0] for optimizer in twins))


@pytest.mark.filterwarnings("ignore:optimizer contains a parameter group with duplicate parameters")
def test_a_tensor_that_is_there_twice():
    tensor = matrix()
    with pytest.raises(ValueError, match=r"parameters\[0\]\[2\] is parameters\[0\]\[0\] again"):
        ours.Adam([tensor, matrix(), tensor])
