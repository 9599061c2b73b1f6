"""What several groups are refused together: nothing is changed, in no group, though the first ones were all right."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from torch_runs import ours, torch

pytestmark = pytest.mark.peers


class Groups:
    """Two groups of a class, of a matrix and a vector each; all that a step may change."""

    def __init__(self, name: str = "Adam", **options: Any) -> None:
        torch.manual_seed(0)
        self.parameters = [torch.nn.Parameter(torch.randn(shape)) for shape in ((3, 4), (5,)) * 2]
        self.optimizer = getattr(ours, name)(
            [{"params": self.parameters[:2]}, {"params": self.parameters[2:]}], **options
        )

    def feed(self, steps: int) -> Groups:
        for _ in range(steps):
            for each in self.parameters:
                each.grad = torch.randn_like(each)
            self.optimizer.step()
        return self

    def everything(self) -> list[Any]:
        state = self.optimizer.state_dict()["state"]
        kept = [(i, key, value) for i, own in state.items() for key, value in own.items()]
        return copy.deepcopy([*((i, "", each.detach()) for i, each in enumerate(self.parameters)), *kept])

    def refused(self, words: str) -> None:
        """A step is, and changes nothing."""
        before = self.everything()
        with pytest.raises(ValueError, match=words):
            self.optimizer.step()
        after = self.everything()
        assert [each[:2] for each in before] == [each[:2] for each in after]
        for (_, _, a), (_, _, b) in zip(before, after, strict=True):
            assert a is b or torch.equal(a, b)


STATES: list[tuple[str, str, Callable[[Any], Any], str]] = [
    ("Adam", "exp_avg", lambda _: torch.zeros(()), r"has shape \(\); it must have \(3, 4\)"),
    ("Adam", "exp_avg_sq", lambda value: value.t(), r"has shape \(4, 3\); it must have \(3, 4\)"),
    ("SGD", "momentum_buffer", lambda value: value[:1], r"has shape \(1, 4\); it must have \(3, 4\)"),
    ("Adafactor", "row_var", lambda value: value[:, 0], r"has shape \(3,\); it must have \(3, 1\)"),
    ("Adafactor", "col_var", lambda value: value[:, :1], r"has shape \(1, 1\); it must have \(1, 4\)"),
    ("Adam", "step", lambda value: value.reshape(1), r"must have shape \(\); it has \(1,\)"),
    ("Adam", "step", lambda value: -value, r"must be a whole number, 0 or more steps; it is -2\.0"),
    ("NAdam", "mu_product", lambda value: value.repeat(2), r"must have shape \(\); it has \(2,\)"),
]


@pytest.mark.parametrize(("name", "key", "change", "words"), STATES)
@pytest.mark.parametrize("whole", [True, False])
def test_state_of_a_wrong_shape(name, key, change, words, whole):
    """Loaded before the first step of an optimizer, or over what it has."""
    options = {"momentum": 0.9, "dampening": 0.5} if name == "SGD" else {}
    state = Groups(name, **options).feed(2).optimizer.state_dict()
    state["state"][2][key] = change(state["state"][2][key])
    groups = Groups(name, **options)
    if not whole:
        groups.feed(3)
    groups.optimizer.load_state_dict(state)
    for each in groups.parameters:
        each.grad = torch.ones_like(each)
    groups.refused(rf"'{key}' in the state of parameters\[1\]\[0\] {words}")


def test_a_momentum_that_has_not_begun_has_not_after_an_error():
    """PyTorch's None in a state: the first gradient is not dampened."""
    groups = Groups("SGD", momentum=0.9, dampening=0.5)
    for each in groups.parameters[:2]:
        groups.optimizer.state[each]["momentum_buffer"] = None
    for each in groups.parameters:
        each.grad = torch.ones_like(each)
    groups.optimizer.param_groups[1]["lr"] = -1.0
    groups.refused(r"lr of param_groups\[1\] must be a number in \[0, inf\); got -1")


@pytest.mark.parametrize("steps", [0, 2])
@pytest.mark.parametrize("of", [0, 2])
@pytest.mark.parametrize("name", ["SGD", "Adam", "Adafactor"])
def test_a_gradient_that_overlaps_a_tensor_of_any_group(name, of, steps):
    groups = Groups(name).feed(steps)
    for each in groups.parameters:
        each.grad = torch.ones_like(each)
    groups.parameters[3].grad = groups.parameters[of].data.view(-1)[2:7]
    groups.refused(r"gradients\[1\]\[1\] must not overlap a parameter")
    groups.parameters[3].grad = torch.ones(5)
    before = groups.everything()
    groups.optimizer.step()
    assert not any(torch.equal(a, b) for (*_, a), b in zip(before, groups.parameters, strict=False))


def test_a_gradient_that_overlaps_in_the_second_part_of_a_group():
    """Tensors that have done as many steps are moved together, one such part after the other."""
    first, second = (torch.nn.Parameter(torch.ones(4)) for _ in range(2))
    groups = Groups()
    groups.parameters, groups.optimizer = [first, second], ours.Adam([first, second])
    first.grad = torch.ones(4)
    groups.optimizer.step()
    second.grad = torch.ones(4)
    groups.optimizer.step()
    second.grad = first.data
    groups.refused(r"gradients\[0\]\[1\] must not overlap a parameter")


def test_a_gradient_that_overlaps_before_there_is_state():
    weight = torch.nn.Parameter(torch.ones(4))
    groups = Groups()
    groups.parameters, groups.optimizer = [weight], ours.Adam([weight])
    weight.grad = weight.data
    groups.refused(r"gradients\[0\]\[0\] must not overlap a parameter")
    assert len(groups.optimizer.state) == 0


def test_tensors_of_two_groups_that_overlap():
    memory = torch.ones(6)
    groups = Groups()
    groups.parameters = [torch.nn.Parameter(memory[:4]), torch.nn.Parameter(memory[3:])]
    groups.optimizer = ours.Adam([{"params": [each]} for each in groups.parameters])
    for each in groups.parameters:
        each.grad = torch.ones_like(each)
    groups.refused(r"parameters\[1\]\[0\] overlaps parameters\[0\]\[0\]")


def test_counters_that_the_second_group_cannot_go_on_with():
    """ASGD's rate for the next step is in its state."""
    groups = Groups("ASGD").feed(2)
    groups.optimizer.state[groups.parameters[2]]["eta"].fill_(-1)
    groups.refused(r"eta in the state of tensors in param_groups\[1\] must be a number in \[0, inf\); got -1")
